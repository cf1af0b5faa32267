"""A job: something that concerns many people, done a page a minute. What is done follows from the job alone, so a page that
is done twice asks twice for the same, under the same ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from homing.domain.flows.trigger import TriggerKind

# start: a flow for many people. products: flows for those who watch products that changed. rearm: what a pause held.
JobKind = Literal["start", "products", "rearm"]
JobState = Literal["waiting", "finished", "stopped", "too_old"]

PER_MINUTE = 600
# A page is one message in the hands of one function: what it can put on its queue within its time.
MOST_PER_MINUTE = 30_000


@dataclass(frozen=True, slots=True)
class Job:
    """State of a job, as stored. ``cursor`` is how far it is: what it means is up to whoever reads the pages."""

    id: str
    kind: JobKind
    # The flow, or those that the changes of products concern.
    flows: tuple[str, ...]
    request_id: str
    asked_at: int
    version: int = 1
    # Of whom: {"segment": …} or {"list": …}.
    of: Mapping[str, Any] = field(default_factory=dict)
    # start: the kind of trigger, and what it carries.
    trigger: TriggerKind = "flow_requested"
    data: Mapping[str, Any] = field(default_factory=dict)
    # products: what changed (domain.flows.products).
    changes: tuple[Mapping[str, Any], ...] = ()
    per_minute: int = PER_MINUTE
    cursor: Mapping[str, Any] = field(default_factory=dict)
    # People that were handed on, and lines of a list that name nobody.
    people: int = 0
    unreadable: int = 0
    # The first of those: {"line": 7, "reason": …}, which names nobody either.
    unread: tuple[Mapping[str, Any], ...] = ()
    state: JobState = "waiting"
    ended_at: int | None = None
    wake_at: int | None = None
    # It stays where it is until its flow is resumed.
    parked: bool = False

    @property
    def flow(self) -> str:
        """The flow that it is about; the first, where there are several."""
        return self.flows[0] if self.flows else ""

    def change(self, **values: Any) -> Job:
        """A copy with those fields changed, one version on."""
        return replace(self, version=self.version + 1, **values)

    def end(self, state: JobState, now: int) -> Job:
        """A copy that is over."""
        return self.change(state=state, ended_at=now, wake_at=None, parked=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Job:
        """Reads :meth:`to_dict`."""
        return cls(
            **{
                **value,
                "flows": tuple(value["flows"]),
                "changes": tuple(value["changes"]),
                "unread": tuple(value.get("unread", ())),
            }
        )


def job_id(flow: str, request_id: str) -> str:
    """The job of a request: the same request is the same job."""
    return f"{flow}/{request_id}"
