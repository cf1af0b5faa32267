"""Whoever it is gets exactly one variant: the one that somebody would find who reads the file line by line."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.domain.content.choices.check import unreachable, wrong_choices
from homing.domain.content.choices.choose import Chosen, CompiledChoice
from homing.domain.content.choices.language import Choice
from homing.domain.content.yaml_source import Located
from homing.domain.engine import Engine
from homing.domain.profiles.memory import Plan
from homing.domain.profiles.profile import EXPLICIT, Profile, TraitValue
from homing.domain.segments.compiler import Compiler
from tests.fixtures.shop import campaigns

COUNTRIES, TIERS = ["DE", "AT", 12, True, None], ["gold", "silver", None]
SEGMENTS = {"german": [{"trait": {"country": "DE"}}], "golden": [{"trait": {"tier": "gold"}}]}
SHOP = campaigns(segments={name: rule[0] for name, rule in SEGMENTS.items()})
ENGINE = Engine(SHOP)
EVERYBODY = list(itertools.product(COUNTRIES, TIERS))


def person(country: Any, tier: Any) -> Profile:
    traits = {"country": country, "tier": tier}
    held = {name: TraitValue(EXPLICIT, 0, "test", value) for name, value in traits.items() if value is not None}
    return Profile("p", traits=held)


def compiled(choice: Choice) -> CompiledChoice:
    return CompiledChoice(
        choice, Compiler(SHOP.segments, Plan(), attributes=ENGINE.attributes).compile, ENGINE.attributes
    )


def chosen(choice: Choice, country: Any, tier: Any) -> Chosen:
    return compiled(choice).choose(person(country, tier), 0)


cell = st.one_of(st.just("*"), st.none(), st.sampled_from(["DE", "AT", "12", 12.0]))
tier = st.one_of(st.just("*"), st.sampled_from([["gold", "silver"], "gold", None]))
golden = st.sampled_from(["*", "yes", "no", True])
rows = st.lists(st.tuples(cell, tier, golden, st.sampled_from("abc")).map(list), min_size=1, max_size=6)


def reads(row: list[Any], country: Any, tier: Any) -> bool:
    """A row, as somebody reads it: 12, 12.0 and "12" are the same, true is none of them."""

    def is_(written: Any, held: Any) -> bool:
        if written is None or held is None or isinstance(held, bool):
            return written is held
        return str(written).removesuffix(".0") == str(held)

    in_golden = tier == "gold"
    said = row[1] if isinstance(row[1], list) else [row[1]]
    return (
        (row[0] == "*" or is_(row[0], country))
        and (row[1] == "*" or any(is_(one, tier) for one in said))
        and (row[2] == "*" or (row[2] in ("yes", True)) == in_golden)
    )


@given(rows)
@settings(max_examples=150, deadline=None)
def test_a_matrix_gives_the_row_that_says_most_and_ties_are_found_exactly(table: list[list[Any]]) -> None:
    by = [{"trait": "country"}, {"trait": "tier"}, {"segment": "golden"}]
    choice = Choice.model_validate({"name": "c", "matrix": {"by": by, "rows": table}, "default": "d"})
    problems = list(wrong_choices({"c": choice}, {"c": Located("choices/c.yaml")}, []))
    tied = False
    # One more of each column stands for everybody whom the rows don't mention.
    for country, level in itertools.product([*COUNTRIES, "FR"], [*TIERS, "bronze"]):
        matching = [row for row in table if reads(row, country, level)]
        most = max((sum(one != "*" for one in row[:3]) for row in matching), default=0)
        best = [row[3] for row in matching if sum(one != "*" for one in row[:3]) == most]
        if len(set(best)) > 1:
            tied = True
            continue
        found = chosen(choice, country, level)
        assert found.value == (best[0] if best else "d")
        assert found.because
    if tied:
        assert problems


conditions = st.recursive(
    st.sampled_from([
        {"trait": {"country": "DE"}}, {"trait": {"country": {"in": ["DE", "AT"]}}}, {"trait": {"country": {"exists": True}}},
        {"trait": {"country": {"at_least": 10}}}, {"trait": {"country": {"more_than": 11}}}, {"trait": {"tier": "gold"}},
        {"segment": "golden"}, {"segment": "german"}, {"trait": {"tier": {"exists": False}}},
    ]),
    lambda below: st.one_of(
        below.map(lambda one: {"not": one}),
        st.lists(below, min_size=1, max_size=2).map(lambda some: {"all": some}),
        st.lists(below, min_size=1, max_size=2).map(lambda some: {"any": some}),
    ),
    max_leaves=4,
)  # fmt: skip


def holds(rule: dict[str, Any], country: Any, tier: Any) -> bool:
    if "not" in rule:
        return not holds(rule["not"], country, tier)
    if "all" in rule or "any" in rule:
        answers = [holds(part, country, tier) for part in rule.get("all") or rule["any"]]
        return all(answers) if "all" in rule else any(answers)
    if "segment" in rule:
        return holds(SEGMENTS[rule["segment"]][0], country, tier)
    ((name, test),) = rule["trait"].items()
    value = {"country": country, "tier": tier}[name]
    if not isinstance(test, dict):
        test = {"in": [test]}
    number = value if isinstance(value, int) and not isinstance(value, bool) else None
    return {
        "in": lambda wanted: value in wanted,
        "exists": lambda wanted: (value is not None) is wanted,
        "at_least": lambda bound: number is not None and number >= bound,
        "more_than": lambda bound: number is not None and number > bound,
    }[next(iter(test))](next(iter(test.values())))


@given(st.lists(conditions, min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_a_list_gives_the_first_rule_that_holds_and_what_is_called_unreachable_is(rules: list[dict[str, Any]]) -> None:
    lines = [{"when": rule, "give": f"r{index}"} for index, rule in enumerate(rules)]
    choice = Choice.model_validate({"name": "c", "rules": lines, "default": "d"})
    got = set()
    for country, level in EVERYBODY:
        first = next((f"r{n}" for n, rule in enumerate(rules) if holds(rule, country, level)), "d")
        assert chosen(choice, country, level).value == first
        got.add(first)
    located = Located("choices/c.yaml", values={("rules", n): (n + 1, 1) for n in range(len(rules))})
    for problem in unreachable({"c": choice}, {"c": located}):
        assert f"r{problem.line - 1}" not in got


trees = st.recursive(
    st.sampled_from("abc"),
    lambda below: st.builds(
        lambda asked, then, other: {"if": asked, "then": then, "else": other}, conditions, below, st.none() | below
    ),
    max_leaves=6,
)


@given(conditions, trees, trees)
@settings(max_examples=100, deadline=None)
def test_a_tree_gives_the_leaf_that_its_answers_lead_to(root: dict[str, Any], then: Any, other: Any) -> None:
    tree = {"if": root, "then": then, "else": other}
    choice = Choice.model_validate({"name": "c", "tree": tree, "default": "d"})
    for country, level in EVERYBODY:
        at: Any = tree
        while isinstance(at, dict):
            at = at["then"] if holds(at["if"], country, level) else at["else"]
        assert chosen(choice, country, level).value == (at or "d")
    list(unreachable({"c": choice}, {"c": Located("choices/c.yaml")}))


@pytest.mark.parametrize("told", [True, False])
def test_the_reason_repeats_what_the_marketer_wrote_and_never_an_unwritten_trait(told: bool) -> None:
    by = [{"trait": "first_name"}, {"segment": "golden"}]
    row = ["Ana" if told else "*", "yes", "a"]
    choice = Choice.model_validate({"name": "c", "matrix": {"by": by, "rows": [row]}, "default": "d"})
    somebody = person("DE", "gold")
    somebody.traits["first_name"] = TraitValue(EXPLICIT, 0, "test", "Ana")
    found = compiled(choice).choose(somebody, 0)
    assert ("Ana" in found.because) is told
    assert "golden yes" in found.because
