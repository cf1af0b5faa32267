"""When people visit: by weekday and by hour of their own day."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from homing.domain.time import DAY, HOUR, MINUTE, SECOND, local_instant, to_datetime, zone

# Shares of a day's visits by local hour: a morning rise, a lunch bump, the long evening.
_HOURS = (3, 1, 1, 0, 0, 1, 3, 8, 12, 14, 15, 17, 22, 20, 16, 15, 17, 22, 28, 36, 42, 38, 24, 9)
# Monday to Sunday.
_WEEKDAYS = (0.95, 0.90, 0.92, 1.0, 0.90, 1.02, 1.31)


def visits(rng: random.Random, *, first: date, days: int, a_week: float, time_zone: str) -> Iterator[int]:
    """Instants of visits over the days, on average ``a_week`` a week, earliest first."""
    tz = zone(time_zone)
    for offset in range(days):
        day = first + timedelta(days=offset)
        moments = []
        for _ in range(_poisson(rng, a_week / 7 * _WEEKDAYS[day.weekday()])):
            hour = rng.choices(range(24), weights=_HOURS)[0]
            at = time(hour, rng.randrange(60), rng.randrange(60))
            moments.append(local_instant(day, at, tz) + rng.randrange(SECOND))
        yield from sorted(moments)


def awake(rng: random.Random, instant: int, time_zone: str) -> int:
    """That instant, or the coming morning where it is night for the person."""
    local: datetime = to_datetime(instant).astimezone(zone(time_zone))
    if 7 <= local.hour < 23:
        return instant
    hours = (7 - local.hour) % 24
    return instant + hours * HOUR - local.minute * MINUTE + rng.randrange(2 * HOUR)


def delay(rng: random.Random, median: int, spread: float = 0.9) -> int:
    """A log-normal delay in microseconds: near the median, now and then days; between 40 s and 4 days."""
    return int(min(4 * DAY, max(40 * SECOND, median * math.exp(rng.gauss(0, spread)))))


def _poisson(rng: random.Random, mean: float) -> int:
    limit, count, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count
