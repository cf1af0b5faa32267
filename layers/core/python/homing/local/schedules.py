"""Schedule expressions: ``rate(1 minute)`` and ``cron(0 3 * * ? *)``, always in UTC.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from homing.domain.errors import InvalidInput
from homing.domain.time import DAY, HOUR, MINUTE, to_datetime, to_instant

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_UNIT = {"minute": MINUTE, "hour": HOUR, "day": DAY}
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), start=1)}


@dataclass(frozen=True, slots=True)
class Rate:
    """Every so often, aligned to the epoch: whole minutes for minutes."""

    period: int

    def next(self, after: int) -> int:
        """The first instant later than ``after``."""
        return (after // self.period + 1) * self.period


@dataclass(frozen=True, slots=True)
class Cron:
    """Sets of allowed values; weekdays are 1 (Sunday) to 7."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    years: frozenset[int]

    def next(self, after: int) -> int:
        """The first instant later than ``after``; raises InvalidInput when there is none within eight years."""
        moment = to_datetime(after // MINUTE * MINUTE) + timedelta(minutes=1)
        day = moment.date()
        for _ in range(8 * 366):
            if self._on(datetime(day.year, day.month, day.day, tzinfo=UTC)):
                for hour in sorted(self.hours):
                    for minute in sorted(self.minutes):
                        at = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
                        if at >= moment:
                            return to_instant(at)
            day += timedelta(days=1)
        raise InvalidInput("this cron expression never comes true", code="bad_schedule")

    def _on(self, day: datetime) -> bool:
        weekday = day.isoweekday() % 7 + 1
        return (
            day.month in self.months
            and day.day in self.days
            and weekday in self.weekdays
            and (not self.years or day.year in self.years)
        )


def parse(expression: str) -> Rate | Cron:
    """Reads an expression; raises InvalidInput for what AWS has and this host has not (``L``, ``W``, ``#``)."""
    if match := _RATE.fullmatch(expression):
        return Rate(int(match[1]) * _UNIT[match[2]])
    if match := _CRON.fullmatch(expression):
        minutes, hours, days, months, weekdays, years = match.groups()
        return Cron(
            _set(minutes, 0, 59, {}),
            _set(hours, 0, 23, {}),
            _set(days, 1, 31, {}),
            _set(months, 1, 12, _MONTHS),
            _set(weekdays, 1, 7, _DAYS),
            frozenset() if years == "*" else _set(years, 1970, 2199, {}),
        )
    raise InvalidInput(f"{expression!r} is not a schedule that this host knows", code="bad_schedule")


def _set(text: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    values: set[int] = set()
    for part in text.upper().split(","):
        span, _, step = part.partition("/")
        if span in {"*", "?"}:
            first, last = low, high
        else:
            start, dash, end = span.partition("-")
            first = _number(start, names)
            last = _number(end, names) if dash else (high if step else first)
        values.update(range(first, last + 1, int(step or 1)))
    return frozenset(values)


def _number(text: str, names: dict[str, int]) -> int:
    if text in names:
        return names[text]
    if not text.isdigit():
        raise InvalidInput(f"{text!r} in a cron expression is not supported here", code="bad_schedule")
    return int(text)
