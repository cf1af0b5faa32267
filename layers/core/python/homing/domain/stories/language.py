"""The words of a story: a file of ``stories/``. docs/stories.md says what each means.

A story is read piece by piece (:mod:`homing.domain.stories.read`), since its steps are named after people.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from homing.domain.content.yaml_source import Located, Path
from homing.domain.segments.values import Duration, Model, Scalar
from homing.domain.time import local_instant, to_datetime, to_instant

# A Monday in winter, in working hours.
USUAL_BEGINNING = "2026-03-02T10:00"
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*")


def _moment(value: str) -> str:
    """``09:00``, ``2026-03-29T03:00`` or with an offset."""
    try:
        if not _CLOCK.fullmatch(value):
            if not _MOMENT.fullmatch(value):
                raise ValueError(value)
            datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"{value!r} is no time: write 09:00 or 2026-03-29T09:00") from error
    return value


Moment = Annotated[
    str,
    AfterValidator(_moment),
    WithJsonSchema({
        "type": "string",
        "description": "A time (09:00) or a day and time (2026-03-29T09:00), where they are; or with its offset.",
    }),
]  # fmt: skip


def is_time_of_day(moment: str) -> bool:
    """Whether no day is said."""
    return _CLOCK.fullmatch(moment) is not None


def instant_of(moment: str, zone: ZoneInfo, now: int) -> int:
    """When that is on the clock of the zone: the day and time, or the next such time of day after ``now``."""
    if is_time_of_day(moment):
        day, at = to_datetime(now).astimezone(zone).date(), time.fromisoformat(moment)
        while (instant := local_instant(day, at, zone)) <= now:
            day += timedelta(days=1)
        return instant
    written = datetime.fromisoformat(moment)
    return to_instant(written) if written.tzinfo else local_instant(written.date(), written.time(), zone)


class Names(Model):
    """Under which identifiers somebody is known."""

    user_id: str | None = Field(None, min_length=1)
    loyalty_id: str | None = Field(None, min_length=1)
    email: str | None = Field(None, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
    anonymous_id: str | None = Field(None, min_length=1)
    device_id: str | None = Field(None, min_length=1)

    def said(self) -> dict[str, str]:
        """Those that are there."""
        return {name: value for name in Names.model_fields if (value := getattr(self, name))}


class Person(Names):
    """Somebody in the story. What is neither an identifier nor consent is a trait."""

    model_config = ConfigDict(extra="allow")

    # Topics that they agreed to or not; true: to all of them.
    consent: bool | dict[str, bool] = {}

    def traits(self) -> dict[str, Any]:
        """What is said of them."""
        return dict(self.model_extra or {})

    def names(self, called: str) -> dict[str, str]:
        """Their identifiers. Who is given no account, card, browser or device has an account named as in the story."""
        said = self.said()
        return said if set(said) - {"email"} else {"user_id": called, **said}


# What time does, and what marketers and operators do.


class Advance(Model):
    """Let time pass."""

    advance: Duration = Field(gt=0)


class Until(Model):
    """Let time pass until then, in the shop's zone."""

    until: Moment


class Request(Model):
    """A marketer asks for a flow, for somebody or for a whole segment: ``FlowRequested``."""

    request: str
    for_: str | None = Field(None, alias="for")
    segment: str | None = None
    request_id: str | None = Field(None, min_length=1)
    data: dict[str, Any] = {}


class Pause(Model):
    """A marketer pauses a flow: ``FlowPauseRequested``."""

    pause: str


class Resume(Model):
    """A marketer lets a flow go on: ``FlowResumeRequested``."""

    resume: str


class Stop(Model):
    """A marketer stops a flow: ``FlowStopRequested``."""

    stop: str


class Price(Model):
    """What it costs."""

    from_: float | None = Field(None, alias="from", ge=0)
    to: float = Field(ge=0)


class Product(Model):
    """A product costs something else, or can be had again or no longer: ``ProductChanged``."""

    product: Scalar
    price: Price | None = None
    currency: str | None = None
    in_stock: bool | None = None


class Outage(Model):
    """Nothing is processed for so long; what happens meanwhile is worked off in order afterwards."""

    outage: Duration = Field(gt=0)


class Deploy(Model):
    """Other flows from now on: by name, the keys that change, or null for a flow that is removed."""

    deploy: dict[str, dict[str, Any] | None]


# What people do.


class Event(Model):
    """Something that the shop tells of somebody. ``late``: it happened so long ago and is told only now."""

    late: Duration = 0
    # Told twice, as by a webhook that is tried again.
    twice: bool = False
    # Under which identifiers it is told, instead of their own.
    as_: Names | None = Field(None, alias="as")


class Does(Event):
    """Any event. What is not a word of stories is a property of it; ``properties`` takes those that are."""

    model_config = ConfigDict(extra="allow")

    does: str = Field(min_length=1)
    properties: dict[str, Any] = {}

    def all_properties(self) -> dict[str, Any]:
        """Both kinds."""
        return {**(self.model_extra or {}), **self.properties}


class Says(Event):
    """Traits that the shop learns: an ``identify`` call."""

    says: dict[str, Any] = Field(min_length=1)


class IsAlso(Event):
    """The shop learns that they are known by these identifiers too."""

    is_also: Names


class Opens(Model):
    """They open the latest mail of that template that they got."""

    opens: str
    # Not they but a program that looks through mails.
    machine: bool = False


class Clicks(Model):
    """They click in the latest mail of that template."""

    clicks: str
    # A part of the link's address; without it the first link.
    link: str = ""
    machine: bool = False


class Bounces(Model):
    """The latest mail of that template comes back."""

    bounces: str
    for_good: bool = True


class Complains(Model):
    """They mark the latest mail of that template as spam."""

    complains: str


class Unsubscribes(Model):
    """They unsubscribe by the latest mail that they got: with one click in the mail program, or on the page."""

    unsubscribes: Literal["one_click", "page"]
    by: str | None = None


class Prefers(Model):
    """They save the preference page with these topics switched on or off, and the others as they are."""

    prefers: dict[str, bool] = Field(min_length=1)
    by: str | None = None


class Confirms(Model):
    """They confirm their subscription by the latest mail of that template."""

    confirms: str


Deed = (
    Does | Says | IsAlso | Opens | Clicks | Bounces | Complains | Unsubscribes | Prefers | Confirms
)  # fmt: skip
DEEDS: dict[str, type[BaseModel]] = {
    "does": Does, "says": Says, "is_also": IsAlso, "opens": Opens, "clicks": Clicks, "bounces": Bounces,
    "complains": Complains, "unsubscribes": Unsubscribes, "prefers": Prefers, "confirms": Confirms,
}  # fmt: skip
STEPS: dict[str, type[BaseModel]] = {
    "advance": Advance, "until": Until, "request": Request, "pause": Pause, "resume": Resume, "stop": Stop,
    "product": Product, "outage": Outage, "deploy": Deploy,
}  # fmt: skip
# What may happen during an outage beside what people do.
MEANWHILE = ("advance", "until")


@dataclass(frozen=True, slots=True)
class Step:
    """What happens, and where it stands. ``who``: the person whose deed it is. ``meanwhile``: steps in an outage."""

    path: Path
    what: Any
    who: str = ""
    meanwhile: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """A file of ``stories/``, with the places of everything in it."""

    name: str
    description: str
    at: str
    people: Mapping[str, Person]
    steps: tuple[Step, ...]
    located: Located = field(repr=False)

    def all_steps(self) -> list[Step]:
        """Those in outages too."""
        return [one for step in self.steps for one in (step, *step.meanwhile)]
