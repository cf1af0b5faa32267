"""Price drops and products that are back: whom they concern, once each, however they are told."""

from __future__ import annotations

from typing import Any

import pytest

from homing.domain.bus.commands import MOST_CHANGES
from homing.domain.campaigns import Product
from homing.domain.errors import Unavailable
from homing.domain.flows.products import compare, events
from homing.domain.time import DAY, HOUR, MINUTE, iso
from homing.services import product_changes
from tests.fixtures.desk import Desk
from tests.fixtures.shop import campaigns, event, identified, redeploy

DROP = {"name": "drop", "on": {"price_dropped": {"viewed_within": "30d", "by": 10}}, "steps": [{"send": "cheaper"}]}
BACK = {"name": "back", "on": "back_in_stock", "steps": [{"send": "there-again"}]}


def desk(*people: str, flows: tuple[dict[str, Any], ...] = (DROP, BACK)) -> Desk:
    return Desk(campaigns(flows=list(flows)), [*people] or ["ana", "bob"])


def looks(shop: Desk, name: str, product: str = "p1") -> None:
    shop.run.run([event("Product Viewed", iso(shop.now), user_id=name, product_id=product)])


def cheaper(shop: Desk, product: str = "p1", before: Any = "20.00", now: Any = "15.00", **more: Any) -> dict[str, Any]:
    return shop.ask("ProductChanged", product_id=product, price={"before": before, "now": now}, currency="EUR", **more)


def back(shop: Desk, product: str = "p1", before: bool | None = False, now: bool = True) -> dict[str, Any]:
    return shop.ask("ProductChanged", product_id=product, in_stock={"before": before, "now": now})


def test_who_looked_at_it_lately_hears_that_it_costs_less() -> None:
    shop = desk()
    looks(shop, "ana")
    assert cheaper(shop)["answer"] == "Accepted"
    shop.wait(10 * MINUTE)
    assert shop.mails == [("ana", "cheaper")]
    (run,) = shop.runs
    assert run.data == {
        "product_id": "p1",
        "products": [{"product_id": "p1", "price": "15.00", "price_before": "20.00", "currency": "EUR"}],
    }


def test_who_looked_at_it_hears_that_it_can_be_had_again() -> None:
    shop = desk()
    looks(shop, "bob")
    back(shop)
    shop.wait(10 * MINUTE)
    assert shop.mails == [("bob", "there-again")]


@pytest.mark.parametrize(
    ("before", "now", "concerns"),
    [
        ("20.00", "18.00", True),
        ("20.00", "18.01", False),
        ("20.00", "20.00", False),
        ("20.00", "25.00", False),
        (None, "15.00", False),
        ("0", "0", False),
        ("0.30", "0.27", True),
        (20, 15.5, True),
    ],
)
def test_only_a_drop_as_large_as_the_flow_says_concerns_it(before: Any, now: Any, concerns: bool) -> None:
    shop = desk()
    looks(shop, "ana")
    cheaper(shop, before=before, now=now)
    shop.wait(HOUR)
    assert (shop.mails == [("ana", "cheaper")]) is concerns
    assert bool(shop.run.journal.jobs()) is concerns


@pytest.mark.parametrize(("before", "now"), [(True, True), (None, True), (False, False), (True, False)])
def test_what_was_there_all_the_time_is_not_back(before: bool | None, now: bool) -> None:
    shop = desk()
    looks(shop, "ana")
    assert back(shop, before=before, now=now) == {}
    shop.wait(HOUR)
    assert shop.mails == []


def test_who_bought_it_or_looked_long_ago_hears_nothing() -> None:
    shop = desk("ana", "bob", "cem")
    for name in ("ana", "bob", "cem"):
        looks(shop, name)
    shop.run.run(
        [event("Order Completed", iso(shop.now + HOUR), user_id="ana", order_id="o1", products=[{"product_id": "p1"}])]
    )
    shop.wait(31 * DAY)
    looks(shop, "bob")
    cheaper(shop)
    shop.wait(HOUR)
    assert shop.mails == [("bob", "cheaper")]


