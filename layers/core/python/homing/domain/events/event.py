"""The canonical event: what every source is turned into and everything downstream reads."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from homing.domain.errors import InvalidInput
from homing.domain.time import to_instant

EventType = Literal["track", "identify", "page", "screen", "alias", "group"]
IdentifierKind = Literal["user_id", "loyalty_id", "email", "anonymous_id", "device_id", "cart_token"]

# Strongest first: the first one present says whose event it is. A cart token names a cart, never a person.
PERSON_IDENTIFIERS: tuple[IdentifierKind, ...] = ("user_id", "loyalty_id", "email", "anonymous_id", "device_id")


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is UTC:
        return moment
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_utc)]


class Event(BaseModel):
    """One thing that happened to one person, as stored on the stream (JSON, one event a record).

    ``occurred_at`` is corrected for the sender's clock and never later than ``received_at`` + 5 minutes. ``properties``
    holds the traits for ``identify``. Numbers stay as the sender wrote them; money becomes Decimal where it is used.
    Unknown fields are kept.
    """

    model_config = ConfigDict(frozen=True, extra="allow", ignored_types=(cached_property,))

    message_id: str = Field(min_length=1, max_length=256)
    type: EventType
    name: str = Field(min_length=1, max_length=256)
    identifiers: dict[IdentifierKind, Annotated[str, Field(min_length=1, max_length=512)]]
    occurred_at: Moment
    received_at: Moment
    properties: dict[str, Any] = {}
    context: dict[str, Any] = {}
    source: str = "unknown"

    @cached_property
    def occurred(self) -> int:
        """``occurred_at`` as an instant."""
        return to_instant(self.occurred_at)

    @cached_property
    def received(self) -> int:
        """``received_at`` as an instant."""
        return to_instant(self.received_at)

    def at(self, occurred: int, received: int) -> Event:
        """The event itself, told the instants that its two times are of: whoever made it had them at hand."""
        self.__dict__.update(occurred=occurred, received=received)
        return self

    @property
    def person(self) -> tuple[IdentifierKind, str] | None:
        """The strongest identifier of a person, if there is any."""
        for kind in PERSON_IDENTIFIERS:
            if value := self.identifiers.get(kind):
                return kind, value
        return None

    def to_json(self) -> bytes:
        """The bytes that go on the stream."""
        return self.model_dump_json().encode()

    @classmethod
    def from_json(cls, raw: bytes) -> Event:
        """Reads :meth:`to_json`; raises InvalidInput naming the first field that is wrong."""
        try:
            return cls.model_validate_json(raw)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise InvalidInput(str(first["msg"]), code=str(first["type"]), where=where or "event") from error


def derived_message_id(*parts: str) -> str:
    """A stable id for an event whose sender gave none: the same content gives the same id."""
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()
