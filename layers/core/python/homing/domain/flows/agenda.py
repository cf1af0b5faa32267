"""A person's agenda: which of their runs wait for something to happen, and which flows began when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple


class Waiting(NamedTuple):
    """A run that waits: until when at most, and for which signals (``event:order-completed-1f3a``)."""

    until: int
    signals: tuple[str, ...]


class Begun(NamedTuple):
    """When a flow last began for this person, and by which trigger."""

    at: int
    trigger_id: str


@dataclass(frozen=True, slots=True)
class Agenda:
    """One item per person, and only for those whose flows wait for something or have ``again_after``."""

    profile_id: str
    version: int = 0
    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    begun: Mapping[str, Begun] = field(default_factory=dict)
    # When the last of ``begun`` stops mattering.
    until: int = 0

    def awaiting(self, signal: str) -> list[str]:
        """The runs that wait for a signal, in their order."""
        return sorted(run for run, held in self.waiting.items() if signal in held.signals)

    def wait(self, run: str, until: int, signals: Iterable[str], now: int) -> Agenda:
        """With a run that waits; what no longer waits is forgotten on the way."""
        kept = {id_: held for id_, held in self.waiting.items() if held.until > now}
        kept[run] = Waiting(until, tuple(sorted(signals)))
        return replace(self, version=self.version + 1, waiting=kept)

    def done(self, runs: Iterable[str]) -> Agenda:
        """Without runs that wait no longer."""
        gone = set(runs)
        kept = {id_: held for id_, held in self.waiting.items() if id_ not in gone}
        return replace(self, version=self.version + 1, waiting=kept)

    def begin(self, flow: str, at: int, trigger_id: str, again_after: int) -> Agenda:
        """With the beginning of a flow, remembered until it may begin again."""
        until = max(self.until, at + again_after)
        begun = {**self.begun, flow: Begun(at, trigger_id)}
        return replace(self, version=self.version + 1, begun=begun, until=until)

    @property
    def expires(self) -> int:
        """From when on nothing in it matters."""
        return max([self.until, *(held.until for held in self.waiting.values())])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "profile_id": self.profile_id, "version": self.version, "until": self.until,
            "waiting": {run: [held.until, list(held.signals)] for run, held in self.waiting.items()},
            "begun": {flow: list(held) for flow, held in self.begun.items()},
        }  # fmt: skip

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Agenda:
        """Reads :meth:`to_dict`."""
        return cls(
            profile_id=value["profile_id"],
            version=value["version"],
            until=value.get("until", 0),
            waiting={run: Waiting(until, tuple(signals)) for run, (until, signals) in value["waiting"].items()},
            begun={flow: Begun(*held) for flow, held in value["begun"].items()},
        )
