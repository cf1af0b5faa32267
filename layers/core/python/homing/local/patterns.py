"""Event patterns: the matching language of EventBridge rules and of event source filters.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from __future__ import annotations

import json
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from homing.domain.errors import InvalidInput

_COMPARE = {"=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Pattern:
    """A parsed pattern. Fields that it does not name may hold anything."""

    rules: Mapping[str, Any]

    @classmethod
    def parse(cls, pattern: str | Mapping[str, Any]) -> Pattern:
        """From JSON text or an object; raises InvalidInput when it is neither."""
        rules = json.loads(pattern) if isinstance(pattern, str) else pattern
        if not isinstance(rules, Mapping):
            raise InvalidInput(f"{pattern!r} is not an event pattern", code="bad_pattern")
        return cls(rules)

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Whether every field that the pattern names holds one of the values it allows."""
        return _object(self.rules, event)


def _object(rules: Mapping[str, Any], value: Any) -> bool:
    if not isinstance(value, Mapping):
        value = {}
    for key, rule in rules.items():
        if key == "$or":
            if not any(_object(option, value) for option in rule):
                return False
        elif isinstance(rule, Mapping):
            if not _object(rule, value.get(key)):
                return False
        elif not _field(rule, value.get(key, _MISSING)):
            return False
    return True


def _field(allowed: list[Any], value: Any) -> bool:
    """A list in the event matches when one of its elements does."""
    values = value if isinstance(value, list) and value else [value]
    return any(_one(rule, item) for rule in allowed for item in values)


def _one(rule: Any, value: Any) -> bool:
    if not isinstance(rule, Mapping):
        return (value is not _MISSING and type(value) is type(rule) and value == rule) or _same_number(rule, value)
    ((kind, argument),) = rule.items()
    if kind == "exists":
        # Presence is asked of leaves only: an object is not there for it.
        return (value is not _MISSING and not isinstance(value, Mapping)) is bool(argument)
    if kind == "anything-but":
        if value is _MISSING:
            return False
        if isinstance(argument, Mapping):
            return not _one(argument, value)
        return not any(_one(item, value) for item in (argument if isinstance(argument, list) else [argument]))
    if kind == "numeric":
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        pairs = zip(argument[::2], argument[1::2], strict=True)
        return all(bool(_COMPARE[sign](value, bound)) for sign, bound in pairs)
    if kind in {"prefix", "suffix", "equals-ignore-case"}:
        return isinstance(value, str) and _text(kind, argument, value)
    raise InvalidInput(f"the event pattern operator {kind!r} is not known here", code="bad_pattern")


def _text(kind: str, argument: Any, value: str) -> bool:
    if isinstance(argument, Mapping):
        argument, value = str(argument["equals-ignore-case"]).lower(), value.lower()
    if kind == "prefix":
        return value.startswith(argument)
    if kind == "suffix":
        return value.endswith(argument)
    return value.lower() == str(argument).lower()


def _same_number(rule: Any, value: Any) -> bool:
    numbers = (int, float)
    if isinstance(rule, bool) or isinstance(value, bool):
        return False
    return isinstance(rule, numbers) and isinstance(value, numbers) and rule == value
