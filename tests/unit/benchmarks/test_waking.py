"""The simulated workers and the counting ports that the figures of waking rest on."""

from __future__ import annotations

from benchmarks.waking_shop import KEY_BYTES, NINE, Workers, World
from homing.domain.time import MINUTE, SECOND


def test_workers_begin_with_five_batches_at_once_and_grow_by_three_hundred_a_minute() -> None:
    workers = Workers(seconds=0.1)
    arrivals = [(NINE, 10_000)]
    assert workers.between(NINE, NINE + SECOND, arrivals) == 5 / 0.1
    # Five more copies each second.
    assert workers.between(NINE + SECOND, NINE + 2 * SECOND, arrivals) == 10 / 0.1
    while workers.done < 10_000:
        workers.between(workers.last, workers.last + SECOND, arrivals)
    # 50 n (n + 1) / 2 reaches ten thousand in the twentieth second.
    assert workers.last == NINE + 20 * SECOND


def test_workers_take_no_more_than_the_index_does_and_nothing_that_is_not_there() -> None:
    workers = Workers(seconds=0.001, most=70)
    assert workers.between(NINE, NINE + 3 * SECOND, [(NINE, 100), (NINE + 10 * SECOND, 5)]) == 100
    assert workers.last == NINE + 2 * SECOND
    assert workers.between(NINE + 3 * SECOND, NINE + 20 * SECOND, [(NINE, 100), (NINE + 10 * SECOND, 5)]) == 5


def test_a_run_that_waits_is_woken_once_asks_for_a_message_and_waits_again() -> None:
    world = World()
    world.wait(40, lambda n: NINE + n * MINUTE // 2)
    world.sweep(NINE + 10 * MINUTE)
    assert world.work() == 21
    assert world.counts["index keys"] == world.counts["journal.load_run"] == world.counts["outbox.put"] == 21
    assert world.counts["index half units"] == world.counts["index queries"] <= 17
    assert sum(world.ids.values()) == 21
    assert 50 < KEY_BYTES < 80
    world.sweep(NINE + 10 * MINUTE)
    assert world.work() == 0
