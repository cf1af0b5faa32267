"""The archive names nobody."""

from __future__ import annotations

import json
from typing import Any

import pytest

from homing.domain.events.event import Event
from homing.domain.events.privacy import archive_line
from homing.domain.profiles.identity import Identity

IDENTITY = Identity(b"secret")


def line(**fields: Any) -> dict[str, Any]:
    event = {
        "message_id": "m-1",
        "type": "track",
        "name": "Product Viewed",
        "identifiers": {"user_id": "user-1001"},
        "occurred_at": "2026-11-22T11:00:00Z",
        "received_at": "2026-11-22T11:00:01Z",
        "source": "segment",
        **fields,
    }
    return archive_line(Event.model_validate(event), "profile-1", IDENTITY)


def test_identifiers_become_keyed_hashes() -> None:
    got = line(identifiers={"user_id": "user-1001", "email": " Ana@Example.com", "cart_token": "c-1"})
    assert got["profile_id"] == "profile-1"
    assert got["identifiers"] == {
        "user_id": IDENTITY.key("user_id", "user-1001"),
        "email": IDENTITY.key("email", "ana@example.com"),
        "cart_token": IDENTITY.cart("c-1"),
    }


def test_what_is_told_of_a_product_is_kept() -> None:
    product = {
        "product_id": "4006381333931",
        "name": "Monopoly: 3rd Edition",
        "price": 18.99,
        "url": "https://shop.example/g-32",
    }
    got = line(properties={**product, "products": [product], "order_id": "820982911946154500"})
    assert got["properties"] == {**product, "products": [product], "order_id": "820982911946154500"}


def test_cart_tokens_in_properties_are_hashed_like_the_identifier() -> None:
    got = line(properties={"cart_id": "c-1", "checkoutToken": 77})["properties"]
    assert got == {"cart_id": IDENTITY.cart("c-1"), "checkoutToken": IDENTITY.cart("77")}


def test_traits_that_identify_are_left_out_at_any_depth() -> None:
    traits = {
        "email": "ana@example.com",
        "firstName": "Ana",
        "last_name": "Müller",
        "name": "Ana Müller",
        "Phone-Number": "+49 30 901820",
        "birthday": "1990-02-28",
        "plan": "gold",
        "country": "DE",
        "address": {"street": "Allee 1", "postal_code": "10115", "country": "DE"},
        "kids": [{"user": {"name": "Tim", "age": 7, "likes": "trains"}}],
    }
    got = line(type="identify", name="Identified", properties=traits)["properties"]
    assert got == {
        "plan": "gold",
        "country": "DE",
        "address": {"country": "DE"},
        "kids": [{"user": {"likes": "trains"}}],
    }


def test_the_context_loses_person_and_device_and_keeps_the_page() -> None:
    context = {
        "ip": "203.0.113.7",
        "userAgent": "Mozilla/5.0",
        "locale": "de-DE",
        "library": {"name": "analytics.js", "version": "2"},
        "device": {"id": "d-1", "name": "Ana's iPhone", "model": "iPhone15,2"},
        "traits": {"email": "ana@example.com", "plan": "gold"},
        "page": {"url": "https://user:pw@shop.example/a?email=ana@example.com#x", "path": "/a", "search": "?t=secret"},
        "campaign": {"name": "autumn"},
    }
    assert line(context=context)["context"] == {
        "locale": "de-DE",
        "library": {"name": "analytics.js", "version": "2"},
        "device": {"model": "iPhone15,2"},
        "traits": {"plan": "gold"},
        "page": {"url": "https://shop.example/a", "path": "/a", "search": "***"},
        "campaign": {"name": "autumn"},
    }


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("write to ana.m@example.co.uk please", "write to *** please"),
        ("mail=ana%40example.com&x=1", "mail=***&x=1"),
        ("call +49 (30) 901-820 or 555-625-1199", "call *** or ***"),
        ("from 203.0.113.7", "from ***"),
        ("user-1001 asked", "*** asked"),
        ("/reset?token=abc", "/reset"),
        ("2026-11-21 10:15:30", "2026-11-21 10:15:30"),
        ("3 for 2, 19.90 EUR", "3 for 2, 19.90 EUR"),
    ],
)
def test_free_text_is_masked_where_it_names_somebody(text: str, kept: str) -> None:
    assert line(properties={"query": text})["properties"] == {"query": kept}


def test_what_was_left_out_is_masked_wherever_else_it_stands() -> None:
    got = line(properties={"last_name": "Müller", "engraving": "for Müller, with love"})
    assert got["properties"] == {"engraving": "for ***, with love"}


def test_a_message_id_that_names_somebody_is_hashed_and_stays_one_id() -> None:
    first, again = line(message_id="ana@example.com-7"), line(message_id="ana@example.com-7")
    assert "ana" not in first["message_id"]
    assert first["message_id"] == again["message_id"]
    assert line(message_id="m-1")["message_id"] == "m-1"


def test_unknown_fields_of_the_event_are_not_archived() -> None:
    assert "channel" not in line(channel="ana@example.com")


def test_nothing_of_a_person_is_left_in_the_whole_line() -> None:
    got = line(
        identifiers={
            "user_id": "user-1001",
            "email": "ana@example.com",
            "anonymous_id": "anon-77",
            "device_id": "d-4711",
        },
        properties={
            "text": "user-1001 ANON-77 d-4711 ana@example.com",
            "ana@example.com": 1,
            "deep": [[{"email": "b@c.de"}]],
        },
        context={"profile_id": "profile-1", "traits": {"first_name": "Ana"}, "referrer": "Ana"},
    )
    text = json.dumps(got).lower()
    for secret in ("ana@", "user-1001", "anon-77", "d-4711", "b@c.de", '"ana'):
        assert secret not in text
