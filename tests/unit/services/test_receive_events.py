"""The way of events over HTTP, with what unmodified SDKs really sent."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

from homing.adapters.memory import MemoryStream
from homing.domain.events.event import Event
from homing.domain.profiles.identity import Identity
from homing.domain.time import to_instant
from homing.services.http import HttpRequest
from homing.services.receive_events import ReceiveEvents
from tests.unit.sources.recordings import sdk_requests

NOW = 1_795_305_600_000_000  # 2026-11-22T00:00:00Z
KEY = "WRITE_KEY_demo"
IDENTITY = Identity(b"secret")
BASIC = "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()


class World:
    def __init__(self, *keys: str) -> None:
        self.stream = MemoryStream()
        self.receive = ReceiveEvents(self.stream, IDENTITY, frozenset(keys or {KEY}), lambda: NOW)

    def events(self) -> list[Event]:
        return [Event.from_json(record.data) for record in self.stream.items]


def post(body: Any, path: str = "/v1/batch", **headers: str) -> HttpRequest:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpRequest("POST", path, {"authorization": BASIC, **headers}, {}, raw)


def track(**more: Any) -> dict[str, Any]:
    return {"type": "track", "userId": "u1", "event": "Product Viewed", "messageId": "m", **more}


SEGMENT_SDKS = [
    "segpy", "segpy_gzip", "segpy_retry", "segpy_202", "segpy_400", "segnode", "segnode_retry", "rudpy", "rudpy_nogzip",
    "rudpy_retry", "rudpy_202", "rudpy_204", "rudnode", "rudnode_retry", "analyticsnode_legacy",
]  # fmt: skip


@pytest.mark.parametrize("name", SEGMENT_SDKS)
def test_every_message_of_an_unmodified_sdk_is_stored(name: str) -> None:
    world = World()
    sent = 0
    for request, line in sdk_requests(name):
        answer = world.receive(request)
        assert answer.status == 200, answer.body
        said = json.loads(answer.body)
        messages = json.loads(line["body_decoded_utf8"])["batch"]
        assert said == {"success": True, "accepted": len(messages), "rejected": []}
        sent += len(messages)
    events = world.events()
    assert len(events) == sent
    assert all(event.message_id and event.person for event in events)
    assert [r.key for r in world.stream.items] == [IDENTITY.person(event.identifiers) for event in events]


@pytest.mark.parametrize("name", ["segpy_retry", "segnode_retry", "rudpy_retry", "rudnode_retry", "rudpy_202"])
def test_a_batch_sent_again_gives_exactly_the_same_events_at_the_same_times(name: str) -> None:
    seen: dict[str, Event] = {}
    repeated = 0
    for request, line in sdk_requests(name):
        received = int(float(line["received_at"]) * 1_000_000)
        world = World()
        world.receive = ReceiveEvents(world.stream, IDENTITY, frozenset({KEY}), lambda received=received: received)
        world.receive(request)
        for event in world.events():
            known = seen.setdefault(event.message_id, event)
            repeated += known is not event
            assert (known.occurred, known.identifiers) == (event.occurred, event.identifiers)
            # A time that the caller gave (an order of that morning) or the moment of the call: never the arrival.
            assert event.occurred <= to_instant(event.received_at)
    assert repeated


def test_jitsu_speaks_the_same_messages_with_the_key_in_a_header_and_the_body() -> None:
    world = World("KEYID:***")
    answers = [world.receive(request).status for request, _ in sdk_requests("jitsu")]
    assert set(answers) == {200}
    assert {event.identifiers["email"] for event in world.events()} == {"ana@example.com"}
    assert {event.type for event in world.events()} >= {"identify", "track", "page"}


@pytest.mark.parametrize("name", ["klaviyo", "posthog", "customerio"])
def test_other_wire_formats_are_refused_in_plain_words(name: str) -> None:
    world = World()
    for request, _ in sdk_requests(name):
        answer = world.receive(request)
        assert 400 <= answer.status < 500
        said = json.loads(answer.body)
        assert said["success"] is False
        assert said["code"]
        assert said["message"]
    assert not world.stream.items


def test_one_bad_message_is_answered_and_the_others_are_stored() -> None:
    world = World()
    answer = world.receive(post({"batch": [track(), track(userId=None), track(messageId="m2")]}))
    assert answer.status == 200
    said = json.loads(answer.body)
    assert (said["success"], said["accepted"]) == (True, 2)
    assert [(r["index"], r["message_id"], r["code"]) for r in said["rejected"]] == [(1, "m", "missing_identifier")]
    assert answer.counts == {"EventsReceived": 2, "EventsRejected": 1}
    assert [event.message_id for event in world.events()] == ["m", "m2"]


def test_a_batch_with_nothing_valid_is_refused_with_a_code() -> None:
    answer = World().receive(post({"batch": [track(userId=None)]}))
    assert answer.status == 400
    said = json.loads(answer.body)
    assert said["code"] == "missing_identifier"
    assert said["accepted"] == 0
    assert len(said["rejected"]) == 1


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (post({"batch": []}), 400, "empty_batch"),
        (post({"batch": {}}), 400, "empty_batch"),
        (post(b"not json"), 400, "bad_json"),
        (post(b"[1]"), 400, "bad_json"),
        (post(b"[" * 100_000), 400, "bad_json"),
        (post({"batch": [track()]}, authorization="Basic bm9wZTo="), 401, "invalid_write_key"),
        (post({"batch": [track()]}, authorization=""), 401, "invalid_write_key"),
        (post({"batch": [track()], "pad": "x" * 512_000}), 413, "too_large"),
        (post(gzip.compress(b" " * 50_000_000), **{"content-encoding": "gzip"}), 413, "too_large"),
        (post(gzip.compress(b"{}")[:-9], **{"content-encoding": "gzip"}), 400, "bad_encoding"),
        (post(b"{}", **{"content-encoding": "br"}), 415, "unsupported_encoding"),
        (post({}, path="/v1/users"), 404, "unknown_path"),
        (HttpRequest("GET", "/v1/batch"), 405, "method_not_allowed"),
    ],
)
def test_what_can_t_be_stored_is_refused_with_code_and_message(request_: HttpRequest, status: int, code: str) -> None:
    world = World()
    answer = world.receive(request_)
    said = json.loads(answer.body)
    assert (answer.status, said["code"]) == (status, code)
    assert said["message"]
    assert sum(answer.counts.values()) >= 1
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert not world.stream.items


def test_the_sender_is_told_to_come_back_when_not_everything_is_stored() -> None:
    world = World()
    world.stream.faults.plan("put")
    answer = world.receive(post({"batch": [track()]}))
    assert answer.status == 503
    assert json.loads(answer.body)["code"] == "unavailable"
    assert int(answer.headers["Retry-After"]) > 0


def test_a_preflight_is_answered() -> None:
    answer = World().receive(HttpRequest("OPTIONS", "/v1/track", {"origin": "https://shop.example"}))
    assert answer.status == 204
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


def test_browsers_send_single_messages_with_the_key_in_the_body_and_any_content_type() -> None:
    world = World()
    body = json.dumps({**track(), "writeKey": KEY, "type": "track"}).encode()
    for path in ("/v1/track", "/track", "/v1/t"):
        answer = world.receive(HttpRequest("POST", path, {"content-type": "text/plain;charset=UTF-8"}, {}, body))
        assert answer.status == 200
    assert KEY.encode() not in world.stream.items[0].data


def test_not_a_number_and_half_an_emoji_do_not_cost_a_batch() -> None:
    world = World()
    raw = b'{"batch":[{"type":"track","userId":"u","event":"E","properties":{"price":NaN,"text":"a\\ud83d"}}]}'
    assert world.receive(post(raw)).status == 200
    assert world.events()[0].properties == {"price": None, "text": "a\ufffd"}


def test_a_body_that_a_proxy_has_inflated_already_is_read() -> None:
    world = World()
    assert world.receive(post({"batch": [track()]}, **{"content-encoding": "gzip"})).status == 200
