"""What a simulated shop said, as a recording: a Segment message a line, as ``homing backtest`` and others read it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from homing.domain.errors import InvalidInput
from homing.domain.events.event import Event
from homing.domain.time import iso
from homing.local.simulation.host import CapturedMail, Reply, SesKind, ShopHost
from homing.sources import segment_spec, shopify

_SEGMENT, _SHOPIFY = "/v1/batch", "/webhooks/shopify"


@dataclass(slots=True)
class Recorder:
    """A host, and what it took: each message once, at the time at which it happened. What people do with their mails is
    not the shop's to say, and is left out."""

    host: ShopHost
    now: int = 0
    _said: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)

    @property
    def mails(self) -> Sequence[CapturedMail]:
        """The host's."""
        return self.host.mails

    def advance_to(self, instant: int) -> None:
        """Moves the host's clock."""
        self.now = max(self.now, instant)
        self.host.advance_to(instant)

    def ses_event(self, mail: Any, kind: SesKind) -> None:
        """Handed on."""
        self.host.ses_event(mail, kind)

    def http(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Handed on, and kept when it was taken."""
        reply = self.host.http(method, path, headers, body)
        if reply.status < 300 and method == "POST":
            if path == _SEGMENT:
                self._batch(gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body)
            elif path == _SHOPIFY:
                self._webhook(headers, body)
        return reply

    def lines(self) -> list[str]:
        """The recording, in order of time."""
        said = sorted(self._said.values(), key=lambda one: one[0])
        return [json.dumps(message, ensure_ascii=False) for _, message in said]

    def _batch(self, body: bytes) -> None:
        document = json.loads(body)
        for message in document["batch"]:
            try:
                event = segment_spec.read_message(message, around=document, received=self.now)
            except InvalidInput:
                # Refused alone, among others that were taken.
                continue
            self._keep(event, message)

    def _webhook(self, headers: Mapping[str, str], body: bytes) -> None:
        try:
            found = shopify.read(shopify.describe(headers), body, self.now)
        except InvalidInput:
            # Taken all the same, and put into quarantine.
            return
        for event in found:
            self._keep(event, _message_of(event))

    def _keep(self, event: Event, message: Mapping[str, Any]) -> None:
        at = event.occurred
        self._said.setdefault(event.message_id, (at, {**message, "timestamp": iso(at)}))


def _message_of(event: Event) -> dict[str, Any]:
    """A webhook's event as Segment's libraries would have told it."""
    names = event.identifiers
    known = {"userId": names.get("user_id"), "anonymousId": names.get("anonymous_id")}
    email = {"email": names["email"]} if "email" in names else {}
    said: dict[str, Any] = {
        "type": event.type,
        "messageId": event.message_id,
        **{name: value for name, value in known.items() if value},
        "context": {**event.context, **({"traits": email} if email else {})},
    }
    if event.type == "identify":
        return {**said, "traits": event.properties}
    return {**said, "event": event.name, "properties": event.properties}
