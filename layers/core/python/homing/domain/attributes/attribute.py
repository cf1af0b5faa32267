"""What an attribute is: a value at every instant, and when it will be another one."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from homing.domain.profiles.profile import Profile
from homing.domain.segments.comparisons import Test, number_of, passes

# A value that has to be looked at again: the instant before it is as far as can be seen.
MAYBE = object()
_FAR = 10**12


class Attribute(Protocol):
    """One computed attribute."""

    @property
    def reads(self) -> frozenset[str]:
        """What can change the value besides time: slot ids, ``trait:<name>``, ``stage:<name>``."""

    @property
    def lasting(self) -> bool:
        """Whether nothing else can: then what was found may be kept until :meth:`next_change`, to the microsecond."""

    def value(self, profile: Profile, t: int) -> Any:
        """The value at an instant; None: unknown."""

    def next_change(self, profile: Profile, t: int, test: Test | None = None) -> int | None:
        """The first instant after ``t`` at which the value (with a test: its outcome) may differ if nothing happens. May
        be early, never late. None: never."""


class Stepwise(ABC):
    """An attribute whose value changes at a few instants, which subclasses list."""

    reads: frozenset[str] = frozenset()
    lasting = True
    # Whether :meth:`answer` is the quick way to both.
    at_once = True

    @abstractmethod
    def value(self, profile: Profile, t: int) -> Any:
        """The value at an instant."""

    @abstractmethod
    def steps(self, profile: Profile, t: int) -> Iterable[tuple[int, Any]]:
        """Instants after ``t``, ascending, each with the value from then on; :data:`MAYBE` as the last one's."""

    def answer(self, profile: Profile, t: int, passes: Callable[[Any], bool]) -> tuple[bool, int | None]:
        """Whether the value passes, and the first step at which that differs."""
        truth = passes(self.value(profile, t))
        for instant, there in self.steps(profile, t):
            if there is MAYBE or passes(there) != truth:
                return truth, instant
        return truth, None

    def next_change(self, profile: Profile, t: int, test: Test | None = None) -> int | None:
        """The first step that makes a difference."""
        value = self.value(profile, t)
        truth = test is not None and passes(test, value)
        for instant, there in self.steps(profile, t):
            if there is MAYBE:
                return instant
            if there != value if test is None else passes(test, there) != truth:
                return instant
        return None


def earliest(*instants: int | None) -> int | None:
    """The first of those that there are."""
    return min((instant for instant in instants if instant is not None), default=None)


def future(entries: Iterable[tuple[int, int, Any]], t: int) -> int | None:
    """The first instant after ``t`` of entries that are listed latest first: clocks differ, some events lie ahead."""
    found = None
    for at, _, _ in entries:
        if at <= t:
            break
        found = at
    return found


def breaks(test: Test) -> Iterator[float]:
    """The numbers at which the outcome of a test can differ."""
    candidates = [test.more_than, test.at_least, test.less_than, test.at_most, test.equals, *(test.in_ or ())]
    for candidate in candidates:
        number = number_of(candidate)
        if number is not None and abs(number) < _FAR:
            yield number


def next_step(step: int, shown: Callable[[int], Any], scale: int, test: Test | None) -> int | None:
    """A value climbs step by step, ``shown(step)`` being about ``step / scale``: the first later step at which it (with
    a test: its outcome) differs."""
    if test is None:
        return step + 1
    truth = passes(test, shown(step))
    near = {math.floor(number * scale) + shift for number in breaks(test) for shift in (-1, 0, 1, 2)}
    return next((found for found in sorted(near) if found > step and passes(test, shown(found)) != truth), None)
