"""Sequences: events one after the other, with what must not come between."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from homing.domain.profiles.memory import Entry
from homing.domain.profiles.profile import Profile
from homing.domain.segments.behaviour import split
from homing.domain.segments.rules import Answer, earliest


@dataclass(frozen=True, slots=True)
class Step:
    """One ``did`` of a sequence, what must not lie strictly between the step before and it, and less than how long
    after that it comes."""

    slot: str
    unless: str | None
    within: int | None


@dataclass(frozen=True, slots=True)
class Ending:
    """A ``did_not`` as the last step."""

    slot: str
    within: int | None


@dataclass(frozen=True, slots=True)
class SequenceRule:
    """Some chain of events passes through all steps, and its first one lies in ``(t - within, t]``."""

    steps: tuple[Step, ...]
    ending: Ending | None
    grouped: bool
    within: int | None
    reads: frozenset[str]

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """For each event of a step, the latest beginning of a chain that leads to it; chains end one by one."""
        truth = False
        flips: list[int | None] = [self._coming(profile, t)]
        for value in self._values(profile):
            for end, begin in self._chains(profile, value, t):
                if since is not None and self.within is None and begin <= since:
                    continue
                over = None if self.within is None else begin + self.within
                if over is not None and over <= t:
                    continue
                holds, decided = self._ended(profile, end, t)
                truth = truth or holds
                flips += [over, decided]
        return truth, earliest(flips)

    def _values(self, profile: Profile) -> Iterator[str | None]:
        if not self.grouped:
            yield None
        else:
            yield from profile.memory.get(self.steps[0].slot) or ()

    def _times(self, profile: Profile, slot: str, value: str | None, t: int) -> list[int]:
        """When the events of a slot happened, up to ``t``, earliest first."""
        held = profile.memory.get(slot)
        entries: list[Entry] = (held if value is None else held.get(value, [])) if held else []
        return [at for at, _, _ in reversed(split(entries, t)[0])]

    def _chains(self, profile: Profile, value: str | None, t: int) -> list[tuple[int, int]]:
        """``(end, latest beginning)`` of the chains through all steps."""
        reached = [(at, at) for at in self._times(profile, self.steps[0].slot, value, t)]
        for step in self.steps[1:]:
            between = [] if step.unless is None else self._times(profile, step.unless, None, t)
            following: list[tuple[int, int]] = []
            for at in self._times(profile, step.slot, value, t):
                before = bisect_left(between, at)
                # What must not lie between may stand at the very instant of the step before.
                floor = between[before - 1] if before else None
                begins = [
                    begin
                    for end, begin in reached
                    if end < at and (floor is None or end >= floor) and (step.within is None or at - end < step.within)
                ]
                if begins:
                    following.append((at, max(begins)))
            reached = following
        return reached

    def _ended(self, profile: Profile, end: int, t: int) -> Answer:
        """Whether nothing came after the last step that must not; and when that is decided."""
        if self.ending is None:
            return True, None
        later = [at for at in self._times(profile, self.ending.slot, None, t) if at > end]
        if self.ending.within is None:
            return not later, None
        decided = end + self.ending.within
        if later and later[0] < decided:
            return False, None
        return (True, None) if t >= decided else (False, decided)

    def _coming(self, profile: Profile, t: int) -> int | None:
        """When the first of the events that are stamped ahead will have happened."""
        slots = {step.slot for step in self.steps}
        plain = {step.unless for step in self.steps if step.unless} | ({self.ending.slot} if self.ending else set())
        lists = [profile.memory.get(slot) or [] for slot in (plain if self.grouped else plain | slots)]
        if self.grouped:
            lists += [held for slot in slots for held in (profile.memory.get(slot) or {}).values()]
        return earliest(split(held, t)[1] for held in lists)
