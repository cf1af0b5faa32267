"""Random rules of the whole language, and what a rule names."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from tests.unit.segments import naive_calendar as calendar
from tests.unit.segments.oracle import Rule
from tests.unit.segments.vocabulary import BEHAVIOUR, DATED, HOURS, LISTS, NUMBERS, PLACES, TRAITS, VALUES, WINDOWS


class Rules:
    """Draws rules."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.helpers: list[str] = []
        self.moods: list[str] = []
        # Stages take every condition; those that go with the clock would make too many instants to step through.
        self.by_the_clock = True

    def rule(self, depth: int) -> Rule:
        random = self.random
        if depth == 0 or random.random() < 0.25:
            return self.leaf()
        kind = random.choice(("all", "any", "not", "list"))
        if kind == "not":
            return {"not": self.rule(depth - 1)}
        parts = [self.rule(depth - 1) for _ in range(random.randint(1, 3))]
        return {"all": parts} if kind == "list" else {kind: parts}

    def leaf(self) -> Rule:
        kinds = ["did"] * 6 + ["did_not", "amount", "amount", "distinct", "first", "last", "sequence", "sequence"]
        kinds += ["rate", "rate", "trait", "trait", "date", "date", "known_for", "now", "list", "share"] + [
            "segment"
        ] * len(self.helpers)
        kinds += ["computed"] + ["mood"] * 8 * len(self.moods)
        if not self.by_the_clock:
            kinds = [kind for kind in kinds if kind not in {"date", "now", "segment"}]
        kind = self.random.choice(kinds)
        rule: Rule = self.mood() if kind == "mood" else getattr(self, f"_{kind}")()
        return rule

    def stages(self) -> list[dict[str, Any]]:
        """A staged attribute."""
        self.by_the_clock = False
        stages = []
        for name in ("warm", "cool", "cold")[: self.random.randint(1, 3)]:
            stage: dict[str, Any] = {"name": name, "when": self.rule(self.random.choice((0, 0, 1)))}
            if self._maybe(0.4):
                stage["keep_while"] = self.rule(self.random.choice((0, 0, 1)))
            if self._maybe(0.5):
                stage["keep_for"] = self.window()
            stages.append(stage)
        self.by_the_clock = True
        self.moods = [stage["name"] for stage in stages]
        return stages

    def mood(self) -> Rule:
        return {"computed": {"mood": self.test(tuple(self.moods))}}

    def _computed(self) -> Rule:
        name = self.random.choice(("orders", "recency"))
        return {"computed": {name: self.test((0, 1, 2), numbers=True) if self._maybe(0.3) else self.bounds((1, 2, 3))}}

    def _maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def _name(self) -> str:
        return self.random.choice(BEHAVIOUR[:3] if self._maybe(0.8) else BEHAVIOUR)

    def test(self, values: tuple[Any, ...], *, numbers: bool = False) -> Any:
        random = self.random
        plain = [v for v in values if v is not None and not isinstance(v, list)]
        plain += [v for of in values if isinstance(of, list) for v in of]
        kinds = ["equals", "bare", "in", "exists", "contains"] + (["compare"] * 5 if numbers else [])
        kind = random.choice(kinds)
        if kind == "bare":
            return random.choice(plain)
        if kind == "in":
            return {"in": [random.choice(plain) for _ in range(random.randint(1, 2))]}
        if kind == "exists":
            return {"exists": self._maybe(0.5)}
        if kind == "contains":
            value = random.choice(plain)
            return {"contains": value[:3].upper() if isinstance(value, str) and self._maybe(0.5) else value}
        if kind == "compare":
            return self.bounds((1, 2, 2.5, 10, 19.95, 100, 0.1))
        return {"equals": random.choice(plain)}

    def bounds(self, numbers: tuple[float, ...]) -> dict[str, Any]:
        low, high = self.random.choice(("more_than", "at_least")), self.random.choice(("less_than", "at_most"))
        first, second = sorted(self.random.choice(numbers) for _ in range(2))
        return self.random.choice(({low: first}, {high: second}, {low: first, high: second}))

    def where(self) -> dict[str, Any]:
        names = [self.random.choice(list(VALUES)) for _ in range(self.random.choice((1, 1, 2)))]
        return {name: self.test(VALUES[name], numbers=name in NUMBERS) for name in names}

    def window(self) -> str:
        return self.random.choice(WINDOWS)

    def between(self) -> dict[str, str]:
        one, other = sorted((self.random.choice(PLACES) for _ in range(2)), key=lambda p: calendar.begins(p, "UTC"))
        if calendar.begins(one, "UTC") >= calendar.ends(other, "UTC") or self._maybe(0.4):
            return self.random.choice(({"from": one}, {"to": other}))
        return {"from": one, "to": other}

    def week(self) -> dict[str, Any]:
        random = self.random
        found: dict[str, Any] = {}
        if self._maybe(0.5):
            found["weekdays"] = random.sample(calendar.DAYS, random.randint(1, 6))
        if not found or self._maybe(0.6):
            found["from"], found["until"] = random.sample(HOURS, 2)
            if self._maybe(0.2):
                del found[random.choice(("from", "until"))]
        return found

    def _filters(self, rule: Rule, *, within: float = 0.6, during: float = 0.1) -> Rule:
        if self._maybe(0.3):
            rule["where"] = self.where()
        if self._maybe(within):
            rule["within"] = self.window()
        if self._maybe(0.12):
            rule["between"] = self.between()
        if self._maybe(during) and self.by_the_clock:
            rule["during"] = self.week()
        return rule

    def times(self, most: int = 4) -> dict[str, int]:
        low, high = sorted((self.random.randint(0, most), self.random.randint(0, most)))
        return self.random.choice(
            (
                {"at_least": high},
                {"at_least": high},
                {"at_most": low},
                {"exactly": low},
                {"at_least": low, "at_most": high},
            )
        )

    def _did(self) -> Rule:
        rule: Rule = {"did": self._name()}
        if self._maybe(0.25):
            rule = self._filters({**rule, "same": self.random.choice(("product_id", "category"))}, during=0)
        else:
            rule = self._filters(rule)
        if "same" in rule or self._maybe(0.7):
            rule["times"] = self.random.randint(1, 3) if self._maybe(0.2) else self.times()
        return rule

    def _did_not(self) -> Rule:
        return self._filters({"did_not": self._name()})

    def _amount(self) -> Rule:
        kind = self.random.choice(("sum", "sum", "average", "maximum", "minimum"))
        bounds = self.bounds((0, 0.3, 10, 14.975, 19.95, 39.9, 50, 100, 100.25, 150.25, 500, 550))
        return self._filters({"did": self._name(), kind: {"of": self.random.choice(NUMBERS), **bounds}}, during=0.15)

    def _distinct(self) -> Rule:
        asked = {"of": self.random.choice(("product_id", "category")), **self.times()}
        return self._filters({"did": self._name(), "distinct": asked}, during=0)

    def _chosen(self, key: str) -> Rule:
        rule: Rule = {key: self._name()}
        if self._maybe(0.3):
            rule["where"] = self.where()
        if self._maybe(0.4):
            rule["within"] = self.window()
        if self._maybe(0.4):
            short, long = sorted((self.window() for _ in range(2)), key=calendar.duration)
            rule["ago"] = self.random.choice(
                ({"at_least": short}, {"less_than": long}, {"at_least": short, "less_than": long})
            )
        if self._maybe(0.15):
            rule["between"] = self.between()
        if self._maybe(0.3):
            rule["having"] = self.where()
        return rule

    def _first(self) -> Rule:
        return self._chosen("first")

    def _last(self) -> Rule:
        return self._chosen("last")

    def _sequence(self) -> Rule:
        names = [self._name(), self._name()] if self._maybe(0.5) else BEHAVIOUR[:3]
        steps: list[Rule] = [{"did": self.random.choice(names)}]
        for _ in range(self.random.choice((1, 1, 2, 2, 3, 4))):
            forbidden = "did" in steps[-1] and self._maybe(0.45)
            steps.append({"did_not" if forbidden else "did": self.random.choice(names)})
        for n, step in enumerate(steps):
            if self._maybe(0.2):
                step["where"] = self.where()
            if n and (n == len(steps) - 1 or "did" in step) and self._maybe(0.6):
                step["within"] = self.window()
        rule: Rule = {"sequence": steps}
        if self._maybe(0.3):
            rule["same"] = "product_id"
        if self._maybe(0.4):
            rule["within"] = self.window()
        return rule

    def _rate(self) -> Rule:
        rule: Rule = {"rate": "Email Opened", "of": "Email Delivered", "by": "send_id", "within": self.window()}
        if self._maybe(0.2):
            rule |= {"rate": "Order Completed", "of": "Product Viewed", "by": "product_id"}
        if self._maybe(0.4):
            rule["where"] = {"machine": {"exists": False}}
        if self._maybe(0.5):
            rule["among"] = self.random.randint(1, 3)
        return rule | self.bounds((0, 0.25, 0.5, 0.5, 0.75, 1))

    def _trait(self) -> Rule:
        names = self.random.sample(list(TRAITS), self.random.choice((1, 1, 2)))
        return {"trait": {name: self.test(TRAITS[name], numbers=name == "visits") for name in names}}

    def _date(self) -> Rule:
        random = self.random
        asked = {
            "within_last": self.window(),
            "within_next": self.window(),
            "since": random.choice(PLACES),
            "before": random.choice(PLACES),
            "anniversary": random.choice(("today", "today", {"next_days": random.randint(0, 9)})),
        }
        names = ["anniversary"] if self._maybe(0.3) else random.sample(list(asked), random.choice((1, 1, 2)))
        return {"trait": {random.choice(DATED): {name: asked[name] for name in names}}}

    def _known_for(self) -> Rule:
        return {"known_for": {"at_least": self.window()}}

    def _now(self) -> Rule:
        rule = {"now": self.week()}
        if self._maybe(0.3):
            rule["now"] = {"between": self.between()} if self._maybe(0.5) else rule["now"] | {"between": self.between()}
        return rule

    def _segment(self) -> Rule:
        return {"segment": self.random.choice(self.helpers)}

    def _list(self) -> Rule:
        return {"list": self.random.choice(LISTS)}

    def _share(self) -> Rule:
        low, high = sorted(self.random.sample(range(101), 2))
        share = {"of": self.random.choice(("holdout", "test"))}
        return {"share": share | ({"percent": high} if self._maybe(0.5) else {"from": low, "to": high})}


