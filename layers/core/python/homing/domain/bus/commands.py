"""What people ask on the bus, and the answers: docs/bus.md. Strict about fields, so that a misspelt one is refused, not
forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from homing.domain.bus.wrong import in_words
from homing.domain.errors import InvalidInput
from homing.domain.events.event import PERSON_IDENTIFIERS, IdentifierKind
from homing.domain.flows.job import MOST_PER_MINUTE, PER_MINUTE, JobState

FlowName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=64)]
# Part of ids, answers and logs, so it names nobody: no @.
RequestId = Annotated[str, Field(pattern=r"^[^@\x00-\x1f\x7f]+$", max_length=128)]
Kind = Literal["start", "pause", "resume", "stop", "schedule", "products"]
Instant = Annotated[str, Field(description="An instant, ISO 8601 in UTC.")]


class Message(BaseModel):
    """The ``detail`` of an event on the bus."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, defer_build=True, coerce_numbers_to_str=True
    )


# Fields by which a request names people.
_NAMING = (*PERSON_IDENTIFIERS, "profile_id", "segment", "list")


class ListFile(Message):
    """A file of people: an object of the stack's bucket for lists, by its key or as `s3://bucket/key`."""

    s3: str = Field(min_length=1, max_length=1_100)


class FlowRequested(Message):
    """Starts a flow with `on: flow_requested`: for one customer, for a list of them, or for everybody in a segment."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": [name]} for name in _NAMING]})

    flow: FlowName
    request_id: RequestId | None = Field(
        None, description="The same request twice is one request. Left out, it is the id of the event."
    )
    user_id: str | None = Field(None, max_length=512)
    loyalty_id: str | None = Field(None, max_length=512)
    email: str | None = Field(None, max_length=512)
    anonymous_id: str | None = Field(None, max_length=512)
    device_id: str | None = Field(None, max_length=512)
    profile_id: str | None = Field(None, max_length=64)
    segment: str | None = Field(None, max_length=100)
    list: str | ListFile | None = Field(
        None, description="The name of a list that a segment of its own asks for, or a file."
    )
    per_minute: int | None = Field(
        None,
        ge=1,
        le=MOST_PER_MINUTE,
        description=f"How many people of a list or segment a minute; {PER_MINUTE} without it.",
    )
    data: dict[str, Any] = Field(default_factory=dict, description="What the mail may read as `data`; no names.")
    by: str | None = Field(None, max_length=100, description="Who asks, for the record.")

    @model_validator(mode="after")
    def _names_somebody(self) -> FlowRequested:
        if not self.named:
            raise ValueError("name the customer by user_id, email or profile_id, or many by list or segment")
        if len(self.named) > 1 and ("list" in self.named or "segment" in self.named):
            raise ValueError(f"one of {', '.join(self.named)} is enough: ask for each of them by itself")
        if self.per_minute is not None and not self.many:
            raise ValueError("per_minute is for a list or a segment")
        return self

    @property
    def named(self) -> tuple[str, ...]:
        """The fields by which people are named."""
        return tuple(kind for kind in _NAMING if getattr(self, kind))

    @property
    def person(self) -> dict[IdentifierKind, str]:
        """The identifiers of one customer."""
        return {kind: value for kind in PERSON_IDENTIFIERS if (value := getattr(self, kind))}

    @property
    def many(self) -> bool:
        """Whether it is about more than one customer."""
        return bool(self.segment or self.list)


class _Order(Message):
    flow: FlowName
    request_id: RequestId | None = Field(
        None, description="The same request twice is one request. Left out, it is the id of the event."
    )
    by: str | None = Field(None, max_length=100, description="Who asks, for the record.")
    reason: str | None = Field(None, max_length=500, description="Why, for the record.")


class FlowPauseRequested(_Order):
    """Keeps a flow where it is: nothing of it is sent until it is resumed."""


class FlowResumeRequested(_Order):
    """Lets a paused flow go on, and makes a stopped one start again."""


class FlowStopRequested(_Order):
    """Ends a flow: its runs, its sends that have not left, its jobs. Nothing starts it until it is resumed."""


class Change(Message):
    """Before and now."""

    before: str | None = None
    now: str = Field(min_length=1)


class Stock(Message):
    """Before and now."""

    before: bool | None = None
    now: bool


class ProductChange(Message):
    """What changed of one product."""

    product_id: str = Field(min_length=1, max_length=200)
    price: Change | None = Field(None, description='Decimal texts: {"before": "19.90", "now": "14.90"}.')
    currency: str | None = Field(None, pattern="^[A-Z]{3}$")
    in_stock: Stock | None = None
    change_id: str | None = Field(
        None,
        max_length=128,
        description="The same change twice is one change. Left out, it follows from what changed, and the day.",
    )


# One event carries as many changes as fit well below the bus's 256 KB.
MOST_CHANGES = 500


class ProductChanged(Message):
    """A product costs something else, or can be had or not: one change, or many as `changes`."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["product_id"]}, {"required": ["changes"]}]})

    product_id: str | None = Field(None, min_length=1, max_length=200)
    price: Change | None = Field(None, description='Decimal texts: {"before": "19.90", "now": "14.90"}.')
    currency: str | None = Field(None, pattern="^[A-Z]{3}$")
    in_stock: Stock | None = None
    change_id: str | None = Field(None, max_length=128)
    changes: list[ProductChange] | None = Field(None, min_length=1, max_length=MOST_CHANGES)

    @model_validator(mode="after")
    def _one_or_many(self) -> ProductChanged:
        if (self.product_id is None) == (self.changes is None):
            raise ValueError("write product_id for one product, or changes for many")
        return self

    @property
    def all(self) -> list[ProductChange]:
        """Each change."""
        if self.changes is not None:
            return self.changes
        return [ProductChange.model_validate(self.model_dump(exclude={"changes"}, exclude_none=True))]


