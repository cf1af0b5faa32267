"""RFM: scores of recency, frequency and monetary value against the shop's own customers, and the names of their mixtures.

Names and ranges are those that RFM tools share (Putler's table of eleven segments); docs/attributes.md has the grid.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable
from typing import Any, NamedTuple

from homing.domain.attributes.attribute import MAYBE, Stepwise
from homing.domain.attributes.orders import Orders, Placed
from homing.domain.attributes.rankings import Rankings, Thresholds
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, WEEK

# By R from 1 to 5, then by FM from 1 to 5.
GRID = (
    ("lost", "lost", "at_risk", "cannot_lose", "cannot_lose"),
    ("hibernating", "hibernating", "at_risk", "at_risk", "at_risk"),
    ("about_to_sleep", "about_to_sleep", "need_attention", "loyal", "loyal"),
    ("promising", "potential_loyalist", "loyal", "champions", "champions"),
    ("new", "potential_loyalist", "loyal", "champions", "champions"),
)


class Scores(NamedTuple):
    """1 to 5 each."""

    r: int
    f: int
    m: int

    @property
    def digits(self) -> str:
        """``"545"``."""
        return f"{self.r}{self.f}{self.m}"

    @property
    def name(self) -> str:
        """By R and the mean of F and M, halves rounded up."""
        return GRID[self.r - 1][(self.f + self.m + 1) // 2 - 1]


def scores_of(days: int, orders: int, spent: int, thresholds: Thresholds) -> Scores:
    """Scores of whole days since the last order, number of orders, and millionths spent: how many thresholds are less."""
    return Scores(
        5 - bisect_left(thresholds.recency, days),
        1 + bisect_left(thresholds.orders, orders),
        1 + bisect_left(thresholds.spent, spent),
    )


class Rfm(Stepwise):
    """One of the values made of the scores. Changes are told up to the person's next :func:`next_rescore`, at which the
    engine asks again, since thresholds may be others by then."""

    lasting = False

    def __init__(self, orders: Orders, rankings: Rankings, part: str) -> None:
        self._orders = orders
        self._rankings = rankings
        self._part = part
        self.reads = orders.reads("window", "latest")

    def value(self, profile: Profile, t: int) -> Any:
        """None without thresholds, or without an order."""
        placed = self._orders.placed(profile, t)
        course = self._course(profile, t, placed)
        if course is None:
            return None
        scores = course[0][1]
        for instant, there in course:
            if instant > t:
                break
            scores = there
        return self._of(scores)

    def steps(self, profile: Profile, t: int) -> Iterable[tuple[int, Any]]:
        """Under the thresholds of now: recency passes one, or an order leaves the window."""
        placed = self._orders.placed(profile, t)
        ahead = placed.ahead
        for instant, scores in self._course(profile, t, placed) or ():
            if instant <= t:
                continue
            if ahead is not None and ahead <= instant:
                break
            yield instant, self._of(scores)
        if ahead is not None:
            yield ahead, MAYBE

    def _course(self, profile: Profile, t: int, placed: Placed) -> list[tuple[int, Scores]] | None:
        """The scores at ``t`` and those of later instants, up to the next :func:`next_rescore`; None where there are none.
        It is worked out once for all that asks for them: several segments do, whenever somebody wakes."""
        # Asked in this order: thresholds may have to be fetched, and most people have not ordered.
        latest = placed.latest
        thresholds = self._rankings.at(t) if latest is not None else None
        if thresholds is None or latest is None:
            return None
        known: tuple[Placed, Thresholds, int, int, list[tuple[int, Scores]]] | None = profile.worked.get("rfm")
        if known is not None and known[0] is placed and known[1] is thresholds and known[2] <= t < known[3]:
            return known[4]
        orders, window = placed.orders(t), self._orders.window
        # Then the engine wakes and scores everybody anew (Attributes.next_rescore): no need to look further.
        last = next_rescore(profile, t)
        instants = {at for days in thresholds.recency if t < (at := latest + (days + 1) * DAY) <= last}
        left = len(orders)
        while left and (at := orders[left - 1].at + window) <= last:
            left -= 1
            instants.add(at)
        left = len(orders)
        course = []
        for instant in (t, *sorted(instants)):
            while left and orders[left - 1].at + window <= instant:
                left -= 1
            sums = placed.sums_of(left)
            course.append((instant, scores_of((instant - latest) // DAY, sums.orders, sums.amount, thresholds)))
        if placed.ahead is None:
            profile.worked["rfm"] = (placed, thresholds, t, last, course)
        return course

    def _of(self, scores: Scores) -> Any:
        if self._part == "rfm":
            return scores.digits
        return scores.name if self._part == "rfm_segment" else getattr(scores, self._part[0])


def next_rescore(profile: Profile, t: int) -> int:
    """The instant of the week, after ``t``, at which this person is scored anew though nothing happens."""
    offset = profile.worked.get("rescore")
    if offset is None:
        offset = int.from_bytes(hashlib.blake2b(profile.id.encode(), digest_size=8).digest(), "big") % WEEK
        profile.worked["rescore"] = offset
    return t + 1 + (offset - t - 1) % WEEK
