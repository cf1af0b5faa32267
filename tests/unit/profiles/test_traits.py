"""What several sources say of one person."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.domain.campaigns import Review, Settings
from homing.domain.events.event import Event
from homing.domain.profiles import fold
from homing.domain.profiles.conflicts import conflicts, disagree
from homing.domain.profiles.fold import FoldPlan
from homing.domain.profiles.profile import EXPLICIT, IMPORTED, INFERRED, Profile, TraitValue
from homing.domain.profiles.review_rule import ReviewRule
from homing.domain.time import DAY, iso
from tests.fixtures.shop import BRAND, event, instant

START = instant("2026-03-02T10:00:00Z")
PLAN = FoldPlan({}, {}, frozenset(), 30 * DAY)
REVIEW = Review()


def said(value: Any, day: int = 0, source: str = "segment", **context: Any) -> Event:
    made = event("Identified", iso(START + day * DAY), user_id="ana", country=value)
    return made.model_copy(update={"source": source, "context": context})


def folded(*events: Event) -> Profile:
    profile = Profile("p")
    for one in events:
        fold.fold(profile, one, PLAN)
    return profile


# An oracle: all statements ever made, and the definition read aloud.
Statement = tuple[int, int, str, Any, float]


def naive(events: list[Event]) -> list[Statement]:
    usual = {EXPLICIT: 1.0, IMPORTED: 0.8, INFERRED: 0.5}
    everything: list[Statement] = []
    for one in events:
        weight = IMPORTED if one.source in {"csv", "import"} else EXPLICIT
        if one.context.get("inferred"):
            weight = INFERRED
        sure = one.context.get("confidence", usual[weight])
        everything.append((weight, one.occurred, one.source, one.properties["country"], sure))
    everything.sort(key=lambda s: (s[0], s[1], s[2], repr(s[3]), s[4]), reverse=True)
    kept: list[Statement] = []
    for statement in everything:
        if all(statement[2] != other[2] or statement[0] != other[0] for other in kept):
            kept.append(statement)
    return kept[:4]


def kept(profile: Profile) -> list[Statement]:
    held = [profile.traits["country"], *profile.rivals.get("country", {}).values()]
    return [(s.weight, s.at, s.source, s.value, s.confidence) for s in held]


statements = st.builds(
    said,
    st.sampled_from(["DE", "de", "AT", None, 4, 4.0]),
    st.integers(0, 5),
    st.sampled_from(["segment", "shopify", "csv", "quiz", "support", "import"]),
    inferred=st.booleans(),
    confidence=st.sampled_from([0.0, 0.25, 0.5, 0.8, 1.0, 1]),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(statements, min_size=1, max_size=14), st.randoms(use_true_random=False))
def test_whatever_the_order_the_batches_and_the_merges_the_same_statements_are_kept(
    events: list[Event], rng: random.Random
) -> None:
    shuffled = [*events, *rng.sample(events, rng.randint(0, len(events)))]
    rng.shuffle(shuffled)
    parts = [Profile(f"p{n}") for n in range(rng.randint(1, 4))]
    for one in shuffled:
        fold.fold(rng.choice(parts), one, PLAN)
    while len(parts) > 1:
        other = parts.pop(rng.randrange(len(parts)))
        fold.merge(rng.choice(parts), other)
    assert kept(parts[0]) == naive(events)


@settings(max_examples=300, deadline=None)
@given(st.lists(statements, min_size=1, max_size=10))
def test_fold_says_when_another_value_counts_and_when_contradictions_may_have_changed(events: list[Event]) -> None:
    profile = Profile("p")
    for one in events:
        before, doubted = profile.traits.get("country"), conflicts(profile, REVIEW)
        touched = fold.fold(profile, one, PLAN)
        after = profile.traits["country"]
        assert ("trait:country" in touched) == (before is None or repr(before.value) != repr(after.value))
        if conflicts(profile, REVIEW) != doubted:
            assert "*review" in touched


def test_what_was_said_beats_what_was_imported_and_that_what_was_guessed() -> None:
    profile = folded(said("DE"), said("AT", 1, "csv"), said("CH", 2, inferred=True))
    assert profile.trait("country") == "DE"
    assert [(s.value, s.weight, s.confidence) for s in profile.rivals["country"].values()] == [
        ("AT", IMPORTED, 0.8),
        ("CH", INFERRED, 0.5),
    ]


def test_a_repeated_statement_is_newer_but_touches_nothing() -> None:
    profile = folded(said("DE"))
    assert not {"trait:country", "*review"} & fold.fold(profile, said("DE", 3), PLAN)
    assert profile.traits["country"].at == START + 3 * DAY


def test_removing_a_trait_is_a_statement_too() -> None:
    profile = folded(said("DE", 0, "csv"), said(None, 1))
    assert profile.trait("country") is None
    assert [s.value for s in profile.rivals["country"].values()] == ["DE"]
    assert conflicts(profile, REVIEW) == []


@pytest.mark.parametrize("wrong", [True, "0.9", 1.1, -0.1, float("nan"), None, [1]])
def test_a_confidence_that_is_none_is_the_usual_one(wrong: Any) -> None:
    assert folded(said("DE", confidence=wrong)).traits["country"] == TraitValue(
        EXPLICIT, START, "unknown", "DE"
    )._replace(source="segment")


def found(*events: Event, review: Review = REVIEW) -> list[tuple[Any, Any]]:
    return [(c.winner.value, c.rival.value) for c in conflicts(folded(*events), review)]


def test_two_sources_that_contradict_each_other_are_a_conflict() -> None:
    assert found(said("DE"), said("AT", 1, "shopify")) == [("AT", "DE")]


def test_what_one_source_says_later_corrects_it() -> None:
    assert found(said("DE"), said("AT", 1)) == []
    assert found(said("DE", inferred=True, confidence=1), said("AT", 1)) == []


def test_a_source_that_was_last_heard_long_before_is_history() -> None:
    assert found(said("DE"), said("AT", 30, "shopify")) == [("AT", "DE")]
    assert found(said("DE"), said("AT", 31, "shopify")) == []


def test_a_newer_import_that_lost_is_a_conflict_however_much_later_it_came() -> None:
    assert found(said("DE"), said("AT", 300, "csv")) == [("DE", "AT")]


def test_guesses_raise_no_doubts_unless_somebody_is_sure_of_them() -> None:
    assert found(said("DE"), said("AT", 1, "quiz", inferred=True)) == []
    assert found(said("DE"), said("AT", 1, "quiz", inferred=True, confidence=0.9)) == [("DE", "AT")]
    assert found(said("DE", confidence=0.6), said("AT", 1, "shopify")) == []


def test_only_the_traits_that_matter_to_the_shop_are_looked_at() -> None:
    assert found(said("DE"), said("AT", 1, "shopify"), review=Review(traits=["birthday"])) == []
    assert len(found(said("DE"), said("AT", 1, "shopify"), review=Review(traits=["country"]))) == 1


@pytest.mark.parametrize(
    ("left", "right", "contradict"),
    [
        ("Köln", " köln ", False), ("New York", "NewYork", False), ("Köln", "Bonn", True), (4, 4.0, False),
        (4, "4", False), (4, "5", True), ("4.50", 4.5, False), (True, 1, True), ("01067", "1067", True),
        (None, "x", False), ("", "x", False), ({"city": "Bonn", "zip": None}, {"city": "bonn"}, False),
        ({"city": "Bonn"}, {"city": "Köln"}, True), (["a", "B"], ["A", "b"], False), ("nan", "NaN", False),
        ("inf", 3, True), ("1e5", "100000", False), ("x" * 300, "y", True),
    ],
)  # fmt: skip
def test_spelling_is_no_contradiction(left: Any, right: Any, contradict: bool) -> None:
    assert disagree(left, right) is disagree(right, left) is contradict


def test_the_review_rule_holds_of_whoever_has_a_conflict_or_a_doubt() -> None:
    rule = ReviewRule(Settings(brand=BRAND))
    clear, torn = folded(said("DE")), folded(said("DE"), said("AT", 1, "shopify"))
    assert rule.check(clear, START) == (False, None)
    assert rule.check(torn, START) == (True, None)
