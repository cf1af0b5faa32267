"""Who may do what: explicit actions on named resources, and none that nobody uses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from infra.config import ROOT
from tests.infra.conftest import Synthesized

pytestmark = pytest.mark.xdist_group("synth")

# Calls of the adapters by the service whose client they use; the rest of the grants serve event source mappings,
# logs and dead letters, which Lambda itself calls.
ACTIONS = {
    "batch_get_item": "dynamodb:BatchGetItem",
    "change_message_visibility_batch": "sqs:ChangeMessageVisibility",
    "get_item": "dynamodb:GetItem",
    "put_item": "dynamodb:PutItem",
    "query": "dynamodb:Query",
    "update_item": "dynamodb:UpdateItem",
    "put_events": "events:PutEvents",
    "put_records": "kinesis:PutRecords",
    "get_object": "s3:GetObject",
    "list_objects_v2": "s3:ListBucket",
    "put_object": "s3:PutObject",
    "get_secret_value": "secretsmanager:GetSecretValue",
    "send_email": "ses:SendEmail",
    "send_message_batch": "sqs:SendMessage",
}
# The second kind asks the logs for people at their desks, with their own rights.
NO_CALL = {"close", "start_query", "get_query_results"}


def statements(stacks: Synthesized) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, policy in stacks.all("AWS::IAM::Policy").items():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            yield name, statement


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def granted(stacks: Synthesized) -> set[str]:
    return {action for _, statement in statements(stacks) for action in listed(statement["Action"])}


def called_by_adapters() -> set[str]:
    sources = (path.read_text(encoding="utf-8") for path in ROOT.glob("layers/core/python/homing/adapters/*.py"))
    return {name for source in sources for name in re.findall(r"client\.([a-z_]+)\(", source)} - NO_CALL


def test_no_action_is_a_wildcard(stacks: Synthesized) -> None:
    assert [action for action in granted(stacks) if "*" in action] == []


def test_no_resource_is_everything(stacks: Synthesized) -> None:
    everything = [name for name, statement in statements(stacks) if "*" in listed(statement["Resource"])]

    assert everything == []


def test_a_star_stands_only_for_the_keys_of_objects_and_for_a_machine_s_own_executions(stacks: Synthesized) -> None:
    starred = [
        (listed(statement["Action"]), json.dumps(resource))
        for _, statement in statements(stacks)
        for resource in listed(statement["Resource"])
        if "*" in json.dumps(resource)
    ]

    assert starred
    assert all(
        (set(actions) <= {"s3:PutObject", "s3:GetObject"} and "Bucket" in resource)
        or (set(actions) <= {"states:DescribeExecution", "states:StopExecution"} and ":execution:homing-" in resource)
        for actions, resource in starred
    )


def test_whatever_an_adapter_calls_is_granted_to_somebody(stacks: Synthesized) -> None:
    assert {ACTIONS[call] for call in called_by_adapters()} <= granted(stacks)


def test_no_data_action_is_granted_that_no_adapter_calls(stacks: Synthesized) -> None:
    known = {ACTIONS[call] for call in called_by_adapters()}
    tables = {action for action in granted(stacks) if action.startswith("dynamodb:")}
    of_streams = {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"}

    assert tables - of_streams <= known


def test_nobody_may_scan_or_delete(stacks: Synthesized) -> None:
    assert not {action for action in granted(stacks) if re.search(r"Scan|Delete(Item|Object|Table|Bucket)", action)}


def test_unsubscribing_and_bounces_may_write_only_stops(stacks: Synthesized) -> None:
    for role in ("ManagePreferences", "RecordEngagement"):
        writes = [
            statement
            for name, statement in statements(stacks)
            if role in name
            and "dynamodb:PutItem" in listed(statement["Action"])
            and "Profiles" in json.dumps(statement["Resource"])
        ]

        assert [w["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] for w in writes] == [["stop#*"]]


def test_each_function_has_a_role_of_its_own(stacks: Synthesized) -> None:
    roles = [function["Role"]["Fn::GetAtt"][0] for function in stacks.functions().values()]

    assert len(set(roles)) == len(roles)
