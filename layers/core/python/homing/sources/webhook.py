"""What the adapters of all shops share: a delivery's label, signatures, and the making of events."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from homing.domain.errors import InvalidInput
from homing.domain.events.event import Event, EventType, IdentifierKind
from homing.domain.events.names import NAMES_OF_CALLS
from homing.domain.events.normalise import occurred_at
from homing.domain.time import to_datetime


@dataclass(frozen=True, slots=True)
class Webhook:
    """``delivery`` is the same when the shop delivers again; ``shop`` is the sending shop's own name, if told."""

    topic: str
    delivery: str
    shop: str = ""


def signed_with_sha256(secret: bytes, signature: str, body: bytes) -> bool:
    """Whether ``signature`` is the base64 of HMAC-SHA256 over the raw body; takes the same time either way."""
    expected = base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest())
    return bool(secret) and hmac.compare_digest(expected, signature.strip().encode())


@dataclass(slots=True)
class EventMaker:
    """Collects the events of one delivery: ``source:<delivery>``, then ``source:<delivery>:1`` and so on."""

    source: str
    webhook: Webhook
    received: int
    events: list[Event] = field(default_factory=list)

    def add(
        self,
        name: str,
        identifiers: Mapping[IdentifierKind, str],
        properties: Mapping[str, Any],
        at: Any,
        *,
        kind: EventType = "track",
        message_id: str | None = None,
    ) -> None:
        """Adds an event that happened at ``at`` (ISO 8601; None: on arrival). Raises InvalidInput.

        Nothing is added when nobody is named: ``identifiers`` without a person.
        """
        if not any(kind_ != "cart_token" for kind_ in identifiers):
            return
        number = f":{len(self.events)}" if self.events else ""
        try:
            event = Event(
                message_id=message_id or f"{self.source}:{self.webhook.delivery}{number}",
                type=kind,
                name=NAMES_OF_CALLS.get(kind, name),
                identifiers=dict(identifiers),
                occurred_at=to_datetime(occurred_at(at, received=self.received)),
                received_at=to_datetime(self.received),
                properties={key: value for key, value in properties.items() if value is not None},
                context={"topic": self.webhook.topic, **({"shop": self.webhook.shop} if self.webhook.shop else {})},
                source=self.source,
            )
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise InvalidInput(str(first["msg"]), code="unreadable", where=str(first["loc"][0])) from error
        self.events.append(event)
