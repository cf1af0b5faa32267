"""What an audit looks at. Days are ISO dates in UTC, as the archive's folders; instants are microseconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from homing.domain.audit.sketch import Sketch
from homing.domain.campaigns import Campaigns
from homing.domain.time import to_datetime

# A write key is public: whoever has it can invent names. The most common are looked at.
MAX_EVENTS = 200
MAX_PROPERTIES = 100


@dataclass(frozen=True, slots=True)
class Move:
    """Somebody entered a segment, or left it."""

    at: int
    profile_id: str
    segment: str
    entered: bool


@dataclass(slots=True)
class Arrivals:
    """How many of an event were read on one day, and how many of these carried each property."""

    n: int = 0
    properties: dict[str, int] = field(default_factory=dict)

    def add(self, properties: Mapping[str, Any]) -> None:
        """Counts one more. Empty values have not arrived; of lists of objects the properties within count, when every
        object has them, as ``products[].price``."""
        self.n += 1
        for name, value in properties.items():
            if _is_there(value):
                self._count(name)
                if isinstance(value, list) and all(isinstance(item, Mapping) for item in value):
                    inside = set.intersection(*({k for k, v in item.items() if _is_there(v)} for item in value))
                    for key in inside:
                        self._count(f"{name}[].{key}")

    def _count(self, name: str) -> None:
        self.properties[name] = self.properties.get(name, 0) + 1


def _is_there(value: Any) -> bool:
    return value is not None and value != "" and value != [] and value != {}


@dataclass(slots=True)
class Day:
    """What arrived on a day: all of it, or the ``share`` of it that was read (a sample of the archive's objects)."""

    events: dict[str, Arrivals] = field(default_factory=dict)
    share: float = 1.0

    def add(self, name: str, properties: Mapping[str, Any]) -> None:
        """Counts one event."""
        self.events.setdefault(name, Arrivals()).add(properties)

    @property
    def n(self) -> int:
        """All events read."""
        return sum(arrivals.n for arrivals in self.events.values())

    def to_dict(self) -> dict[str, Any]:
        """For the daily summary; bounded by :data:`MAX_EVENTS` and :data:`MAX_PROPERTIES`."""
        common = sorted(self.events.items(), key=lambda pair: (-pair[1].n, pair[0]))[:MAX_EVENTS]
        return {
            "share": self.share,
            "events": {
                name: {
                    "n": found.n,
                    "properties": dict(sorted(found.properties.items(), key=lambda p: (-p[1], p[0]))[:MAX_PROPERTIES]),
                }
                for name, found in common
            },
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Day:
        """Reads :meth:`to_dict`."""
        events = {name: Arrivals(found["n"], dict(found["properties"])) for name, found in data["events"].items()}
        return cls(events, float(data.get("share", 1.0)))


@dataclass(frozen=True)
class Facts:
    """Everything that an audit is made from.

    ``arrivals`` and ``sizes`` are by day; a day without an entry was not looked at, one with an empty entry had nothing.
    ``until`` is the last day that is over: how many events a day brings is not asked of a day that is still going on.
    ``blind`` are events that this source can't know (a recording knows no opens of mails that were never sent).
    """

    campaigns: Campaigns
    until: str
    sizes: Mapping[str, Mapping[str, float]]
    members: Mapping[str, Sketch]
    arrivals: Mapping[str, Day]
    moves: Sequence[Move] = ()
    blind: frozenset[str] = frozenset()
    # Whether moves are those of a sample of people, as seen from night to night.
    sampled: bool = False

    @property
    def segments(self) -> list[str]:
        """The segments that marketers wrote, in their order."""
        return list(self.campaigns.segments)

    def size(self, segment: str) -> float:
        """How many are in it at the end."""
        return self.members[segment].size if segment in self.members else 0.0


def day_of(instant: int) -> str:
    """The UTC day of an instant."""
    return to_datetime(instant).date().isoformat()


def days_between(first: str, last: str) -> list[str]:
    """Every day from the first to the last, both included."""
    return list(_walk(date.fromisoformat(first), date.fromisoformat(last)))


def days_before(day: str, count: int) -> list[str]:
    """The ``count`` days before a day, oldest first."""
    end = date.fromisoformat(day)
    return [(end - timedelta(days=back)).isoformat() for back in range(count, 0, -1)]


def spoken(day: str) -> str:
    """``Tuesday, 14 March 2017``."""
    moment = date.fromisoformat(day)
    return f"{moment:%A}, {moment.day} {moment:%B} {moment.year}"


def _walk(first: date, last: date) -> Iterator[str]:
    while first <= last:
        yield first.isoformat()
        first += timedelta(days=1)


def sizes_of(moves: Iterable[Move], days: Sequence[str], segments: Iterable[str]) -> dict[str, dict[str, float]]:
    """Members at the end of each day, counted from moves; everybody begins outside."""
    inside: dict[str, set[str]] = {name: set() for name in segments}
    sizes: dict[str, dict[str, float]] = {name: {} for name in inside}
    waiting = sorted((move for move in moves if move.segment in inside), key=lambda move: move.at)
    position = 0
    for day in days:
        while position < len(waiting) and day_of(waiting[position].at) <= day:
            move = waiting[position]
            (inside[move.segment].add if move.entered else inside[move.segment].discard)(move.profile_id)
            position += 1
        for name, people in inside.items():
            sizes[name][day] = len(people)
    return sizes


def members_of(moves: Iterable[Move], segments: Iterable[str]) -> dict[str, Sketch]:
    """Who is in each segment after all moves."""
    inside: dict[str, set[str]] = {name: set() for name in segments}
    for move in sorted(moves, key=lambda move: move.at):
        if move.segment in inside:
            (inside[move.segment].add if move.entered else inside[move.segment].discard)(move.profile_id)
    return {name: Sketch.of(people) for name, people in inside.items()}
