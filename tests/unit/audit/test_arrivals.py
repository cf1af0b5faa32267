"""What stopped arriving, since when; and what did not, however it looks."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from homing.domain.audit import arrivals as asked
from homing.domain.audit.facts import Arrivals, Day
from homing.domain.audit.uses import needed, reads
from tests.unit.audit.support import UNTIL, arrivals, days, facts, told

LOOKED: dict[str, Any] = {"did": "Product Viewed", "where": {"category": "Garden"}, "same": "product_id"}
FLOW = {"name": "thanks", "on": {"order_placed": {"nth": 1}}, "steps": [{"send": "mail"}]}


def test_an_event_that_stopped_is_an_error_where_campaigns_work_with_it() -> None:
    found = facts(
        segments={"garden": LOOKED},
        arrivals=arrivals({"Product Viewed": [50] * 30 + [0, 0], "Chat Opened": [20] * 31 + [0], "Other": [9] * 32}),
    )
    first, second = asked.stopped(found)
    assert told([second, first]) == [
        ("event_stopped", "error", "Product Viewed"),
        ("event_stopped", "warning", "Chat Opened"),
    ]
    assert second.numbers["since"] == days(2)[0]
    assert first.numbers["since"] == UNTIL


def test_silence_that_is_usual_is_no_stop() -> None:
    quiet: list[list[int]] = [
        [30, 30, 30, 30, 30, 0, 0] * 4,  # A shop that closes at week-ends, on a Sunday.
        [0, 0, 0, 5, 0, 0, 0] * 4,  # Once a week.
        [*([0, 1] * 14)[:-1], 0],  # Few enough that chance may do it.
        [0] * 25 + [40, 0, 0],  # A single day.
    ]
    for counts in quiet:
        found = facts(arrivals=arrivals({"Product Viewed": counts, "Other": [50] * len(counts)}))
        assert not [f for f in asked.stopped(found) if f.subject == "Product Viewed"], counts


def test_when_nothing_arrives_at_all_only_that_is_said() -> None:
    found = facts(
        flows=[FLOW], arrivals=arrivals({"Order Completed": [20] * 20 + [0] * 2, "Other": [9] * 20 + [0] * 2})
    )
    assert told(asked.stopped(found)) == [("nothing_arrives", "error", "all events")]
    assert not list(asked.waiting(found))


def test_a_day_that_is_not_over_stopped_nothing() -> None:
    found = facts(arrivals=arrivals({"Product Viewed": [500] * 31 + [0], "Other": [9] * 32}))
    object.__setattr__(found, "until", days(2)[0])
    assert not list(asked.stopped(found))


def test_an_event_that_comes_far_more_rarely_is_told_when_a_week_shows_it() -> None:
    week = [100, 120, 90, 80, 100, 30, 0]
    found = facts(
        flows=[FLOW], arrivals=arrivals({"Order Completed": week * 4 + [n // 5 for n in week], "Other": [9] * 35})
    )
    assert told(asked.stopped(found)) == [("event_fell", "error", "Order Completed")]
    steady = facts(
        flows=[FLOW], arrivals=arrivals({"Order Completed": week * 4 + [n // 2 for n in week], "Other": [9] * 35})
    )
    assert not list(asked.stopped(steady))


def test_a_property_that_stopped_is_told_with_the_day_and_the_shares() -> None:
    counts = [100] * 32
    product = [100] * 27 + [3] * 5
    found = facts(
        segments={"garden": LOOKED},
        arrivals=arrivals(
            {"Product Viewed": counts},
            {"Product Viewed": {"product_id": product, "name": [100] * 32, "coupon": [6, 9, 3, 5] * 8}},
        ),
    )
    (finding,) = asked.properties(found)
    assert told([finding]) == [("property_stopped", "error", "Product Viewed.product_id")]
    assert finding.words == "`product_id` was in 100% of `Product Viewed`, since Wednesday, 25 March 2026 in 3%."


def test_a_property_that_nobody_asks_for_is_a_warning_also_inside_of_lists() -> None:
    broken = Day()
    whole = Day()
    for _ in range(60):
        whole.add("Order Completed", {"products": [{"product_id": "p", "price": 1}, {"product_id": "q", "price": 2}]})
        broken.add(
            "Order Completed", {"products": [{"product_id": "p", "price": 1}, {"product_id": "q", "price": None}]}
        )
    assert broken.events["Order Completed"].properties == {"products": 60, "products[].product_id": 60}
    found = facts(arrivals={day: whole if index < 20 else broken for index, day in enumerate(days(25))})
    assert told(asked.properties(found)) == [("property_stopped", "warning", "Order Completed.products[].price")]


@given(st.floats(0.05, 1.0), st.integers(5, 400), st.integers(0, 10_000))
def test_chance_alone_stops_no_property(share: float, volume: int, seed: int) -> None:
    dice = random.Random(seed)
    hits = [sum(dice.random() < share for _ in range(volume)) for _ in range(35)]
    found = facts(arrivals=arrivals({"E": [volume] * 35}, {"E": {"p": hits}}))
    assert not list(asked.properties(found))


@given(st.integers(5, 33), st.integers(60, 500), st.floats(0.4, 1.0), st.floats(0.0, 0.1), st.integers(0, 10_000))
def test_a_break_is_found_on_its_very_day(at: int, volume: int, was: float, now: float, seed: int) -> None:
    dice = random.Random(seed)
    hits = [sum(dice.random() < (was if day < at else now) for _ in range(volume)) for day in range(35)]
    found = facts(arrivals=arrivals({"E": [volume] * 35}, {"E": {"p": hits}}))
    (finding,) = asked.properties(found)
    assert finding.numbers["since"] == days(35)[at]


def test_a_flow_whose_events_stopped_or_never_came_is_dead() -> None:
    never = {"name": "browse", "on": "browse_abandoned", "steps": [{"send": "mail"}]}
    birthday = {"name": "birthday", "on": "birthday", "steps": [{"send": "mail"}]}
    found = facts(
        flows=[FLOW, never, birthday],
        arrivals=arrivals({"Order Completed": [50] * 20 + [0] * 4, "Product Added": [50] * 24}),
    )
    assert told(asked.waiting(found)) == [("dead_trigger", "error", "thanks"), ("dead_trigger", "warning", "browse")]


def test_a_flow_of_a_segment_that_time_alone_fills_is_not_dead() -> None:
    lapsed = {"all": [{"did": "Order Completed"}, {"did_not": "Order Completed", "within": "90d"}]}
    flow = {"name": "win-back", "on": {"segment_entered": "lapsed"}, "steps": [{"send": "mail"}]}
    stopped = arrivals({"Order Completed": [50] * 20 + [0] * 4, "Other": [9] * 24})
    assert not list(asked.waiting(facts(segments={"lapsed": lapsed}, flows=[flow], arrivals=stopped)))
    never = arrivals({"Other": [9] * 24})
    found = asked.waiting(facts(segments={"lapsed": lapsed}, flows=[flow], arrivals=never))
    assert told(found) == [("dead_trigger", "warning", "win-back"), ("waits_for_nothing", "warning", "lapsed")]


def test_a_misspelt_event_is_pointed_out_and_mails_that_a_recording_cannot_know_are_not() -> None:
    rules = {"readers": {"did": "Email Opened"}, "chatty": {"did": "Chat Opend"}}
    found = facts(
        segments=rules, arrivals=arrivals({"Chat Opened": [9] * 24}), blind=frozenset({"Email Opened"})
    )  # fmt: skip
    (finding,) = asked.waiting(found)
    assert "did you mean 'Chat Opened'?" in finding.words


def test_an_event_that_shares_a_word_with_another_is_no_slip_of_it() -> None:
    found = facts(segments={"got": {"did": "Parcel Delivered"}}, arrivals=arrivals({"Email Delivered": [9] * 24}))
    (finding,) = asked.waiting(found)
    assert "did you mean" not in finding.words


def test_what_rules_ask_for_is_read_in_every_shape() -> None:
    rule = [
        {"did": "A", "where": {"x.y": 1, "context.device": "mobile", "machine": {"exists": False}}},
        {"did": "B", "sum": {"of": "total", "more_than": 5}, "within": "9d"},
        {"last": "C", "having": {"total": {"at_least": 1}}},
        {"rate": "D", "of": "E", "by": "send_id", "within": "9d", "at_least": 0.5},
        {"sequence": [{"did": "F"}, {"did": "G"}, {"did_not": "H"}], "same": "product_id"},
        {"not": {"any": [{"segment": "s"}, {"trait": {"did": "no event"}}]}},
    ]
    found = reads(rule)
    assert found.events == {
        "A": {"x"}, "B": {"total"}, "C": {"total"}, "D": {"send_id"}, "E": {"send_id"},
        "F": {"product_id"}, "G": {"product_id"}, "H": set(),
    }  # fmt: skip
    assert found.segments == {"s"}


def test_what_campaigns_need_is_what_rules_triggers_and_mails_need() -> None:
    asked_for = needed(facts(segments={"garden": LOOKED}, flows=[FLOW]).campaigns)
    computed = needed(facts(segments={"loyal": {"computed": {"orders": {"at_least": 4}}}}).campaigns)
    assert computed == {"Order Completed": {"order_id", "products"}}
    assert asked_for == {"Product Viewed": {"product_id", "category"}, "Order Completed": {"order_id", "products"}}


def test_a_day_is_kept_within_bounds_and_read_back() -> None:
    day = Day(share=0.5)
    for number in range(300):
        day.add(f"Event {number}", {f"property {n}": 1 for n in range(150)})
        day.add("Often", {"empty": "", "none": None, "zero": 0, "no": False})
    kept = day.to_dict()
    assert len(kept["events"]) == 200
    assert max(len(found["properties"]) for found in kept["events"].values()) == 100
    back = Day.from_dict(kept)
    assert back.share == 0.5
    assert back.events["Often"] == Arrivals(300, {"zero": 300, "no": 300})
