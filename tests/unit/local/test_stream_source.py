"""Event source mappings of streams, with synthetic functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from homing.domain.time import MINUTE, SECOND
from homing.local.patterns import Pattern
from homing.local.sources import FunctionFailed
from homing.local.sources.stream import Record, StreamMapping, StreamSource


class World:
    """A stream of one or more shards, a function that does as told, and a destination."""

    def __init__(self, **mapping: Any) -> None:
        self.now = 0
        self.calls: list[list[str]] = []
        self.failures: list[dict[str, Any]] = []
        self.poison: set[str] = set()
        self.answer: Callable[[list[str]], Any] = lambda _: None
        self._new: list[tuple[str, Record]] = []
        self._sequence = 0
        self.source = StreamSource(
            StreamMapping("f", "arn:stream", **mapping),
            self._read,
            self._invoke,
            lambda _arn, document, _event: self.failures.append(document),
            lambda: self.now,
            "KinesisBatchInfo",
        )

    def put(self, *names: str, shard: str = "s0", key: str = "k", data: dict[str, Any] | None = None) -> None:
        for name in names:
            self._sequence += 1
            body = {"name": name, **(data or {})}
            self._new.append((shard, Record(name, key, self.now, body)))

    def settle(self) -> None:
        while self.source.poll():
            pass

    def advance(self, until: int) -> None:
        """Jumps from due instant to due instant, as the host does."""
        self.settle()
        while (at := self.source.next_at()) is not None and at <= until:
            self.now = max(self.now, at)
            self.settle()
        self.now = until

    def _read(self) -> list[tuple[str, Record]]:
        new, self._new = self._new, []
        return new

    def _invoke(self, function: str, event: dict[str, Any]) -> Any:
        names = [record["name"] for record in event["Records"]]
        self.calls.append(names)
        if self.poison.intersection(names):
            raise FunctionFailed(function, ValueError("poison"))
        return self.answer(names)


def failing(*names: str) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": name} for name in names]}


def test_a_batch_closes_when_it_is_full() -> None:
    world = World(batch_size=2, window=10 * SECOND)
    world.put("a", "b", "c")
    world.settle()
    assert world.calls == [["a", "b"]]


def test_a_batch_closes_when_its_window_is_over() -> None:
    world = World(batch_size=100, window=10 * SECOND)
    world.put("a")
    world.advance(9 * SECOND)
    assert world.calls == []
    world.put("b")
    world.advance(10 * SECOND)
    assert world.calls == [["a", "b"]]


def test_an_error_blocks_the_shard_and_the_same_records_come_again_in_order() -> None:
    world = World()
    world.poison = {"a"}
    world.put("a", "b")
    world.settle()
    world.put("c")
    world.settle()
    assert world.calls == [["a", "b"]]
    world.poison = set()
    world.advance(MINUTE)
    assert world.calls == [["a", "b"], ["a", "b"], ["c"]]


def test_an_error_in_one_shard_does_not_stop_another() -> None:
    world = World()
    world.poison = {"a"}
    world.put("a", shard="s0")
    world.put("b", shard="s1")
    world.settle()
    assert ["b"] in world.calls


def test_with_parallelization_one_key_waits_and_the_others_go_on() -> None:
    world = World(parallel=8)
    world.poison = {"a1"}
    world.put("a1", key="a")
    world.put("b1", key="b")
    world.settle()
    world.put("a2", key="a")
    world.put("b2", key="b")
    world.settle()
    assert world.calls == [["a1"], ["b1"], ["b2"]]


def test_a_partial_failure_acknowledges_what_was_before_the_lowest_failed_record() -> None:
    world = World(partial_failures=True)
    answers = [failing("d", "b"), failing("d"), None]
    world.answer = lambda _: answers.pop(0)
    world.put("a", "b", "c", "d")
    world.advance(MINUTE)
    assert world.calls == [["a", "b", "c", "d"], ["b", "c", "d"], ["d"]]


def test_without_the_response_type_a_failure_list_is_ignored() -> None:
    world = World()
    world.answer = lambda _: failing("a")
    world.put("a", "b")
    world.advance(MINUTE)
    assert world.calls == [["a", "b"]]


@pytest.mark.parametrize("identifier", [None, "", "another"])
def test_an_unknown_identifier_makes_the_whole_batch_fail(identifier: str | None) -> None:
    world = World(partial_failures=True, max_retries=1)
    world.answer = lambda _: {"batchItemFailures": [{"itemIdentifier": identifier}]}
    world.put("a", "b")
    world.advance(MINUTE)
    assert world.calls == [["a", "b"], ["a", "b"]]


def test_bisecting_isolates_the_bad_record_and_costs_no_attempt() -> None:
    world = World(bisect=True, max_retries=1, on_failure="arn:dlq")
    world.poison = {"c"}
    world.put("a", "b", "c", "d")
    world.advance(10 * MINUTE)
    assert world.calls == [["a", "b", "c", "d"], ["a", "b"], ["c", "d"], ["c"], ["c"], ["d"]]
    assert [f["KinesisBatchInfo"]["batchSize"] for f in world.failures] == [1]


def test_a_partial_failure_of_the_first_record_is_halved_too() -> None:
    world = World(bisect=True, partial_failures=True, max_retries=0, on_failure="arn:dlq")
    world.answer = lambda names: failing("b") if "b" in names else None
    world.put("a", "b", "c")
    world.advance(10 * MINUTE)
    assert world.calls == [["a", "b", "c"], ["b", "c"], ["b"], ["c"]]
    assert world.failures[0]["KinesisBatchInfo"]["startSequenceNumber"] == "b"


def test_after_the_last_retry_the_destination_is_told_where_the_records_lie() -> None:
    world = World(max_retries=2, on_failure="arn:dlq")
    world.poison = {"a"}
    world.put("a", "b")
    world.advance(10 * MINUTE)
    world.put("c")
    world.settle()
    assert world.calls == [["a", "b"]] * 3 + [["c"]]
    (failure,) = world.failures
    assert failure["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert failure["requestContext"]["approximateInvokeCount"] == 3
    assert failure["KinesisBatchInfo"] == {
        "shardId": "s0",
        "startSequenceNumber": "a",
        "endSequenceNumber": "b",
        "batchSize": 2,
        "streamArn": "arn:stream",
        "approximateArrivalOfFirstRecord": "1970-01-01T00:00:00Z",
        "approximateArrivalOfLastRecord": "1970-01-01T00:00:00Z",
    }


def test_records_that_are_too_old_are_given_up() -> None:
    world = World(max_age=30 * SECOND, on_failure="arn:dlq")
    world.poison = {"a"}
    world.put("a")
    world.advance(10 * MINUTE)
    assert [f["requestContext"]["condition"] for f in world.failures] == ["RecordAgeExceeded"]
    assert 3 <= len(world.calls) <= 6


def test_without_limits_a_batch_is_retried_for_ever() -> None:
    world = World()
    world.poison = {"a"}
    world.put("a")
    world.advance(60 * MINUTE)
    assert len(world.calls) > 60
    assert world.source.next_at() is not None


def test_filters_drop_records_before_the_batch() -> None:
    has_changes = Pattern.parse({"dynamodb": {"NewImage": {"changes": {"B": [{"exists": True}]}}}})
    world = World(batch_size=2, filters=(has_changes,))
    world.put("a", data={"dynamodb": {"NewImage": {}}})
    world.put("b", data={"dynamodb": {"NewImage": {"changes": {"B": "AA=="}}}})
    world.put("c", data={"dynamodb": {"OldImage": {"changes": {"B": "AA=="}}}})
    world.settle()
    assert world.calls == [["b"]]
