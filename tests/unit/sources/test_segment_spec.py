"""Messages of Segment's wire format become events."""

from __future__ import annotations

from typing import Any

import pytest

from homing.domain.errors import InvalidInput
from homing.domain.time import HOUR, MINUTE, SECOND, iso, parse_instant
from homing.sources.segment_spec import call_of, read, read_message, write_keys

RECEIVED = parse_instant("2026-11-22T12:00:00Z")


def event(**message: Any) -> Any:
    call = message.pop("call", "track")
    message.setdefault("userId", "u1")
    if call == "track":
        message.setdefault("event", "Product Viewed")
    return read_message(message, call=call, received=RECEIVED)


def test_a_track_call_keeps_its_name_properties_and_unknown_fields() -> None:
    got = event(event="Product Added", properties={"product_id": "p", "price": 18.99}, messageId="m1", channel="web")
    assert (got.name, got.type, got.source, got.message_id) == ("Product Added", "track", "segment", "m1")
    assert got.properties == {"product_id": "p", "price": 18.99}
    assert got.model_extra == {"channel": "web"}


def test_the_write_key_and_other_destinations_are_not_stored() -> None:
    got = event(writeKey="secret", integrations={"All": True}, _metadata={"nodeVersion": "20"})
    assert b"secret" not in got.to_json()
    assert got.model_extra == {}


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("page", "Page Viewed"),
        ("screen", "Screen Viewed"),
        ("identify", "Identified"),
        ("group", "Grouped"),
        ("alias", "Aliased"),
    ],
)
def test_calls_without_a_name_get_the_catalogue_s(call: str, name: str) -> None:
    assert event(call=call).name == name


def test_a_page_keeps_its_own_name_and_category_as_properties() -> None:
    got = event(call="page", name="Home", category="Storefront", properties={"url": "https://shop.example/"})
    assert got.properties == {"url": "https://shop.example/", "name": "Home", "category": "Storefront"}


def test_traits_of_identify_are_found_in_the_context_too() -> None:
    got = event(
        call="identify", traits={"plan": "gold"}, context={"traits": {"email": "ana@example.com", "plan": "old"}}
    )
    assert got.properties == {"email": "ana@example.com", "plan": "gold"}
    assert got.identifiers == {"user_id": "u1", "email": "ana@example.com"}


def test_alias_names_both_persons() -> None:
    got = event(call="alias", userId="u1", previousId="anon-7")
    assert got.identifiers == {"user_id": "u1", "anonymous_id": "anon-7"}


@pytest.mark.parametrize("value", ["", "  ", None, "null", "undefined", "NaN", "[object Object]", True, [], {}])
def test_nobody_is_not_a_person(value: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        event(userId=value)
    assert caught.value.code == "missing_identifier"


@pytest.mark.parametrize(("value", "text"), [(12345, "12345"), (12345.0, "12345"), (" u7 ", "u7")])
def test_numbers_become_text(value: Any, text: str) -> None:
    assert event(userId=value).identifiers == {"user_id": text}


def test_an_address_that_is_none_stays_a_trait() -> None:
    got = event(call="identify", traits={"email": "not an address"})
    assert got.identifiers == {"user_id": "u1"}
    assert got.properties["email"] == "not an address"


def test_the_group_s_address_is_not_the_person_s() -> None:
    got = event(call="group", groupId="g1", traits={"email": "info@company.example"})
    assert "email" not in got.identifiers
    assert got.properties["group_id"] == "g1"


@pytest.mark.parametrize("field", ["cart_id", "cart_token", "cartId", "checkout_id", "checkout_token"])
def test_a_cart_token_is_an_identifier_of_the_cart(field: str) -> None:
    assert event(properties={field: 77}).identifiers == {"user_id": "u1", "cart_token": "77"}


def test_a_cart_token_alone_names_no_person() -> None:
    with pytest.raises(InvalidInput, match="name somebody"):
        event(userId=None, properties={"cart_id": "c"})


def test_a_device_and_a_loyalty_card_are_identifiers() -> None:
    got = event(userId=None, context={"device": {"id": "d1"}}, properties={"loyalty_id": "L7"})
    assert got.identifiers == {"loyalty_id": "L7", "device_id": "d1"}


def test_a_sender_can_t_name_a_profile() -> None:
    assert event(context={"profile_id": "somebody-else", "ip": "1.2.3.4"}).context == {"ip": "1.2.3.4"}


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T11:00:00Z",
        "2026-11-22T11:00:00.000Z",
        "2026-11-22T11:00:00.000000+00:00",
        "2026-11-22T12:00:00+01:00",
        "2026-11-22 11:00:00",
        1795345200,
        1795345200000,
        "1795345200000",
    ],
)
def test_timestamps_are_read_in_all_their_forms(text: Any) -> None:
    assert iso(event(timestamp=text).occurred) == "2026-11-22T11:00:00Z"


