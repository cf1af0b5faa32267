"""Event source mappings of queues: visibility timeouts pass in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from homing.domain.time import HOUR, SECOND
from homing.local.sources import FunctionFailed
from homing.local.sources.queue import QueueMapping, QueueMessage, QueueSource


class World:
    def __init__(self, **mapping: Any) -> None:
        self.now = 0
        self.calls: list[tuple[int, list[str]]] = []
        self.buried: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.act: Callable[[list[str]], Any] = lambda _: None
        self._new: list[QueueMessage] = []
        self.source = QueueSource(
            QueueMapping("f", "arn:aws:sqs:eu-central-1:1:q", **mapping),
            self._take,
            lambda message: self.buried.append(message.body),
            self._invoke,
            lambda: self.now,
        )

    def send(self, *bodies: str, delay: int = 0) -> None:
        self._new.extend(QueueMessage(f"id-{body}", body, self.now, self.now + delay) for body in bodies)

    def advance(self, until: int) -> None:
        while self.source.poll():
            pass
        while (at := self.source.next_at()) is not None and at <= until:
            self.now = max(self.now, at)
            while self.source.poll():
                pass
        self.now = until

    def _take(self) -> list[QueueMessage]:
        new, self._new = self._new, []
        return new

    def _invoke(self, function: str, event: dict[str, Any]) -> Any:
        bodies = [record["body"] for record in event["Records"]]
        self.events.append(event)
        self.calls.append((self.now // SECOND, bodies))
        try:
            return self.act(bodies)
        except ValueError as error:
            raise FunctionFailed(function, error) from error


def crash(_: list[str]) -> None:
    raise ValueError("crash")


def test_what_was_acknowledged_is_gone() -> None:
    world = World(batch_size=2)
    world.send("a", "b", "c")
    world.advance(HOUR)
    assert world.calls == [(0, ["a", "b"]), (0, ["c"])]


def test_after_a_crash_the_messages_come_again_when_the_visibility_timeout_is_over() -> None:
    world = World(visibility=90 * SECOND)
    world.act = crash
    world.send("a")
    world.advance(89 * SECOND)
    assert world.calls == [(0, ["a"])]
    world.act = lambda _: None
    world.advance(90 * SECOND)
    assert world.calls == [(0, ["a"]), (90, ["a"])]
    assert world.events[1]["Records"][0]["attributes"] == {
        "ApproximateReceiveCount": "2",
        "SentTimestamp": "0",
        "SenderId": "AIDAHOMING",
        "ApproximateFirstReceiveTimestamp": "0",
    }


def test_only_the_failed_ones_of_a_batch_come_again() -> None:
    world = World(partial_failures=True)
    world.act = lambda bodies: {"batchItemFailures": [{"itemIdentifier": "id-b"}]} if len(bodies) > 1 else None
    world.send("a", "b", "c")
    world.advance(HOUR)
    assert world.calls == [(0, ["a", "b", "c"]), (30, ["b"])]


def test_an_unknown_identifier_brings_the_whole_batch_again() -> None:
    world = World(partial_failures=True)
    answers: list[Any] = [{"batchItemFailures": [{"itemIdentifier": ""}]}, {"batchItemFailures": []}]
    world.act = lambda _: answers.pop(0)
    world.send("a", "b")
    world.advance(HOUR)
    assert [bodies for _, bodies in world.calls] == [["a", "b"], ["a", "b"]]


def test_after_max_receive_count_a_message_goes_to_the_dead_letter_queue() -> None:
    world = World(max_receives=3)
    world.act = crash
    world.send("a")
    world.advance(HOUR)
    assert [at for at, _ in world.calls] == [0, 30, 60]
    assert world.buried == ["a"]
    assert world.source.messages == []


def test_a_delayed_message_waits() -> None:
    world = World()
    world.send("a", delay=300 * SECOND)
    world.advance(HOUR)
    assert world.calls == [(300, ["a"])]


def test_a_window_gathers_messages() -> None:
    world = World(window=5 * SECOND)
    world.send("a")
    world.advance(3 * SECOND)
    world.send("b")
    world.advance(HOUR)
    assert world.calls == [(5, ["a", "b"])]


def test_what_came_late_or_failed_waits_behind_what_is_visible_earlier() -> None:
    world = World(batch_size=1)
    world.act = lambda bodies: crash(bodies) if bodies == ["a"] and world.now == 0 else None
    world.send("late", delay=40 * SECOND)
    world.send("a", "b")
    world.advance(HOUR)
    assert world.calls == [(0, ["a"]), (0, ["b"]), (30, ["a"]), (40, ["late"])]


def test_a_long_queue_costs_a_batch_no_more_than_a_short_one() -> None:
    looked_at = 0

    class Watched(QueueMessage):
        """Counts who looks when it is visible."""

        def __getattribute__(self, name: str) -> Any:
            nonlocal looked_at
            looked_at += name == "visible_at"
            return super().__getattribute__(name)

    world = World()
    world._new = [Watched(f"id-{number}", str(number), 0, 0) for number in range(4_000)]
    world.advance(0)
    assert sum(len(bodies) for _, bodies in world.calls) == 4_000
    # In steps of a bisection: not once for each message and each of the 400 batches, which would be 1.6 million.
    assert looked_at < 4_000 * 30
