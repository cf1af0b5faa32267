"""An independent, naive reading of docs/segments.md: raw events in, truth at an instant out.

Knows nothing of slots, flips, pruning or profiles. A history is a list of raw events, each with ``id``, ``name``,
``occurred`` and ``known`` (microseconds; when it arrived), ``properties``, ``context`` and ``source``. Everything is
worked out anew for each instant, numbers as fractions of their decimals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from typing import Any

from tests.unit.segments import naive_calendar as calendar
from tests.unit.segments.naive_values import Raw, compares, inside, number, passes, read, text

Rule = Any
# What somebody said of themselves beats what was imported beats what was guessed.
WEIGHTS = {"sdk": 2, "csv": 1, "inferred": 0}


@dataclass(frozen=True)
class World:
    """What a rule is asked in: the shop's time zone, all segments, and where this person stands in each draw."""

    zone: str = "UTC"
    segments: dict[str, Rule] = field(default_factory=dict)
    # The name of a draw → from 0 to under 100.
    drawn: Callable[[str], float] = lambda name: 0.0
    # The name of a staged attribute, and when → the stage that this person is in.
    stage: Callable[[str, int], str | None] = lambda name, t: None


class Truth:
    """What is true of one person at one instant."""

    def __init__(self, world: World, history: list[Raw], t: int) -> None:
        self.world, self.t = world, t
        messages: dict[str, Raw] = {}
        for raw in history:
            if raw["known"] <= t:
                messages.setdefault(raw["id"], raw)
        self.arrived = list(messages.values())
        self.events = [raw for raw in self.arrived if raw["occurred"] <= t]
        self.traits = _traits(self.arrived)
        stated = [self.traits[name] for name in ("timezone", "time_zone") if isinstance(self.traits.get(name), str)]
        self.zone = calendar.zone_named(*stated[:1], world.zone)

    def holds(self, rule: Rule) -> bool:
        """Whether a condition holds."""
        if isinstance(rule, list):
            return all(self.holds(part) for part in rule)
        for key in (
            "all", "any", "not", "did", "did_not", "first", "last", "sequence", "rate", "trait", "computed", "known_for", "now",
            "segment", "list", "share",
        ):  # fmt: skip
            if key in rule:
                answer: bool = getattr(self, f"_{key}")(rule)
                return answer
        raise AssertionError(rule)

    def _all(self, rule: Rule) -> bool:
        return all(self.holds(part) for part in rule["all"])

    def _any(self, rule: Rule) -> bool:
        return any(self.holds(part) for part in rule["any"])

    def _not(self, rule: Rule) -> bool:
        return not self.holds(rule["not"])

    def _segment(self, rule: Rule) -> bool:
        return self.holds(self.world.segments[rule["segment"]])

    # What people did

    def _matching(self, name: str, rule: Rule) -> list[Raw]:
        """The events of a name that pass ``where``, earliest first; of an order under one id the earliest word."""
        found: dict[Any, Raw] = {}
        for raw in sorted(self.events, key=lambda raw: (raw["occurred"], raw["id"])):
            if raw["name"] == name and all(passes(test, read(raw, of)) for of, test in rule.get("where", {}).items()):
                order = raw["properties"].get("order_id") if name == "Order Completed" else None
                found.setdefault(("order", str(order)) if order is not None else raw["id"], raw)
        return list(found.values())

    def _counting(self, name: str, rule: Rule) -> list[Raw]:
        found = self._matching(name, rule)
        if "within" in rule:
            found = [raw for raw in found if self.t - raw["occurred"] < calendar.duration(rule["within"])]
        if "between" in rule:
            found = [raw for raw in found if calendar.lies_between(raw["occurred"], rule["between"], self.world.zone)]
        if "during" in rule:
            found = [raw for raw in found if calendar.lies_during(raw["occurred"], rule["during"], self.zone)]
        return found

    def _did(self, rule: Rule) -> bool:
        found = self._counting(rule["did"], rule)
        for kind in ("sum", "average", "maximum", "minimum"):
            if kind in rule:
                return _amount(kind, rule[kind], found)
        if "distinct" in rule:
            values = {text(value) for raw in found if (value := read(raw, rule["distinct"]["of"])) is not None}
            return _within_times(len(values), rule["distinct"])
        times = rule.get("times", 1)
        times = {"at_least": times} if isinstance(times, int) else times
        if "same" not in rule:
            return _within_times(len(found), times)
        counts: dict[str, int] = {}
        for raw in found:
            if (value := read(raw, rule["same"])) is not None:
                counts[text(value)] = counts.get(text(value), 0) + 1
        return any(_within_times(count, times) for count in counts.values())

    def _did_not(self, rule: Rule) -> bool:
        return not self._counting(rule["did_not"], rule)

    def _first(self, rule: Rule) -> bool:
        return self._chosen(self._matching(rule["first"], rule)[:1], rule)

    def _last(self, rule: Rule) -> bool:
        return self._chosen(self._matching(rule["last"], rule)[-1:], rule)

    def _chosen(self, chosen: list[Raw], rule: Rule) -> bool:
        if not chosen:
            return False
        (raw,) = chosen
        age = self.t - raw["occurred"]
        if "within" in rule and not age < calendar.duration(rule["within"]):
            return False
        ago = rule.get("ago", {})
        if "at_least" in ago and not age >= calendar.duration(ago["at_least"]):
            return False
        if "less_than" in ago and not age < calendar.duration(ago["less_than"]):
            return False
        if "between" in rule and not calendar.lies_between(raw["occurred"], rule["between"], self.world.zone):
            return False
        return all(passes(test, read(raw, of)) for of, test in rule.get("having", {}).items())

    def _sequence(self, rule: Rule) -> bool:
        steps = rule["sequence"]
        found = [self._matching(step.get("did") or step.get("did_not"), step) for step in steps]

        def follows(n: int, before: Raw, value: str | None) -> bool:
            """Whether the steps from the n-th on can be found after an event."""
            if n == len(steps):
                return True
            step, at = steps[n], before["occurred"]
            limit = calendar.duration(step["within"]) if "within" in step else None
            if "did_not" in step and n == len(steps) - 1:
                after = [raw for raw in found[n] if raw["occurred"] > at]
                if limit is None:
                    return not after
                return self.t >= at + limit and not any(raw["occurred"] < at + limit for raw in after)
            following = n + 1 if "did_not" in step else n
            limit = calendar.duration(steps[following]["within"]) if "within" in steps[following] else None
            for raw in found[following]:
                if raw["occurred"] <= at or (limit is not None and raw["occurred"] - at >= limit):
                    continue
                if "did_not" in step and any(at < x["occurred"] < raw["occurred"] for x in found[n]):
                    continue
                if value is not None and _text_of(raw, rule["same"]) != value:
                    continue
                if follows(following + 1, raw, value):
                    return True
            return False

        for raw in found[0]:
            if "within" in rule and not self.t - raw["occurred"] < calendar.duration(rule["within"]):
                continue
            value = _text_of(raw, rule["same"]) if "same" in rule else None
            if ("same" not in rule or value is not None) and follows(1, raw, value):
                return True
        return False

    def _rate(self, rule: Rule) -> bool:
        window = {"within": rule["within"]}
        of = {text(v) for raw in self._counting(rule["of"], window) if (v := read(raw, rule["by"])) is not None}
        did = self._counting(rule["rate"], {**window, "where": rule.get("where", {})})
        reacted = {text(v) for raw in did if (v := read(raw, rule["by"])) is not None}
        if len(of) < rule.get("among", 1):
            return False
        return compares(Fraction(len(of & reacted), len(of)), rule)

    # What is said of people

    def _trait(self, rule: Rule) -> bool:
        return all(self._said(test, inside(self.traits, name)) for name, test in rule["trait"].items())

    def _said(self, test: Any, value: Any) -> bool:
        if not isinstance(test, dict):
            return passes(test, value)
        plain = {k: v for k, v in test.items() if k not in DATES}
        asked = {k: v for k, v in test.items() if k in DATES}
        if plain and not passes(plain, value):
            return False
        return not asked or self._dated(asked, value)

    def _dated(self, asked: dict[str, Any], value: Any) -> bool:
        at = calendar.moment(value, self.zone)
        if at is None:
            return False
        if "within_last" in asked and not 0 <= self.t - at < calendar.duration(asked["within_last"]):
            return False
        if "within_next" in asked and not 0 < at - self.t <= calendar.duration(asked["within_next"]):
            return False
        if "since" in asked and not at >= calendar.begins(asked["since"], self.zone):
            return False
        if "before" in asked and not at < calendar.begins(asked["before"], self.zone):
            return False
        if "anniversary" in asked:
            more = 0 if asked["anniversary"] == "today" else asked["anniversary"]["next_days"]
            today = calendar.local(self.t, self.zone).date()
            days = [today + timedelta(days=n) for n in range(more + 1)]
            return any(calendar.returns_on(value, day, self.zone) for day in days)
        return True

    def _computed(self, rule: Rule) -> bool:
        return all(passes(test, self._attribute(name)) for name, test in rule["computed"].items())

    def _attribute(self, name: str) -> Any:
        """Of the attributes those that follow from orders alone, and stages; others have an oracle of their own."""
        orders = self._matching("Order Completed", {})
        if name == "orders":
            return len([raw for raw in orders if self.t - raw["occurred"] < calendar.duration("365d")])
        if name == "recency":
            return (self.t - orders[-1]["occurred"]) // calendar.duration("1d") if orders else None
        return self.world.stage(name, self.t)

    def _known_for(self, rule: Rule) -> bool:
        if not self.arrived:
            return False
        first = min(raw["occurred"] for raw in self.arrived)
        return bool(self.t - first >= calendar.duration(rule["known_for"]["at_least"]))

    def _now(self, rule: Rule) -> bool:
        week = {k: v for k, v in rule["now"].items() if k != "between"}
        if week and not calendar.lies_during(self.t, week, self.zone):
            return False
        return "between" not in rule["now"] or calendar.lies_between(self.t, rule["now"]["between"], self.zone)

    def _list(self, rule: Rule) -> bool:
        words = [raw for raw in self.arrived if raw["name"] in {"List Joined", "List Left"}]
        words = [raw for raw in words if raw["properties"].get("list") == rule["list"]]
        return bool(words) and max(words, key=lambda raw: raw["occurred"])["name"] == "List Joined"

    def _share(self, rule: Rule) -> bool:
        share = rule["share"]
        low, high = (0, share["percent"]) if "percent" in share else (share.get("from", 0), share.get("to", 100))
        return bool(low <= self.world.drawn(share["of"]) < high)


