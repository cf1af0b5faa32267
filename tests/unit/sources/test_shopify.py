"""Shopify's own example payloads become events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from homing.domain.errors import InvalidInput
from homing.domain.events.event import Event
from homing.domain.time import iso, parse_instant
from homing.sources import shopify
from homing.sources.webhook import Webhook
from tests.unit.sources.recordings import folder

NOW = parse_instant("2026-11-22T12:00:00Z")
LATEST = "2026-07"


def official(topic: str, version: str = LATEST) -> dict[str, Any]:
    path = folder("shopify_webhooks") / "official_examples_by_version" / version / f"{topic.replace('/', '__')}.json"
    if not path.exists():
        pytest.skip(f"Shopify publishes no example of {topic} for {version}")
    return json.loads(path.read_text())


def read(topic: str, payload: Any, delivery: str = "d-1") -> list[Event]:
    return shopify.read(Webhook(topic, delivery, "acme.myshopify.com"), json.dumps(payload).encode(), NOW)


def versions() -> Iterator[str]:
    for year in range(2023, 2027):
        for month in ("01", "04", "07", "10"):
            if "2023-07" <= f"{year}-{month}" <= LATEST:
                yield f"{year}-{month}"


@pytest.mark.parametrize("version", list(versions()))
@pytest.mark.parametrize("topic", sorted(shopify.TOPICS))
def test_the_official_example_of_every_version_is_understood(topic: str, version: str) -> None:
    events = read(topic, official(topic, version))
    silent = {"orders/edited", "refunds/create", "customers_email_marketing_consent/update"}
    assert bool(events) is (topic not in silent)
    for number, event in enumerate(events):
        assert event.message_id == ("shopify:d-1" if number == 0 else f"shopify:d-1:{number}")
        assert event.person
        assert event.source == "shopify"
        assert Event.from_json(event.to_json()) == event


def test_a_cart_is_a_snapshot_that_only_its_token_names() -> None:
    (event,) = read("carts/update", official("carts/update"))
    assert event.name == "Cart Updated"
    assert event.identifiers == {"anonymous_id": "cart:exampleCartId", "cart_token": "exampleCartId"}
    assert iso(event.occurred) == "2022-01-01T00:00:00Z"
    assert event.properties == {
        "cart_id": "exampleCartId",
        "currency": "USD",
        "products": [
            {
                "product_id": "788032119674292900",
                "variant_id": "704912205188288500",
                "sku": "example-shirt-s",
                "name": "Example T-Shirt - Small",
                "brand": "Acme",
                "price": "19.99",
                "quantity": 3,
            }
        ],
    }


def test_an_emptied_cart_is_an_empty_snapshot() -> None:
    (event,) = read("carts/update", {"token": "t", "line_items": [], "updated_at": "2026-01-01T00:00:00Z"})
    assert event.properties["products"] == []


def test_a_checkout_carries_both_tokens_the_person_and_their_name() -> None:
    started, identified = read("checkouts/update", official("checkouts/update"))
    assert started.name == "Checkout Started"
    assert started.identifiers == {
        "user_id": "603851970716743400",
        "email": "john@example.com",
        "anonymous_id": "cart:eeafa272cebfd4b22385bc4b645e762c",
        "cart_token": "eeafa272cebfd4b22385bc4b645e762c",
    }
    assert started.properties["cart_id"] == "eeafa272cebfd4b22385bc4b645e762c"
    assert started.properties["checkout_id"] == "123123123"
    assert started.properties["total"] == "421.88"
    assert iso(started.occurred) == "2022-01-01T00:00:00Z"
    assert [product["variant"] for product in started.properties["products"]] == ["Pink", "Pink"]
    assert identified.type == "identify"
    assert identified.properties["first_name"] == "John"
    assert identified.properties["country"] == "CA"


def test_a_completed_checkout_does_not_fill_the_cart_again() -> None:
    assert read("checkouts/update", {**official("checkouts/update"), "completed_at": "2021-12-31T19:00:01-05:00"}) == []


def test_an_order_closes_its_cart_for_the_account_s_owner() -> None:
    order = {**official("orders/create"), "cart_token": "c-1", "checkout_token": "k-1"}
    completed, identified = read("orders/create", order)
    assert completed.name == "Order Completed"
    assert completed.identifiers == {
        "user_id": "115310627314723950",
        "email": "john@example.com",
        "anonymous_id": "cart:c-1",
        "cart_token": "c-1",
    }
    wanted = {"order_id": "820982911946154500", "cart_id": "c-1", "checkout_id": "k-1", "currency": "USD"}
    assert wanted.items() <= completed.properties.items()
    assert (completed.properties["total"], completed.properties["revenue"]) == ("404.95", "404.95")
    assert completed.properties["products"][0]["name"] == "Aviator sunglasses"
    assert identified.name == "Identified"


def test_a_guest_s_order_is_known_by_the_address_typed_in() -> None:
    order = {**official("orders/create"), "customer": None}
    assert read("orders/create", order)[0].identifiers == {"email": "jon@example.com"}


def test_a_refund_comes_with_the_order_s_update_and_is_one_however_often_it_is_listed() -> None:
    refund = {**official("refunds/create"), "created_at": "2026-11-20T08:00:00Z"}
    old = {**refund, "id": 1, "created_at": "2026-01-20T08:00:00Z"}
    order = {**official("orders/updated"), "updated_at": "2026-11-20T08:00:04Z", "refunds": [old, refund]}
    first, again = read("orders/updated", order, "d-1"), read("orders/updated", order, "d-2")
    assert [event.name for event in first] == ["Order Updated", "Order Refunded"]
    assert first[1].message_id == again[1].message_id == "shopify:refund:890088186047892400"
    assert first[1].properties["order_id"] == "820982911946154500"
    assert iso(first[1].occurred) == "2026-11-20T08:00:00Z"


def test_a_cancelled_order_says_why() -> None:
    (event,) = read("orders/cancelled", official("orders/cancelled"))
    assert (event.name, event.properties["reason"]) == ("Order Cancelled", "customer")


def test_a_customer_s_traits_are_named_as_segments_read_them() -> None:
    event = read("customers/create", official("customers/create"))[0]
    assert event.identifiers == {"user_id": "706405506930370000", "email": "bob@biller.com"}
    wanted = {
        "email": "bob@biller.com",
        "first_name": "Bob",
        "country": "CA",
        "created_at": "2021-12-31T19:00:00-05:00",
    }
    assert wanted.items() <= event.properties.items()


@pytest.mark.parametrize(
    ("state", "name"),
    [
        ("subscribed", "Subscribed"),
        ("unsubscribed", "Unsubscribed"),
        ("not_subscribed", None),
        ("pending", None),
        ("redacted", "Unsubscribed"),
        (None, None),
    ],
)
def test_consent_is_an_event_only_where_the_customer_said_something(state: str | None, name: str | None) -> None:
    payload = official("customers_email_marketing_consent/update")
    given = {"state": state, "opt_in_level": "single_opt_in", "consent_updated_at": "2026-11-01T10:00:00+01:00"}
    events = read("customers_email_marketing_consent/update", {**payload, "email_marketing_consent": given})
    assert [event.name for event in events] == ([name] if name else [])
    for event in events:
        assert event.properties["topic"] == "marketing"
        assert event.properties["wording"].startswith(f"Shopify: {state}")
        assert iso(event.occurred) == "2026-11-01T09:00:00Z"


@pytest.mark.parametrize("topic", ["customers/delete", "customers/redact"])
def test_a_customer_who_is_gone_gets_no_more_mail(topic: str) -> None:
    (event,) = read(topic, official(topic))
    assert (event.name, event.properties["topic"]) == ("Unsubscribed", "*")


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("orders/create", {"line_items": "none"}),
        ("orders/create", {}),
        ("orders/create", {"id": 1, "customer": "Bob"}),
        ("carts/update", {"line_items": []}),
        ("carts/update", {"token": "t", "updated_at": "last week"}),
        ("orders/updated", {"id": 1, "refunds": [{}]}),
    ],
)
def test_what_shopify_does_not_document_is_invalid_not_a_crash(topic: str, payload: Any) -> None:
    with pytest.raises(InvalidInput):
        read(topic, payload)
