"""Sizes and overlaps of segments from the first few of their members.

Profile ids are keyed hashes, so they are spread evenly, and the smallest ids of a segment are a random sample of it: the
same people for every segment, which is what makes overlaps of samples tell of overlaps of segments. This is the KMV, or
bottom-k, sketch of Beyer, Haas, Reinwald, Sismanis and Gemulla ("On Synopses for Distinct-Value Estimation Under
Multiset Operations", SIGMOD 2007), written with a threshold as in Dasgupta, Lang, Rhodes and Thaler ("A Framework for
Estimating Stream Expression Cardinalities", ICDT 2016).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

# Hexadecimal digits of an id that say where in [0, 1) it lies: 52 bits, as many as a float holds.
_DIGITS = 13


def place(id: str) -> float:
    """Where an id lies in [0, 1): its leading hexadecimal digits as a fraction. Raises ValueError for other texts."""
    return int(id[:_DIGITS].ljust(_DIGITS, "0"), 16) / float(16**_DIGITS)


@dataclass(frozen=True)
class Sketch:
    """Every member with an id up to ``below``; ``below`` None: every member, and all that is told is exact."""

    ids: frozenset[str]
    below: str | None = None

    @classmethod
    def of(cls, ids: Iterable[str], below: str | None = None) -> Sketch:
        """From ids in any order."""
        return cls(frozenset(ids), below)

    @property
    def exact(self) -> bool:
        """Whether it holds everybody."""
        return self.below is None

    @cached_property
    def size(self) -> float:
        """The members, estimated as those before the threshold through the threshold: ``(k - 1) / U_k``, which is
        unbiased, with a relative standard error of about ``1 / √(k - 2)``."""
        if self.below is None:
            return len(self.ids)
        at = place(self.below)
        return sum(member < self.below for member in self.ids) / at if at else float(len(self.ids))


@dataclass(frozen=True, slots=True)
class Overlap:
    """How two segments lie to each other. ``basis`` is how many people the shares rest on; with few, they are rough."""

    a: str
    b: str
    jaccard: float
    # Of a's members, how many are in b; and the other way round.
    a_in_b: float
    b_in_a: float
    both: float
    basis: int
    exact: bool


def overlap(a: str, first: Sketch, b: str, second: Sketch) -> Overlap:
    """Below the smaller threshold both samples are complete; shares there are shares of the whole.

    The standard error of the Jaccard coefficient J is about ``√(J (1 - J) / basis)``.
    """
    below = min((x.below for x in (first, second) if x.below is not None), default=None)
    ours = first.ids if below is None else {member for member in first.ids if member < below}
    theirs = second.ids if below is None else {member for member in second.ids if member < below}
    both, either = len(ours & theirs), len(ours | theirs)
    share = place(below) if below is not None else 1.0
    return Overlap(
        a,
        b,
        jaccard=both / either if either else 0.0,
        a_in_b=both / len(ours) if ours else 0.0,
        b_in_a=both / len(theirs) if theirs else 0.0,
        both=both / share if share else float(both),
        basis=either,
        exact=below is None,
    )
