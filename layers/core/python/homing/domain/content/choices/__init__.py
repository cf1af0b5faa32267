"""Choosing content: which variant of a text, a block or a set of values somebody gets, and why."""
