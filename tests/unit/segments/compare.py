"""Plays a generated case on the engine and asks the oracle on both sides of everything that might be a change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import lru_cache
from random import Random
from typing import Any

from homing.domain.attributes.language import StagedAttribute
from homing.domain.campaigns import Campaigns, Settings
from homing.domain.engine import Engine
from homing.domain.events.event import Event
from homing.domain.profiles import codec, fold
from homing.domain.profiles.profile import Profile
from homing.domain.segments.language import Segment
from homing.domain.segments.rules import next_flip
from tests.fixtures.shop import BRAND
from tests.unit.segments import naive_calendar as calendar
from tests.unit.segments.case import Case
from tests.unit.segments.edges import Edges
from tests.unit.segments.naive_values import Raw
from tests.unit.segments.oracle import Rule, Truth, World
from tests.unit.segments.stages import Stage, Way
from tests.unit.segments.vocabulary import DAY

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


def engine_of(
    segments: dict[str, Rule], zone: str = "UTC", revision: str = "1", stages: dict[str, list[Stage]] | None = None
) -> Engine:
    """An engine with these segments and staged attributes."""
    parsed = {name: Segment.model_validate({"name": name, "when": rule}) for name, rule in segments.items()}
    settings = Settings(brand=BRAND, time_zone=zone)
    staged = {name: StagedAttribute.model_validate({"name": name, "stages": of}) for name, of in (stages or {}).items()}
    return Engine(Campaigns(revision=revision, settings=settings, segments=parsed, attributes=staged))


@lru_cache(maxsize=100)
def drawn(id: str, name: str) -> int:
    """Where a profile stands in a draw, in whole percent. What number that is nobody promises, only that it stays."""
    engine = engine_of({f"p{n}": {"share": {"of": name, "percent": n}} for n in range(1, 101)})
    return sum(not engine.is_member(Profile(id), f"p{n}", 0) for n in range(1, 101))


class Play:
    """A case as it is played; raises :class:`DifferenceError`."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.edges = Edges(case)
        self.engine = engine_of(case.segments, case.zone, stages=case.stages)
        self.profiles = {"a": Profile("a"), "b": Profile("b")}
        self.ways = {who: self._way(who) for who in "ab"}
        self.worlds = {who: World(case.zone, case.segments, _draws(who), self._stage_of(who)) for who in "ab"}
        self.histories: dict[str, list[Raw]] = {"a": [], "b": []}
        self.told: dict[str, list[Any]] = {"a": [], "b": []}
        self.merged_at: int | None = None
        self.random = Random(f"probes {case.seed}")
        self.counts: Counter[str] = Counter(cases=1)

    def run(self) -> None:
        """Everything, then time until the end."""
        for step in self.case.steps:
            getattr(self, f"_{step['do']}")(step)
        for who in "ab" if self.merged_at is None else "a":
            if self.histories[who]:
                self._wait(who, self.case.until)
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
            at = max(raw["received"], profile.evaluated_at)
            self._wait(who, at)
            self.histories[who].append({**raw, "known": at})
            self._look(who, at)
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
        for who in "ab":
            self._wait(who, self.merged_at)
        self.engine.absorb(winner, loser, step["at"])
        self.told["b"] += loser.changes
        loser.changes = []
        self.histories["a"] += [{**raw, "known": self.merged_at} for raw in self.histories["b"]]
        self._look("a", self.merged_at)

    def _way(self, who: str) -> dict[str, Way]:
        world = World(self.case.zone, self.case.segments, _draws(who))
        return {name: Way(world, stages, self.edges.of) for name, stages in self.case.stages.items()}

    def _stage_of(self, who: str) -> Callable[[str, int], str | None]:
        return lambda name, t: self.ways[who][name].at(t)

    def _wait(self, who: str, until: int) -> None:
        for way in self.ways[who].values():
            way.wait(self.histories[who], until)

    def _look(self, who: str, t: int) -> None:
        for way in self.ways[who].values():
            way.look(self.histories[who], t)

    def _ask(self, step: dict[str, Any]) -> None:
        """What will be, if nothing happens any more?"""
        who = self._who(step)
        profile, history = self.profiles[who], self.histories[who]
        # A stage is known when its time has come, not before.
        if not history or self.case.stages:
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


def play(case: Case) -> Counter[str]:
    """Raises :class:`DifferenceError` where engine and oracle do not agree. Returns what was asked how often."""
    played = Play(case)
    played.run()
    return played.counts
