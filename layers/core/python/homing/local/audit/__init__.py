"""An audit of recorded events on one machine: its facts, its page and its text."""
