"""Random histories that fit rules, so that edges are met exactly and not by luck."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from tests.unit.segments import naive_calendar as calendar
from tests.unit.segments.case import Case
from tests.unit.segments.naive_values import Raw
from tests.unit.segments.random_rules import named, sequences, shuffled
from tests.unit.segments.vocabulary import (
    AGENTS,
    BEHAVIOUR,
    DATED,
    DAY,
    HOUR,
    LISTS,
    MINUTE,
    NIGHTS,
    SECOND,
    STARTS,
    TRAITS,
    VALUES,
    ZONES,
)  # fmt: skip


class History:
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
        self.script = [name for steps in sequences(list(made.segments.values())) for name in shuffled(random, steps)]
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
