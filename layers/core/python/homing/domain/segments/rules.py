"""Rules: conditions compiled to objects that answer at any instant, and know when they will change their mind.

``check(profile, t)`` gives the truth at ``t`` and the next instant after ``t`` at which it *may* differ if nothing
happens; :func:`next_flip` sharpens that to the instant at which it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from homing.domain.errors import InvalidInput
from homing.domain.profiles.memory import Entry, Plan, passes
from homing.domain.profiles.profile import Profile
from homing.domain.segments import language as lang

Answer = tuple[bool, int | None]

# Composite rules are sharpened over so many candidate instants; then the candidate itself is taken: an early wake-up
# costs one read and changes nothing.
_MAX_CANDIDATES = 64


class Rule(Protocol):
    """A compiled condition."""

    @property
    def touched_by(self) -> frozenset[str]:
        """What can change the answer: event names, ``trait:<name>``, ``*first`` for a new first event."""

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """Truth at ``t`` and when it may next differ. ``since`` bounds behaviour without a window (flow goals)."""


def _earliest(instants: Iterable[int | None]) -> int | None:
    return min((i for i in instants if i is not None), default=None)


@dataclass(frozen=True, slots=True)
class AllOf:
    """And."""

    parts: tuple[Rule, ...]
    touched_by: frozenset[str]

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """False as long as any part is: then only the false parts' changes matter."""
        answers = [part.check(profile, t, since) for part in self.parts]
        wrong = [flip for truth, flip in answers if not truth]
        if not wrong:
            return True, _earliest(flip for _, flip in answers)
        # It can't become true before the last of the false parts that has a date for it, nor if one has none.
        if any(flip is None for flip in wrong):
            return False, None
        return False, max(flip for flip in wrong if flip is not None)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Or."""

    parts: tuple[Rule, ...]
    touched_by: frozenset[str]

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """True as long as any part is: then it can't change before the last of the true parts may."""
        answers = [part.check(profile, t, since) for part in self.parts]
        right = [flip for truth, flip in answers if truth]
        if not right:
            return False, _earliest(flip for _, flip in answers)
        if any(flip is None for flip in right):
            return True, None
        return True, max(flip for flip in right if flip is not None)


@dataclass(frozen=True, slots=True)
class NotRule:
    """Negation."""

    part: Rule
    touched_by: frozenset[str]

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """The opposite, at the same instants."""
        truth, flip = self.part.check(profile, t, since)
        return not truth, flip


@dataclass(frozen=True, slots=True)
class DidRule:
    """Behaviour: how many entries of a slot lie in the half-open window ``(t - within, t]``."""

    slot: str
    grouped: bool
    at_least: int
    at_most: int | None
    within: int | None
    touched_by: frozenset[str]

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """With ``same``, one value that satisfies the count is enough."""
        held = profile.memory.get(self.slot)
        if not held:
            return self.at_least == 0 and not self.grouped, None
        start = since if since is not None and self.within is None else None
        if not self.grouped:
            return self._count(held, t, start)
        answers = [self._count(entries, t, start) for entries in held.values()]
        right = [flip for truth, flip in answers if truth]
        if right:
            return True, None if any(flip is None for flip in right) else max(f for f in right if f is not None)
        return False, _earliest(flip for _, flip in answers)

    def _count(self, entries: list[Entry], t: int, since: int | None) -> Answer:
        count = 0
        future: int | None = None
        expiring: int | None = None
        for at, _, _ in entries:
            if at > t:
                future = at if future is None else min(future, at)
                continue
            if since is not None and at <= since:
                break
            if self.within is not None:
                if at + self.within <= t:
                    break
                expiring = at + self.within
            count += 1
            if self.at_most is None and count == self.at_least:
                # Enough: false again when the last one needed expires; later ones can only prolong it.
                return True, expiring
        truth = count >= self.at_least and (self.at_most is None or count <= self.at_most)
        if self.at_most is None:
            return truth, future
        return truth, _earliest((future, expiring))