def test_somebody_who_looked_at_several_gets_one_mail_about_all_of_them_the_greatest_drop_first() -> None:
    shop = desk()
    for product in ("p1", "p2", "p3"):
        looks(shop, "ana", product)
    changes = [
        {"product_id": f"p{number}", "price": {"before": "20", "now": now}, "currency": "EUR"}
        for number, now in ((1, "17"), (2, "10"), (3, "19"), (4, "1"))
    ]
    shop.ask("ProductChanged", changes=changes)
    shop.wait(HOUR)
    assert shop.mails == [("ana", "cheaper")]
    (run,) = shop.runs
    assert [one["product_id"] for one in run.data["products"]] == ["p2", "p1"]


def test_what_comes_within_some_minutes_is_one_visit() -> None:
    shop = desk()
    for product in ("p1", "p2"):
        looks(shop, "ana", product)
    cheaper(shop, "p1")
    shop.wait(MINUTE)
    cheaper(shop, "p2")
    shop.wait(HOUR)
    assert shop.mails == [("ana", "cheaper")]
    assert [len(job.changes) for job in shop.run.journal.jobs()] == [2]


@pytest.mark.parametrize("later", [0, MINUTE, HOUR])
def test_the_same_change_told_twice_is_one_change(later: int) -> None:
    shop = desk()
    looks(shop, "ana")
    cheaper(shop)
    shop.wait(later)
    cheaper(shop)
    shop.wait(HOUR)
    assert shop.mails == [("ana", "cheaper")]


def test_the_same_prices_another_day_are_another_change() -> None:
    shop = desk()
    looks(shop, "ana")
    cheaper(shop)
    shop.wait(3 * DAY)
    cheaper(shop)
    shop.wait(HOUR)
    assert shop.mails == [("ana", "cheaper"), ("ana", "cheaper")]


def test_a_message_that_comes_again_much_later_is_found_where_it_went() -> None:
    shop = desk()
    looks(shop, "ana")
    asked = iso(shop.now)
    cheaper(shop, at=asked)
    shop.wait(3 * HOUR)
    cheaper(shop, at=asked)
    assert len(shop.run.journal.jobs()) == 1


def test_a_nightly_price_list_is_as_many_visits_as_jobs_hold_changes() -> None:
    shop = desk()
    looks(shop, "ana", "p7")
    many = [
        {"product_id": f"p{number}", "price": {"before": "20", "now": "15"}, "currency": "EUR"}
        for number in range(3 * MOST_CHANGES - 10)
    ]
    for start in range(0, len(many), MOST_CHANGES):
        shop.ask("ProductChanged", changes=many[start : start + MOST_CHANGES])
    jobs = shop.run.journal.jobs()
    assert sorted(len(job.changes) for job in jobs) == [MOST_CHANGES - 10, MOST_CHANGES, MOST_CHANGES]
    shop.wait(HOUR)
    assert shop.mails == [("ana", "cheaper")]


def test_more_changes_than_an_event_may_carry_are_refused() -> None:
    refused = desk().ask("ProductChanged", changes=[{"product_id": "p1"}] * (MOST_CHANGES + 1))
    assert (refused["answer"], refused["kind"], refused["reason"]) == ("Refused", "products", "bad_request")


@pytest.mark.parametrize(
    ("detail", "where"),
    [
        ({}, "detail"),
        ({"product_id": "p1", "price": {"before": "20", "now": "cheap"}}, "detail"),
        ({"product_id": "p1", "price": {"before": "20", "now": "-1"}}, "detail"),
        ({"product_id": "p1", "price": "15"}, "detail.price"),
        ({"product_id": "p1", "currency": "Euro"}, "detail.currency"),
        ({"product_id": "p1", "cost": {"before": "20", "now": "15"}}, "detail.cost"),
        ({"product_id": "p1", "changes": [{"product_id": "p1"}]}, "detail"),
    ],
)
def test_a_change_that_can_not_be_read_is_refused(detail: dict[str, Any], where: str) -> None:
    refused = desk().ask("ProductChanged", **detail)
    assert (refused["answer"], refused["where"]) == ("Refused", where)


def test_changes_that_concern_nobody_cost_nothing() -> None:
    shop = desk(flows=({"name": "hello", "on": "flow_requested", "steps": [{"send": "hello"}]},))
    looks(shop, "ana")
    assert cheaper(shop) == {}
    assert shop.run.journal.jobs() == []


def test_paused_and_stopped_flows_keep_to_their_orders() -> None:
    shop = desk()
    for name in ("ana", "bob"):
        looks(shop, name)
    shop.pause("drop")
    shop.stop("back")
    cheaper(shop)
    back(shop)
    shop.wait(HOUR)
    assert shop.mails == []
    shop.resume("drop")
    shop.wait(HOUR)
    assert sorted(shop.mails) == [("ana", "cheaper"), ("bob", "cheaper")]


