"""The flow language: triggers and steps, as models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from homing.domain.segments.language import Condition, Duration, Model
from homing.domain.segments.when import During

TriggerKind = Literal[
    "cart_abandoned",
    "browse_abandoned",
    "order_placed",
    "birthday",
    "signup_anniversary",
    "subscription_pending",
    "segment_entered",
    "segment_left",
    "flow_requested",
]

# What the bus calls each trigger (past tense); commands of marketers end in Requested.
DETAIL_TYPES: dict[str, str] = {
    "cart_abandoned": "CartAbandoned",
    "browse_abandoned": "BrowseAbandoned",
    "order_placed": "OrderMilestoneReached",
    "birthday": "BirthdayReached",
    "signup_anniversary": "SignupAnniversaryReached",
    "subscription_pending": "SubscriptionLeftPending",
    "segment_entered": "SegmentEntered",
    "segment_left": "SegmentLeft",
    "flow_requested": "FlowRequested",
}

_ONCE_PER: dict[str, str] = {
    "cart_abandoned": "cart",
    "order_placed": "order",
}


class Trigger(Model):
    """What starts the flow: ``on: cart_abandoned``, ``on: {order_placed: {nth: 1}}``, ``on: {segment_entered: vip}``."""

    kind: TriggerKind
    nth: int | None = Field(None, ge=1, le=100)
    segment: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"kind": value}
        if isinstance(value, dict) and len(value) == 1 and "kind" not in value:
            ((kind, argument),) = value.items()
            if isinstance(argument, dict):
                return {"kind": kind, **argument}
            if isinstance(argument, str):
                return {"kind": kind, "segment": argument}
            return {"kind": kind}
        return value

    @model_validator(mode="after")
    def _names_its_segment(self) -> Trigger:
        if self.kind in {"segment_entered", "segment_left"} and not self.segment:
            raise ValueError(f"{self.kind} needs a segment: write `on: {{{self.kind}: vip}}`")
        return self

    @property
    def detail_type(self) -> str:
        """The detail-type on the bus."""
        return DETAIL_TYPES[self.kind]


class Send(Model):
    """Send a template."""

    send: str = Field(min_length=1)
    # The discount code that it grants, by the name of its file in codes/.
    code: str | None = Field(None, min_length=1)


class Wait(Model):
    """Wait an exact time."""

    wait: Duration = Field(gt=0)


class If(Model):
    """Branch on any condition of the rule language, evaluated when the step is reached."""

    if_: Condition = Field(alias="if")
    then: list[Step] = []
    else_: list[Step] = Field([], alias="else")


class End(Model):
    """End the run, with a word for the reports."""

    end: str = "ended"


def _kind(value: Any) -> str | None:
    if isinstance(value, dict):
        return next((key for key in ("send", "wait", "if", "end") if key in value), None)
    return {"Send": "send", "Wait": "wait", "If": "if", "End": "end"}.get(type(value).__name__)


Step = Annotated[
    Annotated[Send, Tag("send")] | Annotated[Wait, Tag("wait")] | Annotated[If, Tag("if")] | Annotated[End, Tag("end")],
    Discriminator(
        _kind,
        custom_error_type="unknown_step",
        custom_error_message="a step starts with one of send, wait, if, end",
    ),
]


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
    topic: str = "marketing"
    # cart, order: once for each; customer: once ever; trigger: every time the trigger fires.
    run_once_per: Literal["cart", "order", "customer", "trigger"] | None = None
    stop_when: Condition | None = None
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
    steps: list[Step] = Field(min_length=1)

    @property
    def once_per(self) -> str:
        """``run_once_per``, or what fits the trigger."""
        return self.run_once_per or _ONCE_PER.get(self.on.kind, "trigger")
