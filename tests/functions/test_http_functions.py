"""The four edge functions, invoked as Lambda does."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.manage_preferences.handler import handler as manage_preferences
from functions.receive_events.handler import handler as receive_events
from functions.receive_webhook.handler import handler as receive_webhook
from functions.record_engagement.handler import handler as record_engagement
from homing.adapters.memory import MemoryJournal, MemoryProfiles, MemoryStream
from homing.domain.delivery.links import Links
from homing.domain.errors import InvalidInput, Unavailable
from homing.domain.events.event import Event
from homing.domain.profiles.identity import Identity
from homing.domain.time import parse_instant
from homing.runtime import observability, wiring
from homing.runtime.observability import MemoryTelemetry
from homing.services.http import HttpRequest
from homing.services.manage_preferences import ManagePreferences
from homing.services.receive_events import ReceiveEvents
from homing.services.receive_webhook import ReceiveWebhook
from homing.services.record_engagement import RecordEngagement
from tests.functions.http_events import http_event
from tests.unit.services.test_manage_preferences import CAMPAIGNS
from tests.unit.sources.recordings import folder, sdk_requests

NOW = parse_instant("2026-11-22T12:00:00Z")
IDENTITY = Identity(b"secret")
LINKS = Links(b"secret", "https://mail.shop.example")


class World:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stream, self.profiles, self.journal = MemoryStream(), MemoryProfiles(), MemoryJournal()
        self.voice = MemoryTelemetry()
        observability.install(lambda _: self.voice)
        clock = lambda: NOW  # noqa: E731
        services = {
            "receive_events": ReceiveEvents(self.stream, IDENTITY, frozenset({"WRITE_KEY_demo"}), clock),
            "receive_webhook": ReceiveWebhook(self.stream, IDENTITY, {"shopify": "hush"}, clock),
            "record_engagement": RecordEngagement(self.stream, IDENTITY, self.profiles, self.journal, clock),
            "manage_preferences": ManagePreferences(CAMPAIGNS, IDENTITY, self.profiles, self.stream, LINKS, clock),
        }
        for name, service in services.items():
            monkeypatch.setattr(wiring, name, lambda service=service: service)

    @property
    def names(self) -> list[str]:
        return [Event.from_json(record.data).name for record in self.stream.items]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    yield World(monkeypatch)
    observability.install()


BATCH = {
    "batch": [{"type": "track", "event": "Product Viewed", "userId": "ana@example.com"}],
    "writeKey": "WRITE_KEY_demo",
}


@pytest.mark.parametrize("body", [json.dumps(BATCH), json.dumps(BATCH).encode()])
def test_a_batch_is_stored_and_counted(world: World, body: bytes | str) -> None:
    answer = receive_events(http_event("POST", "/v1/batch", body), None)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["success"] is True
    assert answer["headers"]["Content-Type"] == "application/json"
    assert world.names == ["Product Viewed"]
    assert world.voice.counts["EventsReceived"] == 1


@pytest.mark.parametrize("name", ["segpy_gzip", "rudnode", "segnode"])
def test_a_recorded_request_comes_through_the_gateway_in_base64(world: World, name: str) -> None:
    for request, _ in sdk_requests(name):
        event = http_event("POST", request.path, request.body, headers=dict(request.headers))
        assert receive_events(event, None)["statusCode"] == 200


def test_gzip_in_base64_is_inflated(world: World) -> None:
    body = gzip.compress(json.dumps(BATCH).encode())
    event = http_event("POST", "/v1/batch", body, headers={"Content-Encoding": "gzip"})
    assert receive_events(event, None)["statusCode"] == 200


def test_a_gzip_body_that_the_gateway_took_for_text_is_refused_with_the_way_out(world: World) -> None:
    body = gzip.compress(json.dumps(BATCH).encode()).decode("utf-8", "replace")
    answer = receive_events(http_event("POST", "/v1/batch", body, headers={"Content-Encoding": "gzip"}), None)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (400, "gzip_damaged")
    assert "compression off" in json.loads(answer["body"])["message"]


def test_a_body_that_is_not_base64_is_refused(world: World) -> None:
    event = {**http_event("POST", "/v1/batch"), "body": "###", "isBase64Encoded": True}
    answer = receive_events(event, None)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (400, "bad_body")
    assert world.voice.counts["RequestsRefused"] == 1


def test_a_secret_that_can_t_be_read_is_answered_with_come_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        raise Unavailable("secrets")

    monkeypatch.setattr(wiring, "receive_events", broken)
    answer = receive_events(http_event("POST", "/v1/batch", json.dumps(BATCH)), None)
    assert answer["statusCode"] == 503
    assert answer["headers"]["Retry-After"]


def test_a_webhook_s_signature_is_taken_over_the_raw_bytes(world: World) -> None:
    body = '{"id": 7,  "email": "bob@biller.com", "first_name": "Bob \\u00fc"}'
    signature = base64.b64encode(hmac.new(b"hush", body.encode(), hashlib.sha256).digest()).decode()
    headers = {
        "X-Shopify-Topic": "customers/create",
        "X-Shopify-Webhook-Id": "d-1",
        "X-Shopify-Hmac-Sha256": signature,
    }
    for raw in (body, body.encode()):
        answer = receive_webhook(http_event("POST", "/webhooks/shopify", raw, headers=headers), None)
        assert answer["statusCode"] == 200
    assert world.names == ["Identified", "Identified"]


def test_one_click_through_the_gateway(world: World) -> None:
    token = LINKS.token("unsubscribe", "p1", "e1", "*", NOW)
    shown = manage_preferences(http_event("GET", "/unsubscribe", "", query=f"t={token}"), None)
    assert shown["statusCode"] == 200
    assert shown["headers"]["Content-Type"].startswith("text/html")
    assert world.names == []
    done = manage_preferences(
        http_event("POST", "/unsubscribe", b"List-Unsubscribe=One-Click", query=f"t={token}"), None
    )
    assert done["statusCode"] == 200
    assert world.names == ["Unsubscribed"]
    assert world.profiles.stops(["p1", "e1"]).keys() == {"p1", "e1"}


def test_an_ses_event_is_recorded(world: World) -> None:
    mail = {"messageId": "ses-1", "timestamp": "2026-11-22T11:00:00Z", "tags": {"homing_profile": ["p1"]}}
    record_engagement({"source": "aws.ses", "detail": {"eventType": "Open", "mail": mail, "open": {}}}, None)
    assert world.names == ["Email Opened"]
    assert world.voice.counts["EmailOpened"] == 1


def test_an_unreadable_ses_event_ends_in_the_dead_letter_queue(world: World) -> None:
    with pytest.raises(InvalidInput):
        record_engagement({"detail": {"eventType": "Party"}}, None)


def test_logs_and_metrics_name_nobody(world: World) -> None:
    bad = {**BATCH, "batch": [*BATCH["batch"], {"type": "track", "userId": "ana@example.com"}]}
    receive_events(http_event("POST", "/v1/batch", json.dumps(bad)), None)
    token = LINKS.token("unsubscribe", "p1", "e1", "*", NOW)
    manage_preferences(http_event("POST", "/unsubscribe", b"", query=f"t={token}"), None)
    assert world.voice.lines
    assert "ana@" not in repr(world.voice.lines)
    assert token not in repr(world.voice.lines)


@pytest.mark.parametrize(
    ("file", "method", "path"),
    [
        ("lambdago_apigw-v2-request-no-authorizer.json", "GET", "/"),
        ("lambdago_lambda-urls-request.json", "POST", "/my/path"),
        ("powertools_apiGatewayProxyV2Event.json", "POST", "/my/path"),
        ("powertools_apiGatewayProxyEvent.json", "GET", "/my/path"),
    ],
)
def test_sample_invocations_of_aws_are_read(file: str, method: str, path: str) -> None:
    request = HttpRequest.from_event(json.loads((folder("lambda_events") / file).read_text()))
    assert (request.method, request.path) == (method, path)
    assert all(name == name.lower() for name in request.headers)
