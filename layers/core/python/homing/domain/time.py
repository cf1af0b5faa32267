"""Instants, durations and calendars.

Inside the domain an instant is an ``int``: microseconds since 1970-01-01T00:00:00Z, UTC. Integers compare, sort and
serialise exactly, so an event can stop counting precisely at ``occurred_at + window``. Durations are integers of
microseconds as well. Datetimes live at the edges.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from homing.domain.errors import InvalidInput

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY

# Longer than anybody plans: what is written longer than that is a slip, and would leave the calendar.
_LONGEST = 36_525 * DAY

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"s": SECOND, "m": MINUTE, "min": MINUTE, "h": HOUR, "d": DAY, "w": WEEK}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d|w)")


def to_instant(moment: datetime) -> int:
    """Microseconds since the epoch of an aware datetime (naive ones are taken as UTC)."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def to_datetime(instant: int) -> datetime:
    """The aware UTC datetime of an instant."""
    return _EPOCH + timedelta(microseconds=instant)


def parse_instant(text: str) -> int:
    """An ISO 8601 text as an instant; without an offset it is UTC. Raises InvalidInput."""
    try:
        return to_instant(datetime.fromisoformat(text))
    except ValueError as error:
        raise InvalidInput(f"{text!r} is not an ISO 8601 time such as 2026-11-22T08:30:00Z", code="bad_time") from error


def iso(instant: int) -> str:
    """ISO 8601 in UTC with ``Z``; microseconds only where there are some."""
    text = to_datetime(instant).isoformat()
    return text.replace("+00:00", "Z")


def parse_duration(text: str) -> int:
    """``30d``, ``20h``, ``90m``, ``1d12h`` in microseconds: exact durations, a day is 24 hours. Raises InvalidInput."""
    compact = text.strip().lower()
    position, total = 0, 0
    for match in _DURATION.finditer(compact):
        if match.start() != position:
            break
        length = float(match[1]) * _UNITS[match[2]]
        if total + length > _LONGEST:
            raise InvalidInput(f"{_shortened(text)} is more than a hundred years", code="bad_duration")
        total += round(length)
        position = match.end()
    if not compact or position != len(compact):
        raise InvalidInput(f"{text!r} is not a duration: write 30m, 20h, 3d, 2w or 1d12h", code="bad_duration")
    return total


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:39]}…")


def format_duration(duration: int) -> str:
    """The shortest text that :func:`parse_duration` reads back: ``1d12h``."""
    parts, rest = [], duration
    for unit, size in (("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


@lru_cache(maxsize=512)
def zone(name: str | None, fallback: str = "UTC") -> ZoneInfo:
    """The time zone of that IANA name; an unknown or missing name gives the fallback."""
    for candidate in (name, fallback):
        if candidate:
            try:
                return ZoneInfo(candidate)
            except (KeyError, ValueError, OSError):
                continue
    return ZoneInfo("UTC")


def local_instant(day: date, at: time, tz: ZoneInfo) -> int:
    """When that wall-clock time happens in the zone.

    A local time that does not exist (spring forward) is the first that does; one that exists twice is the first.
    """
    naive = datetime.combine(day, at)
    instant = to_instant(naive.replace(tzinfo=tz, fold=0))
    back = to_datetime(instant).astimezone(tz).replace(tzinfo=None)
    if back == naive:
        return instant
    # In a gap: fold=0 applied the offset from before the change. The first existing time is the change itself.
    low, high = instant - 3 * HOUR, instant + 3 * HOUR
    before = to_datetime(low).astimezone(tz).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if to_datetime(middle).astimezone(tz).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


def anniversary(origin: date, year: int) -> date:
    """The day on which ``origin`` is celebrated in that year: 29 February on the 28th where there is no 29th."""
    if origin.month == 2 and origin.day == 29:
        try:
            return date(year, 2, 29)
        except ValueError:
            return date(year, 2, 28)
    return date(year, origin.month, origin.day)
