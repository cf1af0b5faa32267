"""Thresholds of RFM scores: quantiles of the shop's own customers, computed every night, in force from the next hour on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from homing.domain.errors import Unavailable
from homing.domain.time import HOUR, MINUTE

# Quantiles 0.2, 0.4, 0.6 and 0.8 as fractions: twenty percent of ten people are two, whatever floats say.
_FIFTHS = (1, 2, 3, 4)
FEWEST = 20
# How long what was read is believed. Thresholds come into force up to an hour after they are stored, so all know them by then.
REFRESH = 10 * MINUTE
# So many nights are kept: what came due some days ago is settled under what was in force then.
KEPT = 8


class Thresholds(NamedTuple):
    """Four ascending numbers each: whole days since the last order, orders, and millionths spent."""

    effective_at: int
    customers: int
    recency: tuple[int, ...]
    orders: tuple[int, ...]
    spent: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """As it is stored."""
        return self._asdict()

    @classmethod
    def from_dict(cls, held: Mapping[str, Any]) -> Thresholds:
        """Reads :meth:`to_dict`."""
        recency, orders, spent = (tuple(map(int, held[name])) for name in ("recency", "orders", "spent"))
        return cls(int(held["effective_at"]), int(held["customers"]), recency, orders, spent)


class Standing(NamedTuple):
    """One customer: whole days since the last order, orders in the window, millionths spent in it."""

    recency: int
    orders: int
    spent: int


def quantiles(values: Iterable[int]) -> tuple[int, ...]:
    """Of n values in ascending order those at the places ⌈n/5⌉, ⌈2n/5⌉, ⌈3n/5⌉ and ⌈4n/5⌉, counted from 1."""
    ordered = sorted(values)
    return tuple(ordered[-(-fifths * len(ordered) // 5) - 1] for fifths in _FIFTHS)


def rank(standings: Iterable[Standing], now: int) -> Thresholds | None:
    """The thresholds of these customers, in force from the next full hour on; None with fewer than twenty."""
    known = [standing for standing in standings if standing.orders]
    if len(known) < FEWEST:
        return None
    return Thresholds(
        effective_at=(now // HOUR + 1) * HOUR,
        customers=len(known),
        recency=quantiles(standing.recency for standing in known),
        orders=quantiles(standing.orders for standing in known),
        spent=quantiles(standing.spent for standing in known),
    )


def joined(held: Sequence[Thresholds], new: Thresholds) -> list[Thresholds]:
    """With those of another night, the latest few, by when they are in force."""
    return sorted([one for one in held if one.effective_at != new.effective_at] + [new])[-KEPT:]


class Rankings:
    """The thresholds that are known, for an engine. ``read`` fetches them when they are first asked for, and again when
    ten minutes have passed by ``clock``; it may raise Unavailable."""

    def __init__(
        self,
        known: Iterable[Thresholds] = (),
        *,
        read: Callable[[], Sequence[Thresholds]] | None = None,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self._read = read
        self._clock = clock
        self._read_at: int | None = None
        self._held: list[Thresholds] = []
        self._starts: list[int] = []
        self.set(known)

    def set(self, known: Iterable[Thresholds]) -> None:
        """Replaces what is known."""
        self._held = sorted(known)
        self._starts = [one.effective_at for one in self._held]

    def add(self, new: Thresholds) -> None:
        """Adds those of another night."""
        self.set(joined(self._held, new))

    def at(self, t: int) -> Thresholds | None:
        """Those in force at an instant; None before the first."""
        if self._read is not None and self._clock is not None:
            now = self._clock()
            if self._read_at is None or now >= self._read_at + REFRESH:
                self._refresh(self._read, now)
        place = bisect_right(self._starts, t)
        return self._held[place - 1] if place else None

    def _refresh(self, read: Callable[[], Sequence[Thresholds]], now: int) -> None:
        try:
            self.set(read())
        except Unavailable:
            # What was in force some minutes ago still is; only who knows nothing yet can't go on.
            if self._read_at is None:
                raise
        self._read_at = now
