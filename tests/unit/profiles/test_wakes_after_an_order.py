"""After an order, nobody is woken for the cart that was ordered, and everybody for what is still to come."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.domain.engine import Engine
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, MINUTE
from tests.fixtures.shop import campaigns, event, identified, instant

FLOWS: list[dict[str, Any]] = [
    {"name": "cart", "on": "cart_abandoned", "steps": [{"send": "cart"}]},
    {"name": "party", "on": "birthday", "steps": [{"send": "party"}]},
]
SEGMENTS: dict[str, Any] = {
    "lookers": {"did": "Product Viewed", "within": "3d"},
    "buyers": {"did": "Order Completed", "within": "30d"},
    "quiet": {"did_not": "Product Viewed", "within": "10d"},
}
AT = "2026-03-01T10:00:00Z"


def folded(segments: dict[str, Any], *events: Any, flows: list[dict[str, Any]] | None = None) -> tuple[Engine, Profile]:
    engine, profile = Engine(campaigns(segments=segments, flows=FLOWS if flows is None else flows)), Profile("p")
    for one in events:
        engine.receive(profile, one)
        engine.finish(profile)
    return engine, profile


def test_nobody_is_woken_for_a_cart_that_was_ordered() -> None:
    added = event("Product Added", AT, user_id="ana", cart_id="c", product_id="mug")
    _, waiting = folded({}, added)
    assert waiting.wake_at == instant(AT) + 30 * MINUTE
    _, done = folded(
        {}, added, event("Order Completed", "2026-03-01T10:05:00Z", user_id="ana", cart_id="c", order_id="1")
    )
    assert done.wake_at is None


def test_another_cart_still_wakes() -> None:
    _, profile = folded(
        {},
        event("Product Added", AT, user_id="ana", cart_id="c", product_id="mug"),
        event("Product Added", "2026-03-01T10:02:00Z", user_id="ana", cart_id="d", product_id="rug"),
        event("Order Completed", "2026-03-01T10:05:00Z", user_id="ana", cart_id="c", order_id="1"),
    )
    assert profile.wake_at == instant("2026-03-01T10:32:00Z")


def test_a_birthday_still_wakes() -> None:
    order = event("Order Completed", AT, user_id="ana", order_id="1")
    _, profile = folded({}, identified("ana", "2026-03-01T09:00:00Z", birthday="1990-03-20"), order)
    assert profile.wake_at is not None
    assert instant(AT) + 18 * DAY < profile.wake_at < instant(AT) + 20 * DAY


@pytest.mark.parametrize("name", SEGMENTS)
@given(hours=st.lists(st.integers(0, 24 * 40), min_size=1, max_size=8), what=st.randoms())
def test_nobody_sleeps_longer_than_until_a_segment_changes(name: str, hours: list[int], what: Any) -> None:
    names = ["Product Viewed", "Product Added", "Order Completed"]
    events = [
        event(
            what.choice(names),
            f"2026-03-{1 + hour // 24 % 28:02}T{hour % 24:02}:00:00Z",
            user_id="ana",
            product_id="mug",
        )
        for hour in sorted(hours)
    ]
    events.sort(key=lambda one: one.received)
    order = event("Order Completed", "2026-03-29T00:00:00Z", user_id="ana", order_id="last")
    engine, profile = folded({name: SEGMENTS[name]}, *events, order, flows=[])
    now = instant("2026-03-29T00:00:00Z")
    there = engine.is_member(profile, name, now)
    wakes = now + 60 * DAY if profile.wake_at is None else profile.wake_at
    assert wakes > now
    for probe in range(now, wakes, DAY // 2):
        assert engine.is_member(profile, name, probe) == there
    assert engine.is_member(profile, name, wakes - 1) == there
