"""Explanations say what the engine decided, in words."""

from __future__ import annotations

from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter

from homing.domain.content.yaml_source import parse_yaml
from homing.domain.errors import InvalidInput
from homing.domain.explain import words
from homing.domain.explain.evidence import Evidence
from homing.domain.explain.reasons import Explainer, Reason
from homing.domain.profiles.profile import Profile
from homing.domain.segments.language import Condition
from homing.domain.time import DAY, MINUTE, iso
from tests.fixtures.shop import event, instant
from tests.unit.segments import generate
from tests.unit.segments.compare import engine_of, event_of

START = instant("2026-03-02T10:00:00Z")
UTC = ZoneInfo("UTC")
CONDITION: TypeAdapter[Any] = TypeAdapter(Condition)


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        ({"did": "Order Completed"}, "did Order Completed"),
        (
            {"did": "Product Viewed", "same": "product_id", "times": 3, "within": "30d", "where": {"price": {"at_least": 20}}},
            "did Product Viewed at least 3 times with the same product_id within 30 days where price is at least 20",
        ),
        ({"did": "X", "times": {"exactly": 1}}, "did X exactly 1 time"),
        ({"did": "X", "distinct": {"of": "product_id", "at_least": 5}}, "did X with at least 5 different product_id"),
        (
            {"did": "Order Completed", "sum": {"of": "total", "more_than": 500}, "within": "90d"},
            "the sum of total over their Order Completed within 90 days is more than 500",
        ),
        ({"did_not": "Order Completed", "within": "90m"}, "did not do Order Completed within 90 minutes"),
        (
            {"did": "X", "during": {"weekdays": ["sat", "sun"], "from": "18:00", "until": "23:00"}},
            "did X on Saturday and Sunday from 18:00 until 23:00",
        ),
        ({"did": "X", "between": {"from": "2026-11-01", "to": "2026-11-30"}}, "did X from 2026-11-01 until 2026-11-30"),
        (
            {"last": "Order Completed", "having": {"total": {"at_least": 100}}, "ago": {"less_than": "60d"}},
            "their latest Order Completed was less than 60 days ago and total is at least 100",
        ),
        (
            {"sequence": [{"did": "A"}, {"did": "B", "within": "1h"}, {"did_not": "C", "within": "1d"}], "within": "7d"},
            "did A, then B within 1 hour, then no C within 1 day, begun in the last 7 days",
        ),
        (
            {"rate": "Email Opened", "of": "Email Delivered", "by": "send_id", "within": "90d", "at_least": 0.5},
            "the share of Email Delivered with Email Opened (by send_id) within 90 days is at least 50%",
        ),
        (
            {"trait": {"country": {"in": ["DE", "AT", "CH"]}, "vip": True}},
            "country is DE, AT or CH and vip is true",
        ),
        ({"trait": {"trial_ends": {"within_next": "3d"}}}, "trial_ends lies in the next 3 days"),
        ({"trait": {"birthday": {"anniversary": "today"}}}, "birthday has its anniversary today"),
        ({"known_for": {"at_least": "30d"}}, "known for at least 30 days"),
        ({"now": {"from": "09:00", "until": "17:00"}}, "it is now from 09:00 until 17:00, where they are"),
        ({"list": "guests"}, "is on the list guests"),
        ({"share": {"of": "holdout", "percent": 10}}, "belongs to the 10\u00a0% drawn for holdout"),
        ({"computed": {"orders": {"at_least": 3}}}, "computed orders is at least 3"),
    ],
)  # fmt: skip
def test_a_condition_reads_like_a_sentence(condition: dict[str, Any], sentence: str) -> None:
    assert words.condition(CONDITION.validate_python(condition)) == sentence


def test_instants_are_written_on_the_clock_of_the_shop() -> None:
    at = instant("2026-11-22T08:30:00Z")
    assert words.when(at, ZoneInfo("Europe/Berlin")) == "22 Nov 2026, 09:30"
    assert words.when(at + 5_120_000, UTC) == "22 Nov 2026, 08:30:05.12"


def consistent(reason: Reason) -> None:
    for part in reason.parts:
        consistent(part)
    if reason.words in {"all of these hold", "this holds"}:
        assert reason.holds == all(part.holds for part in reason.parts)
    elif reason.words == "at least one of these holds":
        assert reason.holds == any(part.holds for part in reason.parts)
    elif reason.words == "this does not hold":
        assert reason.holds != reason.parts[0].holds
    elif len(reason.parts) == 1:
        assert reason.holds == reason.parts[0].holds


