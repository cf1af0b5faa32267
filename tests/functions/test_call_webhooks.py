"""call_webhooks, as Lambda calls it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.call_webhooks.handler import handler
from homing.adapters.files import write_bundle
from homing.adapters.memory import MemoryCaller
from homing.domain.errors import Unavailable
from homing.domain.flows.effects import CallRequest
from homing.domain.profiles.profile import Profile, TraitValue
from homing.runtime import clock, parts, wiring
from homing.runtime.observability import MemoryTelemetry
from tests.account import Account, failures
from tests.fixtures.shop import campaigns

CRM = "https://crm.example.com/homing"


@pytest.fixture
def caller(account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryCaller]:
    """A shop with a webhook, and Ada, who shall not be named in logs."""
    write_bundle(campaigns(webhooks={"crm": {"url": CRM, "identify": ["email"]}}), tmp_path / "bundle.json")
    monkeypatch.setenv("HOMING_CAMPAIGNS", str(tmp_path / "bundle.json"))
    traits = {"email": TraitValue(2, 1, "web", "ada@example.com")}
    account.profiles.write(Profile("ada", version=1, traits=traits), expected=0)
    made = MemoryCaller()
    parts.install_caller(made)
    wiring.reset()
    yield made
    parts.install_caller()


def body(id: str = "c1", webhook: str = "crm") -> str:
    return json.dumps(CallRequest(id, webhook, "ada", "welcome", "r1", "0", clock.now(), {"plan": "gold"}).to_dict())


def received(account: Account, *bodies: str) -> dict[str, Any]:
    """Puts messages on the queue and takes them, as Lambda does."""
    sqs, url = account.client("sqs"), account.environment["HOMING_CALLS_QUEUE"]
    for one in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=one)
    taken = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], VisibilityTimeout=360)
    return {
        "Records": [
            {
                "messageId": f"m{number}", "receiptHandle": message["ReceiptHandle"], "body": message["Body"],
                "attributes": message["Attributes"],
            }
            for number, message in enumerate(taken["Messages"])
        ]
    }  # fmt: skip


def test_a_message_becomes_a_call(account: Account, caller: MemoryCaller, voice: MemoryTelemetry) -> None:
    assert failures(handler(received(account, body()), None)) == []
    (call,) = caller.calls
    assert (call.url, call.said["email"], call.said["data"]) == (CRM, "ada@example.com", {"plan": "gold"})
    assert voice.counts == {"CallsDone": 1}


def test_only_what_did_not_succeed_comes_again_and_when_its_time_has_come(
    account: Account, caller: MemoryCaller, voice: MemoryTelemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden: list[dict[str, Any]] = []
    event = received(account, body(), body("c2"), body("c3", "gone"), "not json", '{"id": "c4"}')

    def watch(params: dict[str, Any], **_: Any) -> None:
        hidden.extend(params["Entries"])

    parts.session().register("provide-client-params.sqs.ChangeMessageVisibilityBatch", watch)
    caller.answer(CRM, 200, Unavailable("timeout"))
    assert failures(handler(event, None)) == ["m1"]
    assert [entry["ReceiptHandle"] for entry in hidden] == [event["Records"][1]["receiptHandle"]]
    assert 22 <= hidden[0]["VisibilityTimeout"] <= 30
    assert voice.counts == {"CallsDone": 1, "CallsRetried": 1, "CallsDropped": 1, "MessagesRefused": 2}


def test_a_queue_that_can_not_be_told_brings_the_message_again_all_the_same(
    account: Account, caller: MemoryCaller, voice: MemoryTelemetry
) -> None:
    event = received(account, body())
    caller.answer(CRM, 503)
    account.client("sqs").delete_queue(QueueUrl=account.environment["HOMING_CALLS_QUEUE"])
    assert failures(handler(event, None)) == ["m0"]


def test_logs_name_the_call_and_nobody(account: Account, caller: MemoryCaller, voice: MemoryTelemetry) -> None:
    caller.answer(CRM, 200, 404, 500)
    handler(received(account, body(), body("c2"), body("c3")), None)
    told = [facts for _, _, facts in voice.lines]
    assert [(one["call_id"], one["webhook"], one["status"], one["reason"]) for one in told] == [
        ("c1", "crm", "done", "http_200"), ("c2", "crm", "refused", "http_404"), ("c3", "crm", "retried", "http_500"),
    ]  # fmt: skip
    assert "ada" not in repr(voice.lines)
    assert "gold" not in repr(voice.lines)


def test_without_a_fake_the_internet_is_called_and_only_that(account: Account, caller: MemoryCaller) -> None:
    from homing.adapters.https import HttpsCaller

    parts.install_caller()
    wiring.reset()
    assert isinstance(wiring.call_webhooks().caller, HttpsCaller)


def test_a_flow_of_a_shop_without_webhooks_goes_on_without_calling(
    account: Account, caller: MemoryCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOMING_CALLS_QUEUE")
    wiring.reset()
    assert wiring.run_flows().calls is None