@dataclass(frozen=True, slots=True)
class TraitRule:
    """What is said of the person."""

    tests: tuple[tuple[str, lang.Test], ...]
    touched_by: frozenset[str]

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """Changes only with an event."""
        return all(passes(test, profile.trait(name)) for name, test in self.tests), None


@dataclass(frozen=True, slots=True)
class KnownForRule:
    """How long ago the first event was."""

    at_least: int
    touched_by: frozenset[str]

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """Becomes true once, and stays."""
        if profile.first_at is None:
            return False, None
        instant = profile.first_at + self.at_least
        return (True, None) if instant <= t else (False, instant)


def next_flip(rule: Rule, profile: Profile, t: int) -> tuple[bool, int | None]:
    """Truth at ``t`` and the first instant after ``t`` at which it differs, if nothing happens. None: never."""
    truth, candidate = rule.check(profile, t)
    for _ in range(_MAX_CANDIDATES):
        if candidate is None:
            return truth, None
        there, following = rule.check(profile, candidate)
        if there != truth:
            return truth, candidate
        candidate = following
    return truth, candidate


class Compiler:
    """Compiles conditions, asking ``plan`` for the memory they need and inlining other segments."""

    def __init__(self, segments: Mapping[str, lang.Segment], plan: Plan) -> None:
        self._segments = segments
        self._plan = plan
        self._open: list[str] = []
        self._makers: dict[type, Callable[[Any], Rule]] = {
            lang.All: lambda c: self._combine(AllOf, c.all),
            lang.Any_: lambda c: self._combine(AnyOf, c.any),
            lang.Not: self._not,
            lang.Did: self._did,
            lang.DidNot: self._did_not,
            lang.Trait: self._trait,
            lang.KnownFor: lambda c: KnownForRule(c.known_for.at_least, frozenset({"*first"})),
            lang.InSegment: lambda c: self.segment(c.segment),
        }

    def segment(self, name: str) -> Rule:
        """The rule of a segment; raises InvalidInput for an unknown one and for a circle of references."""
        if name not in self._segments:
            raise InvalidInput(f"there is no segment {name!r}", code="unknown_segment")
        if name in self._open:
            circle = " → ".join([*self._open[self._open.index(name) :], name])
            raise InvalidInput(f"segments refer to each other in a circle: {circle}", code="segment_cycle")
        self._open.append(name)
        try:
            return self.compile(self._segments[name].when)
        finally:
            self._open.pop()

    def compile(self, condition: lang.Condition) -> Rule:
        """The rule of a condition."""
        return self._makers[type(condition)](condition)

    def _combine(self, kind: type[AllOf] | type[AnyOf], conditions: Iterable[lang.Condition]) -> Rule:
        parts = tuple(self.compile(condition) for condition in conditions)
        touched: frozenset[str] = frozenset().union(*(part.touched_by for part in parts))
        return kind(parts, touched)

    def _not(self, condition: lang.Not) -> Rule:
        part = self.compile(condition.not_)
        return NotRule(part, part.touched_by)

    def _did(self, condition: lang.Did) -> Rule:
        times = condition.times
        low = times.exactly if times.exactly is not None else times.at_least or 0
        high = times.exactly if times.exactly is not None else times.at_most
        # One more than the upper bound tells "at most two" from "three".
        keep = max(low, 1) if high is None else high + 1
        slot = self._plan.need(
            {condition.did}, where=condition.where, same=condition.same, keep=keep, window=condition.within
        )
        return DidRule(slot, condition.same is not None, low, high, condition.within, frozenset({condition.did}))

    def _did_not(self, condition: lang.DidNot) -> Rule:
        done = lang.Did(did=condition.did_not, where=condition.where, within=condition.within)
        return self._not(lang.Not(not_=done))

    def _trait(self, condition: lang.Trait) -> Rule:
        return TraitRule(
            tuple(condition.trait.items()),
            frozenset(f"trait:{name.split('.')[0]}" for name in condition.trait)
            | {f"trait:{n}" for n in condition.trait},
        )
