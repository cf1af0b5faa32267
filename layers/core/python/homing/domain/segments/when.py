"""Calendar words of the language: between two dates, at a time of the week; and what they mean in a time zone."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from homing.domain.errors import InvalidInput
from homing.domain.segments.values import Model
from homing.domain.time import local_instant, parse_instant, to_datetime

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[str, ...] = get_args(Weekday)
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MIDNIGHT = time(0)


def _day(value: Any) -> Any:
    """YAML reads a bare date as a date."""
    return value.isoformat() if isinstance(value, date | datetime) else value


def _valid(value: str) -> str:
    try:
        if _DATE.fullmatch(value):
            date.fromisoformat(value)
        else:
            parse_instant(value)
    except (ValueError, InvalidInput) as error:
        raise ValueError(f"{value!r} is not a date: write 2026-11-30 or 2026-11-30T08:00:00Z") from error
    return value


Day = Annotated[
    str,
    BeforeValidator(_day),
    AfterValidator(_valid),
    WithJsonSchema({"type": "string", "description": "A day (2026-11-30) or an instant (2026-11-30T08:00:00Z)."}),
]


def begins(day: str, zone: ZoneInfo) -> int:
    """The instant at which a day of that zone begins, or the instant that was written."""
    if _DATE.fullmatch(day):
        return local_instant(date.fromisoformat(day), _MIDNIGHT, zone)
    return parse_instant(day)


def ends(day: str, zone: ZoneInfo) -> int:
    """The instant at which a day of that zone is over, or the instant that was written."""
    if _DATE.fullmatch(day):
        return local_instant(date.fromisoformat(day) + timedelta(days=1), _MIDNIGHT, zone)
    return parse_instant(day)


class Between(Model):
    """From one day to another, both included; instants are taken as they are, the second not included."""

    from_: Day | None = Field(None, alias="from")
    to: Day | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> Between:
        if self.from_ is None and self.to is None:
            raise ValueError("between needs from or to")
        start, end = self.instants(ZoneInfo("UTC"))
        if start is not None and end is not None and start >= end:
            raise ValueError(f"between ends before it begins: from {self.from_} to {self.to}")
        return self

    def instants(self, zone: ZoneInfo) -> tuple[int | None, int | None]:
        """``[start, end)``; None is open."""
        start = None if self.from_ is None else begins(self.from_, zone)
        return start, None if self.to is None else ends(self.to, zone)


def _time_of_day(value: Any) -> Any:
    """A bare number would be seconds after midnight."""
    if isinstance(value, time):
        return value
    if isinstance(value, int) and 0 <= value < 24 and not isinstance(value, bool):
        raise ValueError(f"{value} is not a time of day: write {value:02}:00")
    if not isinstance(value, str) or not _CLOCK.fullmatch(value):
        early = f"0{value}" if isinstance(value, str) and _CLOCK.fullmatch(f"0{value}") else "21:00"
        raise ValueError(f"{value!r} is not a time of day: write {early}")
    return value


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]


class During(Model):
    """A time of the week: on these days, from one time of day until another."""

    weekdays: list[Weekday] | None = Field(None, min_length=1)
    from_: TimeOfDay | None = Field(None, alias="from")
    until: TimeOfDay | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> During:
        if not self._asks():
            raise ValueError("it needs weekdays, or from and until")
        if self.from_ is not None and self.from_ == self.until:
            raise ValueError("from and until are the same: leave both out for the whole day")
        return self

    def _asks(self) -> bool:
        return bool(self.model_fields_set & {"weekdays", "from_", "until"})

    def days(self) -> frozenset[int]:
        """Days of the week, Monday is 0."""
        return frozenset(range(7)) if self.weekdays is None else frozenset(WEEKDAYS.index(d) for d in self.weekdays)


def span(during: During, day: date, zone: ZoneInfo) -> tuple[int, int]:
    """The instants ``[start, end)`` of the time that begins on a day."""
    start = during.from_ or _MIDNIGHT
    end = during.until or _MIDNIGHT
    following = day + timedelta(days=1) if end <= start else day
    return local_instant(day, start, zone), local_instant(following, end, zone)


def covers(during: During, t: int, zone: ZoneInfo) -> bool:
    """Whether an instant lies in the time of the week."""
    today = to_datetime(t).astimezone(zone).date()
    days = during.days()
    for day in (today - timedelta(days=1), today):
        if day.weekday() in days:
            start, end = span(during, day, zone)
            if start <= t < end:
                return True
    return False


def next_change(during: During, t: int, zone: ZoneInfo) -> int | None:
    """The first instant after ``t`` at which the time begins or ends."""
    today = to_datetime(t).astimezone(zone).date()
    days = during.days()
    edges = [
        edge
        for ahead in range(-1, 9)
        if (day := today + timedelta(days=ahead)).weekday() in days
        for edge in span(during, day, zone)
        if edge > t
    ]
    return min(edges, default=None)
