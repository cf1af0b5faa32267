"""Stages: the first that holds, hysteresis, and that nobody flaps."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.adapters.files import read_folder
from homing.domain.attributes.language import StagedAttribute
from homing.domain.campaigns import Campaigns
from homing.domain.content.publish import publish
from homing.domain.engine import Engine
from homing.domain.errors import InvalidInput
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, HOUR, iso, parse_duration
from tests.fixtures.shop import campaigns, event, instant

START = instant("2026-01-05T09:00:00Z")
ROOT = Path(__file__).parents[3]

MOOD: list[dict[str, Any]] = [
    {
        "name": "warm",
        "when": {"computed": {"engagement_score": {"at_least": 30}}},
        "keep_while": {"computed": {"engagement_score": {"at_least": 15}}},
    },
    {"name": "curious", "when": {"did": "Product Viewed", "within": "3d"}, "keep_for": "10d"},
    {"name": "cold", "when": {"did_not": "Product Viewed", "within": "3d"}},
]


def staged(stages: list[dict[str, Any]], segments: dict[str, Any] | None = None, name: str = "mood") -> Campaigns:
    attribute = StagedAttribute.model_validate({"name": name, "stages": stages})
    return campaigns(segments=segments).model_copy(update={"attributes": {name: attribute}})


def stages_of(engine: Engine, profile: Profile, until: int, step: int = HOUR) -> Iterator[tuple[int, str | None]]:
    """The stage whenever it changed, looked at from time to time as well as when it is due."""
    last: Any = profile.stages.get("mood", [None, 0])
    while profile.evaluated_at < until:
        upcoming = profile.wake_at if profile.wake_at is not None else until
        engine.settle(profile, min(upcoming, profile.evaluated_at + step, until))
        held = profile.stages.get("mood", [None, profile.evaluated_at])
        if held[0] != last[0]:
            last = held
            yield held[1], held[0]


def ordered(at: int, **more: Any) -> Any:
    return event("Order Completed", iso(at), user_id="ana", total=20, **more)


def test_entering_takes_more_than_staying() -> None:
    engine = Engine(staged(MOOD))
    profile = Profile("ana")
    engine.receive(profile, ordered(START))
    assert profile.stages["mood"] == ["warm", START], "one order scores 33"

    changes = list(stages_of(engine, profile, START + 60 * DAY))

    # The score is below 30 within a week; 5 · 2^(-d/30) = 10 · 15/85 after 45 days.
    assert [stage for _, stage in changes] == ["cold"]
    assert START + 44 * DAY < changes[0][0] < START + 46 * DAY


def test_the_file_s_order_decides_between_stages_that_hold() -> None:
    first = {"name": "first", "when": {"did": "Product Viewed"}}
    second = {"name": "second", "when": {"did": "Product Viewed"}}
    for stages in ([first, second], [second, first]):
        profile = Profile("ana")
        Engine(staged(stages)).receive(profile, event("Product Viewed", iso(START), user_id="ana"))
        assert profile.stages["mood"][0] == stages[0]["name"]


def test_a_stage_lasts_as_long_as_it_is_kept_and_ends_at_that_microsecond() -> None:
    engine = Engine(staged(MOOD))
    profile = Profile("ana")
    engine.receive(profile, event("Product Viewed", iso(START), user_id="ana"))
    assert profile.stages["mood"] == ["curious", START]
    # Even what stands before it in the file has to wait.
    engine.receive(profile, ordered(START + DAY))
    assert profile.stages["mood"] == ["curious", START]

    engine.settle(profile, START + 10 * DAY - 1)
    assert profile.stages["mood"][0] == "curious"
    engine.settle(profile, START + 10 * DAY)
    assert profile.stages["mood"] == ["cold", START + 10 * DAY], "by then the score is below 30"


def test_segments_hear_of_a_stage_at_its_instant() -> None:
    engine = Engine(staged(MOOD, {"the-cold": {"computed": {"mood": "cold"}}}))
    profile = Profile("ana")
    engine.receive(profile, event("Product Viewed", iso(START), user_id="ana"))
    engine.settle(profile, START + 30 * DAY)

    assert [(change.kind, change.at) for change in profile.changes] == [("segment_entered", START + 10 * DAY)]


def test_who_is_in_no_stage_has_no_value() -> None:
    engine = Engine(staged([MOOD[0]], {"moody": {"computed": {"mood": {"exists": True}}}}))
    profile = Profile("ana")
    engine.receive(profile, event("Page Viewed", iso(START), user_id="ana"))

    assert "mood" not in profile.stages
    assert "moody" not in profile.segments


def test_stages_of_stages_are_refused() -> None:
    circular = [{"name": "one", "when": {"segment": "moody"}}]
    with pytest.raises(InvalidInput, match="depend on mood, which has stages itself"):
        Engine(staged(circular, {"moody": {"computed": {"mood": "one"}}}))


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_nobody_changes_twice_within_the_time_that_a_stage_is_kept(seed: int) -> None:
    chance = random.Random(seed)
    kept = {f"s{n}": chance.choice([None, "1d", "5d", "20d"]) for n in range(4)}
    rules: list[dict[str, Any]] = [
        {"computed": {"engagement_score": {"at_least": chance.choice([5, 10, 30])}}},
        {"did": "Product Viewed", "times": chance.choice([1, 2, 3]), "within": chance.choice(["1d", "3d", "9d"])},
        {"computed": {"recency": {"less_than": chance.choice([2, 7, 30])}}},
        {"not": {"did": "Order Completed", "within": "11d"}},
    ]
    chance.shuffle(rules)
    stages = [
        {"name": name, "when": rule, **({"keep_for": kept[name]} if kept[name] else {}),
         **({"keep_while": chance.choice(rules)} if chance.random() < 0.3 else {})}
        for name, rule in zip(kept, rules, strict=True)
    ]  # fmt: skip
    profile, other = Profile("ana"), Profile("ana")
    engine = Engine(staged(stages))
    at = START
    seen: list[tuple[int, str | None]] = []
    for _ in range(25):
        at += int(chance.expovariate(1 / (4 * DAY))) + 1
        seen += stages_of(engine, profile, at - 1, step=chance.choice([HOUR, DAY, 50 * DAY]))
        name = chance.choice(["Order Completed", "Product Viewed", "Product Viewed", "Page Viewed"])
        message = event(name, iso(at), user_id="ana")
        for one in (profile, other):
            engine.receive(one, message)
        if not seen or seen[-1] != (held := tuple(reversed(profile.stages.get("mood", [None, at])))):
            seen.append(held if seen else (profile.stages["mood"][1], profile.stages["mood"][0]))
        # Looking in between changes nothing.
        assert profile.stages == other.stages
    for (entered, stage), (left, _) in pairwise(seen):
        if stage is not None and kept[stage] and left != entered:
            assert left - entered >= parse_duration(kept[stage] or "")


def test_the_starter_s_customers_go_their_way() -> None:
    bundle = publish(read_folder(ROOT / "layers" / "campaigns"))
    engine = Engine(bundle)
    profile = Profile("ana")

    def stage() -> Any:
        return profile.stages.get("lifecycle", [None])[0]

    engine.receive(profile, event("Product Viewed", iso(START), user_id="ana", product_id="watering-can"))
    assert stage() == "new"
    engine.receive(profile, ordered(START + DAY, order_id="1"))
    assert stage() == "onboarding"
    engine.settle(profile, START + 31 * DAY)
    assert stage() == "active"
    for day in (35, 60, 90):
        engine.receive(profile, ordered(START + day * DAY, order_id=str(day)))
    assert stage() == "loyal"
    assert profile.stages["persona"][0] == "gardener"
    engine.settle(profile, START + 90 * DAY + 90 * DAY)
    assert stage() == "at_risk"
    engine.receive(profile, ordered(START + 181 * DAY, order_id="late"))
    assert stage() == "loyal"
    engine.settle(profile, START + 181 * DAY + 180 * DAY)
    assert stage() == "lapsed"
