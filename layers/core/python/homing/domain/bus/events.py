"""What Homing tells on the bus: docs/bus.md. Every detail names people by their profile's id alone."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from homing.domain.bus.commands import Instant, Message

Item = dict[str, Any]


class _Open(Message):
    """What events of the shop brought goes along, whatever it is."""

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=False)


class _Told(Message):
    """What every event of a profile has."""

    id: str = Field(description="The same for the same thing: a second delivery is recognised by it.")
    profile_id: str
    at: Instant


class Cart(Message):
    """The cart as it lay there."""

    key: str = Field(description="This filling of the cart; a token may be used again.")
    token: str
    items: list[Item]
    last_activity: Instant


class CartData(Message):
    """What the mail may read."""

    cart: Cart


class CartAbandoned(_Told):
    """A cart that is not empty lay untouched for `cart.after` of the settings."""

    trigger: Literal["cart_abandoned"]
    name: Literal["cart"]
    key: str = Field(description="The cart's.")
    data: CartData


class BrowseData(Message):
    """What the mail may read."""

    products: list[Item] = Field(description="The most viewed first.")
    views: int


class BrowseAbandoned(_Told):
    """Somebody looked at products, and left."""

    trigger: Literal["browse_abandoned"]
    name: Literal["browse"]
    key: str
    data: BrowseData


class Order(Message):
    """The order, as the shop stated it."""

    order_id: str
    total: Any = None
    currency: Any = None
    items: list[Item]


class OrderData(Message):
    """What the mail may read."""

    nth: int = Field(description="Which one among the orders remembered.")
    order: Order


class OrderMilestoneReached(_Told):
    """An order was placed that some flow waits for."""

    trigger: Literal["order_placed"]
    name: str = Field(description="`order` for each one, `order-5` for the fifth.")
    key: str
    data: OrderData


class YearData(Message):
    """What the mail may read."""

    year: int = Field(description="The year that is celebrated.")


class BirthdayReached(_Told):
    """It is their birthday, at `celebrate_at` where they are."""

    trigger: Literal["birthday"]
    name: Literal["birthday"]
    key: str
    data: YearData


class YearsData(Message):
    """What the mail may read."""

    years: int


class SignupAnniversaryReached(_Told):
    """It is a year, two years … since they signed up."""

    trigger: Literal["signup_anniversary"]
    name: Literal["signup_anniversary"]
    key: str
    data: YearsData


class DateData(Message):
    """What the mail may read."""

    date: str = Field(description="The date in the trait.")


class DateReached(_Told):
    """It is so long before or after the date in a trait as some flow says."""

    trigger: Literal["date_reached"]
    name: str = Field(description="The trait, and a mark of the offset.")
    key: str
    data: DateData


class ConfirmData(Message):
    """What the mail is about."""

    confirm: str = Field(description="The topic.")


class SubscriptionLeftPending(_Told):
    """They subscribed to a topic with `double_opt_in`, and have not confirmed it."""

    trigger: Literal["subscription_pending"]
    name: str = Field(description="The topic.")
    key: str
    data: ConfirmData


class SegmentData(Message):
    """Which segment."""

    segment: str
    news: bool | None = Field(
        None, description="False where old history or changed rules moved them: that starts no flow."
    )


class SegmentEntered(_Told):
    """They are in a segment in which they were not."""

    trigger: Literal["segment_entered"]
    name: str = Field(description="The segment.")
    key: str
    data: SegmentData


class SegmentLeft(_Told):
    """They are no longer in a segment."""

    trigger: Literal["segment_left"]
    name: str = Field(description="The segment.")
    key: str
    data: SegmentData


class TheEvent(_Open):
    """Its name, and what flows asked for of it."""

    name: str


class EventData(Message):
    """What the mail may read."""

    event: TheEvent
    products: list[Item] | None = None


class EventHappened(_Told):
    """They did an event that some flow starts on or waits for."""

    trigger: Literal["event"]
    name: str = Field(description="The event and a mark of what it has to be like.")
    key: str
    data: EventData


class MergedData(Message):
    """Who was merged."""

    from_: str = Field(alias="from", description="The profile that is no more.")
    segments: list[str] = Field(description="The segments that it was in.")


class ProfileMerged(_Told):
    """Two profiles turned out to be one person; `profile_id` is the one that stays."""

    trigger: Literal["profile_merged"]
    name: str = Field(description="The profile that is no more.")
    key: str
    data: MergedData


class ScheduleReached(Message):
    """It is the time of a flow with a schedule; it begins for everybody in the segment."""

    request_id: str = Field(description="The flow and the occurrence: the same for the same occurrence.")
    flow: str
    segment: str
    at: Instant


# By their detail-type.
EVENTS: dict[str, type[Message]] = {
    one.__name__: one
    for one in (
        CartAbandoned, BrowseAbandoned, OrderMilestoneReached, BirthdayReached, SignupAnniversaryReached, DateReached,
        SubscriptionLeftPending, SegmentEntered, SegmentLeft, EventHappened, ProfileMerged, ScheduleReached,
    )
}  # fmt: skip
