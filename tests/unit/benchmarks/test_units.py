"""The units that the cost follows from are those of DynamoDB's own rules."""

from __future__ import annotations

from benchmarks.calls import _index_writes
from benchmarks.measure import Spread, percentile
from benchmarks.stub import read_units, size_of, write_units


def test_an_item_weighs_its_names_and_values() -> None:
    assert size_of({"id": {"S": "é"}, "data": {"B": b"abc"}}) == 2 + 2 + 4 + 3
    assert size_of({"n": {"N": "12345"}, "s": {"SS": ["ab", "c"]}}) == (1 + 4) + (1 + 3)


def test_a_write_unit_is_a_kilobyte_and_a_read_unit_four() -> None:
    assert [write_units(size) for size in (0, 1024, 1025)] == [1, 1, 2]
    assert [read_units(size) for size in (0, 4096, 4097)] == [1, 1, 2]
    assert read_units(100, consistent=False) == 0.5


def test_moving_a_wake_up_writes_the_index_twice_and_leaving_it_writes_nothing() -> None:
    early = {"wake_bucket": {"S": "w1"}, "wake_at": {"N": "1"}}
    late = early | {"wake_at": {"N": "2"}}
    assert _index_writes({}, early) == 1
    assert _index_writes(early, late) == 2
    assert _index_writes(early, {}) == 1
    assert _index_writes(late, late) == 0


def test_a_spread_shows_the_median_and_both_ends() -> None:
    assert Spread.of([3, 1, 2]).text() == "2 (1–3)"
    assert percentile(list(range(100)), 0.99) == 99
