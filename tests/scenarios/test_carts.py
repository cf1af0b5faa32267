"""Stories of carts: who is reminded, when, of what; and above all who is not."""

from __future__ import annotations

from homing.domain.campaigns import Campaigns
from tests.fixtures.shop import backtest, campaigns, event, identified, instant, mails

CART = {
    "name": "cart",
    "on": "cart_abandoned",
    "stop_when": {"did": "Order Completed"},
    "steps": [{"send": "reminder"}],
}


def bundle() -> Campaigns:
    return campaigns(flows=[CART])


def at(clock: str, day: int = 2) -> str:
    return f"2026-03-{day:02d}T{clock}Z"


def test_a_cart_left_alone_for_half_an_hour_is_reminded_of_once_with_its_items() -> None:
    run = backtest(bundle())
    run.run(
        [
            identified("ana", at("10:00:00")),
            event("Product Added", at("10:01:00"), user_id="ana", product_id="p1", quantity=2),
            event("Product Added", at("10:02:00"), user_id="ana", product_id="p2"),
            event("Product Removed", at("10:03:00"), user_id="ana", product_id="p1", quantity=1),
        ],
        until=instant(at("12:00:00", day=20)),
    )
    assert mails(run) == [("ana@example.com", "reminder")]
    assert "p1x1 p2x1" in run.mailer.sent[0].mail.text
    line = run.outputs().messages[0]
    assert line.triggered_at == instant(at("10:33:00"))
    assert line.sent_at == instant(at("10:33:00"))


def test_an_order_before_the_half_hour_is_over_keeps_the_mail_away() -> None:
    run = backtest(bundle())
    run.run(
        [
            identified("ana", at("10:00:00")),
            event("Product Added", at("10:01:00"), user_id="ana", product_id="p1"),
            event("Order Completed", at("10:30:59"), user_id="ana", order_id="o1"),
        ],
        until=instant(at("12:00:00")),
    )
    assert mails(run) == []


def test_activity_in_the_very_minute_of_the_sweep_does_not_hide_that_the_cart_lay_untouched() -> None:
    run = backtest(bundle())
    run.run(
        [
            identified("ana", at("10:00:00")),
            event("Product Added", at("10:00:30"), user_id="ana", product_id="p1"),
            event("Product Added", at("10:30:45"), user_id="ana", product_id="p2"),
        ],
        until=instant(at("10:31:00")),
    )
    (line,) = run.outputs().messages
    assert line.triggered_at == instant(at("10:30:30"))
    assert "p1x1" in line.text
    assert "p2" not in line.text


def test_an_order_with_the_cart_token_closes_the_cart_of_another_profile() -> None:
    run = backtest(bundle())
    run.run(
        [
            identified("ana", at("10:00:00")),
            event("Product Added", at("10:01:00"), user_id="ana", product_id="p1", cart_id="c-1"),
            event("Order Completed", at("10:20:00"), email="guest@example.com", order_id="o1", cart_id="c-1"),
        ],
        until=instant(at("12:00:00")),
    )
    assert mails(run) == []


def test_an_order_that_arrives_before_the_carts_last_update_still_closes_it() -> None:
    run = backtest(bundle())
    run.run(
        [
            identified("ana", at("10:00:00")),
            event("Order Completed", at("10:20:00"), user_id="ana", order_id="o1", cart_id="c-1"),
            event("Cart Updated", at("10:15:00"), received=at("10:21:00"), user_id="ana", cart_id="c-1",
                  products=[{"product_id": "p1", "quantity": 1}]),
        ],
        until=instant(at("12:00:00")),
    )  # fmt: skip
    assert mails(run) == []


def test_a_new_cart_after_an_order_is_a_new_cart() -> None:
    run = backtest(bundle())
    run.run(
        [
            identified("ana", at("10:00:00")),
            event("Product Added", at("10:01:00"), user_id="ana", product_id="p1"),
            event("Order Completed", at("11:00:00"), user_id="ana", order_id="o1"),
            event("Product Added", at("12:00:00"), user_id="ana", product_id="p2"),
        ],
        until=instant(at("14:00:00")),
    )
    assert [sent.mail.text.split()[-1] for sent in run.mailer.sent] == ["p1x1", "p2x1"]


def test_three_carts_in_parallel_are_three_carts() -> None:
    run = backtest(bundle())
    run.run(
        [
            identified("ana", at("10:00:00")),
            *(
                event("Product Added", at(f"10:0{n}:00"), user_id="ana", product_id=f"p{n}", cart_id=f"c-{n}")
                for n in (1, 2, 3)
            ),
            event("Order Completed", at("10:10:00"), user_id="ana", order_id="o1", cart_id="c-2"),
        ],
        until=instant(at("14:00:00")),
    )
    assert [sent.mail.text.split()[-1] for sent in run.mailer.sent] == ["p1x1", "p3x1"]


def test_an_order_that_names_no_known_cart_closes_all_of_them() -> None:
    run = backtest(bundle())
    run.run(
        [
            identified("ana", at("10:00:00")),
            event("Product Added", at("10:01:00"), user_id="ana", product_id="p1", cart_id="c-1"),
            event("Order Completed", at("10:10:00"), user_id="ana", order_id="o1", checkout_id="k-9"),
        ],
        until=instant(at("14:00:00")),
    )
    assert mails(run) == []


def test_a_cart_emptied_by_its_owner_is_not_abandoned() -> None:
    run = backtest(bundle())
    run.run(
        [
            identified("ana", at("10:00:00")),
            event("Product Added", at("10:01:00"), user_id="ana", product_id="p1", quantity=3),
            event("Product Removed", at("10:05:00"), user_id="ana", product_id="p1"),
        ],
        until=instant(at("14:00:00")),
    )
    assert mails(run) == []


def test_a_cart_filled_before_logging_in_belongs_to_the_customer_afterwards() -> None:
    run = backtest(bundle())
    run.run(
        [
            event("Product Added", at("10:01:00"), anonymous_id="a-1", product_id="p1"),
            event("Identified", at("10:10:00"), anonymous_id="a-1", user_id="ana", email="ana@example.com",
                  consent={"marketing": True}),
        ],
        until=instant(at("14:00:00")),
    )  # fmt: skip
    assert mails(run) == [("ana@example.com", "reminder")]
    assert len(list(run.outputs().profiles)) == 1


def test_a_forgotten_cart_that_is_filled_again_weeks_later_is_a_new_cart() -> None:
    run = backtest(bundle())
    run.run(
        [
            identified("ana", "2026-01-01T10:00:00Z"),
            event("Product Added", "2026-01-01T10:01:00Z", user_id="ana", product_id="p1"),
            event("Product Added", "2026-03-01T10:01:00Z", user_id="ana", product_id="p2"),
        ],
        until=instant(at("14:00:00")),
    )
    assert [sent.mail.text.split()[-1] for sent in run.mailer.sent] == ["p1x1", "p2x1"]
