"""Waiting until a local time: DST nights, weekdays and days included."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from homing.domain.flows.steps import Until
from homing.domain.segments.when import WEEKDAYS
from homing.domain.time import local_instant, to_datetime


def reached(until: Until, at: int, zone: ZoneInfo) -> int:
    """The instant at which a wait that begins at ``at`` is over: the first such local time that is not earlier than
    ``at + at_least``; at once for a day that is past. A local time that does not exist is the first that does, one that
    exists twice is the first (:func:`homing.domain.time.local_instant`)."""
    earliest = at + until.at_least
    if until.day is not None:
        return max(earliest, local_instant(date.fromisoformat(until.day), until.until, zone))
    days = set(range(7)) if until.weekdays is None else {WEEKDAYS.index(day) for day in until.weekdays}
    day = to_datetime(earliest).astimezone(zone).date()
    while True:
        if day.weekday() in days and (instant := local_instant(day, until.until, zone)) >= earliest:
            return instant
        day += timedelta(days=1)
