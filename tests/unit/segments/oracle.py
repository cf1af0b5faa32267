"""An independent, naive reading of the rule language: raw events in, truth at an instant out.

Knows nothing of slots, flips or profiles; written from the words of the design alone.
"""

from __future__ import annotations

from typing import Any

DURATIONS = {"m": 60, "h": 3600, "d": 86400}


def seconds(text: str) -> int:
    return int(text[:-1]) * DURATIONS[text[-1]]


def known(history: list[dict[str, Any]], t: int) -> list[dict[str, Any]]:
    """Events that had arrived and happened by ``t`` (microseconds), each message once."""
    unique: dict[str, dict[str, Any]] = {}
    for event in history:
        if event["received"] <= t and event["occurred"] <= t:
            unique.setdefault(event["id"], event)
    return list(unique.values())


def test_value(test: dict[str, Any], value: Any) -> bool:
    results = []
    for name, wanted in test.items():
        if name == "exists":
            results.append((value is not None) == wanted)
        elif value is None:
            results.append(False)
        elif name == "equals":
            results.append(value == wanted)
        elif name == "in":
            results.append(value in wanted)
        elif name == "at_least":
            results.append(value >= wanted)
        elif name == "less_than":
            results.append(value < wanted)
        else:
            raise AssertionError(name)
    return all(results)


test_value.__test__ = False  # type: ignore[attr-defined]


def holds(rule: dict[str, Any], history: list[dict[str, Any]], t: int) -> bool:
    """Whether the rule holds at ``t`` for a person with this history."""
    events = known(history, t)
    if "all" in rule:
        return all(holds(part, history, t) for part in rule["all"])
    if "any" in rule:
        return any(holds(part, history, t) for part in rule["any"])
    if "not" in rule:
        return not holds(rule["not"], history, t)
    if "did_not" in rule:
        return not holds({"did": rule["did_not"], **{k: v for k, v in rule.items() if k != "did_not"}}, history, t)
    if "known_for" in rule:
        arrived = [event for event in history if event["received"] <= t]
        return (
            bool(arrived) and min(e["occurred"] for e in arrived) + seconds(rule["known_for"]["at_least"]) * 10**6 <= t
        )
    if "trait" in rule:
        traits: dict[str, Any] = {}
        said = [e for e in history if e["received"] <= t and e["name"] == "Identified"]
        for event in sorted(said, key=lambda e: e["occurred"]):
            traits.update(event["properties"])
        return all(test_value(test, traits.get(name)) for name, test in rule["trait"].items())
    matching = [e for e in events if e["name"] == rule["did"]]
    matching = [
        e for e in matching if all(test_value(x, e["properties"].get(p)) for p, x in rule.get("where", {}).items())
    ]
    if "within" in rule:
        matching = [e for e in matching if e["occurred"] > t - seconds(rule["within"]) * 10**6]
    low = rule.get("times", {}).get("at_least", 1)
    high = rule.get("times", {}).get("at_most", 10**9)
    if "exactly" in rule.get("times", {}):
        low = high = rule["times"]["exactly"]
    elif "at_least" not in rule.get("times", {}) and "at_most" in rule.get("times", {}):
        low = 0
    if "same" not in rule:
        return low <= len(matching) <= high
    counts: dict[Any, int] = {}
    for event in matching:
        value = event["properties"].get(rule["same"])
        if value is not None:
            counts[value] = counts.get(value, 0) + 1
    return any(low <= count <= high for count in counts.values())
