"""A naive calendar for the oracle: zoneinfo and searching, nothing of the product's own time arithmetic."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@lru_cache(maxsize=1000)
def duration(text: str) -> int:
    """``1d12h`` in microseconds."""
    total, digits = 0, ""
    for letter in text:
        if letter.isdigit():
            digits += letter
        else:
            total, digits = total + int(digits) * UNITS[letter] * 10**6, ""
    assert not digits, text
    return total


def instant(moment: datetime) -> int:
    """Microseconds since 1970, UTC; a time without an offset is UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // TICK


def local(t: int, zone: str) -> datetime:
    """What the clock on the wall says, without its offset."""
    return (EPOCH + t * TICK).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def zone_named(*names: Any) -> str:
    """The first of these that is a time zone."""
    for name in names:
        try:
            if isinstance(name, str) and name:
                ZoneInfo(name)
                return name
        except (KeyError, ValueError, OSError):
            continue
    return "UTC"


@lru_cache(maxsize=100_000)
def reached(day: date, at: time, zone: str) -> int:
    """The first instant at which the wall clock of the zone shows this time of this day, or, where it jumps over it, a
    later one."""
    wanted = datetime.combine(day, at)
    middle = instant(wanted)
    candidates = set()
    step = 6 * UNITS["h"] * 10**6
    previous = None
    for t in range(middle - 8 * step, middle + 8 * step, step):
        offset = local(t, zone) - (EPOCH + t * TICK).replace(tzinfo=None)
        candidates.add(middle - offset // TICK)
        if previous is not None and previous[1] != offset:
            candidates.add(_change(previous[0], t, zone))
        previous = t, offset
    return min(t for t in candidates if local(t, zone) >= wanted)


def _change(low: int, high: int, zone: str) -> int:
    """The instant between two at which the zone's clocks are changed."""

    def offset(t: int) -> timedelta:
        return local(t, zone) - (EPOCH + t * TICK).replace(tzinfo=None)

    before = offset(low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset(middle) == before else (low, middle)
    return high


def begins(text: str, zone: str) -> int:
    """``2026-11-30`` begins at its midnight; a time is itself."""
    if len(text) == 10:
        return reached(date.fromisoformat(text), time(0), zone)
    return instant(datetime.fromisoformat(text))


def ends(text: str, zone: str) -> int:
    """``2026-11-30`` ends when the next day begins; a time is itself."""
    if len(text) == 10:
        return reached(date.fromisoformat(text) + timedelta(days=1), time(0), zone)
    return instant(datetime.fromisoformat(text))


def lies_between(t: int, between: dict[str, str], zone: str) -> bool:
    """From the first day to the last, both included."""
    if "from" in between and t < begins(between["from"], zone):
        return False
    return not ("to" in between and t >= ends(between["to"], zone))


def clock(text: str | None) -> time:
    """``18:00``; nothing is midnight."""
    return time.fromisoformat(text) if text else time(0)


def span(week: dict[str, Any], day: date, zone: str) -> tuple[int, int]:
    """From the time of day until the other, which is on the next day where it is not later than the first."""
    start, end = clock(week.get("from")), clock(week.get("until"))
    return reached(day, start, zone), reached(day + timedelta(days=1) if end <= start else day, end, zone)


def lies_during(t: int, week: dict[str, Any], zone: str) -> bool:
    """Whether an instant lies in the time of the week, which belongs to the day on which it begins."""
    today = local(t, zone).date()
    for day in (today - timedelta(days=1), today):
        if DAYS[day.weekday()] in week.get("weekdays", DAYS):
            start, end = span(week, day, zone)
            if start <= t < end:
                return True
    return False


def moment(value: Any, zone: str) -> int | None:
    """A trait's value as an instant; None is no date."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value * 1000 if value >= 100_000_000_000 else value * 10**6
    if not isinstance(value, str):
        return None
    try:
        return begins(value, zone)
    except ValueError:
        return None


def returns_on(value: Any, day: date, zone: str) -> bool:
    """Whether a day is the yearly return of a trait's date; the day itself is none."""
    at = moment(value, zone)
    if at is None:
        return False
    born = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else local(at, zone).date()
    if day.year <= born.year:
        return False
    try:
        return day == born.replace(year=day.year)
    except ValueError:
        return (day.month, day.day) == (2, 28)
