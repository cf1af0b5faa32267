"""The account's sending rate, shared by all workers: its tokens are dealt out in lanes.

A rate of 14 mails a second with 5 workers is 5 lanes of 3, 3, 3, 3 and 2 mails a second. A worker leases a lane for some
seconds with one conditional write, and keeps the distance between its mails by itself. In any second a lane lets at most
its own number pass and the lanes add up to the rate, so the rate holds in any second, whatever the workers do; what is
not used is gone, nothing piles up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from homing.domain.time import SECOND

# A write each so many seconds and worker, instead of one for each mail; a worker that died keeps its lane so long.
LEASE = 10 * SECOND


@dataclass(frozen=True, slots=True)
class Lane:
    """A share of the rate: mails a second, its number, and until when it is whose."""

    number: int
    per_second: int
    until: int

    @property
    def gap(self) -> int:
        """The least distance between two mails, rounded up."""
        return -(-SECOND // self.per_second)


@dataclass(frozen=True, slots=True)
class Lanes:
    """Who holds which lane: number → holder and the end of the lease (an instant)."""

    held: Mapping[int, tuple[str, int]] = field(default_factory=dict)

    def lease(self, holder: str, now: int, shares: tuple[int, ...]) -> tuple[Lanes, Lane] | int:
        """Takes a lane until ``now + LEASE``: the holder's own again, or a free one; else the instant at which the next
        becomes free. ``shares`` are mails a second, lane by lane."""
        mine = [number for number, (who, _) in self.held.items() if who == holder and number < len(shares)]
        free = [number for number in range(len(shares)) if self._free_at(number, shares) <= now]
        # Its own comes first, so that the distance to its last mail holds on.
        for number in (*mine, *free):
            lane = Lane(number, shares[number], now + LEASE)
            return replace(self, held={**self.held, number: (holder, lane.until)}), lane
        return min(self._free_at(number, shares) for number in range(len(shares)))

    def _free_at(self, number: int, shares: tuple[int, ...]) -> int:
        if number not in self.held:
            return 0
        # The mail that left just before the end of a lease keeps its distance to the first of the next holder.
        return self.held[number][1] + Lane(number, shares[number], 0).gap

    def to_list(self) -> list[list[Any]]:
        """Plain JSON types."""
        return [[number, who, until] for number, (who, until) in sorted(self.held.items())]

    @classmethod
    def from_list(cls, value: list[list[Any]]) -> Lanes:
        """Reads :meth:`to_list`."""
        return cls({number: (who, until) for number, who, until in value})


def shares(per_second: int, workers: int) -> tuple[int, ...]:
    """The rate in whole mails a second, one share for each worker; fewer shares where the rate is lower than that."""
    lanes = max(1, min(per_second, workers))
    return tuple(per_second // lanes + (number < per_second % lanes) for number in range(lanes))
