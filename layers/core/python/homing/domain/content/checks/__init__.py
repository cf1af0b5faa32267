"""What can be found out about campaigns before anybody gets a mail, one concern a module."""
