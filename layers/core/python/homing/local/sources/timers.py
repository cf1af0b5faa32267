"""Schedules, and single things that shall happen at an instant."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from homing.local.schedules import Cron, Rate


@dataclass(slots=True)
class Schedule:
    """A rule with a schedule.

    ``waiting`` tells the earliest instant at which a tick could find work, None for never; without it every tick counts.
    A tick that would find nothing is not run: nobody could tell the difference, and weeks of minutes take no time.
    """

    expression: Rate | Cron
    fire: Callable[[int], None]
    now: Callable[[], int]
    waiting: Callable[[], int | None] | None = None
    last: int = 0

    def next_at(self) -> int | None:
        """The next tick that finds work."""
        after = self.last
        if self.waiting is not None:
            first = self.waiting()
            if first is None:
                return None
            after = max(after, first - 1)
        return self.expression.next(after)

    def poll(self) -> bool:
        """Runs the tick that is due, if there is one."""
        now = self.now()
        due = self.next_at()
        if due is None or due > now:
            # The ticks before now went by with nothing to do.
            self.last = max(self.last, now - 1)
            return False
        self.last = now
        self.fire(due)
        return True


@dataclass(slots=True)
class Timers:
    """Calls at instants, in order."""

    now: Callable[[], int]
    _waiting: list[tuple[int, int, Callable[[], None]]] = field(default_factory=list)
    _order: itertools.count[int] = field(default_factory=itertools.count)

    def at(self, instant: int, call: Callable[[], None]) -> None:
        """Calls once that instant has come."""
        heapq.heappush(self._waiting, (instant, next(self._order), call))

    def next_at(self) -> int | None:
        """When the next call is due."""
        return self._waiting[0][0] if self._waiting else None

    def poll(self) -> bool:
        """Makes the calls that are due; those that are asked for meanwhile come with the next poll."""
        due = []
        while self._waiting and self._waiting[0][0] <= self.now():
            due.append(heapq.heappop(self._waiting)[2])
        for call in due:
            call()
        return bool(due)
