"""The customer's own time: their zone, and dates as they are said of them."""

from __future__ import annotations

from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo

from homing.domain.errors import InvalidInput
from homing.domain.profiles.profile import Profile
from homing.domain.time import SECOND, local_instant, parse_instant, zone

ZONE_TRAITS = ("timezone", "time_zone")
ZONE_INPUTS = frozenset(f"trait:{name}" for name in ZONE_TRAITS)
_MIDNIGHT = time(0)
# Numbers from here on are milliseconds: as seconds it would be the year 5138.
_MILLISECONDS = 100_000_000_000


def zone_of(profile: Profile, default: str) -> ZoneInfo:
    """The customer's time zone, else the shop's."""
    for name in ZONE_TRAITS:
        value = profile.trait(name)
        if isinstance(value, str):
            return zone(value, default)
    return zone(default)


def day_of(value: Any) -> date | None:
    """The calendar day of a date as people write it: ``1990-05-17``, ``--05-17`` (no year: 2000), or with a time."""
    text = str(value).strip()
    if text.startswith("--"):
        text = f"2000-{text[2:]}" if "-" in text[2:] else f"2000-{text[2:4]}-{text[4:]}"
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def moment_of(value: Any, tz: ZoneInfo) -> int | None:
    """A date or time as an instant: a day begins at midnight of that zone, a time without offset is UTC, numbers are
    seconds, or milliseconds from 100,000,000,000 on. None where it is neither."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        if not abs(value) < _MILLISECONDS * 1_000:
            return None
        return round(value * (1_000 if abs(value) >= _MILLISECONDS else SECOND))
    if not isinstance(value, str):
        return None
    text = value.strip()
    try:
        if len(text) == 10:
            return local_instant(date.fromisoformat(text), _MIDNIGHT, tz)
        return parse_instant(text)
    except (ValueError, InvalidInput, OverflowError):
        return None
