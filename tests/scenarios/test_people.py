"""Stories of people: who is who, who agreed to what, and whose day it is."""

from __future__ import annotations

from typing import Any

from tests.fixtures.shop import backtest, campaigns, event, identified, instant, mails

BIRTHDAY = {"name": "birthday", "on": "birthday", "steps": [{"send": "cake"}]}


def test_two_customers_on_one_device_stay_two_people() -> None:
    run = backtest(campaigns())
    run.run(
        [
            event("Page Viewed", "2026-03-02T10:00:00Z", anonymous_id="tablet"),
            identified("ana", "2026-03-02T10:01:00Z"),
            event("Page Viewed", "2026-03-02T10:02:00Z", anonymous_id="tablet", user_id="ana"),
            event("Page Viewed", "2026-03-02T11:00:00Z", anonymous_id="tablet", user_id="ben"),
            identified("ben", "2026-03-02T11:01:00Z"),
        ]
    )
    users = sorted(profile.identifiers["user_id"] for profile in run.outputs().profiles)
    assert users == [["ana"], ["ben"]]


def test_an_address_that_another_customer_uses_does_not_make_them_one() -> None:
    run = backtest(campaigns())
    run.run(
        [
            identified("ana", "2026-03-02T10:00:00Z"),
            event("Identified", "2026-03-02T11:00:00Z", user_id="ben", email="ana@example.com"),
        ]
    )
    assert len(run.outputs().profiles) == 2


def test_identifiers_that_meet_later_become_one_profile_whatever_the_order() -> None:
    pieces = [
        event("Product Viewed", "2026-03-02T10:00:00Z", anonymous_id="a", product_id="p", id="1"),
        event("Product Viewed", "2026-03-02T10:05:00Z", email="ana@example.com", product_id="p", id="2"),
        event("Identified", "2026-03-02T10:10:00Z", anonymous_id="a", email="ANA@example.com ", id="3"),
        event("Identified", "2026-03-02T10:15:00Z", user_id="ana", email="ana@example.com", id="4"),
    ]
    looked = {"when": {"did": "Product Viewed", "times": {"at_least": 2}}}
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]):
        run = backtest(campaigns(segments={"looked": looked["when"]}))
        for position, index in enumerate(order):
            when = f"2026-03-02T12:0{position}:00Z"
            run.run([pieces[index].model_copy(update={"received_at": pieces[index].received_at.fromisoformat(when)})])
        (profile,) = run.outputs().profiles
        assert profile.segments == ["looked"]
        assert profile.identifiers["anonymous_id"] == ["a"]


def test_members_of_a_merged_profile_leave_the_member_index() -> None:
    run = backtest(campaigns(segments={"visitors": {"did": "Page Viewed"}}))
    run.run(
        [
            event("Page Viewed", "2026-03-02T10:00:00Z", anonymous_id="a"),
            event("Page Viewed", "2026-03-02T10:01:00Z", user_id="ana"),
            event("Page Viewed", "2026-03-02T10:02:00Z", user_id="ana", anonymous_id="a"),
        ]
    )
    assert len(list(run.journal.members("visitors"))) == 1


def test_a_birthday_comes_in_the_morning_of_the_customers_own_zone() -> None:
    run = backtest(campaigns(flows=[BIRTHDAY], time_zone="Europe/Berlin"))
    run.run(
        [identified("ana", "2026-03-02T10:00:00Z", birthday="1990-03-05", timezone="America/New_York")],
        until=instant("2027-03-10T00:00:00Z"),
    )
    sent = [line.sent_at for line in run.outputs().messages]
    assert sent == [instant("2026-03-05T14:00:00Z"), instant("2027-03-05T14:00:00Z")]


