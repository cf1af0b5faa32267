"""How far the sweeps have come: what was handed on and is not worked off yet is not handed on again every minute.

The index of wake-ups shows an item until whoever was woken has written it. While queues are slow that is many minutes, so
sweeps remember a place in each bucket, in one small item, and go on behind it. What stands before a place is looked at
again once a pass has caught up and its lease is over: should a message have been lost, or a late writer have put
something there, it is found then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from homing.domain.time import MINUTE

# Longer than a queue keeps a message from others while somebody works on it (six minutes): a message whose worker died
# comes again by itself before the sweep repeats it.
LEASE = 10 * MINUTE


class Place(NamedTuple):
    """An entry of the index of wake-ups: when, ``profile``, ``run``, ``ledger`` or ``job``, and whose."""

    at: int
    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Pass:
    """One walk through the buckets. ``caught_up``: since when nothing more was due; None: it is still under way."""

    places: Mapping[int, Place]
    caught_up: int | None = None

    def holds(self, now: int, lease: int = LEASE) -> bool:
        """Whether the next sweep goes on behind its places. An instant of a clock that ran ahead counts as one that lies
        as far behind: it can't stop the sweeps for ever."""
        return self.caught_up is None or abs(now - self.caught_up) < lease


@dataclass(frozen=True, slots=True)
class Progress:
    """The passes under way, by what they hand on (``profiles``, ``runs``, ``sends``)."""

    version: int = 0
    passes: Mapping[str, Pass] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        passes = {
            name: [walk.caught_up, {str(bucket): list(place) for bucket, place in walk.places.items()}]
            for name, walk in self.passes.items()
        }
        return {"version": self.version, "passes": passes}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Progress:
        """Reads :meth:`to_dict`."""
        passes = {
            name: Pass({int(bucket): Place(*place) for bucket, place in places.items()}, caught_up)
            for name, (caught_up, places) in value["passes"].items()
        }
        return cls(value["version"], passes)
