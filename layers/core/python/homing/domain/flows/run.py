"""A run: one person going through one flow once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from homing.domain.time import DAY

RunStatus = Literal["active", "ended"]
# So long after its end a run is remembered. One without a key is the only one of its flow that this customer will ever have:
# it is kept, or it would start again.
KEPT = 90 * DAY


def run_id(flow: str, profile_id: str, key: str) -> str:
    """Deterministic: starting the same flow for the same person and key twice is one run."""
    return hashlib.blake2b(f"{flow}\x1f{profile_id}\x1f{key}".encode(), digest_size=13).hexdigest()


@dataclass(frozen=True, slots=True)
class Run:
    """State of a run, as stored. ``position`` is the path to the next step: ``2`` or ``1.then.0``."""

    id: str
    flow: str
    revision: str
    profile_id: str
    key: str
    trigger: str
    trigger_id: str
    triggered_at: int
    started_at: int
    position: str = "0"
    # The run's own time: the trigger's instant plus its waits; not when a function got round to it.
    at: int = 0
    wake_at: int | None = None
    status: RunStatus = "active"
    reason: str = ""
    ended_at: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    # What was decided, when and why: [{"at", "step", "did", "why"}].
    trace: tuple[Mapping[str, Any], ...] = ()
    version: int = 0
    # The version of the flow that it goes by (domain.flows.language.version); empty: whichever is deployed.
    flow_version: str = ""
    # Since when (by its own time) it has been waiting for something to happen; None: it is not.
    waiting_since: int | None = None
    # Template → [id of the send, when it was asked for]: the latest message of each that this run sent.
    sent: Mapping[str, Any] = field(default_factory=dict)
    # Split → the arm that this run went.
    arms: Mapping[str, str] = field(default_factory=dict)
    # Its flow was paused when its time came (``wake_at``): nothing wakes it before the flow goes on.
    parked: bool = False
    # The steps that asked for something when it began (domain.flows.effects.Asked): who is told of its trigger once more hands
    # that on once more, since nobody knows whether the first one got so far.
    begun: tuple[Any, ...] = ()
    # A way was taken, and what lies on it may not have been handed on yet: {"steps", "status", "wake_at"}, the last two as
    # they shall be then.
    owed: Mapping[str, Any] | None = None

    def change(self, **values: Any) -> Run:
        """A copy with those fields changed."""
        return replace(self, **values)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Run:
        """Reads :meth:`to_dict`."""
        return cls(**{**value, "trace": tuple(value.get("trace", ())), "begun": tuple(value.get("begun", ()))})
