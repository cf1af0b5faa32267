"""The rule language: what a marketer writes under ``when:``, as models. docs/segments.md says what each means.

Each condition is an object with one telling key (``all``, ``did``, ``trait`` …). The parsed models are plain data; how
they are evaluated stands in :mod:`homing.domain.segments.compiler`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, model_validator

from homing.domain.segments.comparisons import Comparison, Test, TraitTest
from homing.domain.segments.values import WRITTEN, Duration, Model, Scalar
from homing.domain.segments.when import Between, During

__all__ = ["WRITTEN", "Condition", "Duration", "Model", "Scalar", "Segment", "Test", "TraitTest"]

PROPERTY = r"^\S(.*\S)?$"


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


class Distinct(Model):
    """How many different values of a property."""

    of: str = Field(pattern=PROPERTY)
    at_least: int | None = Field(None, ge=0, le=200)
    at_most: int | None = Field(None, ge=0, le=200)
    exactly: int | None = Field(None, ge=0, le=200)

    @model_validator(mode="after")
    def _asks_something(self) -> Distinct:
        if not self.model_fields_set & {"at_least", "at_most", "exactly"}:
            raise ValueError("distinct needs at_least, at_most or exactly")
        return self


class Amount(Comparison):
    """A number made of a property's numbers, compared."""

    of: str = Field(pattern=PROPERTY)

    @model_validator(mode="after")
    def _asks_something(self) -> Amount:
        if not self.asks():
            raise ValueError("it needs one of more_than, at_least, less_than, at_most")
        return self


AMOUNTS = ("sum", "average", "maximum", "minimum")


class Did(Model):
    """They did an event (``times`` often enough, ``within`` a rolling window ending now, with the ``same`` property)."""

    did: str = Field(min_length=1)
    where: dict[str, Test] = {}
    same: str | None = Field(None, pattern=PROPERTY)
    times: Times = Times(at_least=1)
    distinct: Distinct | None = None
    sum: Amount | None = None
    average: Amount | None = None
    maximum: Amount | None = None
    minimum: Amount | None = None
    within: Duration | None = Field(None, gt=0)
    between: Between | None = None
    during: During | None = None

    @model_validator(mode="after")
    def _one_question(self) -> Did:
        asked = [name for name in ("times", "distinct", *AMOUNTS) if name in self.model_fields_set]
        if len(asked) > 1:
            raise ValueError(f"{' and '.join(asked)} are two questions: write two conditions under all")
        if self.same is not None and (self.during is not None or asked not in ([], ["times"])):
            raise ValueError("same goes with times alone")
        if self.during is not None and self.distinct is not None:
            raise ValueError("during goes with times, sum, average, maximum and minimum")
        return self


class DidNot(Model):
    """They did not do an event within the window (or ever)."""

    did_not: str = Field(min_length=1)
    where: dict[str, Test] = {}
    within: Duration | None = Field(None, gt=0)
    between: Between | None = None
    during: During | None = None


class Ago(Model):
    """How long ago: ``at_least`` so long, ``less_than`` so long."""

    at_least: Duration | None = None
    less_than: Duration | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> Ago:
        if self.at_least is None and self.less_than is None:
            raise ValueError("ago needs at_least or less_than")
        return self


class _Chosen(Model):
    where: dict[str, Test] = {}
    within: Duration | None = Field(None, gt=0)
    ago: Ago | None = None
    between: Between | None = None
    having: dict[str, Test] = {}


class First(_Chosen):
    """Their first event of a name: when it was, and what it was like."""

    first: str = Field(min_length=1)


class Last(_Chosen):
    """Their latest event of a name: when it was, and what it was like."""

    last: str = Field(min_length=1)


class DidStep(Model):
    """A step of a sequence, less than ``within`` after the one before."""

    did: str = Field(min_length=1)
    where: dict[str, Test] = {}
    within: Duration | None = Field(None, gt=0)


class DidNotStep(Model):
    """What must not happen before the next step, or ``within`` the time after the last."""

    did_not: str = Field(min_length=1)
    where: dict[str, Test] = {}
    within: Duration | None = Field(None, gt=0)


def _step(value: Any) -> str | None:
    if isinstance(value, dict):
        return next((key for key in ("did", "did_not") if key in value), None)
    return {"DidStep": "did", "DidNotStep": "did_not"}.get(type(value).__name__)


SequenceStep = Annotated[
    Annotated[DidStep, Tag("did")] | Annotated[DidNotStep, Tag("did_not")],
    Discriminator(
        _step, custom_error_type="unknown_step", custom_error_message="a step of a sequence is a did or a did_not"
    ),
]


class Sequence(Model):
    """Events one after the other."""

    sequence: list[SequenceStep] = Field(min_length=2, max_length=10)
    same: str | None = Field(None, pattern=PROPERTY)
    within: Duration | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _makes_sense(self) -> Sequence:
        steps = self.sequence
        if isinstance(steps[0], DidNotStep):
            raise ValueError("a sequence begins with a did")
        if isinstance(steps[0], DidStep) and steps[0].within is not None:
            raise ValueError("the first step has nothing to be within: put within beside sequence")
        for step in steps[:-1]:
            if isinstance(step, DidNotStep) and step.within is not None:
                raise ValueError("a did_not between two steps lasts until the next: only the last one takes within")
        for step, following in pairwise(steps):
            if isinstance(step, DidNotStep) and isinstance(following, DidNotStep):
                raise ValueError("two did_not in a row: let a did come between them, or write two sequences")
        return self


