"""Every mail for everybody it can look different for, as a static site that can be sent to a colleague."""