class FlowRequestAccepted(Message):
    """What was asked for is understood, and done or under way."""

    request_id: str
    flow: str = Field(description="The flow; of changed products the first that watches for them.")
    kind: Kind
    at: Instant
    people: int | None = Field(None, description="How many people it is about, where that is known.")
    state: Literal["running", "paused", "stopped"] | None = Field(None, description="The state that the flow is in.")


class FlowRequestRefused(Message):
    """What was asked for can't be done; nothing happened."""

    request_id: str
    flow: str = Field(description="Empty where it was no name of a flow.")
    kind: Kind
    at: Instant
    reason: str = Field(description="A stable word, such as unknown_flow.")
    message: str
    where: str = Field("", description="The field that is wrong.")


class UnreadableLine(Message):
    """A line of a list that names nobody; no answer repeats what stands there."""

    line: int
    reason: str


class FlowRequestFinished(Message):
    """A flow was started for the last of many people, or what a pause held goes on."""

    request_id: str
    flow: str
    kind: Kind
    at: Instant
    state: JobState = Field(description="`finished`, `stopped` with its flow, or `too_old` to go on after an outage.")
    people: int = Field(description="How many were handed on.")
    unreadable: int = Field(0, description="How many lines of a list named nobody.")
    unreadable_lines: list[UnreadableLine] | None = Field(None, description="The first twenty of them, and why.")


# Commands, by the detail-type under which anybody may put them on the bus.
COMMANDS: dict[str, tuple[Kind, type[Message]]] = {
    "FlowRequested": ("start", FlowRequested),
    "FlowPauseRequested": ("pause", FlowPauseRequested),
    "FlowResumeRequested": ("resume", FlowResumeRequested),
    "FlowStopRequested": ("stop", FlowStopRequested),
    "ProductChanged": ("products", ProductChanged),
}


# Answers, by their detail-type.
ANSWERS: dict[str, type[Message]] = {
    one.__name__: one for one in (FlowRequestAccepted, FlowRequestRefused, FlowRequestFinished)
}


def read_command(detail_type: str, detail: Mapping[str, Any]) -> Message:
    """The command in an event's detail. Raises InvalidInput with the field that is wrong, what kind of thing stood there and
    what may stand there; never repeats a text."""
    _, model = COMMANDS[detail_type]
    try:
        return model.model_validate(detail)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        told = in_words(errors, model, detail)
        raise InvalidInput(told.message, code=_code(errors[0], detail_type), where=told.where) from None


def _code(found: Any, detail_type: str) -> str:
    if found["loc"] == ("flow",):
        return "unknown_flow"
    if found["type"] == "value_error" and not found["loc"] and detail_type == "FlowRequested":
        return "missing_person" if found["msg"].startswith("Value error, name the customer") else "bad_request"
    return "bad_request"
