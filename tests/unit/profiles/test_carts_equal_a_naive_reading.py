"""Carts equal a naive reading of all that was ever said of them, in whatever order it was heard and forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from homing.domain.events.event import Event
from homing.domain.profiles import carts, codec
from homing.domain.profiles.memory import event_key
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, MINUTE, to_instant

START = datetime(2026, 3, 1, tzinfo=UTC)
BASE = to_instant(START)
FORGET = 30 * DAY
TOKENS = ["c1", "c2", ""]

# A token is known by what is said of it: an order of one that is heard of only later closes all carts.
KNOWN: list[dict[str, Any]] = [
    {"n": 100, "at": -2000, "kind": "add", "token": "c1", "items": {"p": 1}},
    {"n": 101, "at": -1000, "kind": "add", "token": "c2", "items": {"p": 1}},
]


@st.composite
def sayings(draw: st.DrawFn, gaps: list[int]) -> list[dict[str, Any]]:
    """What was said, in the order of occurrence; no two at one instant."""
    at, said = 0, []
    for n in range(draw(st.integers(1, 9))):
        at += draw(st.sampled_from(gaps))
        kind = draw(st.sampled_from(["add", "add", "add", "remove", "set", "touch", "order"]))
        one: dict[str, Any] = {"n": n, "at": at, "kind": kind}
        if kind == "order":
            # "zz" is a token that no cart of this person ever had.
            one["tokens"] = draw(st.sampled_from([[], ["c1"], ["c2"], ["c1", "c2"], ["zz"]]))
        else:
            one["token"] = draw(st.sampled_from(TOKENS))
            one["items"] = {draw(st.sampled_from("pq")): draw(st.integers(1, 3))} if kind != "touch" else {}
        said.append(one)
    return said


def as_event(one: dict[str, Any]) -> Event:
    kinds = {"add": "Product Added", "remove": "Product Removed", "set": "Cart Updated", "touch": "Cart Viewed"}
    properties: dict[str, Any] = {}
    if one["kind"] == "order":
        properties = dict(zip(("cart_id", "checkout_id"), one["tokens"], strict=False))
    else:
        items = [{"product_id": p, "quantity": q} for p, q in one["items"].items()]
        properties = {"products": items} if one["kind"] == "set" else dict(items[0]) if items else {}
        if one["token"]:
            properties["cart_id"] = one["token"]
    at = START + timedelta(microseconds=one["at"])
    return Event(
        message_id=f"m{one['n']}", type="track", name=kinds.get(one["kind"], "Order Completed"),
        identifiers={"user_id": "u"}, occurred_at=at, received_at=at, properties=properties,
    )  # fmt: skip


def naive(said: list[dict[str, Any]], token: str, t: int) -> tuple[int, dict[str, int], int] | None:
    """(number of the filling, items, last activity) by reading from the beginning; None without an open cart."""
    known = {one["token"] for one in said if one["kind"] != "order" and one["token"]}
    filling, last, items = 0, None, {}
    for one in sorted(said, key=lambda one: one["at"]):
        if one["at"] > t:
            break
        if last is not None and one["at"] >= last + FORGET:
            filling, last, items = filling + 1, None, {}
        if one["kind"] == "order":
            if token == "" or token in one["tokens"] or not known.intersection(one["tokens"]):
                filling, last, items = filling + 1, None, {}
        elif one["token"] == token:
            last = one["at"]
            if one["kind"] == "set":
                items = {}
            for product, quantity in one["items"].items():
                held = items.get(product, 0)
                items[product] = held - quantity if one["kind"] == "remove" else held + quantity
            items = {product: quantity for product, quantity in items.items() if quantity > 0}
    return None if last is None or t >= last + FORGET else (filling, items, last)


def read(log: dict[str, Any], token: str, t: int) -> tuple[str, dict[str, int], int] | None:
    cart = carts.state(log, token, BASE + t, FORGET)
    if cart is None:
        return None
    return cart.key, {item["product_id"]: item["quantity"] for item in cart.items}, cart.last_activity - BASE


def stored(log: dict[str, Any]) -> dict[str, Any]:
    return codec.decode("p", 1, codec.encode(Profile("p", carts=log))).carts


@settings(max_examples=600, deadline=None)
@given(sayings([1, MINUTE, 20 * MINUTE, DAY]), st.randoms(use_true_random=False), st.lists(st.booleans(), min_size=20))
def test_whatever_is_heard_late_twice_or_between_two_prunings_gives_the_same_carts(
    said: list[dict[str, Any]], random: Any, prunes: list[bool]
) -> None:
    said = [*KNOWN, *said]
    heard = said[2:] + random.sample(said, random.randint(0, 2))
    random.shuffle(heard)
    pruned: dict[str, Any] = {}
    whole: dict[str, Any] = {}
    now = max(one["at"] for one in said)
    for one, prune in zip([*said[:2], *heard], prunes, strict=False):
        event = as_event(one)
        for log in (pruned, whole):
            carts.fold_cart(log, event, event_key(event), frozenset())
        if prune:
            carts.prune(pruned, BASE + now, FORGET)
            pruned = stored(pruned)
    told = [*said[:2], *heard][: len(prunes)]
    for t in [now, now + 1, now + DAY, now + FORGET - 1, now + FORGET]:
        for token in TOKENS:
            expected = naive([dict(one) for one in {one["n"]: one for one in told}.values()], token, t)
            for log in (pruned, whole):
                ours = read(log, token, t)
                assert (ours and ours[1:]) == (expected and expected[1:])
            assert read(pruned, token, t) == read(whole, token, t)


@settings(max_examples=600, deadline=None)
@given(
    sayings([1000, DAY, 10 * DAY, 29 * DAY, 31 * DAY, 50 * DAY]), st.lists(st.integers(0, 69), min_size=10, max_size=10)
)
def test_each_filling_of_a_cart_has_one_key_of_its_own_over_years(said: list[dict[str, Any]], idle: list[int]) -> None:
    """Also when the profile is written in between, and long after orders."""
    log: dict[str, Any] = {}
    keys: dict[tuple[str, int], str] = {}
    fillings: dict[tuple[str, str], tuple[int, int]] = {}
    said = [*KNOWN, *said]
    idle = [0, 0, *idle]
    for n, (one, days) in enumerate(zip(said, idle, strict=False)):
        event = as_event(one)
        carts.fold_cart(log, event, event_key(event), frozenset())
        carts.prune(log, event.occurred, FORGET)
        following = said[n + 1]["at"] if n + 1 < len(said) else one["at"] + 100 * DAY
        for t in sorted({one["at"], min(one["at"] + days * DAY, following - 1), following - 1}):
            carts.prune(log, BASE + t, FORGET)
            log = stored(log)
            for token in TOKENS:
                expected, ours = naive(said[: n + 1], token, t), read(log, token, t)
                assert (ours and ours[1:]) == (expected and expected[1:])
                if ours and expected:
                    assert keys.setdefault((token, expected[0]), ours[0]) == ours[0], "a key changed"
                    filling, at = fillings.get((token, ours[0]), (expected[0], t))
                    assert filling == expected[0] or at + carts.KEY_MEMORY <= t, "two fillings have one key"
                    fillings[token, ours[0]] = expected[0], t
