"""Carts when word comes late, from somebody else, or long after: one reminder for each filling, none for what was ordered."""

from __future__ import annotations

import pytest

from homing.domain.campaigns import Campaigns
from homing.domain.engine import Engine
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, HOUR, MINUTE, iso
from homing.services.update_profiles import StreamItem
from tests.fixtures.shop import backtest, campaigns, event, identified, instant, mails

CART = {"name": "cart", "on": "cart_abandoned", "steps": [{"send": "reminder"}]}
TEN = instant("2026-03-02T10:00:00Z")


def at(offset: int) -> str:
    return iso(TEN + offset)


def bundle(revision: str = "test", **more: object) -> Campaigns:
    return campaigns(flows=[CART], **more).model_copy(update={"revision": revision})  # type: ignore[arg-type]


def told(run: object) -> list[str]:
    return [run_.key for run_ in run.journal.runs() if run_.trigger == "cart_abandoned"]  # type: ignore[attr-defined]


def test_an_order_from_before_the_cart_that_is_heard_of_after_the_reminder_brings_no_second_one() -> None:
    run = backtest(bundle())
    run.run(
        [
            identified("ana", at(-HOUR)),
            event("Product Added", at(0), user_id="ana", product_id="p", cart_id="c"),
            event("Order Completed", at(-MINUTE), received=at(2 * HOUR), user_id="ana", order_id="o"),
            event("Page Viewed", at(3 * HOUR), user_id="ana"),
        ],
        until=TEN + 5 * DAY,
    )
    assert mails(run) == [("ana@example.com", "reminder")]


def test_and_while_the_reminder_waits_for_the_morning_such_an_order_does_not_stop_it() -> None:
    run = backtest(bundle(quiet_hours={"from": "10:00", "until": "14:00"}))
    run.run(
        [
            identified("ana", at(-HOUR)),
            event("Product Added", at(0), user_id="ana", product_id="p", cart_id="c"),
            event("Order Completed", at(-MINUTE), received=at(2 * HOUR), user_id="ana", order_id="o"),
        ],
        until=TEN + 5 * DAY,
    )
    assert mails(run) == [("ana@example.com", "reminder")]


def test_a_cart_token_that_is_used_again_after_its_order_is_reminded_of_again() -> None:
    run = backtest(bundle())
    run.run(
        [
            identified("ana", at(-HOUR)),
            event("Product Added", at(0), user_id="ana", product_id="p", cart_id="c"),
            event("Order Completed", at(MINUTE), user_id="ana", order_id="o", cart_id="c"),
            event("Product Added", at(3 * DAY), user_id="ana", product_id="q", cart_id="c"),
        ],
        until=TEN + 5 * DAY,
    )
    assert mails(run) == [("ana@example.com", "reminder")]
    assert "qx1" in run.mailer.sent[0].mail.text


@pytest.mark.parametrize("days", [2, 35, 80])
@pytest.mark.parametrize("token", [{}, {"cart_id": "mine"}])
def test_the_cart_after_an_order_is_reminded_of_however_long_the_pause(days: int, token: dict[str, str]) -> None:
    run = backtest(bundle())
    run.run(
        [
            identified("ana", at(-HOUR)),
            event("Product Added", at(0), user_id="ana", product_id="p", **token),
            event("Order Completed", at(HOUR), user_id="ana", order_id="o", **token),
            event("Page Viewed", at(days * DAY), user_id="ana"),
            event("Product Added", at((days + 1) * DAY), user_id="ana", product_id="q", **token),
        ],
        until=TEN + (days + 5) * DAY,
    )
    assert mails(run) == [("ana@example.com", "reminder")] * 2


def test_forgetting_one_cart_does_not_close_another_that_has_no_token() -> None:
    run = backtest(bundle())
    run.run(
        [
            identified("ana", at(-HOUR)),
            event("Product Added", at(0), user_id="ana", product_id="p", cart_id="c"),
            event("Product Added", at(30 * DAY - MINUTE), user_id="ana", product_id="q"),
            event("Page Viewed", at(30 * DAY + MINUTE), user_id="ana"),
        ],
        until=TEN + 32 * DAY,
    )
    assert mails(run) == [("ana@example.com", "reminder")] * 2


