from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from homing.domain.campaigns import Campaigns
from homing.local.outputs import Message, Outputs, ProfileLine, Transition

DAY_ONE = "2026-10-12T"


def line(person: str, name: str, at: str, **properties: Any) -> dict[str, Any]:
    """An archived event, as ``update_profiles`` writes it."""
    moment = at if "T" in at else f"{DAY_ONE}{at}:00Z"
    return {
        "message_id": f"{person}{name}{moment}", "type": "track", "name": name, "profile_id": person,
        "identifiers": {}, "occurred_at": moment, "received_at": moment, "properties": properties, "source": "segment",
    }  # fmt: skip


def mail(person: str, id_: str, at: str, **values: Any) -> Message:
    moment = f"{DAY_ONE}{at}:00Z"
    return Message.model_validate(
        {
            "message_id": id_, "profile_id": person, "to": "ada@example.com", "flow": "cart-recovery",
            "template": "cart-reminder", "trigger": "cart_abandoned", "triggered_at": moment, "decided_at": moment,
            "sent_at": moment, "status": "sent", "subject": "Still <yours>", "text": "Hello",
            "html": '<html><head></head><body><img src="https://s.example/a.png?x=1&amp;y=2"><img src="https://s.example/b.png">'
            "<script>alert(1)</script></body></html>", **values,
        }
    )  # fmt: skip


def bundle(*lines: dict[str, Any]) -> dict[str, bytes]:
    return {"events/date=2026-10-12/a.jsonl": "\n".join(json.dumps(each) for each in lines).encode()}


@pytest.fixture
def campaigns() -> Campaigns:
    brand = {
        "name": "Shop & Sons", "website": "https://s.example", "sender_name": "Shop", "sender_address": "a@s.example",
        "postal_address": "Street 1", "support_email": "a@s.example", "cart_url": "https://s.example/cart",
    }  # fmt: skip
    product = {"product_id": "mug", "name": "Mug “Fern”", "price": "18.00", "image_url": "https://s.example/b.png"}
    return Campaigns.model_validate(
        {
            "revision": "abc", "settings": {"brand": brand, "time_zone": "Europe/Berlin"}, "products": {"mug": product},
            "segments": {"buyer": {"name": "buyer", "description": "Bought something", "when": {"did": "Order Completed"}}},
        }
    )  # fmt: skip


@pytest.fixture
def story() -> Outputs:
    """Ada looks around as a stranger, signs up, leaves a cart, gets a mail, clicks, orders. Bob only looks; Eve bought
    without help, long ago and today."""
    introduced = line("ada", "Identified", "08:10", first_name="Ada")
    introduced["identifiers"] = {"user_id": "ada", "anonymous_id": "stranger"}
    return Outputs(
        messages=[
            mail("ada", "m1", "09:00"),
            mail("bob", "m2", "09:30", status="dropped", reason="no_consent", sent_at=None, html="", subject="", to=None),
            mail("eve", "m3", "09:40", status="dropped", reason="render_failed: x is undefined", sent_at=None, html=""),
        ],
        transitions=[Transition.model_validate(
            {"at": f"{DAY_ONE}12:00:00Z", "profile_id": "ada", "segment": "buyer", "change": "entered"}
        )],
        profiles=[ProfileLine(profile_id="ada", traits={"first_name": "Ada", "last_name": "Love<lace"}, segments=["buyer"])],
        archive=bundle(
            line("stranger", "Product Viewed", "08:00", product_id="mug"),
            introduced,
            line("ada", "Product Added", "08:20", product_id="mug", cart_id="c", quantity=2),
            line("ada", "Email Opened", "11:00", send_id="m1"),
            line("ada", "Email Opened", "11:05", send_id="m1"),
            line("ada", "Email Link Clicked", "11:06", send_id="m1"),
            line("ada", "Order Completed", "12:00", order_id="1", total="36.00", currency="EUR",
                 products=[{"product_id": "mug", "quantity": 2}]),
            line("ada", "Order Completed", "12:00", order_id="1", total="36.00", currency="EUR"),
            line("bob", "Product Viewed", "08:30", product_id="mug"),
            line("eve", "Order Completed", "2026-03-01T10:00:00Z", order_id="0", total=900) | {
                "received_at": f"{DAY_ONE}07:00:00Z"},
            line("eve", "Order Completed", "13:00", order_id="2", total=10.5, currency="CHF"),
        ),
    )  # fmt: skip


@pytest.fixture
def later() -> Callable[[Outputs, str], Outputs]:
    """The story with Ada's order at another time."""

    def moved(outputs: Outputs, at: str) -> Outputs:
        lines = [
            each | {"occurred_at": at, "received_at": at} if each["properties"].get("order_id") == "1" else each
            for each in outputs.events
        ]
        kept = {name: getattr(outputs, name) for name in ("messages", "transitions", "profiles")}
        return Outputs(**kept, archive=bundle(*lines))

    return moved
