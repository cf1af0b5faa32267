"""The account's rate, shared: never above it in any second, whoever asks when; cheap; nothing piles up."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.adapters.memory import MemoryBook
from homing.domain.campaigns import Campaigns, Topic
from homing.domain.delivery.rate import LEASE, shares
from homing.domain.errors import Unavailable
from homing.domain.time import MINUTE, SECOND
from homing.services.sending_rate import Pace
from tests.fixtures.shop import START, campaigns, instant

NOW = instant(START)


def shop(**more: object) -> Campaigns:
    bundle = campaigns()
    topics = {**bundle.settings.topics, "receipts": Topic(title="Receipts", transactional=True)}
    more = {"topics": topics, **more}
    return bundle.model_copy(update={"settings": bundle.settings.model_copy(update=more)})


@dataclass
class Watch:
    """A worker's clock: waiting moves it on."""

    now: int = NOW
    waited: list[float] = field(default_factory=list)

    def __call__(self) -> int:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += round(seconds * SECOND)


def worker(store: MemoryBook, rate: int, workers: int, name: str = "w", start: int = NOW) -> tuple[Pace, Watch]:
    watch = Watch(start)
    return Pace(store, shop(), shares(rate, workers), holder=name, clock=watch, wait=watch.wait), watch


def most_in_a_second(instants: list[int]) -> int:
    ordered, first, most = sorted(instants), 0, 0
    for last, at in enumerate(ordered):
        while ordered[first] <= at - SECOND:
            first += 1
        most = max(most, last - first + 1)
    return most


@given(rate=st.integers(1, 60), copies=st.integers(1, 6), extra=st.integers(0, 2), seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_in_no_second_more_leave_than_the_rate_allows(rate: int, copies: int, extra: int, seed: int) -> None:
    """Workers take turns by their clocks, work for random times, freeze now and then, and die and come back."""
    chance, store, left = random.Random(seed), MemoryBook(), list[int]()
    crowd = [worker(store, rate, copies, f"w{n}", NOW + chance.randrange(SECOND)) for n in range(copies + extra)]
    turns = [(watch.now, n) for n, (_, watch) in enumerate(crowd)]
    heapq.heapify(turns)
    for step in range(400):
        _, n = heapq.heappop(turns)
        pace, watch = crowd[n]
        if pace("marketing", "f") is None:
            left.append(watch.now)
        watch.now += chance.choice((0, 20_000, 80_000, 300_000))
        if chance.random() < 0.02:
            watch.now += chance.choice((2 * SECOND, LEASE, 3 * LEASE))
        if chance.random() < 0.01:
            crowd[n] = worker(store, rate, copies, f"again{step}", watch.now)
        heapq.heappush(turns, (crowd[n][1].now, n))
    assert left
    assert most_in_a_second(left) <= rate


@pytest.mark.parametrize(("rate", "copies"), [(14, 2), (14, 5), (50, 5), (1, 2), (3, 2), (200, 20)])
def test_the_shares_add_up_to_the_rate(rate: int, copies: int) -> None:
    assert sum(shares(rate, copies)) == rate
    assert min(shares(rate, copies)) >= 1


def test_busy_workers_use_nearly_all_of_the_rate_for_few_writes() -> None:
    store, left = MemoryBook(), list[int]()
    crowd = [worker(store, 14, 2, name) for name in ("a", "b")]
    for pace, watch in crowd:
        while watch.now < NOW + MINUTE:
            assert pace("marketing", "f") is None
            left.append(watch.now)
    # The first second of each lease that follows another's is lost to nobody: the lanes stay with their holders.
    assert len(left) >= 14 * 60 - 2
    assert store.writes <= 0.02 * len(left)


def test_idle_time_gives_no_burst() -> None:
    pace, watch = worker(MemoryBook(), 10, 1)
    assert pace("marketing", "f") is None
    watch.now += 60 * MINUTE
    times = []
    for _ in range(5):
        pace("marketing", "f")
        times.append(watch.now)
    assert [after - before for before, after in pairwise(times)] == [100_000] * 4


def test_who_finds_no_place_waits_in_the_ledger_and_not_in_the_queue() -> None:
    store = MemoryBook()
    first, _ = worker(store, 1, 2, "a")
    second, watch = worker(store, 1, 2, "b")
    assert first("marketing", "f") is None
    pause = second("marketing", "f")
    assert pause is not None
    assert (pause.reason, pause.until) == ("rate", watch.now + MINUTE)
    watch.now += LEASE + SECOND
    assert second("marketing", "f") is None


def test_where_the_item_can_not_be_written_nothing_is_sent() -> None:
    store = MemoryBook()
    pace, _ = worker(store, 14, 2)
    store.faults.plan("save")
    with pytest.raises(Unavailable):
        pace("marketing", "f")
    assert pace("marketing", "f") is None