def test_who_was_born_on_29_february_celebrates_on_the_28th_in_other_years() -> None:
    run = backtest(campaigns(flows=[BIRTHDAY]))
    run.run([identified("ana", "2026-01-02T10:00:00Z", birthday="2000-02-29")], until=instant("2028-03-10T00:00:00Z"))
    days = [mail.triggered_at for mail in run.outputs().messages]
    assert days == [instant(f"{day}T09:00:00Z") for day in ("2026-02-28", "2027-02-28", "2028-02-29")]


CART: dict[str, Any] = {"name": "cart", "on": "cart_abandoned", "steps": [{"send": "reminder"}]}


def test_nobody_gets_mail_without_having_agreed() -> None:
    run = backtest(campaigns(flows=[CART]))
    run.run(
        [
            identified("ana", "2026-03-02T10:00:00Z", consent={"marketing": False}),
            event("Identified", "2026-03-02T10:00:00Z", user_id="ben", email="ben@example.com"),
            event("Product Added", "2026-03-02T10:01:00Z", user_id="ana", product_id="p"),
            event("Product Added", "2026-03-02T10:01:00Z", user_id="ben", product_id="p"),
        ],
        until=instant("2026-03-03T10:00:00Z"),
    )
    assert mails(run) == []
    assert {line.reason for line in run.outputs().messages} == {"no_consent"}


def test_a_login_that_repeats_an_old_yes_does_not_undo_an_unsubscription() -> None:
    run = backtest(campaigns(flows=[CART]))
    run.run(
        [
            identified("ana", "2026-03-02T10:00:00Z"),
            event("Unsubscribed", "2026-03-02T10:05:00Z", user_id="ana", topic="*"),
            identified("ana", "2026-03-02T10:10:00Z"),
            event("Product Added", "2026-03-02T10:11:00Z", user_id="ana", product_id="p"),
        ],
        until=instant("2026-03-03T10:00:00Z"),
    )
    assert [line.reason for line in run.outputs().messages] == ["unsubscribed"]


def test_saying_yes_again_later_is_heard() -> None:
    run = backtest(campaigns(flows=[CART]))
    run.run(
        [
            identified("ana", "2026-03-02T10:00:00Z"),
            event("Unsubscribed", "2026-03-02T10:05:00Z", user_id="ana", topic="marketing"),
            event("Subscribed", "2026-03-02T10:06:00Z", user_id="ana", topic="marketing"),
            event("Product Added", "2026-03-02T10:11:00Z", user_id="ana", product_id="p"),
        ],
        until=instant("2026-03-03T10:00:00Z"),
    )
    assert mails(run) == [("ana@example.com", "reminder")]


def test_nothing_leaves_in_the_quiet_hours_and_everything_after_them() -> None:
    bundle = campaigns(flows=[CART], quiet_hours={"from": "21:00", "until": "08:00"}, time_zone="Europe/Berlin")
    run = backtest(bundle)
    run.run(
        [
            identified("ana", "2026-03-02T22:00:00Z"),
            event("Product Added", "2026-03-02T22:01:00Z", user_id="ana", product_id="p"),
        ],
        until=instant("2026-03-04T10:00:00Z"),
    )
    assert [line.sent_at for line in run.outputs().messages] == [instant("2026-03-03T07:00:00Z")]


def test_the_cap_holds_mail_back_until_there_is_room() -> None:
    topics = {"marketing": {"title": "News", "cap": {"messages": 1, "within": "1d"}}}
    run = backtest(campaigns(flows=[CART], topics=topics))
    run.run(
        [
            identified("ana", "2026-03-02T10:00:00Z"),
            event("Product Added", "2026-03-02T10:01:00Z", user_id="ana", product_id="p", cart_id="c1"),
            event("Product Added", "2026-03-02T11:01:00Z", user_id="ana", product_id="p", cart_id="c2"),
        ],
        until=instant("2026-03-05T10:00:00Z"),
    )
    assert [line.sent_at for line in run.outputs().messages] == [
        instant("2026-03-02T10:31:00Z"),
        instant("2026-03-03T10:31:00Z"),
    ]
