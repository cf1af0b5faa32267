"""Where the answers of rules may change, as far as one can tell without understanding them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from tests.unit.segments import naive_calendar as calendar
from tests.unit.segments.case import Case
from tests.unit.segments.naive_values import Raw
from tests.unit.segments.random_rules import named
from tests.unit.segments.vocabulary import DATED, DAY


class Edges:
    """The instants of a case at which something may change."""

    def __init__(self, case: Case) -> None:
        self.case = case
        rules = [case.segments, case.stages]
        names = named(rules)
        self.keys = names["keys"]
        durations = sorted(calendar.duration(text) for text in names["durations"])
        self.durations = [0, *durations]
        if "recency" in self.keys:
            self.durations += [n * DAY for n in (*range(1, 22), 100, 101)]
        if "sequence" in self.keys:
            self.durations += [one + other for one in durations for other in durations]
        self.dates = sorted(names["dates"])
        self.weeks = [rule for rule in _parts(rules) if rule.keys() & {"weekdays", "until"}]

    def of(self, history: list[Raw]) -> set[int]:
        """All of them."""
        zones = {self.case.zone}
        moments = {raw["occurred"] for raw in history}
        edges = {raw["known"] for raw in history}
        for raw in history:
            said = raw["properties"]
            zones |= {calendar.zone_named(said.get(name), self.case.zone) for name in ("timezone", "time_zone")}
            for zone in zones:
                dates = {at for name in DATED if (at := calendar.moment(said.get(name), zone)) is not None}
                edges |= {date - duration for date in dates for duration in self.durations}
                moments |= dates
        edges |= {at + duration for at in moments for duration in self.durations}
        for zone in zones:
            for text in self.dates:
                edges |= {calendar.begins(text, zone), calendar.ends(text, zone)}
        if self.weeks or "anniversary" in self.keys:
            edges |= self._days(min(raw["known"] for raw in history), zones)
        return edges

    def _days(self, begin: int, zones: set[str]) -> set[int]:
        found = set()
        end = min(self.case.until, begin + 60 * DAY)
        for zone in zones:
            day = calendar.local(begin, zone).date()
            last = calendar.local(end, zone).date()
            while day <= last:
                found.add(calendar.reached(day, calendar.clock(None), zone))
                for week in self.weeks:
                    found |= set(calendar.span(week, day, zone))
                day += timedelta(days=1)
        return found


def _parts(rule: Any) -> Iterator[dict[str, Any]]:
    if isinstance(rule, dict):
        yield rule
        rule = list(rule.values())
    if isinstance(rule, list):
        for part in rule:
            yield from _parts(part)
