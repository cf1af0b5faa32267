"""Membership and its flips equal a brute-force reading of the whole history, at every instant. ``make exact`` plays a
hundred thousand cases of the same kind."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from homing.domain.profiles import fold
from homing.domain.profiles.profile import Profile
from tests.unit.segments import compare, exact, generate
from tests.unit.segments.vocabulary import DAY, SECOND

# Cases 1 to 3,000 of `make exact`, in groups so that workers share them.
GROUPS = [range(first, first + 500) for first in range(1, 3001, 500)]


@pytest.mark.parametrize("seeds", GROUPS, ids=str)
def test_membership_equals_brute_force_on_both_sides_of_every_change(seeds: range) -> None:
    for seed in seeds:
        case = generate.case(Random(seed), seed)
        try:
            compare.play(case)
        except compare.DifferenceError as difference:
            raise AssertionError("\n".join(exact.explain(seed))) from difference


@settings(max_examples=400, deadline=None)
@given(st.randoms(use_true_random=False))
def test_membership_equals_brute_force_in_cases_that_hypothesis_looks_for(random: Random) -> None:
    compare.play(generate.case(random))


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 14))
@example(seed=1, cut=0)
def test_any_order_any_split_and_any_merge_give_the_same_profile(seed: int, cut: int) -> None:
    random = Random(seed)
    case = generate.case(random)
    engine = compare.engine_of(case.segments, case.zone, stages=case.stages)
    events = [compare.event_of(raw) for raw in case.events()]
    # So soon that everything still matters that one half may have had and the other not.
    end = max((event.received for event in events), default=0) + 400 * SECOND

    def folded(chosen: list[Any]) -> Profile:
        profile = Profile("p")
        for event in chosen:
            fold.fold(profile, event, engine.plan)
        return profile

    whole = folded(events)
    fold.prune(whole, engine.plan, end)
    shuffled = events[:]
    random.shuffle(shuffled)
    left, right = folded(shuffled[:cut]), folded(shuffled[cut // 2 :])
    fold.prune(left, engine.plan, end - 200 * SECOND)
    fold.merge(left, right)
    fold.prune(left, engine.plan, end)
    ours, theirs = fold.normal_form(left), fold.normal_form(whole)
    if events and end - min(event.occurred for event in events) > 29 * DAY:
        # Half a cart may be forgotten before it is known that it was ordered.
        del ours["carts"], theirs["carts"]
    assert ours == theirs


def test_a_share_is_as_large_as_it_says_and_shares_of_one_name_do_not_overlap() -> None:
    engine = compare.engine_of({
        "tenth": {"share": {"of": "holdout", "percent": 10}},
        "rest": {"share": {"of": "holdout", "from": 10}},
        "other": {"share": {"of": "another", "percent": 10}},
    })  # fmt: skip
    people = [Profile(f"{n:x}") for n in range(20_000)]
    drawn = {name: {p.id for p in people if engine.is_member(p, name, 0)} for name in engine.campaigns.segments}
    # Five standard deviations.
    assert abs(len(drawn["tenth"]) - 2000) < 5 * 43
    assert abs(len(drawn["tenth"] & drawn["other"]) - 200) < 5 * 15
    assert drawn["tenth"] | drawn["rest"] == {p.id for p in people}
    assert not drawn["tenth"] & drawn["rest"]
