"""What single values are, naively: read out of raw events, compared as they are written."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

Raw = dict[str, Any]


def read(raw: Raw, name: str) -> Any:
    """A property by its name; dots reach into objects, ``context.…`` into the event's context."""
    if name == "context.device":
        return device(raw["context"])
    if name.startswith("context."):
        return inside(raw["context"], name.removeprefix("context."))
    return inside(raw["properties"], name)


def device(context: dict[str, Any]) -> str | None:
    """By what is stated, else by the browser's name; the generator knows three."""
    stated, agent = context.get("device", {}).get("type"), context.get("userAgent")
    if stated or not agent:
        return None if stated is None else str(stated)
    return "mobile" if "iPhone" in agent else "desktop"


def inside(value: Any, name: str) -> Any:
    """``address.country`` of an object."""
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def text(value: Any) -> str:
    """Values are told apart as they are written."""
    return str(value)


def number(value: Any) -> Fraction | None:
    """A number as it is written; texts too."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        return None


def compares(amount: Fraction, asked: dict[str, Any]) -> bool:
    """Whether a number is within all bounds."""
    bounds = {name: Fraction(str(asked[name])) for name in COMPARISONS if name in asked}
    return (
        amount > bounds.get("more_than", amount - 1)
        and amount >= bounds.get("at_least", amount)
        and amount < bounds.get("less_than", amount + 1)
        and amount <= bounds.get("at_most", amount)
    )


COMPARISONS = ("more_than", "at_least", "less_than", "at_most")


def equal(value: Any, wanted: Any) -> bool:
    """12 is "12"; true is not 1."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    return bool(value == wanted) or str(value) == str(wanted)


def passes(test: Any, value: Any) -> bool:
    """Whether a value passes; a missing one fails every test but ``exists: false``."""
    if not isinstance(test, dict):
        test = {"equals": test}
    if value is None:
        return bool(test == {"exists": False})
    answers = []
    for name, wanted in test.items():
        if name == "exists":
            answers.append(wanted is True)
        elif name == "equals":
            answers.append(equal(value, wanted))
        elif name == "in":
            answers.append(any(equal(value, each) for each in wanted))
        elif name == "contains":
            if isinstance(value, list):
                answers.append(any(equal(each, wanted) for each in value))
            else:
                answers.append(isinstance(value, str) and str(wanted).casefold() in value.casefold())
    if any(name in test for name in COMPARISONS):
        amount = number(value)
        answers.append(amount is not None and compares(amount, test))
    return all(answers)
