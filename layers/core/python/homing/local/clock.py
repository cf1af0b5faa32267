"""The virtual clock: stands still until it is told to move."""

from __future__ import annotations

from datetime import datetime

from homing.domain.time import parse_duration, parse_instant, to_instant


def instant_of(moment: int | str | datetime) -> int:
    """An instant from microseconds, ISO 8601 text or a datetime. Raises InvalidInput on text that is neither."""
    if isinstance(moment, int):
        return moment
    return parse_instant(moment) if isinstance(moment, str) else to_instant(moment)


def duration_of(duration: int | str) -> int:
    """Microseconds from microseconds or text such as ``3d``. Raises InvalidInput."""
    return duration if isinstance(duration, int) else parse_duration(duration)


class VirtualClock:
    """Callable like any clock of this project; only the host moves it, and only forward."""

    def __init__(self, start: int) -> None:
        self._now = start

    def __call__(self) -> int:
        return self._now

    def set(self, instant: int) -> None:
        """Moves to that instant; an earlier one is ignored, since virtual time never runs back."""
        self._now = max(self._now, instant)
