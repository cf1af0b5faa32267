"""Asynchronous invocations and schedules."""

from __future__ import annotations

from typing import Any

import pytest

from homing.domain.errors import InvalidInput
from homing.domain.time import MINUTE, iso, parse_instant
from homing.local.patterns import Pattern
from homing.local.schedules import parse
from homing.local.sources import FunctionFailed
from homing.local.sources.asynchronous import AsyncQueue, AsyncSettings
from homing.local.sources.timers import Timers


def test_a_failing_asynchronous_invocation_is_tried_three_times_and_then_delivered_to_the_dead_letters() -> None:
    now, calls, dead = [0], [], []

    def invoke(function: str, event: dict[str, Any]) -> Any:
        calls.append(now[0] // MINUTE)
        raise FunctionFailed(function, ValueError("no"))

    queue = AsyncQueue(invoke, lambda arn, document, _event: dead.append((arn, document)), lambda: now[0])
    queue.settings["f"] = AsyncSettings(dead_letters="arn:dlq", on_failure="arn:other")
    queue.accept("f", {"n": 1})
    while (at := queue.next_at()) is not None:
        now[0] = max(now[0], at)
        queue.poll()
    assert calls == [0, 1, 3]
    assert dead[0] == ("arn:dlq", {"n": 1})
    assert dead[1][1]["requestContext"]["condition"] == "RetriesExhausted"


def test_a_poll_tries_all_that_is_due_and_leaves_what_that_sets_off_to_the_next() -> None:
    now, calls = [0], []

    def invoke(function: str, event: dict[str, Any]) -> Any:
        calls.append((function, event["n"]))
        if function == "first":
            queue.accept("second", event)

    queue = AsyncQueue(invoke, lambda arn, document, _event: None, lambda: now[0])
    for n in range(3):
        queue.accept("first", {"n": n})
    assert queue.poll()
    assert calls == [("first", 0), ("first", 1), ("first", 2)]
    assert queue.poll()
    assert calls[3:] == [("second", 0), ("second", 1), ("second", 2)]
    assert not queue.poll()


def test_timers_make_all_calls_that_are_due_in_order_of_time() -> None:
    now, calls = [0], []
    timers = Timers(lambda: now[0])

    def call(at: int) -> None:
        calls.append(at)
        if at == 5:
            timers.at(0, lambda: call(0))

    for at in (7, 5, 20):
        timers.at(at, lambda at=at: call(at))
    now[0] = 10
    assert timers.poll()
    assert calls == [5, 7]
    assert timers.poll()
    assert calls == [5, 7, 0]
    assert not timers.poll()
    assert timers.next_at() == 20


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("rate(1 minute)", "2026-01-01T00:00:00", "2026-01-01T00:01:00Z"),
        ("rate(5 minutes)", "2026-01-01T00:04:59", "2026-01-01T00:05:00Z"),
        ("cron(0 3 * * ? *)", "2026-01-01T03:00:00", "2026-01-02T03:00:00Z"),
        ("cron(15/20 * * * ? *)", "2026-01-01T03:16:00", "2026-01-01T03:35:00Z"),
        ("cron(0 8 ? * MON-FRI *)", "2026-01-02T09:00:00", "2026-01-05T08:00:00Z"),
        ("cron(0 0 29 FEB ? *)", "2026-01-02T09:00:00", "2028-02-29T00:00:00Z"),
    ],
)
def test_schedules_come_true_when_they_say(expression: str, after: str, expected: str) -> None:
    assert iso(parse(expression).next(parse_instant(after))) == expected


@pytest.mark.parametrize("expression", ["at(2026-01-01T00:00:00)", "cron(0 0 L * ? *)", "rate(2 weeks)"])
def test_unsupported_schedules_are_refused(expression: str) -> None:
    with pytest.raises(InvalidInput):
        parse(expression)


@pytest.mark.parametrize(
    ("pattern", "event", "expected"),
    [
        ({"source": ["homing"]}, {"source": "homing"}, True),
        ({"source": ["homing"]}, {"source": "other"}, False),
        ({"detail": {"name": [{"prefix": "v"}]}}, {"detail": {"name": "vip"}}, True),
        ({"detail": {"name": [{"anything-but": ["vip"]}]}}, {"detail": {"name": "vip"}}, False),
        ({"detail": {"name": [{"anything-but": ["vip"]}]}}, {"detail": {}}, False),
        ({"detail": {"nth": [{"numeric": [">", 1, "<=", 3]}]}}, {"detail": {"nth": 3}}, True),
        ({"detail": {"nth": [1]}}, {"detail": {"nth": 1.0}}, True),
        ({"detail": {"nth": [1]}}, {"detail": {"nth": True}}, False),
        ({"detail": {"tags": ["a"]}}, {"detail": {"tags": ["b", "a"]}}, True),
        ({"detail": {"x": [{"exists": False}]}}, {"detail": {}}, True),
        ({"$or": [{"a": [1]}, {"b": [2]}]}, {"b": 2}, True),
        ({"detail": {"x": {"y": [None]}}}, {"detail": {"x": {"y": None}}}, True),
        ({"detail": {"x": ["1"]}}, {"detail": {"x": 1}}, False),
    ],
)
def test_event_patterns_match_as_eventbridge_does(pattern: Any, event: dict[str, Any], expected: bool) -> None:
    assert Pattern.parse(pattern).matches(event) is expected
