"""Which products go with which: counted from behaviour, small enough to lie in the bundle.

Two products belong together when the same people looked at (or bought) both within a day. The score of a pair is the
cosine of the two products' sets of visits, c(i,j) / sqrt(n(i) n(j)) (Sarwar et al., Item-based Collaborative Filtering,
2001), times c / (c + SHRINK), which keeps pairs that few people made from standing first (Bell and Koren, 2007).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from pydantic import Field

from homing.domain.segments.values import Model
from homing.domain.time import DAY

# Neighbours kept of each product; visits that a pair needs; how much few visits weigh less; products of a visit that
# are paired (the rest of a long one is a robot, or a catalog read from end to end).
TOP, SUPPORT, SHRINK, LONGEST = 20, 2, 3.0, 30
POPULAR = 200


class Related(Model):
    """``catalog/related.json``: neighbours with scores, best first, and the most popular products."""

    viewed: dict[str, list[tuple[str, float]]] = Field(default_factory=dict)
    bought: dict[str, list[tuple[str, float]]] = Field(default_factory=dict)
    popular: list[str] = Field(default_factory=list)


# What somebody did: the instant, the product, and whether it was bought.
Act = tuple[int, str, bool]


def related(people: Iterable[Iterable[Act]]) -> Related:
    """Builds the tables; each element is one person's acts, in any order. The same acts give the same tables."""
    viewed, bought = _Pairs(), _Pairs()
    popular: Counter[str] = Counter()
    for person in people:
        acts = sorted(person)
        for visit in _visits([(at, product) for at, product, _ in acts]):
            viewed.add(visit)
            popular.update(visit)
        bought.add(list(dict.fromkeys(product for _, product, was in acts if was)))
    ranked = sorted(popular, key=lambda product: (-popular[product], product))
    return Related(viewed=viewed.neighbours(), bought=bought.neighbours(), popular=ranked[:POPULAR])


def _visits(acts: Sequence[tuple[int, str]]) -> Iterable[list[str]]:
    """Acts without a day's pause between them, each product once."""
    visit: dict[str, None] = {}
    last: int | None = None
    for at, product in acts:
        if last is not None and at - last > DAY:
            yield list(visit)
            visit = {}
        visit[product] = None
        last = at
    if visit:
        yield list(visit)


class _Pairs:
    def __init__(self) -> None:
        self._count: Counter[str] = Counter()
        self._together: Counter[tuple[str, str]] = Counter()

    def add(self, products: list[str]) -> None:
        products = sorted(products[-LONGEST:])
        self._count.update(products)
        self._together.update((one, other) for index, one in enumerate(products) for other in products[index + 1 :])

    def neighbours(self) -> dict[str, list[tuple[str, float]]]:
        """The best of each product, by score and then by id."""
        found: dict[str, list[tuple[str, float]]] = {}
        for (one, other), both in self._together.items():
            if both >= SUPPORT:
                score = both / math.sqrt(self._count[one] * self._count[other]) * both / (both + SHRINK)
                found.setdefault(one, []).append((other, round(score, 4)))
                found.setdefault(other, []).append((one, round(score, 4)))
        return {
            product: sorted(near, key=lambda pair: (-pair[1], pair[0]))[:TOP] for product, near in sorted(found.items())
        }
