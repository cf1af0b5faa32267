"""Rules about what people did: how often, how much, how many different, which first.

All read slots: lists of entries, the latest first. Events stamped a few minutes ahead (clocks differ) may stand at the
front; they count from their own instant. Nearly always there are none, and then most answers take one look at one entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from homing.domain.profiles.local_time import zone_of
from homing.domain.profiles.memory import Entry
from homing.domain.profiles.profile import Profile
from homing.domain.segments.comparisons import Comparison, Test, millionths, passes
from homing.domain.segments.rules import Answer, earliest
from homing.domain.segments.when import During, covers

Aggregate = Literal["sum", "average", "maximum", "minimum"]


def split(held: list[Entry], t: int) -> tuple[list[Entry], int | None]:
    """The entries that happened by ``t``, and when the first of the others will have."""
    ahead = 0
    while ahead < len(held) and held[ahead][0] > t:
        ahead += 1
    return (held[ahead:], held[ahead - 1][0]) if ahead else (held, None)


def after(held: list[Entry], instant: int) -> list[Entry]:
    """The entries that happened later than an instant."""
    count = 0
    while count < len(held) and held[count][0] > instant:
        count += 1
    return held[:count]


@dataclass(frozen=True, slots=True)
class Count:
    """Bounds of a number of entries in the half-open window ``(t - within, t]``."""

    at_least: int
    at_most: int | None
    within: int | None

    def of(self, past: list[Entry], t: int) -> Answer:
        """Of entries that happened by ``t``, latest first. The instant is exact: entries only expire."""
        low, high, within = self.at_least, self.at_most, self.within
        if high is None:
            # Enough as long as the low-th latest counts; later ones can only prolong it.
            if low == 0:
                return True, None
            if len(past) < low:
                return False, None
            if within is None:
                return True, None
            expires = past[low - 1][0] + within
            return (True, expires) if expires > t else (False, None)
        count = len(past) if within is None else len(after(past, t - within))
        if count > high:
            return False, None if within is None or high < low else past[high][0] + within
        if count < low:
            return False, None
        return True, None if within is None or low == 0 else past[low - 1][0] + within


@dataclass(frozen=True, slots=True)
class DidRule:
    """How many entries of a slot."""

    slot: str
    count: Count
    reads: frozenset[str]

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """One look at the entry that decides."""
        held = profile.memory.get(self.slot)
        if not held:
            return self.count.at_least == 0, None
        coming: int | None = None
        if held[0][0] > t:
            held, coming = split(held, t)
        if since is not None and self.count.within is None:
            held = after(held, since)
        truth, flip = self.count.of(held, t)
        return truth, flip if coming is None else earliest((flip, coming))


@dataclass(frozen=True, slots=True)
class DuringRule:
    """How many entries of a slot lie at some time of the week, where the customer is."""

    slot: str
    count: Count
    during: During
    zone: str
    reads: frozenset[str]

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """Like :class:`DidRule`, of the entries that lie there."""
        past, coming = split(profile.memory.get(self.slot, []), t)
        if since is not None and self.count.within is None:
            past = after(past, since)
        truth, flip = self.count.of(covered(past, self.during, profile, self.zone), t)
        return truth, earliest((flip, coming))


def covered(past: list[Entry], during: During | None, profile: Profile, default_zone: str) -> list[Entry]:
    """The entries at a time of the week."""
    if during is None:
        return past
    zone = zone_of(profile, default_zone)
    return [entry for entry in past if covers(during, entry[0], zone)]


@dataclass(frozen=True, slots=True)
class SameRule:
    """How many entries of one value; one value that satisfies the count, which is at least one, is enough."""

    slot: str
    count: Count
    reads: frozenset[str]

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """True until the last of the values that satisfy it does no longer."""
        count = self.count
        values = (profile.memory.get(self.slot) or {}).values()
        if count.at_most is None and count.within is not None:
            # The usual case: what counts is the value whose low-th latest entry is the latest of all.
            low, edge = count.at_least, t - count.within
            latest = edge
            for past in values:
                if past[0][0] > t:
                    break
                if len(past) >= low and past[low - 1][0] > latest:
                    latest = past[low - 1][0]
            else:
                return (True, latest + count.within) if latest > edge else (False, None)
        cut = since is not None and count.within is None
        true, for_ever = False, False
        last = 0
        soonest: int | None = None
        for past in values:
            coming: int | None = None
            if past[0][0] > t:
                past, coming = split(past, t)
            if cut and since is not None:
                past = after(past, since)
            truth, flip = count.of(past, t)
            if coming is not None:
                flip = coming if flip is None else min(flip, coming)
            if truth:
                true = True
                for_ever = for_ever or flip is None
                last = max(last, flip or 0)
            elif flip is not None and (soonest is None or flip < soonest):
                soonest = flip
        if true:
            return True, None if for_ever else last
        return False, soonest


@dataclass(frozen=True, slots=True)
class DistinctRule:
    """How many different values have an entry in the window."""

    slot: str
    count: Count
    reads: frozenset[str]

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """A value counts as long as its latest entry does."""
        latest: list[Entry] = []
        soonest: int | None = None
        for past in (profile.memory.get(self.slot) or {}).values():
            if past[0][0] > t:
                past, coming = split(past, t)
                soonest = earliest((soonest, coming))
            if past:
                latest.append(past[0])
        latest.sort(reverse=True, key=lambda entry: entry[0])
        if since is not None and self.count.within is None:
            latest = after(latest, since)
        truth, flip = self.count.of(latest, t)
        return truth, earliest((flip, soonest))


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of an amount, in millionths."""

    more_than: int | None
    at_least: int | None
    less_than: int | None
    at_most: int | None

    @classmethod
    def of(cls, comparison: Comparison) -> Bounds:
        """As written."""
        asked = (comparison.more_than, comparison.at_least, comparison.less_than, comparison.at_most)
        return cls(*(None if bound is None else millionths(bound) for bound in asked))

    def hold(self, total: int, count: int = 1) -> bool:
        """Whether ``total / count`` lies within; exact, in whole numbers."""
        return not (
            (self.more_than is not None and not total > self.more_than * count)
            or (self.at_least is not None and not total >= self.at_least * count)
            or (self.less_than is not None and not total < self.less_than * count)
            or (self.at_most is not None and not total <= self.at_most * count)
        )


