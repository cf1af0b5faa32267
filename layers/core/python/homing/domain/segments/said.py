"""Rules about what is said of people, what follows from it, where they belong, and what time it is where they are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from homing.domain.profiles.local_time import day_of, moment_of, zone_of
from homing.domain.profiles.profile import Profile
from homing.domain.segments.comparisons import Anniversary, Test, TraitTest, passes, predicate
from homing.domain.segments.rules import Answer, earliest
from homing.domain.segments.when import Between, During, begins, covers, next_change
from homing.domain.time import anniversary, local_instant, to_datetime

if TYPE_CHECKING:
    from homing.domain.attributes.attribute import Attribute

_MIDNIGHT = time(0)


@dataclass(frozen=True, slots=True)
class TraitRule:
    """Traits compared with what was written."""

    tests: tuple[tuple[str, Test], ...]
    reads: frozenset[str]

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """Changes only with an event."""
        return all(passes(test, profile.trait(name)) for name, test in self.tests), None


@dataclass(frozen=True, slots=True)
class DateRule:
    """A trait that is a date, compared with now and with the calendar."""

    trait: str
    test: TraitTest
    zone: str
    reads: frozenset[str]

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """What is no date fails, and for good."""
        value = profile.trait(self.trait)
        if value is None:
            return False, None
        tz = zone_of(profile, self.zone)
        answers = list(self._answers(value, tz, t))
        wrong = [flip for truth, flip in answers if not truth]
        if not wrong:
            return True, earliest(flip for _, flip in answers)
        if any(flip is None for flip in wrong):
            return False, None
        return False, max(flip for flip in wrong if flip is not None)

    def _answers(self, value: object, tz: ZoneInfo, t: int) -> Iterator[Answer]:
        test = self.test
        if {"within_last", "within_next", "since", "before"} & test.model_fields_set:
            moment = moment_of(value, tz)
            if moment is None:
                yield False, None
                return
            if test.within_last is not None:
                yield _inside(moment, moment + test.within_last, t)
            if test.within_next is not None:
                yield _inside(moment - test.within_next, moment, t)
            if test.since is not None:
                yield moment >= begins(test.since, tz), None
            if test.before is not None:
                yield moment < begins(test.before, tz), None
        if test.anniversary is not None:
            yield self._returns(value, test.anniversary, tz, t)

    def _returns(self, value: object, asked: object, tz: ZoneInfo, t: int) -> Answer:
        """Whether the yearly return of the day is today or near; by whole days of the customer's zone."""
        if isinstance(value, str) and len(value.strip()) > 10 and not value.strip().startswith("--"):
            # A time: its day is the one that it was where they are.
            moment = moment_of(value, tz)
            origin = None if moment is None else to_datetime(moment).astimezone(tz).date()
        elif isinstance(value, str):
            origin = day_of(value)
        else:
            moment = moment_of(value, tz)
            origin = None if moment is None else to_datetime(moment).astimezone(tz).date()
        if origin is None:
            return False, None
        known_year = not (isinstance(value, str) and value.strip().startswith("--"))
        days = asked.next_days if isinstance(asked, Anniversary) else 0
        around = to_datetime(t).year
        flips: list[int] = []
        for year in range(around - 1, around + 4):
            if year < 2 or year > 9998 or (known_year and year <= origin.year):
                continue
            start, end = _days(anniversary(origin, year), days, tz)
            if start <= t < end:
                return True, end
            flips += [edge for edge in (start, end) if edge > t]
        if known_year and origin.year >= around + 3 and origin.year < 9998:
            flips.append(_days(anniversary(origin, origin.year + 1), days, tz)[0])
        return False, earliest(flips)


def _days(day: date, before: int, tz: ZoneInfo) -> tuple[int, int]:
    start = local_instant(day - timedelta(days=before), _MIDNIGHT, tz)
    return start, local_instant(day + timedelta(days=1), _MIDNIGHT, tz)


def _inside(start: int, end: int, t: int) -> Answer:
    """Whether ``start <= t < end``, and when that changes."""
    if t < start:
        return False, start
    return (True, end) if t < end else (False, None)


@dataclass(frozen=True, slots=True)
class ComputedRule:
    """What Homing works out of a person, compared."""

    attribute: Attribute
    test: Test
    reads: frozenset[str]
    _passes: Callable[[Any], bool] = field(init=False, repr=False, compare=False)
    # Of an attribute that lists its steps, and is asked once for both.
    _answer: Callable[[Profile, int, Callable[[Any], bool]], Answer] | None = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "_passes", predicate(self.test))
        at_once = getattr(self.attribute, "at_once", False)
        object.__setattr__(self, "_answer", self.attribute.answer if at_once else None)  # type: ignore[attr-defined]

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """The attribute knows when its value may change."""
        if self._answer is not None:
            return self._answer(profile, t, self._passes)
        return self._passes(self.attribute.value(profile, t)), self.attribute.next_change(profile, t, self.test)


@dataclass(frozen=True, slots=True)
class KnownForRule:
    """How long ago the first event was."""

    at_least: int
    reads: frozenset[str]

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """Becomes true once, and stays."""
        if profile.first_at is None:
            return False, None
        instant = profile.first_at + self.at_least
        return (True, None) if instant <= t else (False, instant)


@dataclass(frozen=True, slots=True)
class NowRule:
    """What time it is where the customer is."""

    during: During
    between: Between | None
    zone: str
    reads: frozenset[str]

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """Goes with the clock."""
        tz = zone_of(profile, self.zone)
        start, end = self.between.instants(tz) if self.between is not None else (None, None)
        if end is not None and t >= end:
            return False, None
        if start is not None and t < start:
            return False, start
        truth = covers(self.during, t, tz)
        return truth, earliest((next_change(self.during, t, tz), end))


@dataclass(frozen=True, slots=True)
class ListRule:
    """Whether they are on an uploaded list."""

    list: str
    reads: frozenset[str]

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """Changes only with an event."""
        word = profile.lists.get(self.list)
        return word is not None and word[1], None


@dataclass(frozen=True, slots=True)
class ShareRule:
    """A random part of everybody: ``[start, end)`` of 100 percent."""

    of: str
    start: float
    end: float
    reads: frozenset[str]

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """Never changes."""
        return self.start <= portion(self.of, profile.id) < self.end, None


def portion(name: str, profile_id: str) -> float:
    """Where in ``[0, 100)`` somebody stands under a name: uniform, and independent for different names."""
    digest = hashlib.blake2b(f"{name}\x1f{profile_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64 * 100