class Rate(Comparison):
    """The share of ``of`` events that a ``rate`` event followed, by a property that both carry."""

    rate: str = Field(min_length=1)
    where: dict[str, Test] = {}
    of: str = Field(min_length=1)
    by: str = Field(pattern=PROPERTY)
    within: Duration = Field(gt=0)
    among: int = Field(1, ge=1, le=1000)

    @model_validator(mode="after")
    def _asks_something(self) -> Rate:
        if not self.asks():
            raise ValueError("a rate needs one of more_than, at_least, less_than, at_most: 0.5 is half of them")
        return self


class Trait(Model):
    """What is said of the person: ``trait: {country: {in: [DE, AT]}}``. Dots reach into objects (``address.country``)."""

    trait: dict[str, TraitTest] = Field(min_length=1)


class Computed(Model):
    """What Homing works out of the person: ``computed: {orders: {at_least: 3}}``; docs/attributes.md lists them."""

    computed: dict[str, Test] = Field(min_length=1)


class KnownFor(Model):
    """How long ago their first event was: ``known_for: {at_least: 30d}``."""

    class Age(Model):
        at_least: Duration

    known_for: Age


class LocalTime(During):
    """What time it is, and which season."""

    between: Between | None = None

    def _asks(self) -> bool:
        return super()._asks() or self.between is not None


class Now(Model):
    """What time it is where the customer is."""

    now: LocalTime


class InSegment(Model):
    """They are in another segment."""

    segment: str = Field(min_length=1)


class OnList(Model):
    """They are on a list that was uploaded."""

    list: str = Field(min_length=1, max_length=100)


class Portion(Model):
    """Which part of everybody, in percent from 0 to 100."""

    of: str = Field(min_length=1, max_length=100)
    percent: float | None = Field(None, ge=0, le=100)
    from_: float | None = Field(None, alias="from", ge=0, le=100)
    to: float | None = Field(None, ge=0, le=100)

    @model_validator(mode="after")
    def _asks_something(self) -> Portion:
        if (self.percent is None) == (self.from_ is None and self.to is None):
            raise ValueError("a share needs percent, or from and to")
        if self.percent is None and (self.from_ or 0) >= (100 if self.to is None else self.to):
            raise ValueError("a share ends after it begins: from 10 to 20")
        return self


class Share(Model):
    """They belong to a random part of everybody that never changes."""

    share: Portion


class All(Model):
    """Every condition holds."""

    all: list[Condition] = Field(min_length=1)


class Any_(Model):  # noqa: N801
    """At least one condition holds."""

    any: list[Condition] = Field(min_length=1)


class Not(Model):
    """The condition does not hold."""

    not_: Condition = Field(alias="not")


_MODELS: dict[str, type[Model]] = {
    "all": All,
    "any": Any_,
    "not": Not,
    "did": Did,
    "did_not": DidNot,
    "first": First,
    "last": Last,
    "sequence": Sequence,
    "rate": Rate,
    "trait": Trait,
    "computed": Computed,
    "known_for": KnownFor,
    "now": Now,
    "segment": InSegment,
    "list": OnList,
    "share": Share,
}
KEYS: tuple[str, ...] = tuple(_MODELS)
_KIND_OF = {model.__name__: key for key, model in _MODELS.items()}


def _kind(value: Any) -> str | None:
    if isinstance(value, dict):
        return next((key for key in KEYS if key in value), None)
    return _KIND_OF.get(type(value).__name__)


Condition = Annotated[
    Annotated[All, Tag("all")]
    | Annotated[Any_, Tag("any")]
    | Annotated[Not, Tag("not")]
    | Annotated[Did, Tag("did")]
    | Annotated[DidNot, Tag("did_not")]
    | Annotated[First, Tag("first")]
    | Annotated[Last, Tag("last")]
    | Annotated[Sequence, Tag("sequence")]
    | Annotated[Rate, Tag("rate")]
    | Annotated[Trait, Tag("trait")]
    | Annotated[Computed, Tag("computed")]
    | Annotated[KnownFor, Tag("known_for")]
    | Annotated[Now, Tag("now")]
    | Annotated[InSegment, Tag("segment")]
    | Annotated[OnList, Tag("list")]
    | Annotated[Share, Tag("share")],
    Discriminator(
        _kind,
        custom_error_type="unknown_condition",
        custom_error_message=f"a condition starts with one of {', '.join(KEYS)}",
    ),
]


class Segment(Model):
    """A file of ``segments/``. A list under ``when`` means ``all``."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=64)
    description: str = ""
    when: Condition
    # Where somebody is in several and one has to be chosen, the higher number comes first.
    priority: int = Field(0, ge=-1000, le=1000)
    # Segments that nobody in this one should be in; `homing audit` tells who is.
    conflicts_with: list[str] = []

    @model_validator(mode="before")
    @classmethod
    def _list_means_all(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("when"), list):
            return {**value, "when": {"all": value["when"]}}
        return value
