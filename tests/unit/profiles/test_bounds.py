"""Anybody may send anything: nothing raises, and no profile outgrows its item."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.adapters.memory import MemoryProfiles, MemoryQuarantine
from homing.domain.events.event import Event
from homing.domain.profiles import bounds, carts, codec, fold
from homing.domain.profiles.identity import Identity
from homing.domain.profiles.profile import Profile
from homing.domain.time import SECOND, iso
from homing.services.update_profiles import StreamItem, UpdateProfiles
from tests.fixtures.shop import campaigns, event, instant

START = instant("2026-03-02T10:00:00Z")
ITEM_LIMIT = 400 * 1024
KINDS = ("cart_abandoned", "browse_abandoned", "order_placed", "birthday", "signup_anniversary")
FLOWS = [{"name": kind.replace("_", "-"), "on": kind, "steps": [{"send": "a"}]} for kind in KINDS]
SEGMENTS: dict[str, Any] = {
    "again": {"did": "Product Viewed", "same": "product_id", "times": {"at_least": 2}},
    "dear": {"did": "Order Completed", "where": {"total": {"at_least": 10}}},
    "tier": {"trait": {"tier": {"at_least": 3}}},
    "city": {"trait": {"address.city": {"contains": "x"}}},
    "listed": {"did": "Product Added", "where": {"price": {"in": [1, "2"]}}, "within": "1d"},
}
NAMES = [
    "Product Viewed", "Product Added", "Product Removed", "Cart Updated", "Checkout Started", "Order Completed",
    "Identified", "Subscribed", "Unsubscribed", "Page Viewed",
]  # fmt: skip
FIELDS = [
    "product_id", "price", "quantity", "variant", "url", "cart_id", "checkout_id", "order_id", "total", "products",
    "currency", "topic", "wording", "source", "birthday", "created_at", "timezone", "tier", "address", "consent",
    "marketing_consent", "image_url", "sku", "email", "a.b.c", "*", "",
]  # fmt: skip
ODD: list[Any] = [
    None, True, False, -1, 0, "abc", 1e300, float("nan"), float("inf"), 2**63, 10**30, 10**400, "", [], {}, "x" * 32_000,
    {"a": {"b": [1]}}, [1, None, "x"], "é\u0000\U0001f600", "0001-01-01", "9999-12-31", "--02-29", "--", "2026-02-30",
    "../../etc/passwd", "\x00", "1e999", "9" * 5000, {"k.e.y": 1, "city": 7}, [{"product_id": {}}] * 10_000, "*", "nan",
]  # fmt: skip


def updater() -> tuple[UpdateProfiles, MemoryProfiles]:
    store = MemoryProfiles()
    bundle = campaigns(segments=SEGMENTS, flows=FLOWS)
    return UpdateProfiles(bundle, Identity(b"k"), store, None, MemoryQuarantine()), store


def as_event(name: str, properties: dict[str, Any], at: int, **who: str) -> Event:
    made = event(name, iso(at), **(who or {"user_id": "u"}))
    return made.model_copy(update={"properties": properties})


def item_size(profile: Profile) -> int:
    """What DynamoDB counts: the blob, the identifiers once more, and what became true."""
    told = codec.encode_changes(profile.changes) if profile.changes else b""
    named = sum(len(kind) + 1 + len(v.encode()) for kind, values in profile.identifiers.items() for v in values)
    return len(codec.encode(profile)) + len(told) + named + sum(map(len, profile.segments)) + 200


@pytest.mark.parametrize("field", FIELDS)
def test_no_value_in_any_place_stops_the_updater(field: str) -> None:
    for name in NAMES:
        update, store = updater()
        events = [as_event(name, {"product_id": "p", field: value}, START + n * SECOND) for n, value in enumerate(ODD)]
        records = [StreamItem(str(100 + n), e.to_json(), e.received) for n, e in enumerate(events)]
        assert update(records, batch="b").failed is None
        assert update.quarantine.records == []  # type: ignore[attr-defined]
        for profile_id in store.ids():
            profile = store.read([profile_id])[profile_id]
            assert isinstance(profile, Profile)
            update.engine.settle(profile, START + 800 * 86_400 * SECOND)
            codec.encode(profile)


odd = st.recursive(
    st.sampled_from(ODD) | st.text(max_size=20) | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.dictionaries(st.sampled_from(FIELDS), odd, max_size=4)), max_size=6)
)
def test_no_mixture_of_values_stops_the_updater(drawn: list[tuple[str, dict[str, Any]]]) -> None:
    update, _ = updater()
    records = []
    for n, (name, properties) in enumerate(drawn):
        made = as_event(name, properties, START + n * SECOND)
        try:
            raw = made.to_json()
        except ValueError:  # lone surrogates are not on the stream
            continue
        records.append(StreamItem(str(100 + n), raw, made.received))
    assert update(records, batch="b").failed is None


def test_a_profile_that_everybody_writes_everything_to_stays_within_its_item() -> None:
    chance = random.Random(7)

    def noise(length: int) -> str:
        return "".join(chance.choices("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_", k=length))

    engine = updater()[0].engine
    profile = Profile("p")
    biggest = 0
    for n in range(420):
        at = START + n * 10 * SECOND
        product = {"product_id": noise(90), "name": noise(150), "url": noise(490), "image_url": noise(490), "price": n}
        kind = NAMES[n % len(NAMES)]
        more: dict[str, Any] = {
            "Identified": {noise(60): noise(3000) for _ in range(20)}
            | {"consent": {noise(90): True for _ in range(20)}},
            "Cart Updated": {"products": [product] * 3 + [{**product, "product_id": noise(20)} for _ in range(100)]},
            "Order Completed": {"order_id": noise(30), "products": [product] * 500},
        }.get(kind, product)
        who = {
            "user_id": "u",
            "anonymous_id": noise(500),
            "device_id": noise(500),
            "email": f"{noise(60)}@{noise(180)}.de",
        }
        if kind != "Order Completed":
            more = {**more, "cart_id": noise(100) if n % 3 else f"c{n % 15}"}
        engine.receive(profile, as_event(kind, more, at, **who))
        if n % 30 == 29:
            engine.finish(profile)
            biggest = max(biggest, item_size(profile))
            changes, profile = profile.changes, codec.decode("p", 1, codec.encode(profile))
            assert len(codec.encode_changes(changes)) < ITEM_LIMIT / 4
    assert 100_000 < biggest < ITEM_LIMIT


def test_a_cart_of_a_thousand_additions_keeps_what_lies_in_it() -> None:
    held: dict[str, Any] = {}
    for n in range(1000):
        added = event("Product Added", iso(START + n * SECOND), user_id="u", product_id=f"p{n % 7}", id=f"m{n}")
        carts.fold_cart(held, added, n, frozenset())
        if n % 10 == 9:
            carts.prune(held, added.occurred, 10**15)
    cart = carts.state(held, "", START + 1000 * SECOND, 10**15)
    assert cart is not None
    assert sum(item["quantity"] for item in cart.items) == 1000
    assert len(held[""]) <= 110


def test_what_is_cut_does_not_depend_on_the_order() -> None:
    engine = updater()[0].engine
    said = [
        as_event("Identified", {f"trait {n} {k}": n for k in range(30)}, START + n * SECOND, anonymous_id=f"a{n}")
        for n in range(20)
    ]
    forms = []
    for events in (said, said[::-1]):
        profile = Profile("p")
        for index, each in enumerate(events):
            fold.fold(profile, each, engine.plan)
            if index % 3 == 0:
                fold.prune(profile, engine.plan, START)
        fold.prune(profile, engine.plan, START)
        forms.append(fold.normal_form(profile))
    assert forms[0] == forms[1]
    assert len(forms[0]["traits"]) == bounds.MAX_TRAITS


@pytest.mark.parametrize("text", ["é" * 5000, "\U0001f600" * 5000, "ascii" * 2000])
def test_what_is_cut_is_cut_by_bytes_and_between_letters(text: str) -> None:
    cut = bounds.small(text, 1001)
    assert 990 <= len(cut.encode()) <= 1001
    assert text.startswith(cut)
    assert bounds.small(cut, 1100) == cut
