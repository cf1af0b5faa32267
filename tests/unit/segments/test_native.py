"""Rules as functions give the same answers as the rules themselves."""

from __future__ import annotations

from random import Random

import pytest

from homing.domain.profiles import fold
from homing.domain.profiles.profile import Profile
from homing.domain.segments.native import native
from homing.domain.segments.rules import next_flip
from homing.domain.time import DAY
from tests.unit.segments import compare, generate


@pytest.mark.parametrize("first", range(1_000_000, 1_000_600, 100), ids=str)
def test_a_function_answers_as_its_rule_does(first: int) -> None:
    for seed in range(first, first + 100):
        random = Random(seed)
        case = generate.case(random, seed)
        engine = compare.engine_of(case.segments, case.zone, stages=case.stages)
        profile = Profile("p")
        moments = []
        for raw in case.events():
            event = compare.event_of(raw)
            fold.fold(profile, event, engine.plan)
            moments.append(event.occurred)
        for name, rule in engine.segments.items():
            function = native(rule)
            for moment in moments:
                # Before it too: then some of what is remembered is still ahead.
                t = moment + random.choice([-1, 0, 1, random.randrange(-2 * DAY, 40 * DAY)])
                assert function(profile, t) == next_flip(rule, profile, t), (seed, name, case.segments[name])


def test_a_rule_nested_a_hundred_deep_answers_too() -> None:
    rule: dict[str, object] = {"did": "Order Completed"}
    for depth in range(100):
        rule = {"not": rule} if depth % 3 else {"all": [rule, {"not": {"did": "Signed Up"}}]}
    engine = compare.engine_of({"deep": rule})
    assert native(engine.segments["deep"])(Profile("p"), 0) == next_flip(engine.segments["deep"], Profile("p"), 0)