def named(rule: Rule, found: dict[str, set[Any]] | None = None) -> dict[str, set[Any]]:
    """What a rule names: ``events``, ``durations`` (texts), ``dates``, ``keys`` of conditions, ``traits``, ``lists``."""
    found = found if found is not None else {k: set() for k in ("events", "durations", "dates", "keys", "lists", "of")}
    if isinstance(rule, list):
        for part in rule:
            named(part, found)
    elif isinstance(rule, dict):
        found["keys"] |= rule.keys()
        for key, value in rule.items():
            if key in {"of", "by", "same"} and value in VALUES:
                found["of"].add(value)
            if key in {"did", "did_not", "first", "last", "rate", "of"} and value in BEHAVIOUR:
                found["events"].add(value)
            elif key in {"within", "at_least", "less_than", "within_last", "within_next", "keep_for"} and isinstance(
                value, str
            ):
                found["durations"].add(value)
            elif key in {"from", "to", "since", "before"} and isinstance(value, str) and len(value) > 5:
                found["dates"].add(value)
            elif key == "list" and isinstance(value, str):
                found["lists"].add(value)
            else:
                named(value, found)
    return found


def sequences(rule: Rule) -> Iterator[list[Rule]]:
    """The steps of all sequences in a rule."""
    if isinstance(rule, dict):
        if "sequence" in rule:
            yield rule["sequence"]
        rule = list(rule.values())
    if isinstance(rule, list):
        for part in rule:
            yield from sequences(part)


def shuffled(random: Random, steps: list[Rule]) -> list[str]:
    """The events of a sequence in order, with what must not come between somewhere."""
    names = [step["did"] for step in steps if "did" in step]
    for step in steps:
        if "did_not" in step:
            names.insert(random.randint(0, len(names)), step["did_not"])
    return names
