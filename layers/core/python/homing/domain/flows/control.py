"""Flows that people paused, stopped and let go on: one small item that everybody reads who starts, moves or sends.

Pausing keeps everything where it is; stopping ends it. What began, or was decided, up to a stop never goes on, also when
the flow was resumed in the meantime: whoever wakes late asks for the instant, not only for the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from homing.domain.errors import InvalidInput

State = Literal["running", "paused", "stopped"]
Order = Literal["pause", "resume", "stop"]

# The latest orders are kept: who asked for what, and which orders were heard already.
KEPT = 100
# What a send or a run has for its reason.
PAUSED, STOPPED = "flow_paused", "flow_stopped"


@dataclass(frozen=True, slots=True)
class FlowState:
    """``since``: when the order was given that made it so. ``stopped_at``: what began or was decided up to then is over.
    ``opens_at``: triggers from before it start nothing."""

    state: State = "running"
    since: int = 0
    stopped_at: int = 0
    opens_at: int = 0

    @property
    def paused(self) -> bool:
        """Whether everything stays where it is."""
        return self.state == "paused"

    def ended(self, began_at: int) -> bool:
        """Whether a run that began, or a send that was decided, at that instant is over."""
        return self.state == "stopped" or began_at <= self.stopped_at

    def closed(self, triggered_at: int) -> bool:
        """Whether a trigger of that instant starts nothing."""
        return self.state == "stopped" or triggered_at < self.opens_at


RUNNING = FlowState()


@dataclass(frozen=True, slots=True)
class Given:
    """An order as it was given. ``by`` is whoever gave it, as they say."""

    order: Order
    flow: str
    request_id: str
    at: int
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Controls:
    """The states of all flows that were ever paused or stopped, and the latest orders, the newest last."""

    version: int = 0
    flows: Mapping[str, FlowState] = field(default_factory=dict)
    orders: tuple[Given, ...] = ()

    def of(self, flow: str) -> FlowState:
        """The state of a flow."""
        return self.flows.get(flow, RUNNING)

    def heard(self, given: Given) -> bool:
        """Whether this very order was carried out already."""
        return any((one.flow, one.request_id) == (given.flow, given.request_id) for one in self.orders)

    def carry_out(self, given: Given, now: int) -> Controls:
        """With an order carried out, one version on. Raises InvalidInput for one that can't be.

        A stop covers everything up to ``now``. Orders that overtook each other on their way are told by when they were given.
        """
        held = self.of(given.flow)
        if given.at < held.since:
            raise InvalidInput("a later order for this flow was carried out already", code="overtaken")
        if given.order == "pause":
            if held.state == "stopped":
                raise InvalidInput("the flow is stopped: resume it first", code=STOPPED)
            changed = replace(held, state="paused", since=given.at)
        elif given.order == "stop":
            changed = replace(held, state="stopped", since=given.at, stopped_at=now)
        else:
            opens = given.at if held.state == "stopped" else held.opens_at
            changed = replace(held, state="running", since=given.at, opens_at=opens)
        flows = {**self.flows, given.flow: changed}
        return Controls(self.version + 1, flows, (*self.orders, given)[-KEPT:])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "version": self.version,
            "flows": {name: asdict(state) for name, state in self.flows.items()},
            "orders": [asdict(given) for given in self.orders],
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Controls:
        """Reads :meth:`to_dict`."""
        flows = {name: FlowState(**state) for name, state in value["flows"].items()}
        return cls(value["version"], flows, tuple(Given(**given) for given in value["orders"]))
