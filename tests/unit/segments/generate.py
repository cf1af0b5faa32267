"""Random rules of the whole language and random histories, from one number each.

Histories are drawn to fit the rules: the events, properties and durations that a rule names come up in what happens, so
that edges are met exactly and not by luck.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from tests.unit.segments import naive_calendar as calendar
from tests.unit.segments.oracle import Raw, Rule

SECOND = 10**6
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86400 * SECOND
# Around what is hard about time: nights on which clocks are changed, the end of a year, a leap day.
STARTS = (
    "2026-03-01T00:00:00", "2026-03-28T21:00:00", "2026-10-24T20:00:00", "2026-03-07T22:00:00", "2026-10-31T22:00:00",
    "2025-12-31T09:00:00", "2028-02-28T03:00:00", "2027-02-27T12:00:00", "2026-07-04T12:00:00",
)  # fmt: skip
# Nights on which clocks are changed, in zones where they are.
NIGHTS = (
    ("2026-03-28T21:00:00", "Europe/Berlin"), ("2026-10-24T20:00:00", "Europe/Berlin"),
    ("2026-03-08T02:00:00", "America/New_York"), ("2026-11-01T01:00:00", "America/New_York"),
    ("2026-04-23T15:00:00", "Africa/Cairo"), ("2026-03-08T00:00:00", "America/Havana"),
    ("2026-04-04T10:00:00", "Australia/Lord_Howe"),
)  # fmt: skip
ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Kiritimati",
    "America/Havana", "Africa/Cairo", "nowhere",
)  # fmt: skip
BEHAVIOUR = ("Product Viewed", "Product Added", "Order Completed", "Email Delivered", "Email Opened")
WINDOWS = ("1m", "5m", "1h", "2h", "1d", "1d12h", "3d", "30d")
LISTS = ("guests", "press")
PLACES = (
    "2026-03-01", "2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2026-01-01", "2028-02-29", "2028-03-01",
    "2027-02-28", "2026-07-05", "2026-03-01T08:00:00Z", "2026-10-25T01:30:00", "2026-07-04T18:00:00+02:00",
    "2025-12-31T12:00:00Z", "2028-02-28T12:00:00Z",
)  # fmt: skip
HOURS = ("00:00", "01:00", "02:00", "02:30", "03:00", "06:00", "09:00", "17:30", "22:00", "23:59")
VALUES: dict[str, tuple[Any, ...]] = {
    "product_id": ("a", "b", "c", 12, "12"),
    "category": ("Garden", "garden tools", "Books"),
    "price": (10, "19.95", 19.95, 0.1, "0.2", 100, "many", True, -5),
    "total": (50, 100.25, "449.75", 0.3, 500, 0),
    "send_id": ("s1", "s2", "s3"),
    "machine": (True,),
    "tags": (["new", "sale"], ["sale"], [12], []),
    "details.colour": ("red", "blue"),
    "context.device": ("mobile", "tablet", "desktop"),
    "context.country": ("DE", "AT"),
    "context.campaign.name": ("spring", "summer"),
}
NUMBERS = ("price", "total")
AGENTS = {
    "mobile": {"userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Mobile/15E148"},
    "tablet": {"device": {"type": "tablet"}},
    "desktop": {"userAgent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0"},
}
TRAITS: dict[str, tuple[Any, ...]] = {
    "tier": ("gold", "silver", None),
    "visits": (1, 2, "3", 2.5, None),
    "tags": (["vip"], ["vip", "press"], []),
    "address.country": ("DE", "FR"),
}
DATED = ("trial_ends", "birthday")


@dataclass
class Case:
    """One test: rules, what happens to one or two profiles that may become one, and until when time passes."""

    seed: int
    zone: str
    segments: dict[str, Rule]
    steps: list[dict[str, Any]] = field(default_factory=list)
    until: int = 0
    # Staged attributes.
    stages: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def events(self) -> list[Raw]:
        """The raw events, in order of delivery."""
        return [step["raw"] for step in self.steps if step["do"] == "event"]


def case(random: Random, seed: int = 0) -> Case:
    """A case. The same state of ``random`` gives the same case."""
    rules = _Rules(random)
    made = Case(seed, random.choice(ZONES[:-1]), {})
    for helper in ("h", "g")[: random.choice((0, 0, 0, 1, 2))]:
        made.segments[helper] = rules.rule(2)
        rules.helpers.append(helper)
    if random.random() < 0.15:
        made.stages["mood"] = rules.stages()
    plain = made.stages and random.random() < 0.5
    made.segments["s"] = rules.mood() if plain else rules.rule(random.choice((0, 1, 2, 3)))
    _History(random, made).write()
    return made


class _Rules:
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


def _shuffled(random: Random, steps: list[Rule]) -> list[str]:
    names = [step["did"] for step in steps if "did" in step]
    for step in steps:
        if "did_not" in step:
            names.insert(random.randint(0, len(names)), step["did_not"])
    return names


class _History:
    """Draws what happens."""

    def __init__(self, random: Random, made: Case) -> None:
        self.random, self.case = random, made
        self.named = named([made.segments, made.stages])
        start = random.choice(STARTS)
        if self.named["keys"] & {"anniversary", "now", "during"} and random.random() < 0.5:
            start, made.zone = random.choice(NIGHTS)
        self.start = calendar.instant(datetime.fromisoformat(start).replace(tzinfo=UTC))
        if start in STARTS and self.named["dates"] and random.random() < 0.7:
            date = random.choice(sorted(self.named["dates"]))
            self.start = calendar.begins(date, "UTC") - random.choice((HOUR, DAY, 3 * DAY))
        self.durations = [DAY] if "recency" in self.named["keys"] else []
        self.durations += sorted({calendar.duration(text) for text in self.named["durations"]})
        self.gaps = [0, 1, 30 * SECOND, MINUTE, HOUR, *self.durations * 3]
        # Sequences are tried by events in their order, with what must not come between them somewhere.
        self.script = [name for steps in sequences(list(made.segments.values())) for name in _shuffled(random, steps)]
        self.taken: set[int] = set()
        self.numbers = 0
        # What two profiles have in common: a message may be delivered to either.
        self.told: list[Raw] = []
        self.owners: dict[str, str] = {}

    def write(self) -> None:
        random, made = self.random, self.case
        merging = random.random() < 0.3
        count = random.choice((1, 2, 3, 4, 5, 6, 8, 10, 14))
        merge_after = random.randint(0, count) if merging else -1
        now = self.start
        for n in range(count + 1):
            if n == merge_after:
                now += random.choice(self.gaps)
                made.steps.append({"do": "merge", "at": now})
                merging = False
            if n == count:
                break
            now += random.choice(self.gaps) + random.choice((0, 0, 0, 1, 7 * SECOND))
            exact = self._edge(now) if random.random() < 0.3 else None
            now = now if exact is None else max(now, exact)
            who = "b" if merging and random.random() < 0.5 else "a"
            raw = self._again(now, who) if self.told and random.random() < 0.12 else self._event(now, exact)
            self.owners.setdefault(raw["id"], who)
            made.steps.append({"do": "event", "who": who, "raw": raw})
            self._around(who, now)
        made.until = max(step.get("at", now) for step in made.steps)
        made.until += random.choice((HOUR, 2 * DAY, 4 * DAY, 40 * DAY))

    def _around(self, who: str, now: int) -> None:
        random = self.random
        if random.random() < 0.45:
            self.case.steps.append({"do": "store", "who": who})
        if random.random() < 0.15:
            at = now + random.choice(self.gaps) + random.choice((-1, 0, 1))
            self.case.steps.append({"do": "settle", "who": who, "at": max(at, now)})
        if random.random() < 0.35:
            self.case.steps.append({"do": "ask", "who": who, "after": random.choice((0, 1, *self.gaps))})

    def _again(self, now: int, who: str) -> Raw:
        """Something told before: the same message, or an order once more from another source."""
        raw = self.random.choice(self.told)
        if raw["name"] == "Order Completed" and "order_id" in raw["properties"] and self.random.random() < 0.6:
            skew = self.random.choice((-40, -3, -1, 1, 2, 40)) * SECOND
            at = self._free(raw["occurred"] + skew)
            if at <= now + 5 * MINUTE and self._simple(raw, skew, now, who):
                self.numbers += 1
                return {**raw, "id": f"m{self.numbers}", "occurred": at, "received": now, "context": {}}
        return {**raw, "received": max(now, raw["received"])}

    def _simple(self, order: Raw, skew: int, now: int, who: str) -> bool:
        """Whether another word on an order needs nothing that may be forgotten: it changes places with no other order,
        and a later one comes while the earlier is certainly remembered. docs/segments.md says what happens else."""
        others = [raw for raw in self.told if raw["name"] == "Order Completed" and raw is not order]
        if any(abs(raw["occurred"] - order["occurred"]) <= MINUTE for raw in others):
            return False
        windows = self.durations or [DAY]
        latest = max([now, *(step["at"] for step in self.case.steps if "at" in step)])
        return skew < 0 or (
            self.owners[order["id"]] == who
            and latest + MINUTE < order["occurred"] + min(windows)
            and all(raw["occurred"] < order["occurred"] for raw in others)
        )

    def _free(self, at: int) -> int:
        """Two statements at the same instant would have no order to get right."""
        while at in self.taken:
            at += 1
        self.taken.add(at)
        return at

    def _edge(self, now: int) -> int | None:
        """An instant exactly as far from something that happened as a rule looks, about now."""
        edges = [raw["occurred"] + duration for raw in self.told for duration in self.durations]
        edges = [edge for edge in edges if now - HOUR <= edge <= now + 3 * DAY]
        return self.random.choice(edges) if edges else None

    def _event(self, now: int, exact: int | None) -> Raw:
        random = self.random
        late = random.choice((0, 0, 0, 0, SECOND, MINUTE, HOUR, random.choice(self.gaps), -MINUTE, -5 * MINUTE))
        at = self._free(now - late if exact is None else exact)
        self.numbers += 1
        raw: Raw = {
            "id": f"m{self.numbers}", "name": self._name(), "occurred": at, "received": now,
            "source": "sdk", "context": {}, "properties": {},
        }  # fmt: skip
        if raw["name"] == "Identified":
            raw["source"] = random.choice(("sdk", "sdk", "sdk", "csv"))
            raw["properties"] = self._said()
        elif raw["name"] in {"List Joined", "List Left"}:
            raw["properties"] = {"list": random.choice(sorted(self.named["lists"]) or LISTS)}
        else:
            self._describe(raw)
        self.told.append(raw)
        return raw

    def _name(self) -> str:
        random, keys = self.random, self.named["keys"]
        if self.script and random.random() < 0.7:
            return self.script.pop(0)
        likely = sorted(self.named["events"]) * 4
        if keys & {"trait", "during", "now"}:
            likely += ["Identified"] * 3
        if keys & {"recency", "orders"}:
            likely += ["Order Completed"] * 3
        if "list" in keys:
            likely += ["List Joined", "List Joined", "List Left"]
        return random.choice(likely or ["Product Viewed"]) if random.random() < 0.92 else random.choice(BEHAVIOUR)

    def _describe(self, raw: Raw) -> None:
        random = self.random
        for name, values in VALUES.items():
            likely = 0.9 if name in self.named["of"] else 0.35 if name == "machine" else 0.55
            if random.random() < likely:
                value = random.choice(values)
                if name == "context.device":
                    raw["context"] |= AGENTS[value]
                    continue
                held = raw["properties"] if not name.startswith("context.") else raw["context"]
                *path, last = name.removeprefix("context.").split(".")
                for part in path:
                    held = held.setdefault(part, {})
                held[last] = value
        if raw["name"] == "Order Completed" and random.random() < 0.7:
            raw["properties"]["order_id"] = f"o{self.numbers}"

    def _said(self) -> dict[str, Any]:
        random = self.random
        said: dict[str, Any] = {}
        for name, values in TRAITS.items():
            if random.random() < 0.5:
                value = random.choice(values)
                if "." in name:
                    head, tail = name.split(".")
                    said[head] = {tail: value}
                else:
                    said[name] = value
        for name in DATED:
            if random.random() < 0.6:
                said[name] = self._date()
        if random.random() < 0.5:
            said[random.choice(("timezone", "timezone", "time_zone"))] = random.choice((*ZONES, None))
        return said

    def _date(self) -> Any:
        random = self.random
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.start)
        moment += timedelta(minutes=random.choice((0, 30, 60, 1440, 4320, -1440, random.randint(-9000, 9000))))
        if random.random() < 0.5:
            try:
                moment = moment.replace(year=random.choice((1960, 1992, 2025)))
            except ValueError:
                moment = moment.replace(year=1992)
        if calendar.local(self.start + 2 * DAY, "UTC").day <= 2 and random.random() < 0.4:
            return random.choice(("1992-02-29", "1992-02-29T10:00:00Z"))
        if "anniversary" in self.named["keys"] and random.random() < 0.5:
            # In six hours it is the day on which clocks are changed.
            return calendar.local(self.start + 6 * HOUR, self.case.zone).replace(year=1992).date().isoformat()
        if random.random() < 0.1:
            return random.choice(("1992-02-29", "2000-02-29", "soon", True, None, "2026-02-30", ""))
        return random.choice((
            moment.date().isoformat(), moment.date().isoformat(), moment.isoformat().replace("+00:00", "Z"),
            moment.isoformat().replace("+00:00", "+02:00"), moment.replace(tzinfo=None).isoformat(),
            int(moment.timestamp()), int(moment.timestamp()) * (1000 if moment.year > 1990 else 1),
        ))  # fmt: skip
