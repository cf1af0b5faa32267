"""Which inputs of a rule make it change by itself, as time goes by."""

from __future__ import annotations

from homing.domain.profiles.local_time import ZONE_INPUTS
from homing.domain.segments.rules import NOW, AllOf, AnyOf, NotRule, Rule
from homing.domain.segments.said import ComputedRule, DateRule, ListRule, NowRule, ShareRule, TraitRule


def timed_inputs(rule: Rule) -> frozenset[str]:
    """Without any of these a profile's answer stays as it is until an event comes."""
    if isinstance(rule, AllOf | AnyOf):
        return frozenset().union(*(timed_inputs(part) for part in rule.parts))
    if isinstance(rule, NotRule):
        return timed_inputs(rule.part)
    if isinstance(rule, TraitRule | ListRule | ShareRule):
        return frozenset()
    if isinstance(rule, NowRule):
        return frozenset({NOW})
    if isinstance(rule, ComputedRule):
        # A stage changes when its attribute is evaluated, not by itself.
        return frozenset(key for key in rule.reads if not key.startswith(("stage:", "trait:")))
    if isinstance(rule, DateRule):
        return rule.reads - (ZONE_INPUTS - {f"trait:{rule.trait}"})
    return frozenset(key for key in rule.reads if not key.startswith(("*review", "trait:")))
