"""When a schedule's time comes, in the shop's zone: the occurrences, and at which times of the day in UTC they can be.

AWS's clock speaks UTC and knows no summer time, so it strikes at each time of the day at which an occurrence can be, and
what is no occurrence is ignored here.
"""

from __future__ import annotations

import calendar
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from homing.domain.flows.trigger import Trigger
from homing.domain.segments.when import WEEKDAYS
from homing.domain.time import HOUR, MINUTE, local_instant, to_datetime

# A stroke that comes later than this (an outage) starts nothing: it is another part of the day.
LATE = 12 * HOUR
# Clocks of functions are not exact: a stroke may come so early.
_EARLY = MINUTE
# Looked at for the offsets that a zone has; always the same days, so that the same flows give the same rules. Whatever
# governments decide comes with a new version of tzdata, and a deployment.
_BEGINS, _DAYS = date(2026, 1, 1), 20 * 366


def occurrence(on: Trigger, at: time, zone: ZoneInfo, now: int) -> int | None:
    """The latest instant at which the schedule's time came, if that is not longer ago than LATE."""
    today = to_datetime(now).astimezone(zone).date()
    found = [_instant(day, on, at, zone) for day in (today - timedelta(days=1), today, today + timedelta(days=1))]
    return max((one for one in found if one is not None and now - LATE <= one <= now + _EARLY), default=None)


def upcoming(on: Trigger, at: time, zone: ZoneInfo, after: int) -> int | None:
    """The first instant later than ``after`` at which the time comes; None for a day that no month has."""
    day = to_datetime(after).astimezone(zone).date()
    for _ in range(8 * 366):
        if (instant := _instant(day, on, at, zone)) is not None and instant > after:
            return instant
        day += timedelta(days=1)
    return None


def strokes(on: Trigger, at: time, zone: ZoneInfo) -> list[str]:
    """The times of the day in UTC at which occurrences are, ``HH:MM``: one for each offset that the zone has, and one more
    where the time does not exist in a night on which clocks are put forward."""
    days = (_BEGINS + timedelta(days=number) for number in range(_DAYS))
    return sorted({stroke(instant) for day in days if (instant := _instant(day, on, at, zone)) is not None})


def stroke(instant: int) -> str:
    """The time of the day in UTC: ``07:30``."""
    return f"{to_datetime(instant):%H:%M}"


def _instant(day: date, on: Trigger, at: time, zone: ZoneInfo) -> int | None:
    if on.weekdays is not None and WEEKDAYS[day.weekday()] not in on.weekdays:
        return None
    last = calendar.monthrange(day.year, day.month)[1]
    if on.days is not None and day.day not in on.days and not (-1 in on.days and day.day == last):
        return None
    return local_instant(day, at, zone)
