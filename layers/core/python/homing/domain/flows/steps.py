"""What a flow does: its steps, as models, and walking through them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import time
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from homing.domain.segments.comparisons import Test
from homing.domain.segments.language import PROPERTY, Condition
from homing.domain.segments.values import Duration, Model, Scalar
from homing.domain.segments.when import Day, TimeOfDay, Weekday

LABEL = r"^[a-z0-9][a-z0-9_-]*$"
# A property of what the trigger brought: ``{trigger: order.order_id}``.
Reaction = Literal["delivered", "opened", "clicked", "bought"]


class FromTrigger(Model):
    """A value that the trigger brought: ``{trigger: cart.total}``."""

    trigger: str = Field(pattern=PROPERTY)


Value = Annotated[
    Annotated[FromTrigger, Tag("trigger")] | Annotated[Scalar | list[Scalar] | None, Tag("plain")],
    Discriminator(lambda value: "trigger" if isinstance(value, Mapping | FromTrigger) else "plain"),
]
Values = Annotated[dict[str, Value], Field(max_length=50)]


class Labelled(Model):
    """Steps may have a name of their own, by which runs find their place when the flow changed."""

    id: str | None = Field(None, pattern=LABEL, max_length=64)


class Send(Labelled):
    """Send a template."""

    send: str = Field(min_length=1)
    # The discount code that it grants, by the name of its file in codes/.
    code: str | None = Field(None, min_length=1)


class Until(Model):
    """Until a time of day where the customer is: the first one, on these weekdays or on that day, that is not earlier than
    ``at_least`` from now."""

    until: TimeOfDay
    weekdays: list[Weekday] | None = Field(None, min_length=1)
    day: Day | None = None
    at_least: Duration = 0

    @model_validator(mode="after")
    def _makes_sense(self) -> Until:
        if self.day is not None and self.weekdays is not None:
            raise ValueError("a day has its weekday already: write day or weekdays")
        if self.day is not None and len(self.day) != len("2026-11-30"):
            raise ValueError(f"{self.day!r} is not a day: write 2026-11-30")
        return self


def _until(value: Any) -> str:
    return "until" if isinstance(value, Mapping | Until) else "duration"


class Wait(Labelled):
    """Wait an exact time, or until a local time."""

    wait: Annotated[
        Annotated[Duration, Field(gt=0), Tag("duration")] | Annotated[Until, Tag("until")], Discriminator(_until)
    ]

    @model_validator(mode="before")
    @classmethod
    def _quotes(cls, value: Any) -> Any:
        """``wait: 09:00`` is a time of day."""
        written = value.get("wait") if isinstance(value, Mapping) else None
        if isinstance(written, time) or (isinstance(written, str) and ":" in written):
            raise ValueError(f"{written} is a time of day: write `wait: {{until: {written}}}`")
        return value


class MessageDid(Model):
    """What became of the message that this run sent: ``{message: cart-reminder, was: opened}``. Opens and clicks of machines
    do not count; ``bought`` is an order after it was sent."""

    message: str = Field(min_length=1)
    was: Reaction


class HappensEvent(Model):
    """They do an event, from now on."""

    did: str = Field(min_length=1)
    where: dict[str, Test] = {}


class HappensEntered(Model):
    """They are, or come, in a segment."""

    segment: str = Field(min_length=1)


class HappensLeft(Model):
    """They are not, or no longer, in a segment."""

    left: str = Field(min_length=1)


_AWAITED = ("did", "segment", "left", "message")
_AWAITED_KIND = {"HappensEvent": "did", "HappensEntered": "segment", "HappensLeft": "left", "MessageDid": "message"}


def _awaited(value: Any) -> str | None:
    if isinstance(value, Mapping):
        return next((key for key in (*_AWAITED, "any") if key in value), None)
    return _AWAITED_KIND.get(type(value).__name__, "any" if type(value).__name__ == "HappensAny" else None)


Single = Annotated[
    Annotated[HappensEvent, Tag("did")]
    | Annotated[HappensEntered, Tag("segment")]
    | Annotated[HappensLeft, Tag("left")]
    | Annotated[MessageDid, Tag("message")],
    Discriminator(
        _awaited,
        custom_error_type="unknown_condition",
        custom_error_message=f"what is waited for starts with one of {', '.join(_AWAITED)}",
    ),
]


class HappensAny(Model):
    """Whichever of these comes first."""

    any: list[Single] = Field(min_length=1, max_length=10)


Awaited = Annotated[
    Annotated[HappensEvent, Tag("did")]
    | Annotated[HappensEntered, Tag("segment")]
    | Annotated[HappensLeft, Tag("left")]
    | Annotated[MessageDid, Tag("message")]
    | Annotated[HappensAny, Tag("any")],
    Discriminator(
        _awaited,
        custom_error_type="unknown_condition",
        custom_error_message=f"what is waited for starts with one of {', '.join((*_AWAITED, 'any'))}",
    ),
]


class WaitFor(Labelled):
    """Wait until something happens, at most ``within``; then one way or the other."""

    wait_for: Awaited
    within: Duration = Field(gt=0)
    then: list[Step] = []
    else_: list[Step] = Field([], alias="else")


Branch = Annotated[
    Annotated[MessageDid, Tag("message")] | Annotated[Condition, Tag("rule")],
    Discriminator(
        lambda value: (
            "message"
            if isinstance(value, MessageDid) or (isinstance(value, Mapping) and "message" in value)
            else "rule"
        )
    ),
]


class If(Labelled):
    """Branch on any condition of the rule language or on what a message did, evaluated when the step is reached."""

    if_: Branch = Field(alias="if")
    then: list[Step] = []
    else_: list[Step] = Field([], alias="else")


class Way(Model):
    """One way of a split: so many percent of everybody."""

    arm: str = Field(pattern=LABEL, max_length=64)
    percent: float = Field(gt=0, le=100)
    then: list[Step] = []


class Split(Labelled):
    """Part ways by chance, the same way each time for the same customer and the same name. Who is in none of the ways goes
    on with the next step."""

    split: str = Field(pattern=LABEL, max_length=64)
    ways: list[Way] = Field(min_length=1, max_length=20)

    @model_validator(mode="after")
    def _adds_up(self) -> Split:
        if len({way.arm for way in self.ways}) < len(self.ways):
            raise ValueError("two ways have the same arm")
        if (total := sum(way.percent for way in self.ways)) > 100:
            raise ValueError(f"the ways take {total:g} percent together: at most 100")
        return self


class Update(Labelled):
    """Say something of the customer: traits."""

    update: Values = Field(min_length=1)


class AddTo(Labelled):
    """Put the customer on a list."""

    add_to: str = Field(min_length=1, max_length=100)


class RemoveFrom(Labelled):
    """Take the customer off a list."""

    remove_from: str = Field(min_length=1, max_length=100)


class Call(Labelled):
    """Tell another system: a webhook of settings.yaml, signed, tried again until it answers."""

    call: str = Field(pattern=LABEL, max_length=64)
    data: Values = Field(default_factory=dict)


class Start(Labelled):
    """Start another flow for the customer, one with ``on: flow_requested``."""

    start: str = Field(pattern=LABEL, max_length=64)
    data: Values = Field(default_factory=dict)


class End(Labelled):
    """End the run, with a word for the reports."""

    end: str = "ended"


STEPS: tuple[str, ...] = (
    "send", "wait", "wait_for", "if", "split", "update", "add_to", "remove_from", "call", "start", "end",
)  # fmt: skip
_KIND_OF = {
    "Send": "send", "Wait": "wait", "WaitFor": "wait_for", "If": "if", "Split": "split", "Update": "update",
    "AddTo": "add_to", "RemoveFrom": "remove_from", "Call": "call", "Start": "start", "End": "end",
}  # fmt: skip


def kind_of(step: Any) -> str | None:
    """The telling key of a step, as written or parsed; None for what is no step."""
    if isinstance(step, Mapping):
        return next((key for key in STEPS if key in step), None)
    return _KIND_OF.get(type(step).__name__)


Step = Annotated[
    Annotated[Send, Tag("send")]
    | Annotated[Wait, Tag("wait")]
    | Annotated[WaitFor, Tag("wait_for")]
    | Annotated[If, Tag("if")]
    | Annotated[Split, Tag("split")]
    | Annotated[Update, Tag("update")]
    | Annotated[AddTo, Tag("add_to")]
    | Annotated[RemoveFrom, Tag("remove_from")]
    | Annotated[Call, Tag("call")]
    | Annotated[Start, Tag("start")]
    | Annotated[End, Tag("end")],
    Discriminator(
        kind_of,
        custom_error_type="unknown_step",
        custom_error_message=f"a step starts with one of {', '.join(STEPS)}",
    ),
]


def sides(step: Step) -> dict[str, list[Step]]:
    """What lies below a step, by the word that its positions have: ``then``, ``else``, the arms of a split."""
    if isinstance(step, If | WaitFor):
        return {"then": step.then, "else": step.else_}
    if isinstance(step, Split):
        return {way.arm: way.then for way in step.ways}
    return {}


def walk(steps: Iterable[Step], prefix: str = "") -> Iterator[tuple[str, Step]]:
    """Every step with its position: ``2``, ``2.then.0``; a step before what lies below it."""
    for index, step in enumerate(steps):
        position = f"{prefix}{index}"
        yield position, step
        for side, below in sides(step).items():
            yield from walk(below, f"{position}.{side}.")


def find(steps: list[Step], position: str) -> tuple[list[Step], int]:
    """The list that holds the step of a position, and its index there. Raises IndexError where there is none."""
    parts = position.split(".")
    for index, side in zip(parts[:-1:2], parts[1::2], strict=True):
        below = sides(steps[int(index)])
        if side not in below:
            raise IndexError(position)
        steps = below[side]
    return steps, int(parts[-1])


def after(steps: list[Step], position: str) -> str | None:
    """The position that follows, climbing out of finished branches; None at the end."""
    while True:
        prefix, _, last = position.rpartition(".")
        following = f"{prefix}.{int(last) + 1}" if prefix else str(int(last) + 1)
        held, index = find(steps, following)
        if index < len(held):
            return following
        if not prefix:
            return None
        # "2.then" → the branch itself: "2"
        position = prefix.rpartition(".")[0]


def awaited(step: WaitFor) -> list[Single]:
    """What a step waits for, one by one."""
    return list(step.wait_for.any) if isinstance(step.wait_for, HappensAny) else [step.wait_for]
