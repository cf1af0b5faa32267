"""Attributes at their edges: a microsecond before and at the instant."""

from __future__ import annotations

from typing import Any

import pytest

from homing.domain.attributes.names import WORDS
from homing.domain.attributes.orders import order_key
from homing.domain.attributes.rankings import FEWEST, REFRESH, Rankings, Standing, Thresholds, rank
from homing.domain.engine import Engine
from homing.domain.errors import Unavailable
from homing.domain.profiles.memory import event_key
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, HOUR, iso
from tests.fixtures.shop import campaigns, event, instant

START = instant("2026-01-05T09:00:00Z")


def flips(rule: dict[str, Any], *events: tuple[int, str, dict[str, Any]], until: int) -> list[tuple[str, int]]:
    """Transitions of a segment, as kind and time since START."""
    engine, profile = Engine(campaigns(segments={"s": {"computed": rule}})), Profile("ana")
    for number, (after, name, properties) in enumerate(events):
        engine.receive(profile, event(name, iso(START + after), user_id="ana", id=f"m{number}", **properties))
    engine.settle(profile, START + until)
    return [(change.kind.removeprefix("segment_"), change.at - START) for change in profile.changes]


ORDER = "Order Completed"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"recency": {"at_least": 30}}, [("entered", 30 * DAY)]),
        ({"recency": {"equals": 2}}, [("entered", 2 * DAY), ("left", 3 * DAY)]),
        ({"orders": {"at_least": 1}}, [("entered", 0), ("left", 365 * DAY)]),
        ({"spent": {"equals": 19.9}}, [("entered", 0), ("left", 365 * DAY)]),
        ({"customer_for": {"more_than": 6.5}}, [("entered", 7 * DAY)]),
        # 5 · 2^(-d/30) is 10 · 0.2/0.8 after a half-life: the score falls from 20 to 19.
        ({"engagement_score": {"at_least": 20}}, [("entered", 0), ("left", 30 * DAY + 1)]),
    ],
)
def test_one_order_and_then_time(rule: dict[str, Any], expected: list[tuple[str, int]]) -> None:
    assert flips(rule, (0, ORDER, {"order_id": "1", "total": "19.90"}), until=400 * DAY) == expected


def test_a_cancelled_order_never_was_and_a_refund_takes_off_what_it_says() -> None:
    bought = (0, ORDER, {"order_id": "1", "total": 100})
    cancelled = (HOUR, "Order Cancelled", {"order_id": "1"})
    refunded = (HOUR, "Order Refunded", {"order_id": "1", "total": 60})
    assert flips({"orders": 1}, bought, cancelled, until=DAY) == [("entered", 0), ("left", HOUR)]
    assert flips({"spent": {"at_least": 50}}, bought, refunded, until=DAY) == [("entered", 0), ("left", HOUR)]
    assert flips({"spent": {"equals": 40}}, bought, refunded, until=DAY) == [("entered", HOUR)]
    assert flips({"orders": 1}, bought, refunded, until=DAY) == [("entered", 0)]


def test_overdue_follows_one_s_own_rhythm() -> None:
    orders = [(day * DAY, ORDER, {"order_id": str(day)}) for day in (0, 10, 20, 34)]

    # Gaps of 10, 10 and 14 days: the median is 10.
    assert flips({"overdue": {"at_least": 2}}, *orders, until=60 * DAY) == [("entered", 54 * DAY)]


def test_machines_open_nothing() -> None:
    mails = [(n, "Email Delivered", {"send_id": f"s{n}"}) for n in range(2)]
    robot = (5, "Email Opened", {"send_id": "s0", "machine": True})
    person = (9, "Email Opened", {"send_id": "s1"})
    assert flips({"open_rate": {"at_least": 0.5}}, *mails, robot, person, (10, *person[1:]), until=DAY) == [
        ("entered", 9)
    ]


def test_the_order_s_key_is_the_memory_s() -> None:
    assert order_key("A-1") == event_key(event(ORDER, iso(START), user_id="ana", order_id="A-1"))


def test_fewer_than_twenty_customers_rank_nobody() -> None:
    one = Standing(3, 1, 5)
    assert rank([one] * (FEWEST - 1), START) is None
    assert rank([*[one] * (FEWEST - 1), Standing(400, 0, 0)], START) is None, "without an order in the window"
    held = rank([one] * FEWEST, START + 1)
    assert held == Thresholds(START + HOUR, FEWEST, (3,) * 4, (1,) * 4, (5,) * 4)


def test_thresholds_are_read_again_after_ten_minutes_and_outlive_an_outage() -> None:
    first = Thresholds(1, 20, (1,) * 4, (1,) * 4, (1,) * 4)
    second = first._replace(effective_at=2)
    answers: list[Any] = [Unavailable("away"), [first], Unavailable("away"), [first, second]]
    now = [START]

    def read() -> list[Thresholds]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return list(answer)

    rankings = Rankings(read=read, clock=lambda: now[0])
    with pytest.raises(Unavailable):
        rankings.at(START)
    assert rankings.at(START) == first
    now[0] += REFRESH
    assert rankings.at(START) == first
    now[0] += REFRESH - 1
    assert rankings.at(START) == first
    now[0] += 1
    assert rankings.at(START) == second
    assert not answers


def test_words_that_can_be_are_listed() -> None:
    assert {"rfm_segment", "engagement_tier", "preferred_weekday", "device"} == set(WORDS)


def test_thresholds_are_not_fetched_for_an_engine_that_nobody_uses_yet() -> None:
    def read() -> list[Thresholds]:
        raise AssertionError("a cold start reads nothing")

    shop = campaigns(segments={"champions": {"computed": {"rfm_segment": "champions"}}})
    Engine(shop, rankings=Rankings(read=read, clock=lambda: 0))
