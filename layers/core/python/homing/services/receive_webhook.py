"""A shop's webhook onto the stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from homing.domain.errors import InvalidInput, Unavailable
from homing.domain.events.event import derived_message_id
from homing.domain.profiles.identity import Identity
from homing.domain.time import iso
from homing.services.http import HttpRequest, HttpResponse
from homing.services.ports import Clock, Stream, StreamRecord
from homing.sources.shops import SHOPS, Webhook

# A record on the stream has at most 1 MB, and the label needs some of it.
_MAX_BODY = 900_000
_MAX_REQUEST = 6_000_000


@dataclass(frozen=True)
class ReceiveWebhook:
    """Verifies, maps, stores.

    Shops repeat what is not answered with 200 and in the end give the subscription up, so whatever they signed is
    answered with 200 once it is safe: topics that are not used are ignored and counted, and a delivery that can't be
    understood goes onto the stream as it is, where ``update_profiles`` puts it into quarantine with the reason, to be
    replayed after a fix. Only a wrong signature and an unavailable stream are answered otherwise.
    """

    stream: Stream
    identity: Identity
    # Shop (the last part of the path, "shopify") to the secret it signs with.
    secrets: Mapping[str, str]
    clock: Clock

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Stores the events of one delivery."""
        shop = SHOPS.get(request.last_segment)
        secret = self.secrets.get(request.last_segment, "")
        if shop is None or not secret:
            return _refusal(404, "unknown_shop", f"this shop is not set up; known: {', '.join(SHOPS)}")
        if request.method != "POST":
            return _refusal(405, "method_not_allowed", "webhooks are posted")
        if len(request.body) > _MAX_REQUEST:
            return _refusal(413, "too_large", "a delivery has at most 6 MB")
        if not shop.verify(secret.encode(), request.headers, request.body):
            return _refusal(401, "invalid_signature", "the signature does not fit the body and the secret")
        try:
            webhook = shop.describe(request.headers)
        except InvalidInput as error:
            return _refusal(400, error.code, error.message)
        if webhook.topic not in shop.topics:
            return _done({"ignored": webhook.topic}, "WebhooksIgnored", webhook)
        try:
            return self._store(request, webhook)
        except Unavailable:
            body = {"success": False, "code": "unavailable", "message": "not stored, deliver it again"}
            return HttpResponse.json(503, body, headers={"Retry-After": "5"}, counts={"Unavailable": 1})

    def _store(self, request: HttpRequest, webhook: Webhook) -> HttpResponse:
        now, name = self.clock(), request.last_segment
        try:
            events = SHOPS[name].read(webhook, request.body, now)
        except InvalidInput as error:
            self.stream.put([_for_quarantine(name, webhook, request.body, now, error)])
            said = {"rejected": {"code": error.code, "message": error.message}}
            return _done(said, "WebhooksQuarantined", webhook, code=error.code)
        if not events:
            return _done({"ignored": webhook.topic}, "WebhooksIgnored", webhook)
        self.stream.put(
            [StreamRecord(self.identity.person(event.identifiers) or "", event.to_json()) for event in events]
        )
        return _done({"accepted": len(events)}, "WebhooksReceived", webhook)


def _for_quarantine(shop: str, webhook: Webhook, body: bytes, now: int, error: InvalidInput) -> StreamRecord:
    """A record that no updater takes for an event: it has no ``message_id``, and says why it is here."""
    label = {
        "unreadable": error.code,
        "reason": error.message,
        "source": shop,
        "topic": webhook.topic,
        "delivery": webhook.delivery,
        "received_at": iso(now),
        "body": body[:_MAX_BODY].decode("utf-8", "replace"),
    }
    return StreamRecord(derived_message_id(shop, webhook.delivery), orjson.dumps(label))


def _done(said: Mapping[str, Any], counted: str, webhook: Webhook, *, code: str = "") -> HttpResponse:
    facts = {"topic": webhook.topic, "delivery": webhook.delivery, **({"code": code} if code else {})}
    return HttpResponse.json(200, {"success": True, **said}, counts={counted: 1}, facts=facts)


def _refusal(status: int, code: str, message: str) -> HttpResponse:
    body = {"success": False, "code": code, "message": message}
    return HttpResponse.json(status, body, counts={"RequestsRefused": 1}, facts={"code": code})
