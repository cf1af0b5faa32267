"""Makes a failing case small: leaves out steps, rules and parts of rules as long as it still fails."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from tests.unit.segments.case import Case
from tests.unit.segments.oracle import Rule


def smallest(case: Case, fails: Callable[[Case], bool]) -> Case:
    """The smallest case found from this one by leaving out one thing at a time."""
    for _ in range(200):
        for smaller in _smaller(case):
            if _works(smaller, fails):
                case = smaller
                break
        else:
            break
    return case


def _works(case: Case, fails: Callable[[Case], bool]) -> bool:
    try:
        return fails(case)
    except Exception:  # noqa: BLE001 - what was left out was needed: no case any more
        return False


def _smaller(case: Case) -> Iterator[Case]:
    for n in range(len(case.steps)):
        yield _with(case, steps=case.steps[:n] + case.steps[n + 1 :])
    for name in case.segments:
        if len(case.segments) > 1:
            yield _with(case, segments={k: v for k, v in case.segments.items() if k != name})
        for rule in _simpler(case.segments[name]):
            yield _with(case, segments={**case.segments, name: rule})
    for n, step in enumerate(case.steps):
        if step["do"] == "event":
            raw = step["raw"]
            for part in ("properties", "context"):
                for key in raw[part]:
                    less = {k: v for k, v in raw[part].items() if k != key}
                    yield _with(
                        case, steps=[*case.steps[:n], {**step, "raw": {**raw, part: less}}, *case.steps[n + 1 :]]
                    )
    if case.zone != "UTC":
        yield _with(case, zone="UTC")


def _with(case: Case, **changed: Any) -> Case:
    return Case(**{**copy.deepcopy(vars(case)), **copy.deepcopy(changed)})


def _simpler(rule: Rule) -> Iterator[Rule]:
    """The rule with one thing less."""
    if isinstance(rule, list):
        for n, part in enumerate(rule):
            if len(rule) > 1:
                yield rule[:n] + rule[n + 1 :]
            for simpler in _simpler(part):
                yield [*rule[:n], simpler, *rule[n + 1 :]]
    elif isinstance(rule, dict):
        for key in ("all", "any"):
            if isinstance(rule.get(key), list):
                yield from rule[key]
        if "not" in rule:
            yield rule["not"]
        for key, value in rule.items():
            if len(rule) > 1:
                yield {k: v for k, v in rule.items() if k != key}
            for simpler in _simpler(value):
                yield {**rule, key: simpler}
