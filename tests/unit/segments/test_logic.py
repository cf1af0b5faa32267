"""What static checks take for impossible never happens; plain contradictions are seen."""

from __future__ import annotations

from copy import deepcopy
from random import Random
from typing import Any

import pytest
from pydantic import TypeAdapter

from homing.domain.profiles.profile import Profile
from homing.domain.segments.language import Condition, Segment
from homing.domain.segments.logic import Reading, both, denied, implied, lasting, possible
from tests.unit.segments.case import Case
from tests.unit.segments.compare import engine_of, event_of
from tests.unit.segments.random_history import History
from tests.unit.segments.random_rules import Rules
from tests.unit.segments.vocabulary import DAY, HOUR

_CONDITION: TypeAdapter[Any] = TypeAdapter(Condition)
_SIDES = [(a, b) for a in (True, False) for b in (True, False)]


def formula(asked: Any, segments: dict[str, Any] | None = None, *, fresh: bool = False) -> Any:
    named = {name: Segment.model_validate({"name": name, "when": rule}) for name, rule in (segments or {}).items()}
    return Reading(named, fresh=fresh).of(_CONDITION.validate_python(asked))


def leaves(rule: Any) -> list[Any]:
    if isinstance(rule, list):
        return [leaf for part in rule for leaf in leaves(part)]
    inner = [rule[key] for key in ("all", "any", "not") if key in rule]
    return [leaf for part in inner for leaf in leaves(part)] if inner else [rule]


def changed(random: Random, rule: Any) -> Any:
    """Nearly the same leaf: another window, another number, or the very same."""
    rule = deepcopy(rule)
    for key, others in (("within", ["1h", "1d", "7d", "30d"]), ("times", [1, 2, 3])):
        if key in rule and random.random() < 0.6:
            rule[key] = random.choice(others)
    return rule


@pytest.mark.parametrize("seeds", [range(start, start + 150) for start in range(0, 600, 150)], ids=str)
def test_nobody_is_what_was_called_impossible(seeds: range) -> None:
    denials = 0
    for seed in seeds:
        random = Random(f"logic {seed}")
        rules = Rules(random)
        made = Case(seed, "Europe/Berlin", {"h": rules.rule(1)})
        rules.helpers.append("h")
        made.segments["a"] = rules.rule(2)
        made.segments["b"] = (
            changed(random, random.choice(leaves(made.segments["a"]))) if random.random() < 0.6 else rules.rule(2)
        )
        History(random, made).write()
        reading = Reading(engine_of(made.segments).campaigns.segments)
        one, other = reading.segment("a"), reading.segment("b")
        claimed = {
            (a, b): possible(one if a else denied(one), other if b else denied(other)) for a, b in _SIDES
        }  # fmt: skip
        denials += list(claimed.values()).count(False)
        engine, profile = engine_of(made.segments, made.zone), Profile("a")
        lasts = {name: lasting(side) for name, side in (("a", one), ("b", other))}
        was: dict[str, bool] = {}
        for raw in made.events():
            engine.receive(profile, event_of(raw))
            start = max(raw["received"], profile.evaluated_at)
            for t in (start, start + 1, start + HOUR, start + DAY, start + 8 * DAY, start + 31 * DAY):
                a, b = (engine.is_member(profile, name, t) for name in ("a", "b"))
                assert claimed[a, b], (seed, made.segments, a, b)
                # What lasts of a rule that held must still be possible beside whatever holds later.
                for name, held in was.items():
                    if held:
                        assert possible(lasts[name], one if a else denied(one), other if b else denied(other)), seed
                was = was or {"a": a, "b": b}
    assert denials > 50


SEGMENTS = {
    "bought": {"did": "Order Completed"},
    "lapsed": [{"segment": "bought"}, {"did_not": "Order Completed", "within": "90d"}],
    "vip": {"any": [{"trait": {"tier": {"in": ["gold", "platinum"]}}}, {"did": "Order Completed", "times": 3}]},
}


