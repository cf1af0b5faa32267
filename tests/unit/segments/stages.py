"""Staged attributes, naively: step through every instant at which anything might change, and remember the stage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.unit.segments import naive_calendar as calendar
from tests.unit.segments.naive_values import Raw
from tests.unit.segments.oracle import Truth, World

Stage = dict[str, Any]


class Way:
    """The stages that one person went through. ``edges`` names, for a history, all instants at which a condition of the
    stages may change."""

    def __init__(self, world: World, stages: list[Stage], edges: Callable[[list[Raw]], set[int]]) -> None:
        self.world, self.stages, self.edges = world, stages, edges
        # (from when on, which), each time it changed.
        self.passed: list[tuple[int, str | None]] = []
        self.now: int | None = None

    def at(self, t: int) -> str | None:
        """The stage at an instant that was passed already."""
        return next((stage for since, stage in reversed(self.passed) if since <= t), None)

    def wait(self, history: list[Raw], until: int) -> None:
        """Time passes; nothing is heard."""
        if self.now is None:
            return
        instants = {edge for edge in self.edges(history) if self.now < edge <= until}
        for since, name in self.passed[-1:]:
            instants |= {end for stage in self.stages if self.now < (end := _least(stage, name, since)) <= until}
        while instants:
            first = min(instants)
            before = len(self.passed)
            self.look(history, first)
            instants.remove(first)
            if len(self.passed) > before:
                ends = {_least(stage, self.passed[-1][1], first) for stage in self.stages}
                instants |= {end for end in ends if first < end <= until}
        self.now = max(self.now, until)

    def look(self, history: list[Raw], t: int) -> None:
        """Which stage it is at an instant, given the one that it was."""
        since, present = self.passed[-1] if self.passed else (t, None)
        found = self._found(Truth(self.world, history, t), present, t, since)
        if found != present:
            self.passed.append((t, found))
        self.now = t

    def _found(self, truth: Truth, present: str | None, t: int, since: int) -> str | None:
        for stage in self.stages:
            if stage["name"] == present and t < _least(stage, present, since):
                return present
        for stage in self.stages:
            if truth.holds(stage["when"]):
                return str(stage["name"])
            if stage["name"] == present and "keep_while" in stage and truth.holds(stage["keep_while"]):
                return present
        return None


def _least(stage: Stage, name: str | None, since: int) -> int:
    """Until when somebody in a stage stays in any case."""
    return since + calendar.duration(stage["keep_for"]) if stage["name"] == name and "keep_for" in stage else since
