"""Calls of other systems: what is said, how it is signed, whom it may go to, and when it is tried again."""
