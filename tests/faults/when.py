"""The calendar of the shop's story."""

from __future__ import annotations

from homing.domain.time import DAY, HOUR, MINUTE, SECOND
from tests.fixtures.shop import instant

START = instant("2026-03-02T07:30:00Z")
# When everything was decided long ago, even if it was a day late everywhere.
END = START + 6 * DAY


def moment(time: str) -> int:
    """The instant of ``day hh:mm`` or ``day hh:mm:ss``, the first day being 1."""
    day, _, clock = time.partition(" ")
    hours, minutes, seconds = (int(part) for part in (*clock.split(":"), "0")[:3])
    return START // DAY * DAY + (int(day) - 1) * DAY + hours * HOUR + minutes * MINUTE + seconds * SECOND