def test_a_visitors_cart_that_a_customer_ordered_is_not_abandoned_when_both_turn_out_to_be_one() -> None:
    """Nobody woke the visitor's profile in time: the merge itself lets the time pass."""
    run = backtest(bundle())
    run.run(
        [
            identified("ana", at(-HOUR)),
            event("Product Added", at(0), anonymous_id="a", product_id="p", cart_id="c"),
            event("Order Completed", at(MINUTE), user_id="ben", order_id="o", cart_id="c"),
        ]
    )
    late = event("Page Viewed", at(HOUR), user_id="ana", anonymous_id="a")
    run.now = late.received
    run.update([StreamItem("900", late.to_json(), late.received)], batch="late")
    run._pump()
    assert told(run) == []


def test_a_cart_of_which_is_heard_only_after_somebody_ordered_it_is_not_abandoned() -> None:
    run = backtest(bundle())
    run.run(
        [
            identified("ana", at(-HOUR)),
            event("Order Completed", at(MINUTE), user_id="ben", order_id="o", cart_id="c"),
            event("Product Added", at(0), received=at(HOUR), user_id="ana", product_id="p", cart_id="c"),
        ],
        until=TEN + DAY,
    )
    assert told(run) == []


def test_a_cart_that_came_due_while_new_campaigns_were_deployed_is_reminded_of() -> None:
    old, new = Engine(bundle("one")), Engine(bundle("two"))
    profile = Profile("p")
    old.receive(profile, event("Product Added", at(0), user_id="ana", product_id="p"))
    new.settle(profile, TEN + 31 * MINUTE)
    assert [(change.kind, change.at) for change in profile.changes] == [("cart_abandoned", TEN + 30 * MINUTE)]


def test_a_segment_that_was_left_by_time_while_new_campaigns_were_deployed_starts_its_flow() -> None:
    segments = {"fresh": {"did": "Product Added", "within": "1h"}}
    old, new = Engine(bundle("one", segments=segments)), Engine(bundle("two", segments=segments))
    profile = Profile("p")
    old.receive(profile, event("Product Added", at(0), user_id="ana", product_id="p"))
    profile.changes = []
    new.settle(profile, TEN + 61 * MINUTE)
    assert [(c.kind, c.at, c.data.get("news")) for c in profile.changes] == [
        ("cart_abandoned", TEN + 30 * MINUTE, None),
        ("segment_left", TEN + HOUR, None),
    ]


def test_a_flow_that_is_deployed_says_nothing_of_carts_that_were_abandoned_before() -> None:
    old = Engine(campaigns(segments={"x": {"did": "Page Viewed", "within": "1d"}}))
    profile = Profile("p")
    old.receive(profile, event("Product Added", at(0), user_id="ana", product_id="p"))
    old.receive(profile, event("Page Viewed", at(MINUTE), user_id="ana"))
    profile.changes = []
    new = Engine(bundle("two"))
    new.receive(profile, event("Page Viewed", at(2 * HOUR), user_id="ana"))
    assert "cart_abandoned" not in {change.kind for change in profile.changes}


def test_views_that_are_heard_of_late_do_not_bring_a_second_word_about_the_same_visit() -> None:
    flow = {"name": "browse", "on": "browse_abandoned", "steps": [{"send": "looked"}]}
    run = backtest(campaigns(flows=[flow]))
    views = [event("Product Viewed", at(n * MINUTE), user_id="ana", product_id=f"p{n}") for n in range(4)]
    late = event("Product Viewed", at(5 * MINUTE), received=at(3 * HOUR), user_id="ana", product_id="p9")
    again = [event("Product Viewed", at(20 * HOUR + n * MINUTE), user_id="ana", product_id=f"q{n}") for n in range(4)]
    run.run([identified("ana", at(-HOUR)), *views, late, *again], until=TEN + 3 * DAY)
    assert [line.triggered_at for line in run.outputs().messages] == [
        TEN + 2 * HOUR + 3 * MINUTE,
        TEN + 22 * HOUR + 3 * MINUTE,
    ]


@pytest.mark.parametrize("token", ["*", {"a": 1}, ["c"], True, "x" * 30_000, "\x00", 7, 1.5])
def test_no_cart_token_can_stop_the_updater(token: object) -> None:
    run = backtest(bundle())
    run.run(
        [
            identified("ana", at(-HOUR)),
            event("Product Added", at(0), user_id="ana", product_id="p", cart_id=token),
            event("Order Completed", at(MINUTE), user_id="ana", order_id="o", cart_id=token),
            event("Product Added", at(HOUR), user_id="ana", product_id="q", cart_id=token),
        ],
        until=TEN + DAY,
    )
    assert run.quarantine.records == []
    assert mails(run) == [("ana@example.com", "reminder")]
