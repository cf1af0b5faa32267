from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from homing.domain.campaigns import Campaigns
from homing.domain.engine import Engine
from homing.domain.events.event import Event
from homing.domain.flows.engine import TriggerEvent, starts
from homing.domain.flows.language import Flow
from homing.domain.profiles.profile import Profile

NOW = datetime(2026, 10, 12, 9, tzinfo=UTC)


@pytest.fixture
def engine() -> Engine:
    brand = {
        "name": "Shop", "website": "https://shop.example", "sender_name": "Shop", "sender_address": "a@shop.example",
        "postal_address": "Street 1", "support_email": "a@shop.example", "cart_url": "https://shop.example/cart",
    }  # fmt: skip
    thanks = {"name": "thanks", "on": {"order_placed": {"nth": 1}}, "steps": [{"send": "thanks"}]}
    buyer = {"name": "buyer", "when": {"did": "Order Completed"}}
    return Engine(
        Campaigns.model_validate(
            {"revision": "1", "settings": {"brand": brand}, "flows": {"thanks": thanks}, "segments": {"buyer": buyer}}
        )
    )


def changes_after(engine: Engine, age: timedelta) -> set[str]:
    profile = Profile("p")
    order = Event(
        message_id="m", type="track", name="Order Completed", identifiers={"user_id": "u"}, occurred_at=NOW - age,
        received_at=NOW, properties={"order_id": "1"},
    )  # fmt: skip
    engine.receive(profile, order)
    return {change.kind for change in profile.changes}


def test_an_order_that_arrives_hours_late_is_still_news(engine: Engine) -> None:
    assert changes_after(engine, timedelta(hours=5)) == {"segment_entered", "order_placed"}


def test_an_order_of_last_spring_that_is_handed_over_now_counts_but_starts_no_flow(engine: Engine) -> None:
    assert changes_after(engine, timedelta(days=200)) == {"segment_entered"}


@pytest.mark.parametrize(("age", "started"), [(timedelta(hours=5), True), (timedelta(days=200), False)])
def test_a_segment_entered_by_old_news_starts_no_flow(engine: Engine, age: timedelta, started: bool) -> None:
    profile = Profile("p")
    order = Event(
        message_id="m", type="track", name="Order Completed", identifiers={"user_id": "u"}, occurred_at=NOW - age,
        received_at=NOW, properties={"order_id": "1"},
    )  # fmt: skip
    engine.receive(profile, order)
    (entered,) = [change for change in profile.changes if change.kind == "segment_entered"]
    told = TriggerEvent("1", "p", entered.kind, entered.name, entered.key, entered.at, dict(entered.data))
    flow = Flow.model_validate({"name": "hello", "on": {"segment_entered": "buyer"}, "steps": [{"send": "x"}]})
    assert starts(flow, told) is started
