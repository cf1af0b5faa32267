"""The rule language: what a marketer writes under ``when:``, as models.

Each condition is an object with one telling key (``all``, ``did``, ``trait`` …). The parsed models are plain data; how
they are evaluated stands in :mod:`homing.domain.segments.rules`.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from homing.domain.errors import InvalidInput
from homing.domain.time import parse_duration

Scalar = str | int | float | bool


# Validation context of what people wrote: a bare number has no unit there. Bundles and code count microseconds.
WRITTEN: dict[str, bool] = {"written": True}


def _duration(value: Any, info: ValidationInfo) -> Any:
    """Text is read; a mistake in it becomes one of the field, so that it keeps its place."""
    if info.context and info.context.get("written") and isinstance(value, int | float):
        if isinstance(value, bool):
            raise ValueError(f"{str(value).lower()} is not a duration: write 30m, 20h or 3d")
        raise ValueError(f"{value} what? write {value}m, {value}h or {value}d")
    try:
        return parse_duration(value) if isinstance(value, str) else value
    except InvalidInput as error:
        raise ValueError(error.message) from error


Duration = Annotated[
    int,
    BeforeValidator(_duration),
    WithJsonSchema({
        "type": "string",
        "pattern": r"^(\d+(\.\d+)?\s*(s|min|m|h|d|w))+$",
        "description": "An exact duration: 30m, 20h, 3d, 2w, 1d12h.",
    }),
]  # fmt: skip


class Model(BaseModel):
    """Strict about keys: a misspelt one is an error, not a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Test(Model):
    """How one value is compared. Several tests in one object must all hold. A missing value fails every test but
    ``exists: false``."""

    __test__ = False

    equals: Scalar | None = None
    in_: list[Scalar] | None = Field(None, alias="in")
    contains: Scalar | None = None
    more_than: float | None = None
    at_least: float | None = None
    less_than: float | None = None
    at_most: float | None = None
    exists: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _scalar_means_equals(cls, value: Any) -> Any:
        return {"equals": value} if isinstance(value, str | int | float | bool) else value

    @model_validator(mode="after")
    def _asks_something(self) -> Test:
        if not self.model_fields_set:
            raise ValueError(
                "a test needs one of equals, in, contains, more_than, at_least, less_than, at_most, exists"
            )
        return self


class Times(Model):
    """How often: bounds are inclusive; ``exactly: 2`` is both bounds."""

    at_least: int | None = Field(None, ge=0, le=1000)
    at_most: int | None = Field(None, ge=0, le=1000)
    exactly: int | None = Field(None, ge=0, le=1000)

    @model_validator(mode="before")
    @classmethod
    def _number_means_at_least(cls, value: Any) -> Any:
        return {"at_least": value} if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _asks_something(self) -> Times:
        if not self.model_fields_set:
            raise ValueError("times needs at_least, at_most or exactly")
        return self


class Did(Model):
    """They did an event (``times`` often enough, ``within`` a rolling window ending now, with the ``same`` property)."""

    did: str = Field(min_length=1)
    where: dict[str, Test] = {}
    same: str | None = None
    times: Times = Times(at_least=1)
    within: Duration | None = Field(None, gt=0)


class DidNot(Model):
    """They did not do an event within the window (or ever)."""

    did_not: str = Field(min_length=1)
    where: dict[str, Test] = {}
    within: Duration | None = Field(None, gt=0)


class Trait(Model):
    """What is said of the person: ``trait: {country: {in: [DE, AT]}}``. Dots reach into objects (``address.country``)."""

    trait: dict[str, Test] = Field(min_length=1)


class KnownFor(Model):
    """How long ago their first event was: ``known_for: {at_least: 30d}``."""

    class Age(Model):
        at_least: Duration

    known_for: Age


class InSegment(Model):
    """They are in another segment."""

    segment: str = Field(min_length=1)


class All(Model):
    """Every condition holds."""

    all: list[Condition] = Field(min_length=1)


class Any_(Model):  # noqa: N801
    """At least one condition holds."""

    any: list[Condition] = Field(min_length=1)


class Not(Model):
    """The condition does not hold."""

    not_: Condition = Field(alias="not")


KEYS: tuple[str, ...] = ("all", "any", "not", "did", "did_not", "trait", "known_for", "segment")


def _kind(value: Any) -> str | None:
    if isinstance(value, dict):
        return next((key for key in KEYS if key in value), None)
    return _KIND_OF.get(type(value).__name__)


_KIND_OF = {
    "All": "all",
    "Any_": "any",
    "Not": "not",
    "Did": "did",
    "DidNot": "did_not",
    "Trait": "trait",
    "KnownFor": "known_for",
    "InSegment": "segment",
}


Condition = Annotated[
    Annotated[All, Tag("all")]
    | Annotated[Any_, Tag("any")]
    | Annotated[Not, Tag("not")]
    | Annotated[Did, Tag("did")]
    | Annotated[DidNot, Tag("did_not")]
    | Annotated[Trait, Tag("trait")]
    | Annotated[KnownFor, Tag("known_for")]
    | Annotated[InSegment, Tag("segment")],
    Discriminator(
        _kind,
        custom_error_type="unknown_condition",
        custom_error_message="a condition starts with one of all, any, not, did, did_not, trait, known_for, segment",
    ),
]


class Segment(Model):
    """A file of ``segments/``. A list under ``when`` means ``all``."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=64)
    description: str = ""
    when: Condition

    @model_validator(mode="before")
    @classmethod
    def _list_means_all(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("when"), list):
            return {**value, "when": {"all": value["when"]}}
        return value


for _model in (All, Any_, Not, Segment):
    _model.model_rebuild()
