"""Stories: flows tested by telling what somebody does, how time passes, and what should come of it."""
