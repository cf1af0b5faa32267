"""The calls themselves: what is said, how it is signed, and what comes of the answers."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from homing.adapters.memory import MemoryCaller, MemoryProfiles
from homing.domain.campaigns import Campaigns
from homing.domain.errors import InvalidInput, Unavailable
from homing.domain.flows.effects import CallRequest
from homing.domain.profiles.profile import Profile, TraitValue
from homing.domain.time import HOUR, MINUTE, SECOND, parse_instant
from homing.domain.webhooks.message import Signer
from homing.domain.webhooks.retries import GIVE_UP_AFTER, MAX_RECEIVES
from homing.services.call_webhooks import CallWebhooks, Delivery, Outcome
from homing.services.ports import Answer
from tests.fixtures.shop import campaigns

NOW = parse_instant("2026-03-02T10:00:00Z")
SECRET = b"the deployment's secret"
CRM, LOG = "https://crm.example.com/homing", "https://log.example.com/"
WEBHOOKS: dict[str, Any] = {
    "crm": {"url": CRM, "identify": ["user_id", "email"], "traits": ["tier", "address.city", "none", "first_name"]},
    "log": {"url": LOG},
}


class World:
    """A shop with two webhooks, and Ana."""

    def __init__(self, **settings: Any) -> None:
        self.now = NOW
        self.caller, self.profiles = MemoryCaller(), MemoryProfiles()
        self.call = CallWebhooks(
            self.bundle(webhooks=WEBHOOKS),
            self.profiles,
            self.caller,
            Signer(SECRET),
            lambda: self.now,
            jitter=lambda: 0.0,
        )
        ana = Profile("ana", version=1, identifiers={"user_id": {"u2", "u1"}, "loyalty_id": {"l1"}})
        said = {
            "email": "ana@example.com",
            "tier": "gold",
            "address": {"city": "Köln"},
            "secret": "x",
            "firstName": "Ana",
        }
        ana.traits = {name: TraitValue(2, 1, "web", value) for name, value in said.items()}
        self.profiles.write(ana, expected=0)

    @staticmethod
    def bundle(**settings: Any) -> Campaigns:
        return campaigns(**settings)

    def __call__(self, *requests: CallRequest, receives: int = 1, first_at: int | None = None) -> list[Outcome]:
        return self.call([Delivery(request, receives, first_at) for request in requests])


@pytest.fixture
def world() -> World:
    return World()


def request(id: str = "c1", webhook: str = "crm", profile: str = "ana", **data: Any) -> CallRequest:
    return CallRequest(
        id, webhook, profile, "welcome", "r1", "2.then.0", NOW, data or {"total": "19.90", "größe": None}
    )


def verified(body: bytes, header: str, secret: str, now: int) -> bool:
    """As docs/flows.md tells receivers to do it."""
    t, v1 = (part.split("=", 1)[1] for part in header.split(","))
    expected = hmac.new(secret.encode(), t.encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(v1, expected) and abs(now - int(t)) < 300


def test_a_call_says_what_the_step_says_and_of_the_person_what_the_settings_allow(world: World) -> None:
    assert world(request()) == [Outcome("done", "http_200")]
    (call,) = world.caller.calls
    assert call.url == CRM
    assert call.said == {
        "id": "c1", "webhook": "crm", "flow": "welcome", "run_id": "r1", "step": "2.then.0", "at": "2026-03-02T10:00:00Z",
        "profile_id": "ana", "user_id": "u1", "email": "ana@example.com",
        "traits": {"tier": "gold", "address.city": "Köln", "first_name": "Ana"},
        "data": {"total": "19.90", "größe": None},
    }  # fmt: skip
    assert call.headers["Content-Type"] == "application/json"
    assert call.headers["Idempotency-Key"] == "c1"
    assert call.headers["User-Agent"] == "homing"


def test_without_identify_and_traits_a_call_names_nobody(world: World) -> None:
    world(request(webhook="log"))
    (call,) = world.caller.calls
    assert set(call.said) == {"id", "webhook", "flow", "run_id", "step", "at", "profile_id", "data"}
    assert b"ana@" not in call.body


def test_the_signature_is_verified_by_who_knows_the_webhooks_secret_and_by_nobody_else(world: World) -> None:
    world(request(), request("c2", "log"))
    by_url = {call.url: call for call in world.caller.calls}
    header, body, seconds = by_url[CRM].headers["Homing-Signature"], by_url[CRM].body, NOW // SECOND
    secret, other = Signer(SECRET).secret("crm"), Signer(SECRET).secret("log")
    assert secret.startswith("whsec_")
    assert verified(body, header, secret, seconds)
    assert not verified(body, header, other, seconds)
    assert not verified(body + b" ", header, secret, seconds)
    assert not verified(body, header, Signer(b"another deployment").secret("crm"), seconds)
    assert not verified(body, header.replace("t=1", "t=2"), secret, seconds + 10**9)
    assert verified(by_url[LOG].body, by_url[LOG].headers["Homing-Signature"], other, seconds)


def test_a_redelivery_says_the_same_under_the_same_id_signed_anew(world: World) -> None:
    world(request())
    world.now += 3 * HOUR
    world(request(), receives=2, first_at=NOW)
    first, second = world.caller.calls
    assert (first.body, first.headers["Idempotency-Key"]) == (second.body, second.headers["Idempotency-Key"])
    assert second.headers["Homing-Signature"].startswith(f"t={world.now // SECOND},")


def test_a_call_is_about_who_the_person_is_by_now(world: World) -> None:
    world.profiles.write(Profile("old", version=1), expected=0)
    world.profiles.point("old", "ana", expected=1)
    world(request(profile="old"))
    assert world.caller.calls[0].said["profile_id"] == "ana"


def test_a_message_that_the_queue_hands_out_twice_at_once_is_one_call(world: World) -> None:
    assert world(request(), request(), request("c2")) == [Outcome("done", "http_200")] * 3
    assert [call.said["id"] for call in world.caller.calls] == ["c1", "c2"]


def test_a_webhook_that_the_settings_no_longer_have_is_dropped_with_the_reason(world: World) -> None:
    assert world(request(webhook="gone")) == [Outcome("dropped", "unknown_webhook")]
    assert world.caller.calls == []


def test_somebody_who_was_erased_is_not_told_of(world: World) -> None:
    assert world(request(profile="nobody")) == [Outcome("dropped", "profile_gone")]
    assert world.caller.calls == []


@pytest.mark.parametrize("status", [400, 401, 404, 410, 422])
def test_who_refuses_is_not_asked_again(world: World, status: int) -> None:
    world.caller.answer(CRM, status)
    assert world(request()) == [Outcome("refused", f"http_{status}")]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(500, "http_500"), (302, "http_302"), (429, "http_429"), (409, "http_409"), (Unavailable("timeout"), "timeout")],
)
def test_who_fails_is_asked_again_later(world: World, answer: Any, reason: str) -> None:
    world.caller.answer(CRM, answer)
    assert world(request()) == [Outcome("retried", reason, 30 * SECOND)]
    world.caller.answer(CRM, answer)
    assert world(request(), receives=4, first_at=NOW) == [Outcome("retried", reason, 4 * MINUTE)]


def test_a_receiver_that_says_when_is_asked_then(world: World) -> None:
    world.caller.answer(CRM, Answer(429, "3600"), Answer(503, "Mon, 02 Mar 2026 10:20:00 GMT"))
    assert world(request())[0].wait == HOUR
    world.now += 10 * MINUTE
    assert world(request(), receives=2, first_at=NOW)[0].wait == 10 * MINUTE
    world.now += 10 * MINUTE
    # On an answer that can't be tried again nothing is waited for.
    world.caller.answer(CRM, Answer(410, "3600"))
    assert world(request(), receives=3, first_at=NOW) == [Outcome("refused", "http_410")]


def test_an_address_that_can_not_be_called_is_given_up(world: World) -> None:
    world.caller.answer(CRM, InvalidInput("not a web address", code="bad_url"))
    assert world(request()) == [Outcome("refused", "bad_url")]


def test_after_twenty_hours_nobody_is_called_and_what_is_left_of_the_deliveries_is_used_up(world: World) -> None:
    world.now = NOW + GIVE_UP_AFTER
    found = [world(request(), receives=receives, first_at=NOW)[0] for receives in (20, MAX_RECEIVES)]
    assert [(outcome.status, outcome.wait) for outcome in found] == [("ending", 0), ("given_up", 0)]
    assert world.caller.calls == []


def test_when_profiles_can_not_be_read_the_calls_come_again(world: World) -> None:
    world.profiles.faults.plan("read")
    assert world(request(), request("c2", "gone")) == [
        Outcome("retried", "profiles_unavailable", 30 * SECOND), Outcome("retried", "profiles_unavailable", 30 * SECOND),
    ]  # fmt: skip


class TestOneThatDoesNotAnswer:
    """Nobody waits behind a system that is down."""

    def fails(self, world: World, calls: int, start: int = 0) -> list[Outcome]:
        return world(*(request(f"c{number}") for number in range(start, start + calls)))

    def test_after_five_failures_it_rests_and_others_are_called(self, world: World) -> None:
        world.caller.always(CRM, Unavailable("timeout"))
        assert {one.status for one in self.fails(world, 5)} == {"retried"}
        outcomes = world(request("c6"), request("l1", "log"))
        assert outcomes == [Outcome("postponed", "resting", 30 * SECOND), Outcome("done", "http_200")]
        assert len(world.caller.calls) == 6

    def test_when_it_has_rested_one_call_tries_and_the_rest_follows(self, world: World) -> None:
        world.caller.always(CRM, 503)
        self.fails(world, 5)
        world.now += 31 * SECOND
        before = len(world.caller.calls)
        assert sorted(one.status for one in self.fails(world, 4)) == ["postponed", "postponed", "postponed", "retried"]
        assert len(world.caller.calls) == before + 1
        world.now += 59 * SECOND
        assert {one.status for one in self.fails(world, 2)} == {"postponed"}
        world.now += 2 * SECOND
        world.caller.always(CRM, None)
        assert [one.status for one in self.fails(world, 1)] == ["done"]
        assert {one.status for one in self.fails(world, 9)} == {"done"}

    def test_it_rests_no_longer_than_five_minutes(self, world: World) -> None:
        world.caller.always(CRM, 500)
        self.fails(world, 5)
        for _ in range(20):
            world.now += 5 * MINUTE
            assert [one.status for one in self.fails(world, 1)] == ["retried"]

    def test_who_refuses_or_asks_to_wait_is_no_failure(self, world: World) -> None:
        world.caller.always(CRM, 404)
        assert {one.status for one in self.fails(world, 20)} == {"refused"}
        world.caller.always(CRM, 429)
        assert {one.status for one in self.fails(world, 20)} == {"retried"}

    def test_who_asks_for_a_pause_has_it_for_all_of_its_calls(self, world: World) -> None:
        world.caller.answer(CRM, Answer(429, "120"))
        self.fails(world, 1)
        assert self.fails(world, 1, start=5) == [Outcome("postponed", "resting", 120 * SECOND)]
        world.now += 120 * SECOND
        assert {one.status for one in self.fails(world, 1)} == {"done"}
        assert {one.status for one in self.fails(world, 3)} == {"done"}

    def test_a_probe_whose_process_was_frozen_does_not_bar_the_way(self, world: World) -> None:
        world.caller.always(CRM, 500)
        self.fails(world, 5)
        world.now += 31 * SECOND
        assert world.call.breaker.resting("crm", world.now) == 0
        assert world.call.breaker.resting("crm", world.now) > 0
        world.now += MINUTE
        assert world.call.breaker.resting("crm", world.now) == 0


def test_calls_of_a_batch_overlap() -> None:
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    world, together = World(), Barrier(10, timeout=5)

    class Slow(MemoryCaller):
        def post(self, url: str, body: bytes, headers: Any) -> Answer:
            together.wait()
            return super().post(url, body, headers)

    with ThreadPoolExecutor(10) as pool:
        world.call = replace(world.call, caller=Slow(), overlap=pool.map)
        outcomes = world(*(request(f"c{number}", "crm" if number % 2 else "log") for number in range(10)))
    assert outcomes == [Outcome("done", "http_200")] * 10


def test_the_body_is_json_in_utf_8(world: World) -> None:
    world(request(name="Tasse für Käse"))
    assert json.loads(world.caller.calls[0].body.decode("utf-8"))["data"] == {"name": "Tasse für Käse"}
    assert "Käse".encode() in world.caller.calls[0].body


def test_the_page_about_flows_tells_receivers_how_to_verify(world: World) -> None:
    page = (Path(__file__).parents[3] / "docs/flows.md").read_text(encoding="utf-8")
    (written,) = (block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "is_from_homing" in block)
    names: dict[str, Any] = {}
    exec(written, names)
    world(request())
    (call,) = world.caller.calls
    secret, seconds = Signer(SECRET).secret("crm"), NOW / SECOND
    says = names["is_from_homing"]
    assert says(call.body, call.headers["Homing-Signature"], secret, seconds + 200)
    assert not says(call.body, call.headers["Homing-Signature"], secret, seconds + 301)
    assert not says(call.body.replace(b"gold", b"iron"), call.headers["Homing-Signature"], secret, seconds)
