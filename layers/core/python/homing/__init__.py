"""Homing: win customers back by e-mail that is personal, well-timed and never sent twice."""

__version__ = "0.1.0"