@dataclass(frozen=True, slots=True)
class AmountRule:
    """A number made of a property of the entries in the window."""

    slot: str
    property: str
    aggregate: Aggregate
    bounds: Bounds
    within: int | None
    during: During | None
    zone: str
    reads: frozenset[str]

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """Entries expire one after the other, oldest first: what holds of the k latest, for every k, tells when."""
        past, coming = split(profile.memory.get(self.slot) or [], t)
        if self.within is not None:
            past = after(past, t - self.within)
        elif since is not None:
            past = after(past, since)
        past = covered(past, self.during, profile, self.zone)
        numbers = [
            (at, amount)
            for at, _, carried in past
            if carried and (amount := millionths(carried.get(self.property))) is not None
        ]
        truths = self._truths([amount for _, amount in numbers])
        truth = truths[-1]
        if self.within is None:
            return truth, coming
        flip = next((numbers[k][0] + self.within for k in range(len(numbers) - 1, -1, -1) if truths[k] != truth), None)
        return truth, flip if coming is None else earliest((flip, coming))

    def _truths(self, amounts: list[int]) -> list[bool]:
        """Whether it holds of the k latest, for k from 0 on."""
        bounds, aggregate = self.bounds, self.aggregate
        truths = [bounds.hold(0) if aggregate == "sum" else False]
        total = 0
        for k, amount in enumerate(amounts):
            if aggregate in {"sum", "average"}:
                total += amount
            else:
                total = amount if k == 0 else max(total, amount) if aggregate == "maximum" else min(total, amount)
            truths.append(bounds.hold(total, k + 1 if aggregate == "average" else 1))
        return truths


@dataclass(frozen=True, slots=True)
class ChosenRule:
    """Their first or latest event: when it was, what it was like. ``window`` is its age in ``[at_least, less_than)``,
    ``between`` the span of instants it must lie in."""

    slot: str
    earliest: bool
    at_least: int
    less_than: int | None
    between: tuple[int | None, int | None]
    having: tuple[tuple[str, Test], ...]
    reads: frozenset[str]

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """There is at most one that counts."""
        past, coming = split(profile.memory.get(self.slot) or [], t)
        if since is not None:
            past = after(past, since)
        if not past:
            return False, coming
        # A slot of the earliest holds later ones too until it is pruned.
        at, _, carried = past[-1 if self.earliest else 0]
        start, end = self.between
        right = (start is None or at >= start) and (end is None or at < end)
        if not right or not all(passes(test, (carried or {}).get(path)) for path, test in self.having):
            return False, coming
        until = None if self.less_than is None else at + self.less_than
        if t < at + self.at_least:
            # Too early, and perhaps never: too old as soon as it is old enough.
            never = until is not None and until <= at + self.at_least
            return False, coming if never else earliest((at + self.at_least, coming))
        if until is not None and t >= until:
            return False, coming
        return True, earliest((until, coming))


@dataclass(frozen=True, slots=True)
class RateRule:
    """The share of the values of one slot in the window that another slot has in the window too."""

    slot: str
    of: str
    bounds: Bounds
    among: int
    within: int
    reads: frozenset[str]

    def check(self, profile: Profile, t: int, since: int | None = None) -> Answer:
        """Walks through the expiries in order until the truth differs."""
        reached, coming = self._latest(profile, self.of, t)
        reacted, also_coming = self._latest(profile, self.slot, t)
        count = len(reached)
        hits = sum(1 for value in reached if value in reacted)
        truth = self._holds(hits, count)
        # When a value stops counting, and when it stops counting as a hit before that.
        ends: list[tuple[int, int, int]] = []
        for value, at in reached.items():
            hit = value in reacted
            ends.append((at + self.within, 1, int(hit and reacted[value] >= at)))
            if hit and reacted[value] < at:
                ends.append((reacted[value] + self.within, 0, 1))
        ends.sort()
        flip: int | None = None
        for end, following in pairwise([*ends, (0, 0, 0)]):
            count, hits = count - end[1], hits - end[2]
            if end[0] != following[0] and self._holds(hits, count) != truth:
                flip = end[0]
                break
        return truth, earliest((flip, coming, also_coming))

    def _holds(self, hits: int, count: int) -> bool:
        return count >= self.among and self.bounds.hold(hits * 1_000_000, count)

    def _latest(self, profile: Profile, slot: str, t: int) -> tuple[dict[str, int], int | None]:
        """Value → its latest instant in the window; and when the first of what is ahead comes."""
        found: dict[str, int] = {}
        soonest: int | None = None
        for value, held in (profile.memory.get(slot) or {}).items():
            past, coming = split(held, t)
            if past and past[0][0] + self.within > t:
                found[value] = past[0][0]
            soonest = earliest((soonest, coming))
        return found, soonest
