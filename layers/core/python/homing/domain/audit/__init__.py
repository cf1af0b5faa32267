"""The audit: what is wrong, or slowly going wrong, with segments and with what feeds them. Pure functions over plain facts."""
