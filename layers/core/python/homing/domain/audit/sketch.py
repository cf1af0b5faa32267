"""Sizes and overlaps of segments from the first few of their members.

Profile ids are keyed hashes, so they are spread evenly, and the smallest ids of a segment are a random sample of it: the
same people for every segment, which is what makes overlaps of samples tell of overlaps of segments. This is the KMV, or
bottom-k, sketch of Beyer, Haas, Reinwald, Sismanis and Gemulla ("On Synopses for Distinct-Value Estimation Under
Multiset Operations", SIGMOD 2007), written with a threshold as in Dasgupta, Lang, Rhodes and Thaler ("A Framework for
Estimating Stream Expression Cardinalities", ICDT 2016).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

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
    """How ``a`` lies to another segment ``b``.

    Below the smaller threshold both samples are complete; shares there are shares of the whole. The standard
    error of the Jaccard coefficient J is about ``√(J (1 - J) / basis)``.
    """
    return next(overlaps({a: first, b: second}))


def overlaps(sketches: Mapping[str, Sketch]) -> Iterator[Overlap]:
    """:func:`overlap` of every pair. A thousand segments have half a million pairs: people become the bits of one number
    for each segment, in the order of their ids, so that a pair costs a few operations on numbers."""
    everybody = sorted(frozenset().union(*(sketch.ids for sketch in sketches.values())))
    at = {member: position for position, member in enumerate(everybody)}
    masks = {name: _mask(sketch.ids, at) for name, sketch in sketches.items()}
    edges = {
        name: None if sketch.below is None else bisect_left(everybody, sketch.below)
        for name, sketch in sketches.items()
    }
    for a, b in combinations(sketches, 2):
        ours, theirs, share = masks[a], masks[b], 1.0
        edge = min((e for e in (edges[a], edges[b]) if e is not None), default=None)
        if edge is not None:
            low = (1 << edge) - 1
            ours, theirs = ours & low, theirs & low
            share = place(min(below for name in (a, b) if (below := sketches[name].below) is not None))
        n, m, both = ours.bit_count(), theirs.bit_count(), (ours & theirs).bit_count()
        either = n + m - both
        yield Overlap(
            a,
            b,
            jaccard=both / either if either else 0.0,
            a_in_b=both / n if n else 0.0,
            b_in_a=both / m if m else 0.0,
            both=both / share if share else float(both),
            basis=either,
            exact=edge is None,
        )


def _mask(ids: Iterable[str], at: Mapping[str, int]) -> int:
    bits = bytearray(len(at) // 8 + 1)
    for member in ids:
        position = at[member]
        bits[position >> 3] |= 1 << (position & 7)
    return int.from_bytes(bits, "little")
