"""Rules follow the flows: one for each trigger in use, and none for the others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from homing.domain.bus.catalogue import schemas
from homing.domain.bus.commands import COMMANDS
from homing.domain.content.publish import publish
from homing.domain.flows.language import Flow
from infra.app import read_campaigns
from infra.config import ROOT, stage_settings
from infra.constructs.flow_triggers import TriggerRule, rules_of
from tests.infra.conftest import Synthesized

pytestmark = pytest.mark.xdist_group("synth")


def flow(name: str, on: Any) -> Flow:
    return Flow.model_validate({"name": name, "on": on, "steps": [{"send": "hello"}]})


def test_a_marketer_can_always_request_a_flow() -> None:
    assert rules_of([]) == [TriggerRule("flow_requested")]


def test_two_flows_on_one_trigger_share_a_rule() -> None:
    flows = [flow("one", "cart_abandoned"), flow("two", "cart_abandoned")]

    assert rules_of(flows) == [TriggerRule("cart_abandoned"), TriggerRule("flow_requested")]


def test_a_rule_names_the_order_or_the_segment_that_the_flow_waits_for() -> None:
    flows = [flow("thanks", {"order_placed": {"nth": 1}}), flow("hello", {"segment_entered": "vip"})]

    patterns = {rule.id: rule for rule in rules_of(flows)}

    assert patterns["order-placed-order-1"].name == "order-1"
    assert patterns["segment-entered-vip"].name == "vip"


def test_the_first_order_and_each_order_are_told_apart() -> None:
    flows = [flow("first", {"order_placed": {"nth": 1}}), flow("each", "order_placed")]

    found = [rule for rule in rules_of(flows) if rule.kind == "order_placed"]
    assert found == [TriggerRule("order_placed", "order"), TriggerRule("order_placed", "order-1")]


def test_what_waiting_runs_listen_for_has_a_rule() -> None:
    waiting = {"wait_for": {"any": [{"did": "Review Posted"}, {"segment": "vip"}]}, "within": "1d"}
    listening = Flow.model_validate({"name": "ask", "on": "birthday", "steps": [waiting]})

    assert {(rule.kind, rule.name.rpartition("-")[0] or rule.name) for rule in rules_of([listening])} == {
        ("birthday", ""), ("event", "review-posted"), ("flow_requested", ""), ("segment_entered", "vip"),
    }  # fmt: skip


def test_what_is_fanned_out_to_many_has_no_rule_of_its_own() -> None:
    flows = [flow("monday", {"schedule": {"segment": "vip", "at": "09:00"}}), flow("drop", "price_dropped")]

    assert rules_of(flows) == [TriggerRule("flow_requested"), TriggerRule("product_changed")]
    assert rules_of(flows[:1]) == [TriggerRule("flow_requested")]


def test_the_deployed_rules_are_those_of_the_campaigns(stacks: Synthesized) -> None:
    campaigns = publish(read_campaigns(ROOT / "layers/campaigns"))
    on_the_bus = {
        rule["Properties"]["Name"]
        for rule in stacks.all("AWS::Events::Rule").values()
        if "EventBusName" in rule["Properties"]
    }

    assert on_the_bus == {f"homing-prod-{rule.id}" for rule in rules_of(campaigns.flows.values())}


def test_only_commands_may_come_from_other_sources(stacks: Synthesized) -> None:
    for rule in stacks.all("AWS::Events::Rule").values():
        pattern = rule["Properties"].get("EventPattern", {})
        if "EventBusName" in rule["Properties"] and not set(pattern["detail-type"]) <= COMMANDS.keys():
            assert pattern["source"] == ["homing"]


def test_every_command_of_marketers_reaches_the_flow_inbox(stacks: Synthesized) -> None:
    (rule,) = (
        found["Properties"]
        for found in stacks.all("AWS::Events::Rule").values()
        if found["Properties"]["Name"] == "homing-prod-flow-requested"
    )
    assert set(rule["EventPattern"]["detail-type"]) == COMMANDS.keys() - {"ProductChanged"}
    assert "source" not in rule["EventPattern"]


def test_each_topic_has_a_configuration_set_whose_events_come_back(stacks: Synthesized) -> None:
    topics = publish(read_campaigns(ROOT / "layers/campaigns")).settings.topics
    wanted = {"homing-prod-mail", *(f"homing-prod-mail-{topic}" for topic in topics)}
    sets = stacks.all("AWS::SES::ConfigurationSet")
    assert {held["Properties"]["Name"] for held in sets.values()} == wanted

    told = stacks.all("AWS::SES::ConfigurationSetEventDestination").values()
    assert {held["Properties"]["ConfigurationSetName"]["Ref"] for held in told} == set(sets)
    (rule,) = (
        r for r in stacks.all("AWS::Events::Rule").values() if r["Properties"]["Name"] == "homing-prod-mail-happened"
    )
    heard = rule["Properties"]["EventPattern"]["detail"]["mail"]["tags"]["ses:configuration-set"]
    assert {one["Ref"] for one in heard} == set(sets)


def test_bounces_return_to_a_name_of_the_domain_and_mail_leaves_before_its_records_are_there(
    stacks: Synthesized,
) -> None:
    (identity,) = stacks.all("AWS::SES::EmailIdentity").values()
    attributes = identity["Properties"]["MailFromAttributes"]
    assert attributes["MailFromDomain"] == f"bounce.{identity['Properties']['EmailIdentity']}"
    assert attributes["BehaviorOnMxFailure"] == "USE_DEFAULT_VALUE"


def test_no_more_copies_of_send_email_run_than_the_rate_has_mails_in_a_second() -> None:
    workers = [
        stage_settings({"s": {"rate_per_second": rate, "send_concurrency": 5}}, "s").mail_workers for rate in (1, 3, 14)
    ]
    assert workers == [2, 3, 5]


def test_the_schema_registry_holds_the_catalogue_of_the_bus(stacks: Synthesized) -> None:
    (registry,) = stacks.all("AWS::EventSchemas::Registry").values()
    assert registry["Properties"]["RegistryName"] == "homing-prod"
    held = {
        found["Properties"]["SchemaName"]: json.loads(found["Properties"]["Content"])
        for found in stacks.all("AWS::EventSchemas::Schema").values()
    }
    assert held == {f"homing@{name}": schema for name, schema in schemas().items()}