def test_without_a_timestamp_the_original_one_counts_then_the_arrival() -> None:
    assert event(originalTimestamp="2026-11-22T11:00:00Z").occurred == RECEIVED - HOUR
    assert event(timestamp=None).occurred == RECEIVED


def test_a_wrong_clock_is_corrected_by_what_it_showed_on_sending() -> None:
    got = event(timestamp="2026-11-22T09:50:00Z", sentAt="2026-11-22T10:00:00Z")
    assert got.occurred == RECEIVED - 10 * MINUTE


def test_a_message_sent_again_keeps_its_time_to_the_microsecond() -> None:
    for sent in ("2026-11-22T11:59:59.900Z", "2026-11-22T11:59:40Z", "2026-11-22T12:00:29Z", None, "garbage"):
        assert event(timestamp="2026-11-22T11:00:00.123Z", sentAt=sent).occurred == RECEIVED - HOUR + 123_000


def test_nothing_happens_much_later_than_it_arrived() -> None:
    assert event(timestamp="2031-01-01T00:00:00Z").occurred == RECEIVED + 5 * MINUTE
    assert event(timestamp="2026-11-22T12:00:10Z").occurred == RECEIVED + 10 * SECOND


@pytest.mark.parametrize("nonsense", ["yesterday", "1999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", {}, True, "12:00"])
def test_nonsense_is_refused(nonsense: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        event(timestamp=nonsense)
    assert caught.value.code == "bad_time"


def test_without_an_id_the_content_is_the_id_and_sent_at_is_not_part_of_it() -> None:
    first = event(timestamp="2026-11-22T11:00:00Z", sentAt="2026-11-22T11:59:59Z")
    again = event(timestamp="2026-11-22T11:00:00Z", sentAt="2026-11-22T12:00:03Z")
    other = event(timestamp="2026-11-22T11:00:01Z", sentAt="2026-11-22T12:00:03Z")
    assert first.message_id == again.message_id != other.message_id


def test_two_looks_without_id_and_time_are_two() -> None:
    message = {"userId": "u1", "event": "Product Viewed"}
    first = read_message(message, call="track", received=RECEIVED)
    assert first.message_id != read_message(message, call="track", received=RECEIVED + SECOND).message_id


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("text", "bad_message"),
        ({"type": "delete", "userId": "u"}, "unknown_type"),
        ({"userId": "u"}, "unknown_type"),
        ({"type": "track", "userId": "u"}, "missing_name"),
        ({"type": "track", "userId": "u", "event": "x" * 300}, "bad_name"),
        ({"type": "track", "userId": "u" * 513, "event": "x"}, "identifier_too_long"),
        ({"type": "track", "userId": "u", "event": "x", "properties": [1]}, "bad_properties"),
        ({"type": "track", "userId": "u", "event": "x", "properties": {"a": "x" * 33_000}}, "message_too_large"),
    ],
)
def test_one_bad_message_is_named_and_does_not_cost_the_others(message: Any, code: str) -> None:
    good = {"type": "track", "userId": "u", "event": "Product Viewed", "messageId": "good"}
    reading = read("batch", {"batch": [good, message, good]}, RECEIVED)
    assert [event.message_id for event in reading.events] == ["good", "good"]
    assert [(r.index, r.code) for r in reading.rejected] == [(1, code)]


def test_a_message_nested_without_end_is_refused() -> None:
    nested: Any = {}
    for _ in range(200):
        nested = {"a": nested}
    with pytest.raises(InvalidInput) as caught:
        event(properties=nested)
    assert caught.value.code == "too_deep"


def test_the_batch_s_context_and_sent_at_hold_for_its_messages() -> None:
    message = {"type": "track", "userId": "u", "event": "E", "timestamp": "2026-11-22T09:00:00Z"}
    batch = {"batch": [message], "context": {"locale": "de"}, "sentAt": "2026-11-22T10:00:00Z"}
    (got,) = read("batch", batch, RECEIVED).events
    assert got.context == {"locale": "de"}
    assert got.occurred == RECEIVED - HOUR


def test_calls_are_known_by_their_long_and_short_paths() -> None:
    paths = ("batch", "track", "t", "i", "b", "import", "m", "users")
    assert [call_of(path) for path in paths] == ["batch", "track", "track", "identify", "batch", "import", None, None]


def test_the_write_key_is_found_wherever_sdks_put_it() -> None:
    assert write_keys({"authorization": "Basic V1JJVEVfS0VZX2RlbW86"}, {}) == ["WRITE_KEY_demo"]
    assert write_keys({}, {"writeKey": "K"}) == ["K"]
    assert write_keys({"x-write-key": "K"}, {}) == ["K"]
    assert write_keys({"authorization": "Basic !!!"}, {"writeKey": 7}) == []
