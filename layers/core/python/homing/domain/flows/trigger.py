"""What starts a flow: the ``on:`` of its file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from homing.domain.segments.comparisons import Test
from homing.domain.segments.language import PROPERTY
from homing.domain.segments.values import Duration, Model
from homing.domain.segments.when import TimeOfDay, Weekday
from homing.domain.time import DAY

TriggerKind = Literal[
    "cart_abandoned",
    "browse_abandoned",
    "order_placed",
    "birthday",
    "signup_anniversary",
    "date_reached",
    "subscription_pending",
    "segment_entered",
    "segment_left",
    "event",
    "price_dropped",
    "back_in_stock",
    "schedule",
    "flow_requested",
]

# What the bus calls each trigger (past tense); commands of marketers end in Requested. The last three do not come from a
# profile: a product changed, or a schedule's time came, and the flow's people are found then.
DETAIL_TYPES: dict[str, str] = {
    "cart_abandoned": "CartAbandoned",
    "browse_abandoned": "BrowseAbandoned",
    "order_placed": "OrderMilestoneReached",
    "birthday": "BirthdayReached",
    "signup_anniversary": "SignupAnniversaryReached",
    "date_reached": "DateReached",
    "subscription_pending": "SubscriptionLeftPending",
    "segment_entered": "SegmentEntered",
    "segment_left": "SegmentLeft",
    "event": "EventHappened",
    "price_dropped": "ProductChanged",
    "back_in_stock": "ProductChanged",
    "schedule": "ScheduleReached",
    "flow_requested": "FlowRequested",
}
SEGMENT_KINDS = frozenset({"segment_entered", "segment_left"})
PRODUCT_KINDS = frozenset({"price_dropped", "back_in_stock"})

# What may stand in ``on: {<kind>: {...}}``.
ARGUMENTS: dict[str, frozenset[str]] = {
    "order_placed": frozenset({"nth"}),
    "segment_entered": frozenset({"segment"}),
    "segment_left": frozenset({"segment"}),
    "event": frozenset({"did", "where", "brings"}),
    "date_reached": frozenset({"trait", "before", "after", "at", "yearly"}),
    "price_dropped": frozenset({"viewed_within", "by"}),
    "back_in_stock": frozenset({"viewed_within"}),
    "schedule": frozenset({"segment", "at", "weekdays", "days"}),
}
NEEDED: dict[str, tuple[str, str]] = {
    "segment_entered": ("segment", "write `on: {segment_entered: vip}`"),
    "segment_left": ("segment", "write `on: {segment_left: vip}`"),
    "event": ("did", "write `on: {did: Product Reviewed}`"),
    "date_reached": ("trait", "write `on: {date_reached: {trait: renews_on, before: 14d}}`"),
    "schedule": ("segment", "write `on: {schedule: {segment: vip, weekdays: [mon], at: 09:00}}`"),
}
_WORD = re.compile(r"[^a-z0-9]+")


class Trigger(Model):
    """What starts the flow: ``on: cart_abandoned``, ``on: {order_placed: {nth: 1}}``, ``on: {segment_entered: vip}``,
    ``on: {did: Product Reviewed, where: {rating: {at_least: 4}}, brings: [rating]}``."""

    kind: TriggerKind
    nth: int | None = Field(None, ge=1, le=100)
    segment: str | None = None
    # event: its name, what it must be like, and which of its properties the flow may read.
    did: str | None = Field(None, min_length=1)
    where: dict[str, Test] = {}
    brings: list[str] = Field(default_factory=list, max_length=20)
    # date_reached: which trait, how long before or after, at which time of day, and whether it comes round each year.
    trait: str | None = Field(None, pattern=PROPERTY)
    before: Duration | None = Field(None, gt=0)
    after: Duration | None = Field(None, gt=0)
    yearly: bool = False
    # date_reached and schedule: the time of day; schedule: on these weekdays or days of the month (-1 is the last).
    at: TimeOfDay | None = None
    weekdays: list[Weekday] | None = Field(None, min_length=1)
    days: list[int] | None = Field(None, min_length=1)
    # price_dropped and back_in_stock: who looked at the product so lately; a price must drop by so many percent.
    viewed_within: Duration = Field(30 * DAY, gt=0)
    by: float = Field(0, ge=0, lt=100)

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"kind": value}
        if not isinstance(value, Mapping) or "kind" in value:
            return value
        if "did" in value:
            return {"kind": "event", **value}
        if len(value) == 1:
            ((kind, argument),) = value.items()
            if isinstance(argument, Mapping):
                return {"kind": kind, **argument}
            if isinstance(argument, str):
                return {"kind": kind, "trait" if kind == "date_reached" else "segment": argument}
            return {"kind": kind}
        return value

    @model_validator(mode="after")
    def _makes_sense(self) -> Trigger:
        needed, hint = NEEDED.get(self.kind, ("", ""))
        if needed and not getattr(self, needed):
            raise ValueError(f"{self.kind} needs a {needed}: {hint}")
        told = {
            name
            for name, info in type(self).model_fields.items()
            if name != "kind" and getattr(self, name) != info.get_default(call_default_factory=True)
        }
        if foreign := sorted(told - ARGUMENTS.get(self.kind, frozenset())):
            raise ValueError(f"{self.kind} takes no {' and no '.join(foreign)}")
        if self.before is not None and self.after is not None:
            raise ValueError("before and after are two dates: write one of them")
        if self.weekdays is not None and self.days is not None:
            raise ValueError("a schedule has weekdays or days of the month, not both")
        if wrong := [day for day in self.days or () if not (1 <= day <= 31 or day == -1)]:
            raise ValueError(f"{wrong[0]} is no day of the month: write 1 to 31, or -1 for the last")
        return self

    @property
    def detail_type(self) -> str:
        """The detail-type on the bus."""
        return DETAIL_TYPES[self.kind]

    @property
    def name(self) -> str:
        """Which one of its kind, as the bus's ``detail.name`` has it; empty where there is only one."""
        if self.kind in SEGMENT_KINDS:
            return self.segment or ""
        if self.kind == "order_placed":
            return f"order-{self.nth}" if self.nth else "order"
        if self.kind == "event":
            return event_name(self.did or "", self.where)
        if self.kind == "date_reached":
            return f"{_slug(self.trait or '')}-{_hash(self.trait, self.offset, self.at and self.at.isoformat(), self.yearly)}"
        return ""

    @property
    def offset(self) -> int:
        """date_reached: so long after the date; negative before it."""
        return (self.after or 0) - (self.before or 0)


def event_name(did: str, where: Mapping[str, Test]) -> str:
    """How the bus names an event that some flow waits for: ``product-reviewed-1f3a9c2b``. The same for the same question,
    whoever asks."""
    tests = sorted((path, test.model_dump_json(exclude_unset=True)) for path, test in where.items())
    return f"{_slug(did)}-{_hash(did, *tests)}"


def _slug(text: str) -> str:
    return _WORD.sub("-", text.lower()).strip("-")[:24].strip("-") or "event"


def _hash(*parts: object) -> str:
    return hashlib.blake2b(repr(parts).encode(), digest_size=4).hexdigest()
