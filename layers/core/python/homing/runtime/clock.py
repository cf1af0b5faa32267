"""The one clock of a process; the local host replaces it with a virtual one."""

from __future__ import annotations

import time
from collections.abc import Callable


def system_clock() -> int:
    """Now, in microseconds since the epoch."""
    return time.time_ns() // 1000


_current: Callable[[], int] = system_clock


def now() -> int:
    """Now, by the installed clock."""
    return _current()


def install(clock: Callable[[], int]) -> None:
    """Replaces the clock for the whole process."""
    global _current
    _current = clock
