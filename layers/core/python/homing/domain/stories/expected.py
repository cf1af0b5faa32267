"""The words below ``expect:``: which mails, runs and decisions are meant, and what they are like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from homing.domain.content.yaml_source import Path
from homing.domain.segments.values import Model, Scalar
from homing.domain.stories.language import Moment


def _texts(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Texts = Annotated[
    list[str],
    BeforeValidator(_texts),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


class Which(Model):
    """Which mails, runs or decisions are meant: whose, and by what."""

    to: str | None = None
    template: str | None = None
    flow: str | None = None
    # The cart or the order that it is about, by its id in the story.
    cart: Scalar | None = None
    order: Scalar | None = None


class MailIs(Which):
    """So many mails that were not expected before, and what they are like."""

    count: int = Field(1, ge=1)
    topic: str | None = None
    subject: str | None = None
    contains: Texts = []
    not_contains: Texts = []
    at: Moment | None = None


class RunIs(Model):
    """A run of a flow, and where it is."""

    flow: str
    of: str | None = None
    cart: Scalar | None = None
    order: Scalar | None = None
    state: Literal["waiting", "ended"] | None = None
    # Why it ended.
    ended: str | None = None
    # The step before which it waits: its id, or its place (1.else.0).
    step: Scalar | None = None
    count: int = Field(1, ge=1)


class WhichRun(Model):
    """Runs of somebody."""

    flow: str | None = None
    of: str | None = None
    cart: Scalar | None = None
    order: Scalar | None = None


class DecisionIs(Which):
    """What was decided last about a send."""

    status: Literal["sent", "deferred", "dropped", "unknown"]
    reason: str | None = None
    until: Moment | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is expected: its word, of whom, and what. ``path``: where it stands in the file."""

    word: str
    path: Path
    what: Any
    who: str | None = None


@dataclass(frozen=True, slots=True)
class Expect:
    """An expectation: all of its checks."""

    description: str
    checks: tuple[Check, ...]
