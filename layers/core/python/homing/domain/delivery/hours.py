"""When a send may leave: quiet hours, send windows and the hour that suits a person, all in the customer's own zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from zoneinfo import ZoneInfo

from homing.domain.campaigns import QuietHours
from homing.domain.segments.when import During, covers, next_change
from homing.domain.time import DAY, HOUR, local_instant, to_datetime

# Windows come round every week; what does not open in two never does.
_AHEAD = 15 * DAY
_MAX_STEPS = 100


@dataclass(frozen=True, slots=True)
class Hours:
    """The times at which one send to one person may leave."""

    zone: ZoneInfo
    quiet: QuietHours | None = None
    window: During | None = None
    # The instant that suits them best; nothing leaves before it.
    not_before: int = 0

    def closed(self, t: int) -> list[tuple[int, str]]:
        """What keeps a send from leaving at ``t``: until when each, and its word. A window that never opens closes for
        longer than any send waits."""
        found: list[tuple[int, str]] = []
        if t < self.not_before:
            found.append((self.not_before, "send_time"))
        if self.quiet is not None and (end := quiet_end(self.quiet, self.zone, t)) is not None:
            found.append((end, "quiet_hours"))
        if self.window is not None and not covers(self.window, t, self.zone):
            found.append((self._window_opens(t), "send_window"))
        return found

    def opens(self, t: int) -> int | None:
        """The first instant at or after ``t`` at which a send may leave; None if there is none in two weeks."""
        start = t
        for _ in range(_MAX_STEPS):
            waits = self.closed(t)
            if not waits:
                return t
            t = max(waits)[0]
            if t > start + _AHEAD:
                break
        return None

    def _window_opens(self, t: int) -> int:
        assert self.window is not None
        at: int | None = t
        for _ in range(_MAX_STEPS):
            at = next_change(self.window, at, self.zone) if at is not None else None
            if at is None:
                break
            if covers(self.window, at, self.zone):
                return at
        return t + _AHEAD + 1


def quiet_end(quiet: QuietHours, zone: ZoneInfo, t: int) -> int | None:
    """The end of the quiet hours around ``t``; None if it is not quiet."""
    today = to_datetime(t).astimezone(zone).date()
    # Compared as instants: in the night in which clocks are put back the same wall-clock time comes twice.
    for day in (today - timedelta(days=1), today):
        last = day if quiet.from_ <= quiet.until else day + timedelta(days=1)
        end = local_instant(last, quiet.until, zone)
        if local_instant(day, quiet.from_, zone) <= t < end:
            return end
    return None


def best_instant(best: Sequence[int], open_: Hours, start: int, until: int) -> int:
    """The first instant from ``start`` to ``until`` (both included) that lies in the hour that suits best and at which
    sends may leave.

    ``best`` are hours of the day by preference (the person's own, their segment's, the shop's): the next one counts where
    the one before it never comes, as it lies in the quiet hours or outside the window. Where none comes, it is ``start``.
    """
    for hour in best:
        here = to_datetime(start).astimezone(open_.zone)
        if here.hour == hour and not open_.closed(start):
            return start
        for ahead in range(-1, (until - start) // DAY + 2):
            begins = local_instant(here.date() + timedelta(days=ahead), time(hour), open_.zone)
            # A window may open within the hour.
            found = open_.opens(max(begins, start))
            if found is not None and found <= until and begins <= found < begins + HOUR:
                return found
    return start
