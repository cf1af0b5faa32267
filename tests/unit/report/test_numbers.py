from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from homing.domain.campaigns import Campaigns
from homing.local import report
from homing.local.outputs import Outputs
from tests.unit.report.conftest import bundle


def test_the_funnel_counts_people_and_a_stranger_who_signs_up_is_one_person(
    story: Outputs, campaigns: Campaigns
) -> None:
    steps = {step.label: step.people for step in report.numbers_of(story, campaigns=campaigns).funnel()}
    assert steps == {
        "Visited the shop": 3,
        "Looked at a product": 2,
        "Filled a cart": 1,
        "Left a cart behind": 1,
        "Got a reminder": 1,
        "Opened it": 1,
        "Clicked": 1,
        "Ordered": 1,
    }


def test_an_order_after_a_click_counts_once_and_with_its_currency(story: Outputs) -> None:
    numbers = report.numbers_of(story)
    assert (numbers.total.sent, numbers.total.opened, numbers.total.clicked, numbers.total.orders) == (1, 1, 1, 1)
    assert numbers.total.revenue == {"EUR": Decimal("36.00")}
    assert numbers.sales == {"EUR": Decimal("36.00"), "CHF": Decimal("10.5")}


def test_the_attribution_window_ends_exactly_five_days_after_the_click(
    story: Outputs, later: Callable[[Outputs, str], Outputs]
) -> None:
    inside, outside = later(story, "2026-10-17T11:05:59Z"), later(story, "2026-10-17T11:06:00Z")
    assert report.numbers_of(inside).total.orders == 1
    assert report.numbers_of(outside).total.orders == 0


def test_orders_from_before_the_period_are_no_news(story: Outputs) -> None:
    assert [order.properties["order_id"] for order in report.numbers_of(story).orders] == ["1", "2"]


def test_two_customers_on_one_device_stay_two(story: Outputs) -> None:
    shared = [
        line | {"identifiers": {"anonymous_id": "tablet", "user_id": line["profile_id"]}} for line in story.events
    ]
    people = [profile.model_copy(update={"profile_id": name}) for name in ("ada", "eve") for profile in story.profiles]
    outputs = Outputs(messages=story.messages, profiles=people, archive=bundle(*shared))
    numbers = report.numbers_of(outputs)
    assert {order.person for order in numbers.orders} == {"ada", "eve"}


def test_mails_are_counted_on_the_day_of_the_shops_zone(story: Outputs, campaigns: Campaigns) -> None:
    late = story.messages[0].model_copy(update={"sent_at": 1791842400_000_000})  # 2026-10-12T22:00Z, midnight in Berlin
    outputs = story.model_copy(update={"messages": [late]})
    numbers = report.numbers_of(outputs, campaigns=campaigns, period=(1791756000_000_000, 1791928800_000_000))
    assert [str(day) for day in numbers.days()] == ["2026-10-12", "2026-10-13"]
    assert numbers.sent_by_day() == {"cart-recovery": [0, 1]}
