"""A flow with a schedule has a rule for each time of the day in UTC at which its time can come; others have none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.config import ROOT, stage_settings
from tests.fixtures.shop import campaigns
from tests.infra.conftest import Synthesized

pytestmark = pytest.mark.xdist_group("synth")


def rules(*flows: dict[str, Any], zone: str = "Europe/Berlin") -> list[dict[str, Any]]:
    from aws_cdk import App, Stack
    from aws_cdk import aws_sqs as sqs
    from aws_cdk.assertions import Template

    from infra.constructs.flow_schedules import FlowSchedules

    stack = Stack(App(context=json.loads((ROOT / "cdk.json").read_text())["context"]), "Test")
    inbox, undelivered = sqs.Queue(stack, "Inbox"), sqs.Queue(stack, "Undelivered")
    bundle = campaigns(segments={"vip": {"did": "Order Completed"}}, flows=list(flows), time_zone=zone)
    stage = stage_settings({"prod": {}}, "prod")
    FlowSchedules(stack, "Schedules", stage=stage, campaigns=bundle, inbox=inbox, undelivered=undelivered)
    found = Template.from_stack(stack).find_resources("AWS::Events::Rule")
    return sorted((rule["Properties"] for rule in found.values()), key=lambda rule: rule["Name"])


def flow(name: str = "monday", **schedule: Any) -> dict[str, Any]:
    return {"name": name, "on": {"schedule": {"segment": "vip", **schedule}}, "steps": [{"send": "hello"}]}


def test_nine_in_berlin_is_seven_and_eight_in_utc() -> None:
    found = rules(flow(at="09:00"))
    assert [(rule["Name"], rule["ScheduleExpression"]) for rule in found] == [
        ("homing-prod-schedule-0700-monday", "cron(0 7 * * ? *)"),
        ("homing-prod-schedule-0800-monday", "cron(0 8 * * ? *)"),
    ]
    assert [json.loads(rule["Targets"][0]["Input"]) for rule in found] == [
        {"schedule": "monday", "utc": "07:00"}, {"schedule": "monday", "utc": "08:00"},
    ]  # fmt: skip


def test_a_zone_without_summer_time_has_one_rule() -> None:
    assert [rule["ScheduleExpression"] for rule in rules(flow(at="09:00"), zone="Asia/Kathmandu")] == [
        "cron(15 3 * * ? *)"
    ]


def test_without_a_time_it_is_the_hour_of_birthdays() -> None:
    assert [rule["ScheduleExpression"] for rule in rules(flow(), zone="UTC")] == ["cron(0 9 * * ? *)"]


def test_a_stroke_that_can_not_be_delivered_is_kept() -> None:
    for rule in rules(flow(at="09:00")):
        (target,) = rule["Targets"]
        assert "Arn" in target["DeadLetterConfig"]
        assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 43_200, "MaximumRetryAttempts": 185}


def test_long_names_stay_apart() -> None:
    long = "a" * 60
    names = [rule["Name"] for rule in rules(flow(long + "-1", at="09:00"), flow(long + "-2", at="09:00"))]
    assert len(set(names)) == 4
    assert max(map(len, names)) <= 64


def test_a_shop_without_schedules_has_none(stacks: Synthesized) -> None:
    assert rules({"name": "hello", "on": "flow_requested", "steps": [{"send": "hello"}]}) == []
    named = [rule["Properties"]["Name"] for rule in stacks.all("AWS::Events::Rule").values()]
    assert not [name for name in named if "schedule" in name]
