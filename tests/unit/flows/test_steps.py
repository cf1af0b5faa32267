"""What steps do besides sending: splits, traits, lists, webhooks, other flows; who gets in, and how often."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from homing.domain.campaigns import Product
from homing.domain.flows.language import Flow, version
from homing.domain.segments.said import portion
from homing.domain.segments.values import WRITTEN
from homing.domain.time import DAY, HOUR
from homing.local.backtest import Backtest
from tests.fixtures.shop import backtest, campaigns, event, identified, instant, mails

PEOPLE = [f"p{number}" for number in range(60)]


def shop(*flows: dict[str, Any], people: tuple[str, ...] | list[str] = ("ana",), **more: Any) -> Backtest:
    run = backtest(campaigns(flows=list(flows), **more))
    run.run([identified(one) for one in people])
    return run


def asked(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "ask", "on": "flow_requested", "steps": list(steps), **more}


def templates(run: Backtest) -> list[str]:
    return [line.template for line in run.outputs().messages]


def test_a_split_parts_people_by_chance_and_always_the_same_way() -> None:
    ways = [{"arm": "a", "percent": 30, "then": [{"send": "a"}]}, {"arm": "b", "percent": 20, "then": [{"send": "b"}]}]
    run = shop(asked({"split": "test", "ways": ways}, {"wait": "1h"}), people=PEOPLE)
    for one in PEOPLE:
        run.request({"flow": "ask", "user_id": one, "request_id": f"r-{one}"})
    sent = {line.profile_id: line.template for line in run.outputs().messages}
    for one in PEOPLE:
        id_ = run.identity.key("user_id", one)
        place = portion("test", id_)
        assert sent.get(id_) == ("a" if place < 30 else "b" if place < 50 else None)
    arms = {one.profile_id: one.arms["test"] for one in run.journal.runs()}
    assert {id_: arm for id_, arm in arms.items() if arm} == sent


def test_a_flow_says_something_of_a_customer_which_their_own_word_beats() -> None:
    update = {"update": {"waves": 2, "cart_total": {"trigger": "data.total"}, "lost": {"trigger": "data.nothing"}}}
    run = shop(asked(update, {"update": {"tier": "silver"}}))
    run.run([identified("ana", at="2026-03-02T10:01:00Z", tier="gold")])
    run.request({"flow": "ask", "user_id": "ana", "data": {"total": "31.90"}})
    (profile,) = run.outputs().profiles
    assert profile.traits["waves"] == 2
    assert profile.traits["cart_total"] == "31.90"
    assert "lost" not in profile.traits
    assert profile.traits["tier"] == "gold"


def test_a_flow_puts_customers_on_a_list_and_takes_them_off() -> None:
    steps = [{"add_to": "wave"}, {"wait": "1d"}, {"remove_from": "wave"}]
    run = shop(asked(*steps), segments={"wave": {"list": "wave"}})
    run.request({"flow": "ask", "user_id": "ana"})
    assert run.outputs().profiles[0].segments == ["wave"]
    run.pass_time(run.now + 2 * DAY)
    assert run.outputs().profiles[0].segments == []


def test_a_flow_starts_another_once_however_often_it_is_asked() -> None:
    other = {"name": "other", "on": "flow_requested", "steps": [{"send": "b"}]}
    run = shop(asked({"start": "other", "data": {"why": "test"}}), other)
    for _ in range(2):
        run.request({"flow": "ask", "user_id": "ana", "request_id": "r1"})
    assert templates(run) == ["b"]
    (started,) = (one for one in run.journal.runs() if one.flow == "other")
    assert started.data == {"data": {"why": "test"}}


def test_flows_that_start_each_other_at_once_come_to_an_end() -> None:
    flows = [
        {"name": "ask", "on": "flow_requested", "steps": [{"start": "other"}]},
        {"name": "other", "on": "flow_requested", "steps": [{"start": "ask"}]},
    ]
    run = shop(*flows)
    run.request({"flow": "ask", "user_id": "ana", "request_id": "r1"})
    assert 20 <= len(run.journal.runs()) <= 22


def test_a_flow_may_start_itself_again_after_a_wait() -> None:
    run = shop(asked({"send": "a"}, {"wait": "1d"}, {"start": "ask"}))
    run.request({"flow": "ask", "user_id": "ana", "request_id": "r1"})
    run.pass_time(run.now + 30 * DAY)
    assert len(templates(run)) == 31


def test_a_webhook_is_asked_for_under_the_id_of_its_step() -> None:
    run = shop(asked({"call": "crm", "data": {"total": {"trigger": "data.total"}, "kind": "lead"}}))
    run.request({"flow": "ask", "user_id": "ana", "data": {"total": 3}})
    assert run.counts["calls"] == 1


def test_only_if_keeps_out_who_it_is_not_for() -> None:
    flow = asked({"send": "a"}, only_if={"trait": {"tier": "gold"}})
    run = shop(flow, people=[])
    run.run([identified("ana", tier="gold"), identified("ben")])
    for one in ("ana", "ben"):
        run.request({"flow": "ask", "user_id": one})
    assert [to for to, _ in mails(run)] == ["ana@example.com"]


def test_exit_when_ends_a_run_on_its_way() -> None:
    run = shop(asked({"wait": "1d"}, {"send": "a"}, exit_when={"trait": {"tier": "gold"}}))
    run.request({"flow": "ask", "user_id": "ana"})
    run.run([identified("ana", at="2026-03-02T12:00:00Z", tier="gold")])
    run.pass_time(run.now + 2 * DAY)
    assert [(one.status, one.reason) for one in run.journal.runs()] == [("ended", "exit_when")]


def test_any_event_starts_a_flow_and_brings_what_the_flow_asks_for() -> None:
    on = {"did": "Review Posted", "where": {"rating": {"at_most": 2}}, "brings": ["rating", "product_id"]}
    run = shop({"name": "sorry", "on": on, "steps": [{"send": "sorry"}]})
    run.run([event("Review Posted", "2026-03-02T11:00:00Z", user_id="ana", rating=5, product_id="p1")])
    run.run([event("Review Posted", "2026-03-02T12:00:00Z", user_id="ana", rating=1, product_id="p2", secret="x")])
    (started,) = run.journal.runs()
    assert started.data == {
        "event": {"name": "Review Posted", "rating": 1, "product_id": "p2"},
        "products": [{"rating": 1, "product_id": "p2"}],
    }


def test_what_a_flow_asks_for_of_an_event_about_a_product_of_the_catalog_is_brought_as_well() -> None:
    on = {"did": "Review Posted", "brings": ["rating", "category", "product_id"]}
    known = campaigns(flows=[{"name": "sorry", "on": on, "steps": [{"update": {"r": {"trigger": "event.rating"}}}]}])
    run = backtest(
        known.model_copy(update={"products": {"p2": Product(product_id="p2", name="Mug", category="Kitchen")}})
    )
    run.run(
        [event("Review Posted", "2026-03-02T12:00:00Z", user_id="ana", rating=1, product_id="p2", category="Gifts")]
    )
    (started,) = run.journal.runs()
    assert started.data["event"] == {"name": "Review Posted", "rating": 1, "category": "Gifts", "product_id": "p2"}
    assert [one.traits["r"] for one in run.outputs().profiles] == [1]


def test_dots_reach_into_what_an_event_brings() -> None:
    on = {"did": "Form Sent", "brings": ["answer.score", "answer", "page.path"]}
    run = shop({"name": "form", "on": on, "steps": [{"update": {"score": {"trigger": "event.answer.score"}}}]})
    told = {"answer": {"score": 7, "text": "fine"}, "page": {"path": "/form", "title": "Form"}}
    run.run([event("Form Sent", "2026-03-02T12:00:00Z", user_id="ana", **told)])
    (started,) = run.journal.runs()
    assert started.data["event"] == {"name": "Form Sent", "answer": told["answer"], "page": {"path": "/form"}}
    assert [one.traits["score"] for one in run.outputs().profiles] == [7]


def test_every_event_starts_it_again_and_a_second_delivery_does_not() -> None:
    run = shop({"name": "sorry", "on": {"did": "Review Posted"}, "steps": [{"send": "sorry"}]})
    run.run([event("Review Posted", f"2026-03-02T1{hour}:00:00Z", user_id="ana", id=f"m{hour}") for hour in (1, 2)])
    run.run([event("Review Posted", "2026-03-02T11:00:00Z", received="2026-03-02T13:00:00Z", user_id="ana", id="m1")])
    assert len(run.journal.runs()) == 2


def test_each_order_starts_a_flow_with_its_own_order() -> None:
    run = shop({"name": "thanks", "on": "order_placed", "steps": [{"wait": "1h"}, {"send": "a"}]})
    orders = [
        event("Order Completed", f"2026-03-02T1{hour}:00:00Z", user_id="ana", order_id=f"o{hour}") for hour in (1, 2, 3)
    ]
    run.run(orders)
    assert [one.data["order"]["order_id"] for one in run.journal.runs()] == ["o1", "o2", "o3"]
    assert [one.data["nth"] for one in run.journal.runs()] == [1, 2, 3]


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        ({"before": "14d"}, "2026-04-17T07:00:00Z"),
        ({"after": "1d"}, "2026-05-02T07:00:00Z"),
        ({}, "2026-05-01T07:00:00Z"),
    ],
)
def test_a_date_of_a_trait_starts_a_flow_before_on_or_after_it(offset: dict[str, str], expected: str) -> None:
    on = {"date_reached": {"trait": "renews_on", **offset}}
    run = shop({"name": "renew", "on": on, "steps": [{"send": "a"}]}, people=[], time_zone="Europe/Berlin")
    run.run([identified("ana", renews_on="2026-05-01")])
    run.pass_time(instant("2026-06-01T00:00:00Z"))
    (started,) = run.journal.runs()
    assert started.triggered_at == instant(expected)
    assert started.data == {"date": "2026-05-01"}


def test_a_date_that_is_moved_starts_it_again_and_one_that_stays_does_not() -> None:
    on = {"date_reached": "renews_on"}
    run = shop({"name": "renew", "on": on, "steps": [{"send": "a"}]}, people=[])
    run.run([identified("ana", renews_on="2026-03-03")])
    run.run([identified("ana", at="2026-03-10T00:00:00Z", renews_on="2026-03-03")])
    run.run([identified("ana", at="2026-03-11T00:00:00Z", renews_on="2026-03-20")])
    run.pass_time(instant("2026-06-01T00:00:00Z"))
    assert [one.data["date"] for one in run.journal.runs()] == ["2026-03-03", "2026-03-20"]


def test_a_date_that_comes_round_each_year_comes_on_the_28th_where_there_is_no_leap_day() -> None:
    on = {"date_reached": {"trait": "wedding", "yearly": True, "before": "1d"}}
    run = shop({"name": "wed", "on": on, "steps": [{"send": "a"}]}, people=[])
    run.run([identified("ana", wedding="2020-02-29")])
    run.pass_time(instant("2028-06-01T00:00:00Z"))
    assert [one.data["date"] for one in run.journal.runs()] == ["2027-02-28", "2028-02-29"]


def test_again_only_after_a_time() -> None:
    on = {"did": "Review Posted"}
    run = shop({"name": "ask", "on": on, "again_after": "30d", "steps": [{"send": "a"}]})
    days = ("2026-03-03", "2026-03-10", "2026-04-01", "2026-04-02", "2026-05-01", "2026-05-03")
    run.run([event("Review Posted", f"{day}T12:00:00Z", user_id="ana") for day in days])
    begun = [one.triggered_at for one in run.journal.runs()]
    assert begun == [instant(f"{day}T12:00:00Z") for day in ("2026-03-03", "2026-04-02", "2026-05-03")]


def test_yesterdays_carts_start_nothing() -> None:
    flow = {"name": "cart", "on": "cart_abandoned", "topic": "marketing", "steps": [{"send": "a"}]}
    run = shop(flow)
    run.run([event("Product Added", "2026-03-02T11:00:00Z", user_id="ana", product_id="p1", cart_id="c1")])
    # The sweep stands still for half a day and a bit.
    run.now = run.now + 13 * HOUR
    run.pass_time(run.now + HOUR)
    assert run.journal.runs() == []


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ({"steps": [{"wait": "09:00"}]}, "09:00 is a time of day: write `wait: {until: 09:00}`"),
        ({"steps": [{"wait": {"until": "09:00", "day": "2026-12-24T10:00:00Z"}}]}, "is not a day: write 2026-11-30"),
        (
            {"steps": [{"split": "x", "ways": [{"arm": "a", "percent": 60}, {"arm": "b", "percent": 50}]}]},
            "110 percent",
        ),
        ({"steps": [{"send": "a", "id": "x"}, {"send": "b", "id": "x"}]}, "two steps have the id 'x'"),
        ({"on": {"segment_entered": {}}}, "segment_entered needs a segment"),
        ({"on": {"date_reached": {"trait": "x", "before": "1d", "after": "1d"}}}, "before and after are two dates"),
        ({"on": {"order_placed": {"segment": "vip"}}}, "order_placed takes no segment"),
        ({"on": {"schedule": {"segment": "vip", "days": [0]}}}, "0 is no day of the month"),
        ({"run_once_per": "customer", "again_after": "1d"}, "once ever"),
        ({"steps": [{"wait_for": {"did": "x"}}]}, "within"),
        ({"steps": [{"wait_for": {"trait": {"a": 1}}, "within": "1d"}]}, "what is waited for starts with one of"),
    ],
)
def test_mistakes_say_what_to_write(written: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Flow.model_validate({"name": "x", "on": "birthday", "steps": [{"send": "a"}], **written}, context=WRITTEN)
    assert complaint in str(caught.value)


def test_a_flow_reads_back_from_the_bundle_as_it_was_and_keeps_its_version() -> None:
    flow = Flow.model_validate(
        asked(
            {"wait": {"until": "09:00", "weekdays": ["mon"]}},
            {"wait_for": {"any": [{"message": "a", "was": "clicked"}, {"left": "vip"}]}, "within": "3d"},
            {"if": {"message": "a", "was": "bought"}, "then": [{"end": "bought"}]},
            {"split": "s", "ways": [{"arm": "a", "percent": 50, "then": [{"send": "a"}]}]},
            {"update": {"a": 1, "b": {"trigger": "cart.total"}, "c": None}},
            {"call": "crm", "id": "tell"},
            only_if={"segment": "vip"}, again_after="30d", max_age="1h", when_changed="move",
        ),
        context=WRITTEN,
    )  # fmt: skip
    again = Flow.model_validate_json(flow.model_dump_json(by_alias=True))
    assert again == flow
    assert version(again) == version(flow)
    assert version(flow.model_copy(update={"description": "other words"})) == version(flow)
    assert version(flow.model_copy(update={"priority": 7})) != version(flow)
