"""Every night: what makes a customer of this shop a good one, as thresholds for RFM scores.

Reads a bounded random sample and writes one small document, whatever the shop's size. Running it twice in an hour stores
the same thing twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from homing.domain.attributes.rankings import Standing, Thresholds, joined, rank
from homing.domain.engine import CUSTOMERS, Engine
from homing.domain.profiles.profile import Profile
from homing.services.ports import Clock, Journal, ProfileStore, RankingStore

# So many customers tell the fifths of a shop to within one percent of its people, nineteen times of twenty.
SAMPLE = 10_000
_PAGE = 100


@dataclass(frozen=True, slots=True)
class RankResult:
    """How many customers were looked at, and the thresholds, if there are enough of them."""

    customers: int
    thresholds: Thresholds | None


@dataclass(frozen=True)
class RankCustomers:
    """Computes thresholds; see the module."""

    engine: Engine
    profiles: ProfileStore
    journal: Journal
    rankings: RankingStore
    clock: Clock
    sample: int = SAMPLE

    def __call__(self) -> RankResult:
        """Does nothing where no segment, flow or template asks for scores. Raises Unavailable."""
        if not self.engine.attributes.ranked:
            return RankResult(0, None)
        now = self.clock()
        standings = list(self._standings(now))
        thresholds = rank(standings, now)
        if thresholds is not None:
            version, held = self.rankings.load()
            self.rankings.save(joined(held, thresholds), expected=version)
        return RankResult(len(standings), thresholds)

    def _standings(self, now: int) -> Iterator[Standing]:
        ids = list(self.journal.first_members(CUSTOMERS, self.sample).ids)
        for start in range(0, len(ids), _PAGE):
            # Who was merged since is a pointer by now, and ranked where it leads.
            for held in self.profiles.read(ids[start : start + _PAGE]).values():
                if isinstance(held, Profile) and (standing := self.engine.attributes.standing(held, now)) is not None:
                    yield standing
