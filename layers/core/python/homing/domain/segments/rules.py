"""Rules: conditions compiled to objects that answer at any instant, and know when they will change their mind.

``check(profile, t)`` gives the truth at ``t`` and the next instant after ``t`` at which it *may* differ if nothing
happens; :func:`next_flip` sharpens that to the instant at which it does. What a rule reads (its inputs) tells which
events can change it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from homing.domain.profiles.profile import Profile

Answer = tuple[bool, int | None]

# Inputs that are always there: now, the profile's id, its first event.
NOW, ID, FIRST = "*now", "*id", "*first"

# Composite rules are sharpened over so many candidate instants; then the candidate itself is taken: an early wake-up
# costs one read and changes nothing.
MAX_CANDIDATES = 64


class Rule(Protocol):
    """A compiled condition."""

    @property
    def reads(self) -> frozenset[str]:
        """The inputs that can change the answer: ids of slots, ``trait:<name>``, ``stage:<name>``, ``*list:<name>``,
        ``*first``, ``*id``, ``*now``."""

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """Truth at ``t`` and when it may next differ. ``since`` bounds behaviour without a window (flow goals)."""


def earliest(instants: Iterable[int | None]) -> int | None:
    """The first of those that are one."""
    return min((i for i in instants if i is not None), default=None)


@dataclass(frozen=True, slots=True)
class AllOf:
    """And."""

    parts: tuple[Rule, ...]
    reads: frozenset[str]

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """False as long as any part is: then only the false parts' changes matter."""
        soonest: int | None = None
        false = False
        latest = 0
        for part in self.parts:
            truth, flip = part.check(profile, t, since)
            if truth:
                if flip is not None and (soonest is None or flip < soonest):
                    soonest = flip
            elif flip is None:
                # It can't become true before the last of the false parts does; this one has no date for it.
                return False, None
            else:
                false = True
                latest = max(latest, flip)
        return (False, latest) if false else (True, soonest)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Or."""

    parts: tuple[Rule, ...]
    reads: frozenset[str]

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """True as long as any part is: then it can't change before the last of the true parts may."""
        soonest: int | None = None
        true = False
        latest = 0
        for part in self.parts:
            truth, flip = part.check(profile, t, since)
            if not truth:
                if flip is not None and (soonest is None or flip < soonest):
                    soonest = flip
            elif flip is None:
                return True, None
            else:
                true = True
                latest = max(latest, flip)
        return (True, latest) if true else (False, soonest)


@dataclass(frozen=True, slots=True)
class NotRule:
    """Negation."""

    part: Rule
    reads: frozenset[str]

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """The opposite, at the same instants."""
        truth, flip = self.part.check(profile, t, since)
        return not truth, flip


def next_flip(rule: Rule, profile: Profile, t: int) -> Answer:
    """Truth at ``t`` and the first instant after ``t`` at which it differs, if nothing happens. None: never."""
    truth, candidate = rule.check(profile, t)
    for _ in range(MAX_CANDIDATES):
        if candidate is None:
            return truth, None
        there, following = rule.check(profile, candidate)
        if there != truth:
            return truth, candidate
        candidate = following
    return truth, candidate
