"""Segment's HTTP tracking API, as its SDKs and those of RudderStack and Jitsu speak it, to events.

https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/ is the contract that SDKs are written
against; ``docs/events.md`` says what becomes of each field.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import ValidationError

from homing.domain.errors import InvalidInput
from homing.domain.events.event import Event, IdentifierKind, derived_message_id
from homing.domain.events.names import NAMES_OF_CALLS
from homing.domain.events.normalise import email_address, identifier, occurred_at
from homing.domain.time import to_datetime
from homing.sources.decode import too_deep

SOURCE = "segment"
# Segment's own limits.
MAX_BATCH = 500 * 1024
MAX_MESSAGE = 32 * 1024

TYPES = frozenset({"track", "identify", "page", "screen", "group", "alias"})
_BATCHES = frozenset({"batch", "import"})
# The browser SDK posts to /v1/t, /v1/i …
_SHORT = {"t": "track", "i": "identify", "p": "page", "s": "screen", "g": "group", "a": "alias", "b": "batch"}

_CART_TOKENS = ("cart_id", "cart_token", "cartId", "checkout_id", "checkout_token")
# Fields with a place in the event, and those that must go no further: the key, and where else the sender wants it sent.
_UNDERSTOOD = frozenset(
    {
        "type", "event", "name", "category", "userId", "anonymousId", "previousId", "groupId", "traits", "properties",
        "context", "timestamp", "originalTimestamp", "sentAt", "receivedAt", "messageId", "writeKey", "integrations",
    }
)  # fmt: skip

_TAKEN = _UNDERSTOOD | set(Event.model_fields)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A message that was not understood."""

    index: int
    message_id: str
    code: str
    message: str

    def to_dict(self) -> dict[str, Any]:
        """As it is answered."""
        return {"index": self.index, "message_id": self.message_id, "code": self.code, "message": self.message}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a request said."""

    events: list[Event] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)


def call_of(segment: str) -> str | None:
    """The call that the last part of a path names: a type of message, ``batch`` or ``import``; None for others."""
    call = _SHORT.get(segment, segment)
    return call if call in TYPES or call in _BATCHES else None


def write_keys(headers: Mapping[str, str], document: Mapping[str, Any]) -> list[str]:
    """The keys that a request carries: as Basic user name, in a header, in the body (browsers)."""
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    found = [headers.get("x-write-key"), document.get("writeKey")]
    if scheme.lower() == "basic":
        with contextlib.suppress(binascii.Error, ValueError):
            found.append(base64.b64decode(credentials, validate=True).decode().partition(":")[0])
    return [key for key in found if isinstance(key, str) and key]


def read(call: str, document: Mapping[str, Any], received: int) -> Reading:
    """The events of a request, and what of it was rejected. Raises InvalidInput when there is no message at all."""
    if call not in _BATCHES:
        return _read_all([document], call, None, received)
    messages = document.get("batch")
    if not isinstance(messages, list) or not messages:
        raise InvalidInput('a batch is {"batch": [message, …]} with one message or more', code="empty_batch")
    return _read_all(messages, None, document, received)


def _read_all(messages: list[Any], call: str | None, around: Mapping[str, Any] | None, received: int) -> Reading:
    reading = Reading()
    for index, message in enumerate(messages):
        try:
            reading.events.append(read_message(message, call=call, around=around or {}, received=received))
        except InvalidInput as error:
            stated = message.get("messageId") if isinstance(message, dict) else None
            known = stated[:256] if isinstance(stated, str) else ""
            reading.rejected.append(Rejection(index, known, error.code, error.message))
    return reading


def read_message(
    message: Any, *, received: int, call: str | None = None, around: Mapping[str, Any] | None = None
) -> Event:
    """One message as an event; ``around`` is the batch it came in. Raises InvalidInput."""
    if not isinstance(message, dict):
        raise InvalidInput("a message is a JSON object", code="bad_message")
    around = around or {}
    kind = call or message.get("type")
    if not isinstance(kind, str) or kind not in TYPES:
        raise InvalidInput(f"type is one of {', '.join(sorted(TYPES))}", code="unknown_type")
    if too_deep(message):
        raise InvalidInput("objects are nested too deeply", code="too_deep")
    if len(orjson.dumps(message)) > MAX_MESSAGE:
        raise InvalidInput(f"a message has at most {MAX_MESSAGE:,} bytes", code="message_too_large")

    context = {**_object(around, "context"), **_object(message, "context")}
    # Only Homing itself names profiles.
    context.pop("profile_id", None)
    properties = _properties(kind, message, context)
    identifiers = _identifiers(kind, message, context, properties)
    if not any(kind != "cart_token" for kind in identifiers):
        raise InvalidInput(
            "name somebody: userId, anonymousId, or an email in traits or properties", code="missing_identifier"
        )
    stated = next((message[f] for f in ("timestamp", "originalTimestamp") if message.get(f) not in (None, "")), None)
    occurred = occurred_at(stated, received=received, sent=message.get("sentAt") or around.get("sentAt"))
    rest = {key: value for key, value in message.items() if key not in _TAKEN and not key.startswith("_")}
    try:
        event = Event(
            message_id=_message_id(message, kind, received if stated is None else None),
            type=kind,
            name=_name(kind, message),
            identifiers=identifiers,
            occurred_at=to_datetime(occurred),
            received_at=to_datetime(received),
            properties=properties,
            context=context,
            source=SOURCE,
            **rest,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(f"{where}: {first['msg']}", code=f"bad_{first['loc'][0]}") from error
    return event.at(occurred, received)


def _object(message: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = message.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInput(f"{name} is a JSON object", code=f"bad_{name}")
    return value


def _name(kind: str, message: Mapping[str, Any]) -> str:
    if kind != "track":
        return NAMES_OF_CALLS[kind]
    name = message.get("event")
    if not isinstance(name, str) or not name.strip():
        raise InvalidInput("a track call names its event", code="missing_name")
    return name.strip()


def _properties(kind: str, message: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    if kind == "identify":
        # RudderStack's Python SDK puts the traits of an identify call into the context.
        return {**_object(context, "traits"), **_object(message, "traits")}
    if kind == "group":
        return {**_object(message, "traits"), "group_id": message.get("groupId")}
    properties = dict(_object(message, "properties"))
    if kind in {"page", "screen"}:
        for name in ("name", "category"):
            if message.get(name) is not None:
                properties.setdefault(name, message[name])
    return properties


def _identifiers(
    kind: str, message: Mapping[str, Any], context: Mapping[str, Any], properties: Mapping[str, Any]
) -> dict[IdentifierKind, str]:
    traits = _object(context, "traits")
    said = (properties, traits) if kind != "group" else (traits,)
    device = context.get("device")
    found: dict[IdentifierKind, str | None] = {
        "user_id": identifier(message.get("userId")),
        "loyalty_id": _first(identifier, said, ("loyalty_id", "loyaltyId")),
        "email": _first(email_address, said, ("email",)),
        "anonymous_id": identifier(message.get("anonymousId")),
        "device_id": identifier(device.get("id")) if isinstance(device, dict) else None,
        "cart_token": _first(identifier, (properties,), _CART_TOKENS) if kind != "identify" else None,
    }
    if kind == "alias" and (previous := identifier(message.get("previousId"))):
        found["anonymous_id"] = previous
    return {name: value for name, value in found.items() if value}


def _first(read: Callable[[Any], str | None], places: Iterable[Mapping[str, Any]], names: Iterable[str]) -> str | None:
    """What is found first; plain loops, since every event asks for a dozen names that it does not have."""
    for place in places:
        for name in names:
            if (value := place.get(name)) is not None and (found := read(value)):
                return found
    return None


def _message_id(message: Mapping[str, Any], kind: str, received: int | None) -> str:
    stated = identifier(message.get("messageId"))
    if stated and len(stated) <= 256:
        return stated
    if stated:
        return derived_message_id(stated)
    # Without an id and a time of its own a message can't be told from its repetition, and two looks at a product are
    # likelier than a retry: then the arrival is part of the id.
    content = {key: value for key, value in message.items() if key not in {"sentAt", "writeKey"}}
    text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()
    return derived_message_id(kind, text, "" if received is None else str(received))
