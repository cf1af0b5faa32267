"""Calls of webhooks: provisioned for shops that have some, and able to do no more than they must."""

from __future__ import annotations

import json
from typing import Any

import pytest

from homing.domain.time import DAY, SECOND
from homing.domain.webhooks.retries import GIVE_UP_AFTER, LONGEST_ASKED, MAX_RECEIVES
from tests.infra.conftest import Synthesized
from tests.infra.test_privileges import listed, statements
from tests.infra.test_promises import alarms

pytestmark = pytest.mark.xdist_group("synth")


def queue(stacks: Synthesized, name: str) -> dict[str, Any]:
    found = {q["Properties"]["QueueName"]: q["Properties"] for q in stacks.all("AWS::SQS::Queue").values()}
    return found[f"homing-prod-{name}"]


def test_a_shop_without_webhooks_pays_for_none(stacks: Synthesized, calling: Synthesized) -> None:
    for kind in ("AWS::SQS::Queue", "AWS::Lambda::Function", "AWS::Lambda::EventSourceMapping", "AWS::Logs::LogGroup"):
        more = len(calling.all(kind)) - len(stacks.all(kind))
        assert more == (2 if kind == "AWS::SQS::Queue" else 1)
    assert set(alarms(calling)) - set(alarms(stacks)) == {"call-webhooks-errors", "calls-dead-not-empty"}
    assert "HOMING_CALLS_QUEUE" not in stacks.functions()["run_flows"]["Environment"]["Variables"]


def test_a_call_is_handed_out_as_often_as_its_retries_need_and_is_kept_for_longer(calling: Synthesized) -> None:
    calls = queue(calling, "calls")
    assert calls["RedrivePolicy"]["maxReceiveCount"] == MAX_RECEIVES
    assert calls["MessageRetentionPeriod"] * SECOND >= GIVE_UP_AFTER + LONGEST_ASKED + DAY
    assert queue(calling, "calls-dead")["MessageRetentionPeriod"] * SECOND == 14 * DAY


def test_slow_systems_take_no_more_of_the_accounts_concurrency_than_the_stage_says(calling: Synthesized) -> None:
    (mapping,) = (m["Properties"] for m in calling.all("AWS::Lambda::EventSourceMapping").values() if "Calls" in str(m))
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 7}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_it_reads_people_and_keys_and_writes_nothing(calling: Synthesized) -> None:
    own = [statement for name, statement in statements(calling) if "CallWebhooks" in name]
    actions = {action for statement in own for action in listed(statement["Action"])}
    assert {action for action in actions if not action.startswith(("logs:", "sqs:"))} == {
        "dynamodb:BatchGetItem", "secretsmanager:GetSecretValue",
    }  # fmt: skip
    assert "sqs:ChangeMessageVisibility" in actions
    assert "sqs:SendMessage" not in actions
    queues = {json.dumps(s["Resource"]) for s in own if any(a.startswith("sqs:") for a in listed(s["Action"]))}
    assert len(queues) == 1


def test_run_flows_may_put_calls_on_the_queue_and_nobody_else_may(calling: Synthesized) -> None:
    (calls,) = (n for n, q in calling.all("AWS::SQS::Queue").items() if q["Properties"]["QueueName"].endswith("-calls"))
    putting = [
        name for name, statement in statements(calling)
        if "sqs:SendMessage" in listed(statement["Action"]) and calls in json.dumps(statement["Resource"])
    ]  # fmt: skip
    assert [("RunFlows" in name) for name in putting] == [True]
