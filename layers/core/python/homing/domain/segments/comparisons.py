"""Tests of values: of an event's property, of a trait, of a computed number."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any, Literal

from pydantic import Field, model_validator

from homing.domain.segments.values import Duration, Model, Scalar
from homing.domain.segments.when import Day

BOUNDS = frozenset({"more_than", "at_least", "less_than", "at_most"})
_MILLION = 1_000_000
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class Comparison(Model):
    """Bounds of a number; several must all hold."""

    more_than: float | None = Field(None, allow_inf_nan=False)
    at_least: float | None = Field(None, allow_inf_nan=False)
    less_than: float | None = Field(None, allow_inf_nan=False)
    at_most: float | None = Field(None, allow_inf_nan=False)

    def asks(self) -> bool:
        """Whether there is any bound."""
        return bool(self.model_fields_set & BOUNDS)

    def holds(self, number: float) -> bool:
        """Whether the number lies within."""
        return not (
            (self.more_than is not None and not number > self.more_than)
            or (self.at_least is not None and not number >= self.at_least)
            or (self.less_than is not None and not number < self.less_than)
            or (self.at_most is not None and not number <= self.at_most)
        )


class Test(Comparison):
    """How one value is compared. Several tests in one object must all hold. A missing value fails every test but
    ``exists: false``."""

    __test__ = False

    equals: Scalar | None = None
    in_: list[Scalar] | None = Field(None, alias="in")
    contains: Scalar | None = None
    exists: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _scalar_means_equals(cls, value: Any) -> Any:
        return {"equals": value} if isinstance(value, str | int | float | bool) else value

    @model_validator(mode="after")
    def _asks_something(self) -> Test:
        if not self.model_fields_set:
            raise ValueError(f"a test needs one of {', '.join(self.words())}")
        return self

    @classmethod
    def words(cls) -> tuple[str, ...]:
        """The tests there are."""
        return ("equals", "in", "contains", "more_than", "at_least", "less_than", "at_most", "exists")


class Anniversary(Model):
    """The yearly return of a day is today, or today or one of the next days."""

    next_days: int = Field(ge=0, le=365)


class TraitTest(Test):
    """A test of a trait; dates may be compared with now."""

    within_last: Duration | None = Field(None, gt=0)
    within_next: Duration | None = Field(None, gt=0)
    since: Day | None = None
    before: Day | None = None
    anniversary: Literal["today"] | Anniversary | None = None

    @classmethod
    def words(cls) -> tuple[str, ...]:
        """The tests there are."""
        return (*super().words(), "within_last", "within_next", "since", "before", "anniversary")

    def asks_of_dates(self) -> bool:
        """Whether the answer depends on a calendar, and so on the person's zone."""
        return bool(self.model_fields_set & {"within_last", "within_next", "since", "before", "anniversary"})


def number_of(value: Any) -> float | None:
    """A value as a number, texts too; None where it is none. Too large ones become infinite."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
    except (TypeError, ValueError):
        return None


def millionths(value: Any) -> int | None:
    """A number in whole millionths, exactly as it was written (12.34, not its binary neighbour) up to six decimals,
    rounded half to even beyond. None where it is no finite number."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return value * _MILLION
    if isinstance(value, float):
        scaled = value * _MILLION
        # Below 2**53 a float with six decimals is told from its neighbours; anything else is read as text.
        if -1e15 < scaled < 1e15 and abs(scaled - (near := round(scaled))) < 1e-3:
            return near
    text = value.strip() if isinstance(value, str) else repr(value)
    if not _NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    # Beyond what money is; a huge exponent would make a number of a million digits.
    return round(number.scaleb(6)) if number.adjusted() < 30 else None


def passes(test: Test, value: Any) -> bool:
    """Whether a value passes every test asked (those of dates aside). Missing values pass only ``exists: false``."""
    if test.exists is not None and (value is not None) != test.exists:
        return False
    if value is None:
        return test.exists is False and len(test.model_fields_set) == 1
    if test.equals is not None and not same(value, test.equals):
        return False
    if test.in_ is not None and not any(same(value, candidate) for candidate in test.in_):
        return False
    if test.contains is not None and not _contains(value, test.contains):
        return False
    if test.asks():
        number = number_of(value)
        return number is not None and test.holds(number)
    return True


def words(test: Test) -> frozenset[str]:
    """The texts that pass, where a text passes only by being one of a few; empty where there is more to it."""
    if test.model_fields_set not in ({"equals"}, {"in_"}):
        return frozenset()
    wanted = [test.equals] if test.equals is not None else test.in_ or []
    # A text never equals true, though it may be spelt so.
    return frozenset(str(value) for value in wanted if value is not None and not isinstance(value, bool))


def predicate(test: Test) -> Callable[[Any], bool]:
    """:func:`passes` of one test, for those who ask it again and again."""
    if accepted := words(test):

        def among(value: Any) -> bool:
            return value in accepted if value.__class__ is str else passes(test, value)

        return among
    if not test.model_fields_set <= BOUNDS:
        return partial(passes, test)

    def within(value: Any) -> bool:
        number = number_of(value)
        return number is not None and test.holds(number)

    return within


def same(value: Any, wanted: Any) -> bool:
    """Whether two values are one for a marketer: 12 and "12" are, true and 1 are not."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    return bool(value == wanted) or str(value) == str(wanted)


def _contains(value: Any, wanted: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(same(item, wanted) for item in value)
    return isinstance(value, str) and str(wanted).casefold() in value.casefold()