@pytest.mark.parametrize(
    "conditions",
    [
        ({"segment": "vip"}, {"not": {"segment": "vip"}}),
        ({"segment": "lapsed"}, {"did": "Order Completed", "within": "30d"}),
        ({"segment": "lapsed"}, {"did_not": "Order Completed"}),
        ({"did": "X", "times": 3, "within": "7d"}, {"not": {"did": "X", "times": 2, "within": "30d"}}),
        ({"did": "X", "times": {"exactly": 2}}, {"did": "X", "times": 3}),
        ({"did": "X", "times": {"at_most": 1}}, {"did": "X", "times": {"at_least": 2}, "within": "1d"}),
        ({"trait": {"tier": "gold"}}, {"not": {"segment": "vip"}}),
        ({"trait": {"tier": {"in": ["gold", "silver"]}}}, {"trait": {"tier": {"in": ["bronze"]}}}),
        ({"trait": {"tier": {"exists": False}}}, {"trait": {"tier": "gold"}}),
        ({"computed": {"orders": {"at_least": 3}}}, {"computed": {"orders": {"less_than": 3}}}),
        ({"computed": {"orders": {"more_than": 3}}}, {"not": {"computed": {"orders": {"at_least": 2}}}}),
        ({"share": {"of": "t", "percent": 10}}, {"share": {"of": "t", "from": 10, "to": 20}}),
        ({"known_for": {"at_least": "30d"}}, {"not": {"known_for": {"at_least": "7d"}}}),
        ({"list": "a"}, {"not": {"list": "a"}}),
    ],
)  # fmt: skip
def test_plain_contradictions_are_seen(conditions: tuple[Any, ...]) -> None:
    assert not possible(*(formula(one, SEGMENTS) for one in conditions))


@pytest.mark.parametrize(
    "conditions",
    [
        ({"segment": "vip"}, {"segment": "lapsed"}),
        ({"did": "X", "times": 2, "within": "30d"}, {"not": {"did": "X", "within": "7d"}}),
        ({"did": "X", "where": {"a": 1}}, {"did_not": "X", "where": {"a": 2}}),
        ({"trait": {"tags": {"contains": "a"}}}, {"trait": {"tags": {"contains": "b"}}}),
        ({"trait": {"n": {"more_than": 1}}}, {"trait": {"n": {"less_than": 1.5}}}),
        ({"not": {"trait": {"tier": "gold"}}}, {"not": {"trait": {"tier": "silver"}}}),
        ({"share": {"of": "t", "percent": 10}}, {"share": {"of": "u", "from": 10, "to": 20}}),
    ],
)  # fmt: skip
def test_what_may_be_together_is_not_called_impossible(conditions: tuple[Any, ...]) -> None:
    assert possible(*(formula(one, SEGMENTS) for one in conditions))


def test_what_was_done_once_was_done_for_ever_and_what_was_not_done_may_be_done_yet() -> None:
    facts = lasting(both(formula({"did": "X"}), formula({"did_not": "Y"}), formula({"trait": {"tier": "gold"}})))
    assert implied(formula({"did": "X"}), facts)
    assert possible(facts, formula({"did": "Y"}))
    assert possible(facts, formula({"not": {"trait": {"tier": "gold"}}}))


def test_nothing_has_happened_yet_when_a_goal_begins_to_count() -> None:
    assert formula({"did_not": "X"}, fresh=True) is True
    assert formula({"did": "X"}, fresh=True) is False
    assert formula({"did": "X", "within": "1d"}, fresh=True) not in (True, False)


def test_too_many_alternatives_are_never_called_impossible() -> None:
    wide = [{"any": [{"list": f"{n}-{m}"} for m in range(6)]} for n in range(8)]
    assert possible(formula({"all": wide}), formula({"not": {"all": wide}}))
