"""The flow language: a file of ``flows/``. docs/flows.md says what each word means."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from homing.domain.events import names
from homing.domain.flows.steps import (
    STEPS,
    AddTo,
    Call,
    End,
    FromTrigger,
    HappensEntered,
    HappensEvent,
    HappensLeft,
    If,
    MessageDid,
    RemoveFrom,
    Send,
    Single,
    Split,
    Start,
    Step,
    Until,
    Update,
    Wait,
    WaitFor,
    awaited,
    sides,
    walk,
)
from homing.domain.flows.trigger import DETAIL_TYPES, Trigger, TriggerKind, event_name
from homing.domain.segments.comparisons import Test
from homing.domain.segments.language import Condition
from homing.domain.segments.values import Duration, Model
from homing.domain.segments.when import During
from homing.domain.time import DAY, HOUR

__all__ = [
    "DETAIL_TYPES", "STEPS", "AddTo", "Call", "End", "Flow", "FromTrigger", "Holdout", "If", "MessageDid", "RemoveFrom",
    "Send", "Split", "Start", "Step", "Trigger", "TriggerKind", "Until", "Update", "Wait", "WaitFor", "sides", "walk",
]  # fmt: skip

_ONCE_PER: dict[str, str] = {
    "cart_abandoned": "cart",
    "order_placed": "order",
}
# A trigger that arrives later than this (an outage) starts nothing: nobody wants yesterday's news. What somebody left
# behind today is no news tomorrow; a birthday can be wished a day late.
MAX_AGE = 2 * DAY
_MAX_AGES: dict[str, int] = {"cart_abandoned": 12 * HOUR, "browse_abandoned": 12 * HOUR}

# Events by which a message's reactions are heard of.
REACTIONS: dict[str, str] = {
    "delivered": names.EMAIL_DELIVERED,
    "opened": names.EMAIL_OPENED,
    "clicked": names.EMAIL_LINK_CLICKED,
    "bought": names.ORDER_COMPLETED,
}
BY_PEOPLE: dict[str, Test] = {"machine": Test(exists=False)}


class Signal(NamedTuple):
    """What the bus tells that a waiting run is woken by: trigger kind and name; ``did`` and ``where`` of an event."""

    kind: str
    name: str
    did: str = ""
    where: tuple[tuple[str, Test], ...] = ()


class Holdout(Model):
    """A random part of everybody that gets no marketing mail, so that its effect can be measured. Who is in it follows
    from ``of`` and the profile's id (:func:`homing.domain.segments.said.portion`) and never changes."""

    percent: float = Field(gt=0, lt=100)
    # Hold-outs of the same name hold out the same people; by default a flow's own name, and "holdout" in the settings.
    of: str | None = Field(None, min_length=1)


class Flow(Model):
    """A file of ``flows/``."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=64)
    description: str = ""
    on: Trigger
    # Who it is for, asked when it would start.
    only_if: Condition | None = None
    topic: str = "marketing"
    # cart, order: once for each; customer: once ever; trigger: every time the trigger fires.
    run_once_per: Literal["cart", "order", "customer", "trigger"] | None = None
    # The same person again only so long after their last run began.
    again_after: Duration | None = Field(None, gt=0)
    # A trigger older than this starts nothing; None: 12 hours for carts and browsing, else two days.
    max_age: Duration | None = Field(None, gt=0)
    # The goal: the run ends when it holds of what happened since the trigger.
    stop_when: Condition | None = None
    # Ends the run without the goal, such as a segment that somebody left.
    exit_when: Condition | None = None
    ignore_quiet_hours: bool = False
    # Under a frequency cap the greater number goes first; at the same number what was decided earlier.
    priority: int = Field(0, ge=-1000, le=1000)
    # Its sends are given up after this long; None: `send_expires_after` of the settings.
    expires_after: Duration | None = Field(None, gt=0)
    # When its sends may leave, in the customer's zone; None: the topic's window, else the shop's.
    send_window: During | None = None
    # best: at the hour at which this person usually looks, at most `send_time_within` later. None: as the topic says.
    send_time: Literal["best", "now"] | None = None
    holdout: Holdout | None = None
    # Runs that began on an older version of this file finish on it, move to this one, or end.
    when_changed: Literal["finish", "move", "end"] = "finish"
    steps: list[Step] = Field(min_length=1)

    @model_validator(mode="after")
    def _makes_sense(self) -> Flow:
        labels = [step.id for _, step in walk(self.steps) if step.id]
        if twice := next((label for label in labels if labels.count(label) > 1), None):
            raise PydanticCustomError("same_id", "two steps have the id {shown}", {"id": twice, "shown": repr(twice)})
        if self.again_after is not None and self.run_once_per == "customer":
            message = "run_once_per: customer is once ever: with again_after leave it out"
            raise PydanticCustomError("at_key", message, {"key": "run_once_per"})
        return self

    @property
    def once_per(self) -> str:
        """``run_once_per``, or what fits the trigger."""
        return self.run_once_per or _ONCE_PER.get(self.on.kind, "trigger")

    @property
    def oldest(self) -> int:
        """How old a trigger may be."""
        return self.max_age or _MAX_AGES.get(self.on.kind, MAX_AGE)

    def signals(self, step: WaitFor) -> list[Signal]:
        """What wakes a run that waits there."""
        return [_signal(one) for one in awaited(step)]

    def all_signals(self) -> Iterator[Signal]:
        """What wakes its waiting runs, wherever they wait."""
        for _, step in walk(self.steps):
            if isinstance(step, WaitFor):
                yield from self.signals(step)

    def waits(self) -> bool:
        """Whether a run can outlive the moment that starts it."""
        return any(isinstance(step, Wait | WaitFor) for _, step in walk(self.steps))


def version(flow: Flow) -> str:
    """Which version of a flow this is: 8 characters that change when what it does changes, not with its description."""
    written = flow.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"description"})
    return hashlib.blake2b(json.dumps(written, sort_keys=True).encode(), digest_size=4).hexdigest()


def detail_types(flows: Iterable[Flow]) -> frozenset[str]:
    """The detail-types of the bus that these flows start on or listen for; ``FlowRequested`` is always one."""
    flows = list(flows)
    listened = {DETAIL_TYPES[signal.kind] for flow in flows for signal in flow.all_signals()}
    return frozenset({"FlowRequested", *listened, *(flow.on.detail_type for flow in flows)})


def _signal(one: Single) -> Signal:
    if isinstance(one, HappensEntered):
        return Signal("segment_entered", one.segment)
    if isinstance(one, HappensLeft):
        return Signal("segment_left", one.left)
    if isinstance(one, HappensEvent):
        did, where = one.did, one.where
    else:
        did = REACTIONS[one.was]
        where = {} if one.was == "bought" else {"template": Test(equals=one.message)}
        if one.was in {"opened", "clicked"}:
            where |= BY_PEOPLE
    return Signal("event", event_name(did, where), did, tuple(sorted(where.items(), key=lambda item: item[0])))
