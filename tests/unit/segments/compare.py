"""Plays a generated case on the engine and asks the oracle on both sides of everything that might be a change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import lru_cache
from random import Random
from typing import Any

from homing.domain.campaigns import Campaigns, Settings
from homing.domain.engine import Engine
from homing.domain.events.event import Event
from homing.domain.profiles import codec, fold
from homing.domain.profiles.profile import Profile
from homing.domain.segments.language import Segment
from homing.domain.segments.rules import next_flip
from tests.fixtures.shop import BRAND
from tests.unit.segments import naive_calendar as calendar
from tests.unit.segments.generate import DATED, DAY, Case, named
from tests.unit.segments.oracle import Raw, Rule, Truth, World

PROBES = 60
DRAWS = ("holdout", "test")


class DifferenceError(AssertionError):
    """The engine and the oracle do not agree."""


def event_of(raw: Raw) -> Event:
    """A raw event as sources make it."""
    return Event(
        message_id=raw["id"],
        type="identify" if raw["name"] == "Identified" else "track",
        name=raw["name"],
        identifiers={"user_id": "u"},
        occurred_at=calendar.EPOCH + timedelta(microseconds=raw["occurred"]),
        received_at=calendar.EPOCH + timedelta(microseconds=raw["received"]),
        properties=raw["properties"],
        context=raw["context"],
        source=raw["source"],
    )


def engine_of(segments: dict[str, Rule], zone: str = "UTC", revision: str = "1") -> Engine:
    """An engine with these segments."""
    parsed = {name: Segment.model_validate({"name": name, "when": rule}) for name, rule in segments.items()}
    settings = Settings(brand=BRAND, time_zone=zone)
    return Engine(Campaigns(revision=revision, settings=settings, segments=parsed))


@lru_cache(maxsize=100)
def drawn(id: str, name: str) -> int:
    """Where a profile stands in a draw, in whole percent. What number that is nobody promises, only that it stays."""
    engine = engine_of({f"p{n}": {"share": {"of": name, "percent": n}} for n in range(1, 101)})
    return sum(not engine.is_member(Profile(id), f"p{n}", 0) for n in range(1, 101))


class Play:
    """A case as it is played; raises :class:`DifferenceError`."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.engine = engine_of(case.segments, case.zone)
        self.profiles = {"a": Profile("a"), "b": Profile("b")}
        self.worlds = {who: World(case.zone, case.segments, _draws(who)) for who in "ab"}
        self.histories: dict[str, list[Raw]] = {"a": [], "b": []}
        self.told: dict[str, list[Any]] = {"a": [], "b": []}
        self.merged_at: int | None = None
        self.random = Random(f"probes {case.seed}")
        self.edges = _Edges(case)
        self.counts: Counter[str] = Counter(cases=1)

    def run(self) -> None:
        """Everything, then time until the end."""
        for step in self.case.steps:
            getattr(self, f"_{step['do']}")(step)
        for who in "ab" if self.merged_at is None else "a":
            if self.histories[who]:
                self.engine.settle(self.profiles[who], self.case.until)
        for who in "ab":
            if self.histories[who]:
                self._compare(who)

    def _event(self, step: dict[str, Any]) -> None:
        who, raw = self._who(step), step["raw"]
        profile = self.profiles[who]
        event = event_of(raw)
        if fold.is_duplicate(profile, event):
            self.counts["duplicates"] += 1
        else:
            self.counts["events"] += 1
            self.histories[who].append({**raw, "known": max(raw["received"], profile.evaluated_at)})
            self.engine.receive(profile, event)

    def _store(self, step: dict[str, Any]) -> None:
        """A batch ends here: the profile is pruned, stored and read back."""
        who = self._who(step)
        profile = self.profiles[who]
        self.engine.finish(profile)
        self.told[who] += profile.changes
        self.profiles[who] = codec.decode(profile.id, profile.version, codec.encode(profile))

    def _settle(self, step: dict[str, Any]) -> None:
        who = self._who(step)
        if self.histories[who]:
            self.engine.settle(self.profiles[who], step["at"])

    def _merge(self, step: dict[str, Any]) -> None:
        winner, loser = self.profiles["a"], self.profiles["b"]
        self.merged_at = max(step["at"], winner.evaluated_at, loser.evaluated_at)
        if not self.histories["b"]:
            return
        self.counts["merges"] += 1
        self.engine.absorb(winner, loser, step["at"])
        self.told["b"] += loser.changes
        loser.changes = []
        self.histories["a"] += [{**raw, "known": self.merged_at} for raw in self.histories["b"]]

    def _ask(self, step: dict[str, Any]) -> None:
        """What will be, if nothing happens any more?"""
        who = self._who(step)
        profile, history = self.profiles[who], self.histories[who]
        if not history:
            return
        t = profile.evaluated_at + step["after"]
        for name in self.case.segments:
            member, flip = next_flip(self.engine.segments[name], profile, t)
            last = min(flip - 1 if flip is not None else self.case.until, t + 60 * DAY)
            self._agree(who, name, history, t, member, f"asked at {profile.evaluated_at}")
            for probe in {last, *self._some(history, t, last, 6)}:
                if t <= probe <= last:
                    self._agree(who, name, history, probe, member, f"asked at {t}: stays until {flip}")
            if flip is not None:
                # After many instants that could have been flips and were none, it names the next to look at again.
                there = self.engine.is_member(profile, name, flip)
                self._agree(who, name, history, flip, there, f"asked at {t}: flips at {flip}")

    def _who(self, step: dict[str, Any]) -> str:
        return "a" if self.merged_at is not None else step["who"]

    def _compare(self, who: str) -> None:
        history = self.histories[who]
        begin = min(raw["known"] for raw in history)
        end = self.case.until
        if who == "b" and self.merged_at is not None:
            end = self.merged_at - 1
        changes = self.told[who] + self.profiles[who].changes
        for name in self.case.segments:
            flips = [(c.at, c.kind == "segment_entered") for c in changes if c.name == name]
            flips = [flip for flip in flips if flip[0] <= end]
            self.counts["flips"] += len(flips)
            _alternate(name, flips, begin)
            probes = {begin, end}
            for at, _ in flips[:PROBES] + flips[-3:]:
                probes |= {at - 1, at, at + 1}
            probes |= set(self._some(history, begin, end, PROBES))
            for probe in sorted(p for p in probes if begin <= p <= end):
                ours = next((member for at, member in reversed(flips) if at <= probe), False)
                self._agree(who, name, history, probe, ours, f"told {flips}")

    def _some(self, history: list[Raw], low: int, high: int, count: int) -> Iterator[int]:
        """Instants at which something may change, each with its neighbours, and some at which nothing should."""
        edges = sorted(edge for edge in self.edges.of(history) if low <= edge <= high)
        for edge in self.random.sample(edges, min(len(edges), count // 3)):
            yield from (edge - 1, edge, edge + 1)
        if low < high:
            yield from (self.random.randint(low, high) for _ in range(count // 10))

    def _agree(self, who: str, name: str, history: list[Raw], t: int, ours: bool, words: str) -> None:
        self.counts["probes"] += 1
        truth = Truth(self.worlds[who], history, t).holds(self.case.segments[name])
        if truth != ours:
            raise DifferenceError(
                f"seed {self.case.seed}: at {t} profile {who} is {'in' if truth else 'not in'} {name} by the oracle,"
                f" {'in' if ours else 'not in'} by the engine; {words}"
            )


def _draws(who: str) -> Callable[[str], float]:
    return lambda name: drawn(who, name)


def _alternate(name: str, flips: list[tuple[int, bool]], begin: int) -> None:
    before = (begin, False)
    for flip in flips:
        if flip[0] < before[0] or flip[1] == before[1]:
            raise DifferenceError(f"{name}: {flip} is told after {before}")
        before = flip


class _Edges:
    """Where the answers of rules may change, as far as one can tell without understanding them."""

    def __init__(self, case: Case) -> None:
        self.case = case
        names = named(list(case.segments.values()))
        self.keys = names["keys"]
        durations = sorted(calendar.duration(text) for text in names["durations"])
        self.durations = [0, *durations]
        if "sequence" in self.keys:
            self.durations += [one + other for one in durations for other in durations]
        self.dates = sorted(names["dates"])
        self.weeks = [rule for rule in _parts(list(case.segments.values())) if rule.keys() & {"weekdays", "until"}]

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
            edges |= self._days(min(edges), zones)
        return edges

    def _days(self, begin: int, zones: set[str]) -> set[int]:
        found = set()
        end = min(self.case.until, begin + 50 * DAY)
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


def play(case: Case) -> Counter[str]:
    """Raises :class:`DifferenceError` where engine and oracle do not agree. Returns what was asked how often."""
    played = Play(case)
    played.run()
    return played.counts
