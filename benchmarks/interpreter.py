"""Plain interpreters of the same rules, to compare the compiled ones with.

They walk the parsed documents (dicts, as YAML gives them) and look at what each says, again for each profile. Fair ones:
durations are numbers and slots are found before the clock runs, so nothing is parsed or hashed in the loop.

``entries`` reads what profiles remember, ``history`` the raw events. ``next_change`` asks the first anew at each instant at
which something remembered begins to count or ceases to: how one finds the next flip without knowing the rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from homing.domain.events.event import Event
from homing.domain.profiles.memory import Plan
from homing.domain.profiles.profile import Profile
from homing.domain.segments.compiler import Compiler
from homing.domain.segments.language import WRITTEN, Segment
from homing.domain.time import parse_duration

Document = dict[str, Any]
KNOWN = frozenset({"all", "any", "not", "did", "did_not", "segment", "trait", "known_for"})
_TEXTUAL = {"equals", "in", "contains"}
_CONDITION_KEYS = {"all", "any"}


def prepare(documents: Mapping[str, Document]) -> dict[str, Document]:
    """Conditions by segment with durations in microseconds and, for behaviour, the id of its slot."""
    return {name: _prepared(document["when"]) for name, document in documents.items()}


def understood(document: Any) -> bool:
    """Whether a condition is of the kinds that are interpreted here."""
    if isinstance(document, list):
        return all(understood(part) for part in document)
    kinds = KNOWN & document.keys()
    if not kinds or {"sum", "average", "maximum", "minimum", "distinct", "during", "between"} & document.keys():
        return False
    return all(understood(document[kind]) for kind in kinds & {"all", "any", "not"})


def _prepared(document: Any) -> Document:
    if isinstance(document, list):
        return {"all": [_prepared(part) for part in document]}
    found: Document = dict(document)
    for key in _CONDITION_KEYS & found.keys():
        found[key] = [_prepared(part) for part in found[key]]
    if "not" in found:
        found["not"] = _prepared(found["not"])
    if "within" in found:
        found["within"] = parse_duration(found["within"])
    if "known_for" in found:
        found["known_for"] = {"at_least": parse_duration(found["known_for"]["at_least"])}
    if "did" in found or "did_not" in found:
        found["slot"] = _slot(document)
    return found


def _slot(document: Document) -> str:
    """Where the engine's profiles keep what this condition reads."""
    asked: list[str] = []

    class Asked(Plan):
        def need(self, *arguments: Any, **more: Any) -> str:
            asked.append(super().need(*arguments, **more))
            return asked[-1]

    segment = Segment.model_validate({"name": "asked", "when": document}, context=WRITTEN)
    Compiler({"asked": segment}, Asked()).segment("asked")
    (slot,) = asked
    return slot


def member(node: Document, segments: Mapping[str, Document], profile: Profile, t: int) -> bool:
    """Membership at ``t`` from what the profile remembers."""
    if "all" in node:
        return all(member(part, segments, profile, t) for part in node["all"])
    if "any" in node:
        return any(member(part, segments, profile, t) for part in node["any"])
    if "not" in node:
        return not member(node["not"], segments, profile, t)
    if "segment" in node:
        return member(segments[node["segment"]], segments, profile, t)
    if "trait" in node:
        return all(_test(test, profile.trait(name)) for name, test in node["trait"].items())
    if "known_for" in node:
        return profile.first_at is not None and t >= profile.first_at + node["known_for"]["at_least"]
    held = profile.memory.get(node["slot"], {} if "same" in node else [])
    if "same" in node:
        return any(_often(node, _count(node, (entry[0] for entry in entries), t)) for entries in held.values())
    count = _count(node, (entry[0] for entry in held), t)
    return count == 0 if "did_not" in node else _often(node, count)


def next_change(node: Document, segments: Mapping[str, Document], profile: Profile, t: int) -> tuple[bool, int | None]:
    """Membership at ``t`` and the next instant at which it differs if nothing happens."""
    now = member(node, segments, profile, t)
    for instant in sorted({instant for instant in _instants(node, segments, profile) if instant > t}):
        if member(node, segments, profile, instant) != now:
            return now, instant
    return now, None


def member_of_history(
    node: Document, segments: Mapping[str, Document], profile: Profile, events: Sequence[Event], t: int
) -> bool:
    """Membership at ``t`` from somebody's raw events. Traits are the profile's: they are not what is compared."""
    if "all" in node:
        return all(member_of_history(part, segments, profile, events, t) for part in node["all"])
    if "any" in node:
        return any(member_of_history(part, segments, profile, events, t) for part in node["any"])
    if "not" in node:
        return not member_of_history(node["not"], segments, profile, events, t)
    if "segment" in node:
        return member_of_history(segments[node["segment"]], segments, profile, events, t)
    if "trait" in node:
        return all(_test(test, profile.trait(name)) for name, test in node["trait"].items())
    if "known_for" in node:
        return t >= min(event.occurred for event in events) + node["known_for"]["at_least"]
    name, where = node.get("did") or node["did_not"], node.get("where", {})
    found = [
        event
        for event in events
        if event.name == name and all(_test(test, event.properties.get(key)) for key, test in where.items())
    ]
    if "same" in node:
        values: dict[Any, list[int]] = {}
        for event in found:
            if (value := event.properties.get(node["same"])) is not None:
                values.setdefault(value, []).append(event.occurred)
        return any(_often(node, _count(node, instants, t)) for instants in values.values())
    count = _count(node, (event.occurred for event in found), t)
    return count == 0 if "did_not" in node else _often(node, count)


def _count(node: Document, instants: Iterable[int], t: int) -> int:
    within = node.get("within")
    return sum(1 for at in instants if at <= t and (within is None or at > t - within))


def _often(node: Document, count: int) -> bool:
    times = node.get("times", 1)
    if isinstance(times, int):
        return count >= times
    if "exactly" in times:
        return bool(count == times["exactly"])
    return bool(times.get("at_least", 0) <= count <= times.get("at_most", count))


def _instants(node: Document, segments: Mapping[str, Document], profile: Profile) -> Iterable[int]:
    for part in [*node.get("all", ()), *node.get("any", ()), *([node["not"]] if "not" in node else ())]:
        yield from _instants(part, segments, profile)
    if "segment" in node:
        yield from _instants(segments[node["segment"]], segments, profile)
    if "known_for" in node and profile.first_at is not None:
        yield profile.first_at + node["known_for"]["at_least"]
    if "slot" in node:
        held = profile.memory.get(node["slot"], [])
        for entries in held.values() if isinstance(held, dict) else [held]:
            for entry in entries:
                yield entry[0]
                if "within" in node:
                    yield entry[0] + node["within"]


def _test(test: Any, value: Any) -> bool:
    if not isinstance(test, dict):
        return bool(value == test)
    if "exists" in test:
        return (value is not None) == test["exists"]
    if value is None:
        return False
    if "equals" in test and value != test["equals"]:
        return False
    if "in" in test and value not in test["in"]:
        return False
    if "contains" in test and test["contains"] not in value:
        return False
    if isinstance(value, str) and not _TEXTUAL & test.keys():
        value = float(value)
    if "more_than" in test and not value > test["more_than"]:
        return False
    if "at_least" in test and not value >= test["at_least"]:
        return False
    if "less_than" in test and not value < test["less_than"]:
        return False
    return not ("at_most" in test and not value <= test["at_most"])