def test_somebody_who_comes_to_watch_after_the_change_hears_nothing() -> None:
    shop = desk()
    looks(shop, "ana")
    cheaper(shop)
    shop.wait(HOUR)
    looks(shop, "bob")
    shop.wait(HOUR)
    assert shop.mails == [("ana", "cheaper")]


def test_a_flow_that_went_in_the_meantime_starts_nothing() -> None:
    shop = desk()
    looks(shop, "ana")
    cheaper(shop)
    redeploy(shop.run, campaigns(flows=[BACK]))
    shop.wait(HOUR)
    assert shop.mails == []


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("fails", ["load_job", "save_job", "inbox", "members_after"])
def test_a_failure_on_the_way_is_made_up_for(fails: str, lost: bool) -> None:
    shop = desk()
    looks(shop, "ana")
    inner = shop.run.flows

    def again(message: Any) -> Any:
        try:
            return inner(message)
        except Unavailable:
            return inner(message)

    shop.run.flows = again  # type: ignore[assignment]
    lost = lost and fails in {"save_job", "inbox"}
    if fails == "inbox":
        shop.run.inbox.faults.plan("put", after=lost)
    else:
        shop.run.journal.faults.plan(fails, after=lost)
    cheaper(shop)
    for _ in range(15):
        try:
            shop.wait(MINUTE)
        except Unavailable:
            continue
    assert shop.mails == [("ana", "cheaper")]


def test_a_change_that_is_told_while_people_are_visited_reaches_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first page closes the job: what comes later goes into another one, whoever was visited already."""
    monkeypatch.setattr(product_changes, "PER_MINUTE", 1)
    shop = desk()
    for name in ("ana", "bob"):
        for product in ("p1", "p2"):
            looks(shop, name, product)
    asked = iso(shop.now)
    cheaper(shop, "p1", at=asked)
    while not shop.mails:
        shop.wait(MINUTE)
    assert [job.state for job in shop.run.journal.jobs()] == ["waiting"]
    cheaper(shop, "p2", at=asked)
    shop.wait(HOUR)
    told = {(run.profile_id, one["product_id"]) for run in shop.runs for one in run.data["products"]}
    assert len(told) == 4


def catalog(**prices: str) -> dict[str, Product]:
    return {name: Product(product_id=name, name=name, price=price, currency="EUR") for name, price in prices.items()}


def test_two_catalogs_are_compared_product_by_product() -> None:
    old, new = catalog(p1="20.00", p2="5.00", p3="7.00", p4="1"), catalog(p1="15.00", p2="5", p3="9.00", p5="2")
    old["p2"] = old["p2"].model_copy(update={"in_stock": False})
    found = [one.model_dump(exclude_none=True) for one in compare(old, new)]
    assert found == [
        {"product_id": "p1", "price": {"before": "20.00", "now": "15.00"}, "currency": "EUR"},
        {"product_id": "p2", "in_stock": {"before": False, "now": True}, "currency": "EUR"},
        {"product_id": "p3", "price": {"before": "7.00", "now": "9.00"}, "currency": "EUR"},
    ]
    assert list(compare(new, new)) == []


def test_changes_are_told_in_few_events() -> None:
    changes = list(compare(catalog(p1="2", p2="2", p3="2"), catalog(p1="1", p2="1", p3="1")))
    told = list(events(changes, 2))
    assert [len(one.get("changes", [one])) for one in told] == [2, 1]
    shop = desk()
    looks(shop, "ana", "p3")
    for one in told:
        shop.ask("ProductChanged", **one)
    shop.wait(HOUR)
    assert shop.mails == [("ana", "cheaper")]


def test_a_person_who_was_merged_hears_once() -> None:
    shop = desk("ana")
    shop.run.run([event("Product Viewed", iso(shop.now), anonymous_id="browser", product_id="p1")])
    shop.run.run([identified("ana", iso(shop.now + MINUTE), id="m")])
    looks(shop, "ana")
    cheaper(shop)
    shop.run.run([event("Identified", iso(shop.now), user_id="ana", anonymous_id="browser")])
    shop.wait(HOUR)
    assert shop.mails == [("ana", "cheaper")]
