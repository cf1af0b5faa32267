"""A shop's deliveries: signed, answered, stored."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from homing.adapters.memory import MemoryStream
from homing.domain.errors import InvalidInput
from homing.domain.events.event import Event
from homing.domain.profiles.identity import Identity
from homing.domain.time import parse_instant
from homing.services.http import HttpRequest
from homing.services.receive_webhook import ReceiveWebhook

SECRET = "hush"
IDENTITY = Identity(b"secret")
NOW = parse_instant("2026-11-22T12:00:00Z")
CUSTOMER = {"id": 7, "email": "bob@biller.com", "first_name": "Bob", "updated_at": "2026-11-22T11:00:00Z"}


class World:
    def __init__(self) -> None:
        self.stream = MemoryStream()
        self.receive = ReceiveWebhook(self.stream, IDENTITY, {"shopify": SECRET}, lambda: NOW)


def delivery(
    payload: Any, topic: str = "customers/update", *, path: str = "/webhooks/shopify", **more: str
) -> HttpRequest:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signature = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
    headers = {"x-shopify-topic": topic, "x-shopify-webhook-id": "d-1", "x-shopify-hmac-sha256": signature, **more}
    return HttpRequest("POST", path, headers, {}, body)


def test_a_signed_delivery_is_stored_under_the_person() -> None:
    world = World()
    answer = world.receive(delivery(CUSTOMER))
    assert (answer.status, json.loads(answer.body)) == (200, {"success": True, "accepted": 1})
    (record,) = world.stream.items
    assert record.key == IDENTITY.person({"user_id": "7"})
    assert Event.from_json(record.data).message_id == "shopify:d-1"


@pytest.mark.parametrize("signature", ["", "x", base64.b64encode(b"\0" * 32).decode(), "ünïcode"])
def test_a_wrong_signature_is_refused(signature: str) -> None:
    world = World()
    answer = world.receive(delivery(CUSTOMER, **{"x-shopify-hmac-sha256": signature}))
    assert answer.status == 401
    assert not world.stream.items


def test_the_signature_covers_every_byte_of_the_body() -> None:
    world = World()
    request = delivery(CUSTOMER)
    changed = HttpRequest(request.method, request.path, request.headers, {}, request.body + b" ")
    assert world.receive(changed).status == 401


def test_an_unused_topic_is_answered_well_and_counted_or_the_shop_gives_up() -> None:
    world = World()
    answer = world.receive(delivery({}, "products/update"))
    assert (answer.status, json.loads(answer.body)["ignored"]) == (200, "products/update")
    assert answer.counts == {"WebhooksIgnored": 1}
    assert not world.stream.items


@pytest.mark.parametrize("payload", [{"id": 7, "default_address": "Ottawa"}, b"not json", b"\xff\xfe", [1]])
def test_what_is_signed_and_not_understood_survives_for_the_quarantine(payload: Any) -> None:
    world = World()
    request = delivery(payload)
    answer = world.receive(request)
    assert answer.status == 200
    assert answer.counts == {"WebhooksQuarantined": 1}
    (record,) = world.stream.items
    with pytest.raises(InvalidInput):
        Event.from_json(record.data)
    kept = json.loads(record.data)
    assert kept["topic"] == "customers/update"
    assert kept["reason"]
    assert kept["body"] == request.body.decode("utf-8", "replace")


def test_a_stream_that_is_down_makes_the_shop_deliver_again() -> None:
    world = World()
    world.stream.faults.plan("put")
    answer = world.receive(delivery(CUSTOMER))
    assert answer.status == 503
    assert world.receive(delivery(CUSTOMER)).status == 200


@pytest.mark.parametrize("path", ["/webhooks/other", "/webhooks/", "/"])
def test_a_shop_that_is_not_set_up_is_unknown(path: str) -> None:
    assert World().receive(delivery(CUSTOMER, path=path)).status == 404


def test_without_a_secret_nothing_is_trusted() -> None:
    world = World()
    receive = ReceiveWebhook(world.stream, IDENTITY, {"shopify": ""}, lambda: NOW)
    assert receive(delivery(CUSTOMER)).status == 404


def test_log_and_metrics_name_nobody() -> None:
    answer = World().receive(delivery(CUSTOMER))
    assert "bob" not in json.dumps([dict(answer.facts), dict(answer.counts), answer.body])