DATES = {"within_last", "within_next", "since", "before", "anniversary"}


def _traits(arrived: list[Raw]) -> dict[str, Any]:
    """What counts of everything that was said: the weightiest, then the newest word on each."""
    traits: dict[str, Any] = {}
    said = [raw for raw in arrived if raw["name"] == "Identified"]
    for raw in sorted(said, key=lambda raw: (WEIGHTS[raw["source"]], raw["occurred"])):
        traits.update(raw["properties"])
    return {name: value for name, value in traits.items() if value is not None}


def _within_times(count: int, times: dict[str, int]) -> bool:
    return (
        times.get("at_least", 0) <= count
        and count <= times.get("at_most", count)
        and times.get("exactly", count) == count
    )


def _amount(kind: str, asked: dict[str, Any], found: list[Raw]) -> bool:
    numbers = [n for raw in found if (n := number(read(raw, asked["of"]))) is not None]
    if kind == "sum":
        return compares(sum(numbers, Fraction(0)), asked)
    if not numbers:
        return False
    if kind == "average":
        return compares(sum(numbers, Fraction(0)) / len(numbers), asked)
    return compares(max(numbers) if kind == "maximum" else min(numbers), asked)


def _text_of(raw: Raw, name: str) -> str | None:
    value = read(raw, name)
    return None if value is None else text(value)
