"""What all customers of a shop decide together, while its history is played in parts: the thresholds of RFM scores.

They are counted every night over a sample of everybody. So a divided history is played twice. The first time each part plays
what thresholds are made of, orders and who is whom, and writes down its customers of each night; then the thresholds are
counted over all parts (:func:`ranked`). The second time each part decides under these.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import NamedTuple

import orjson

from homing.domain.attributes.rankings import Standing, Thresholds, rank
from homing.domain.campaigns import Campaigns
from homing.domain.engine import CUSTOMERS, Engine
from homing.domain.events import names
from homing.domain.events.event import Event
from homing.domain.profiles.identity import Identity
from homing.domain.profiles.profile import Profile
from homing.domain.segments.language import Computed, Segment
from homing.services.batch import named
from homing.services.ports import Journal, ProfileStore
from homing.services.resolve import load, root

# So many customers tell enough here: nights are many in a backtest over years.
RANKED = 2_000

# What customers are ranked by.
RANKING_EVENTS = frozenset({names.ORDER_COMPLETED, names.ORDER_CANCELLED, names.ORDER_REFUNDED})

# A customer's id, and where they stand; None for who has no order that counts any more.
Standings = tuple[str, Standing | None]


class Night(NamedTuple):
    """The thresholds that were counted at an instant."""

    at: int
    thresholds: Thresholds


def standings_of(engine: Engine, journal: Journal, profiles: ProfileStore, now: int) -> list[Standings]:
    """The customers whom ``rank_customers`` would look at, by their ids."""
    ids = list(journal.first_members(CUSTOMERS, RANKED).ids)
    held = profiles.read(ids)
    found: list[Standings] = []
    for id_ in ids:
        profile = held.get(id_)
        found.append((id_, engine.attributes.standing(profile, now) if isinstance(profile, Profile) else None))
    return found


def is_settled(profiles: ProfileStore, identity: Identity, event: Event) -> bool:
    """Whether all that an event names is one person's already, so that it says nothing new of who is whom."""
    ids = named(event, identity).ids
    items = load(profiles, ids)
    if any(item.shared for item in items.values()):
        return False
    ends = {root(items, id_) for id_ in ids}
    known = items.get(ends.pop()) if len(ends) == 1 else None
    return isinstance(known, Profile) and not known.moving


def for_ranking(campaigns: Campaigns) -> Campaigns:
    """Campaigns that remember what thresholds are made of, and decide nothing."""
    asked = Segment(name="ranked", when=Computed.model_validate({"computed": {"r_score": {"at_least": 1}}}))
    return campaigns.model_copy(
        update={"segments": {"ranked": asked}, "attributes": {}, "choices": {}, "flows": {}, "templates": {}}
    )


def is_ranked(campaigns: Campaigns) -> bool:
    """Whether any rule, flow or template asks for RFM scores."""
    return Engine(campaigns).attributes.ranked


class NightBook:
    """Writes a part's customers down, a line for each night."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def __call__(self, night: int, standings: Sequence[Standings]) -> None:
        """One more night."""
        line = [night, [[id_, *(standing or ())] for id_, standing in standings]]
        self._file.write(orjson.dumps(line) + b"\n")

    def close(self) -> None:
        """All nights have passed."""
        self._file.close()


def ranked(books: Iterable[Path]) -> Iterator[Night]:
    """The thresholds of each night that has any, over the customers of all parts: as ``rank_customers`` counts them."""
    nights = heapq.merge(*map(_nights, books), key=lambda night: night[0])
    for at, group in groupby(nights, key=lambda night: night[0]):
        # Each part has the first so many of its own; the first so many of these are the first of all.
        customers = heapq.merge(*[standings for _, standings in group], key=lambda customer: customer[0])
        known = [standing for _, standing in islice(customers, RANKED) if standing is not None]
        if (thresholds := rank(known, at)) is not None:
            yield Night(at, thresholds)


def _nights(book: Path) -> Iterator[tuple[int, list[Standings]]]:
    with book.open("rb") as file:
        for line in file:
            night, customers = orjson.loads(line)
            yield night, [(id_, Standing(*numbers) if numbers else None) for id_, *numbers in customers]


def write_nights(nights: Iterable[Night], path: Path) -> None:
    """As a file, a line each."""
    with path.open("wb") as file:
        for night in nights:
            file.write(orjson.dumps([night.at, night.thresholds.to_dict()]) + b"\n")


def read_nights(path: Path) -> list[Night]:
    """Reads :func:`write_nights`."""
    lines = (orjson.loads(line) for line in path.read_bytes().splitlines())
    return [Night(at, Thresholds.from_dict(held)) for at, held in lines]
