"""Stories of carts that somebody orders under another name: the token closes them, whoever comes first."""

from __future__ import annotations

from itertools import permutations

import pytest

from homing.domain.events.event import Event
from homing.domain.profiles import carts
from tests.fixtures.shop import backtest, campaigns, event, identified, instant, mails

CART = {"name": "cart", "on": "cart_abandoned", "steps": [{"send": "reminder"}]}
PRODUCTS = [{"product_id": "p1", "quantity": 1}]


def at(clock: str) -> str:
    return f"2026-03-02T{clock}Z"


ANA = identified("ana", at("09:00:00"))
ADDED = {"user_id": "ana", "product_id": "p1", "cart_id": "c-1"}


def reminders(*events: Event) -> list[tuple[str, str]]:
    run = backtest(campaigns(flows=[CART]))
    run.run([ANA, *events], until=instant(at("23:00:00")))
    return mails(run)


@pytest.mark.parametrize(
    "who",
    [
        {"email": "ana.private@example.com"},
        {"anonymous_id": "another-phone"},
        {"user_id": "ben", "email": "ben@example.com"},
        {"device_id": "the-till-in-the-shop"},
    ],
    ids=["another address", "a guest on another device", "another customer", "the till"],
)
def test_an_order_with_the_cart_token_closes_the_cart_whoever_placed_it(who: dict[str, str]) -> None:
    added = event("Product Added", at("10:00:00"), **ADDED)
    order = event("Order Completed", at("10:20:00"), **who, order_id="o1", cart_id="c-1")
    assert reminders(added) == [("ana@example.com", "reminder")]
    assert reminders(added, order) == []


def test_an_order_that_names_only_the_checkout_closes_the_cart_that_the_checkout_was_of() -> None:
    added = event("Product Added", at("10:00:00"), **ADDED)
    checkout = event("Checkout Started", at("10:05:00"), user_id="ana", cart_id="c-1", checkout_id="k-1",
                     products=PRODUCTS)  # fmt: skip
    order = event("Order Completed", at("10:20:00"), email="guest@example.com", order_id="o1", checkout_id="k-1")
    assert reminders(added, checkout) == [("ana@example.com", "reminder")]
    assert reminders(added, checkout, order) == []


def test_the_orders_webhook_may_arrive_before_the_carts_last_update() -> None:
    order = event("Order Completed", at("10:20:00"), email="guest@example.com", order_id="o1", cart_id="c-1")
    late = event(
        "Cart Updated", at("10:15:00"), received=at("10:50:00"), user_id="ana", cart_id="c-1", products=PRODUCTS
    )
    assert reminders(late) == [("ana@example.com", "reminder")]
    assert reminders(order, late) == []


@pytest.mark.parametrize("delivery", list(permutations(range(3))), ids=str)
def test_in_whatever_order_cart_checkout_and_order_arrive_nobody_is_reminded(delivery: tuple[int, ...]) -> None:
    """All three reach us within half an hour of the cart's last change."""
    happened = [
        ("Product Added", "10:00:00", ADDED),
        (
            "Checkout Started",
            "10:02:00",
            {"user_id": "ana", "cart_id": "c-1", "checkout_id": "k-1", "products": PRODUCTS},
        ),
        ("Order Completed", "10:04:00", {"email": "guest@example.com", "order_id": "o1", "checkout_id": "k-1"}),
    ]
    arrivals = ["10:06:00", "10:12:00", "10:18:00"]
    events = [
        event(name, at(clock), received=at(arrivals[place]), **more)
        for place, (name, clock, more) in sorted((delivery[n], told) for n, told in enumerate(happened))
    ]
    assert reminders(*events) == []


def test_another_cart_of_the_same_person_is_still_reminded_of() -> None:
    events = [
        event("Product Added", at("10:00:00"), **ADDED),
        event("Product Added", at("10:01:00"), user_id="ana", product_id="p2", cart_id="c-2"),
        event("Order Completed", at("10:20:00"), email="guest@example.com", order_id="o1", cart_id="c-1"),
    ]
    assert reminders(*events) == [("ana@example.com", "reminder")]


def test_names_of_carts_are_a_union_like_everything_else_in_a_profile() -> None:
    one = event("Checkout Started", at("10:05:00"), user_id="ana", cart_id="c-1", checkout_id="k-1", products=PRODUCTS)
    two = event("Checkout Started", at("10:06:00"), user_id="ana", cart_id="c-2", checkout_id="k-2", products=PRODUCTS)
    left: dict[str, object] = {}
    right: dict[str, object] = {}
    both: dict[str, object] = {}
    for number, said in enumerate((one, two)):
        carts.fold_cart(left if number else right, said, number, frozenset())
        carts.fold_cart(both, said, number, frozenset())
    assert carts.join(left, right) == carts.join(right, left) == carts.join(both, left) == both
    assert carts.all_names(both, ["c-1"]) == ["c-1", "k-1"]
