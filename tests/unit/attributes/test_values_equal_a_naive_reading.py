"""Every number equals what a naive reading of the raw events gives, at every instant, and changes when it is said to."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.domain.attributes.rankings import Rankings, Thresholds
from homing.domain.attributes.registry import RANKED, Attributes
from homing.domain.attributes.rfm import next_rescore
from homing.domain.campaigns import Product, Settings
from homing.domain.events.event import Event
from homing.domain.profiles import fold
from homing.domain.profiles.fold import FoldPlan
from homing.domain.profiles.memory import Plan
from homing.domain.profiles.profile import Profile
from homing.domain.segments.comparisons import Test, passes
from homing.domain.time import to_datetime
from tests.fixtures.shop import BRAND, instant
from tests.unit.attributes.oracle import DAY, Raw, Truth, World

START = instant("2026-01-05T09:00:00Z")
CATALOG = {
    "p1": Product(product_id="p1", name="Spade", category="Garden", brand="Alder"),
    "p2": Product(product_id="p2", name="Pan", category="Kitchen"),
}
THRESHOLDS = Thresholds(0, 40, (5, 20, 20, 60), (1, 1, 2, 4), (20_000_000, 45_500_000, 90_000_000, 200_000_000))
WORLD = World(
    catalog={name: product.model_dump(exclude_none=True) for name, product in CATALOG.items()},
    thresholds=([5, 20, 20, 60], [1, 1, 2, 4], [Decimal(20), Decimal("45.5"), Decimal(90), Decimal(200)]),
)
SHOP = Settings(brand=BRAND, time_zone="Europe/Berlin")
NAMES = (
    "recency", "customer_for", "orders", "spent", "average_order_value", "usual_gap", "overdue",
    "rfm", "r_score", "rfm_segment",
    "favourite_category", "favourite_brand", "favourite_product", "affinity.category.Garden", "affinity.brand.Alder",
    "preferred_hour", "preferred_weekday", "device",
    "open_rate", "click_rate", "engagement_score", "engagement_tier",
)  # fmt: skip
TESTS: dict[str, list[dict[str, Any]]] = {
    "recency": [{"at_least": 30}, {"more_than": 12.5}, {"equals": 7}, {"in": [1, 90]}, {"at_most": 3}],
    "customer_for": [{"less_than": 100}],
    "orders": [{"at_least": 2}, {"at_most": 1}, {"equals": 0}],
    "spent": [{"more_than": 45.5}, {"equals": 0}],
    "overdue": [{"at_least": 2}, {"more_than": 1.55}, {"equals": 0.33}],
    "engagement_score": [{"at_least": 30}, {"in": [3, 7, 11]}, {"less_than": 20}, {"equals": 0}],
    "engagement_tier": [{"equals": "low"}, {"exists": False}],
    "open_rate": [{"at_least": 0.5}],
    "rfm_segment": [{"equals": "lost"}, {"in": ["champions", "loyal"]}],
}


class Shop:
    """One person of a shop that asks for everything."""

    def __init__(self, names: Sequence[str] = NAMES) -> None:
        plan = Plan()
        self.attributes = Attributes(SHOP, plan, {}, products=CATALOG, rankings=Rankings([THRESHOLDS]))
        self.made = {name: self.attributes.get(name) for name in names}
        self.plan = FoldPlan(
            slots=plan.slots, by_event=plan.by_event(), catalog=frozenset(CATALOG), forget_carts_after=30 * DAY
        )

    def folded(self, history: Sequence[Raw], t: int, chance: random.Random) -> Profile:
        """In any order, some twice, in two halves that are merged, forgetting in between."""
        events = [_event(raw, number) for number, raw in enumerate(history)]
        events += chance.sample(events, len(events) // 4)
        chance.shuffle(events)
        halves = Profile("ana"), Profile("bob", version=1)
        for event in events:
            half = chance.choice(halves)
            fold.fold(half, event, self.plan)
            if chance.random() < 0.1:
                fold.prune(half, self.plan, t)
        fold.merge(*halves)
        fold.prune(halves[0], self.plan, t)
        return halves[0]


def _event(raw: Raw, number: int) -> Event:
    return Event(
        message_id=f"m{number}", type="track", name=raw.name, identifiers={"user_id": "ana"},
        occurred_at=to_datetime(raw.at), received_at=to_datetime(raw.at), properties=raw.properties, context=raw.context,
    )  # fmt: skip


def a_history(chance: random.Random) -> list[Raw]:
    found = []
    for number in range(chance.randint(1, 40)):
        at = START + int(chance.random() ** 2 * 420 * DAY)
        if chance.random() < 0.3:
            at = START + chance.randint(0, 420) * DAY
        found.append(_a_raw(chance, at, number))
    # The shop's webhook tells of the same order, a little later and in its own words.
    found += [
        raw._replace(at=raw.at + chance.randint(1, 900_000_000), properties={**raw.properties, "total": 1})
        for raw in found
        if raw.name == "Order Completed" and chance.random() < 0.2
    ]
    instants: dict[int, Raw] = {}
    for raw in found:
        # At one instant everything would hang on hashes.
        instants.setdefault(raw.at, raw)
    return list(instants.values())


def _a_raw(chance: random.Random, at: int, number: int) -> Raw:
    context = {"device": chance.choice(["mobile", "tablet", "desktop"])} if chance.random() < 0.7 else {}
    order, old = f"o{number}", f"o{chance.randint(0, number)}"
    total: dict[str, Any] = chance.choice([
        {"total": 19.9}, {"total": "45.50"}, {"revenue": 30}, {"total": 12, "currency": "USD"}, {}, {"total": -1},
        {"products": [{"product_id": "p1", "price": "9.95", "quantity": 2}, {"product_id": "p2", "price": 3}]},
        {"total": 33, "products": [{"product_id": "p2"}, {"product_id": "p3", "category": "Bath", "brand": "Moss"}]},
    ])  # fmt: skip
    product = chance.choice([
        {"product_id": "p1"}, {"product_id": "p2", "brand": "Moss"}, {"product_id": "p2"}, {"category": "Garden"},
        {"product_id": "p3", "category": "Bath"}, {"product_id": "p1", "category": "Outdoors"}, {},
    ])  # fmt: skip
    send = {"send_id": f"s{chance.randint(1, 9)}"}
    read = {**send, **({"machine": True} if chance.random() < 0.2 else {})}
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("Order Completed", {"order_id": order, **total}),
        ("Order Completed", {"order_id": order, **total}),
        ("Order Completed", total),
        ("Order Cancelled", {"order_id": old}),
        ("Order Refunded", {"order_id": old, **chance.choice([{"total": 5}, {}, {"total": "-2.50"}])}),
        ("Product Viewed", product),
        ("Product Viewed", product),
        ("Product Added", product),
        ("Email Delivered", send),
        ("Email Delivered", send),
        ("Email Opened", read),
        ("Email Link Clicked", read),
    ]
    name, properties = chance.choice(kinds)
    return Raw(at, name, properties, context)


def _on_the_edge(history: Sequence[Raw], t: int, name: str) -> bool:
    """Whether floating point decides: a microsecond moves a score by a hundred times as much."""
    if name != "engagement_score":
        return False
    score = Truth(history, t, WORLD).exact_score()
    return 0 < abs(score - round(score)) < 5e-14


def truth(history: Sequence[Raw], t: int, name: str) -> Any:
    return Truth(history, t, WORLD).value({"orders": "orders_count"}.get(name, name))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_values_and_their_changes(name: str, seed: int) -> None:
    chance = random.Random(seed)
    history = a_history(chance)
    t = START + chance.randint(0, 450) * DAY + chance.choice([0, 0, 1, -1, chance.randint(0, DAY)])
    known = [raw for raw in history if raw.at <= t + DAY]
    edge = t - SHOP.computed.orders_within
    if not known or any(raw.name == "Order Completed" and abs(raw.at - edge) < 2_000_000_000 for raw in known):
        # Of an order that comes twice one time may be forgotten while the other counts.
        return
    shop = Shop(NAMES if chance.random() < 0.3 else [name])
    profile = shop.folded(known, t, chance)
    attribute = shop.made[name]
    for test in [None, *map(Test.model_validate, TESTS.get(name, []))]:
        _follow(shop, profile, attribute, known, t, name, test, chance)


def _follow(shop: Shop, profile: Profile, attribute: Any, known: list[Raw], t: int, name: str, test: Test | None,
            chance: random.Random) -> None:  # fmt: skip
    def seen(value: Any) -> Any:
        return value if test is None else passes(test, value)

    for _ in range(12):
        there = truth(known, t, name)
        if _on_the_edge(known, t, name):
            return
        assert attribute.value(profile, t) == there
        change = attribute.next_change(profile, t, test)
        assert change is None or change > t
        if name in RANKED and change is None:
            # Scores look no further than the instant at which the engine scores everybody anew.
            change = next_rescore(profile, t)
        ends = t + 500 * DAY if change is None else change
        for probe in (ends - 1, t + 1, chance.randint(t, ends - 1)):
            if probe < ends and not _on_the_edge(known, probe, name):
                assert seen(truth(known, probe, name)) == seen(there), (test, probe - t)
        if change is None:
            return
        t = change