def test_an_explanation_agrees_with_the_engine_on_generated_rules_and_histories() -> None:
    checked = 0
    for seed in range(150):
        case = generate.case(Random(seed), seed)
        engine = engine_of(case.segments, case.zone, stages=case.stages)
        profile = Profile("a")
        for raw in case.events():
            engine.receive(profile, event_of(raw))
        engine.finish(profile)
        explainer = Explainer(engine, Evidence(ZoneInfo(case.zone)))
        random = Random(seed)
        for _ in range(3):
            t = profile.evaluated_at + random.randrange(40 * DAY)
            for name in case.segments:
                reason = explainer.segment(profile, name, t)
                assert reason.holds == engine.is_member(profile, name, t)
                if reason.changes_at is not None:
                    assert engine.is_member(profile, name, reason.changes_at - 1) == reason.holds
                consistent(reason)
                checked += 1
    assert checked > 400


def explained(segments: dict[str, Any], *events: Any, at: int, files: dict[str, str] | None = None) -> Any:
    engine = engine_of(segments)
    profile = Profile("p")
    for one in events:
        engine.receive(profile, one)
    places = {name: parse_yaml(text, f"segments/{name}.yaml") for name, text in (files or {}).items()}
    return profile, Explainer(engine, Evidence(UTC, lambda _: "order_id 7, line 3"), places), at


def viewed(minute: int, product: str) -> Any:
    return event("Product Viewed", iso(START + minute * MINUTE), user_id="ana", product_id=product)


def test_each_condition_has_its_line_its_events_and_the_end_of_its_truth() -> None:
    text = (
        "when:\n  - did: Product Viewed\n    same: product_id\n    times: 2\n    within: 1h\n  - not: {segment: big}\n"
    )
    rule = {
        "all": [
            {"did": "Product Viewed", "same": "product_id", "times": 2, "within": "1h"},
            {"not": {"segment": "big"}},
        ]
    }
    big = {"did": "Order Completed", "sum": {"of": "total", "at_least": 100}}
    files = {"keen": text, "big": "when:\n  did: Order Completed\n  sum: {of: total, at_least: 100}\n"}
    profile, explainer, at = explained(
        {"keen": rule, "big": big},
        viewed(0, "p1"), viewed(1, "p2"), viewed(2, "p1"),
        event("Order Completed", iso(START + 3 * MINUTE), user_id="ana", total=12.5),
        at=START + 10 * MINUTE, files=files,
    )  # fmt: skip
    reason = explainer.segment(profile, "keen", at)
    twice, not_big = reason.parts
    assert (reason.holds, reason.changes_at) == (True, START + 60 * MINUTE)
    assert (twice.place, not_big.place) == ("segments/keen.yaml:2", "segments/keen.yaml:6")
    assert twice.facts[0].startswith("p1: 2 times, 2 Mar 2026, 10:02 (order_id 7, line 3); 2 Mar 2026, 10:00")
    (inside,) = not_big.parts
    assert (inside.words, inside.parts[0].place) == ("is in the segment big", "segments/big.yaml:2")
    assert inside.parts[0].facts[0] == "the sum of total over 1 is 12.5"


def test_a_trait_is_explained_with_its_source_and_what_speaks_against_it() -> None:
    german = event("Identified", iso(START), user_id="ana", country="DE").model_copy(update={"source": "csv"})
    austrian = event("Identified", iso(START + MINUTE), user_id="ana", country="AT").model_copy(
        update={"source": "shopify"}
    )
    profile, explainer, at = explained({"german": {"trait": {"country": "DE"}}}, german, austrian, at=START + DAY)
    reason = explainer.segment(profile, "german", at)
    assert not reason.holds
    assert reason.facts == [
        "country is AT, said by Shopify on 2 Mar 2026, 10:01 (confidence 1)",
        "against it: DE, imported from a CSV file on 2 Mar 2026, 10:00 (confidence 0.8)",
    ]


def test_what_no_longer_counts_is_told() -> None:
    profile, explainer, _ = explained({"s": {"did": "Product Viewed", "within": "1h"}}, viewed(0, "p1"), at=START)
    reason = explainer.segment(profile, "s", START + 2 * 60 * MINUTE)
    assert reason.facts == [
        "no such event counts",
        "the latest one, which no longer counts: 2 Mar 2026, 10:00 (order_id 7, line 3)",
    ]


def test_an_unknown_segment_is_named_with_what_was_meant() -> None:
    profile, explainer, at = explained({"hesitating": {"did": "X"}}, at=START)
    with pytest.raises(InvalidInput, match="did you mean 'hesitating'"):
        explainer.segment(profile, "hesitatin", at)
