"""What keeps the promises: nothing falls on the floor, nothing is open, the same sources give the same templates."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

from homing.domain.delivery.ledger import SendStatus
from infra import assets
from infra.config import ROOT
from tests.infra.conftest import Synthesized, synthesize

pytestmark = pytest.mark.xdist_group("synth")


def properties(stacks: Synthesized, kind: str) -> list[dict[str, Any]]:
    found = [resource["Properties"] for resource in stacks.all(kind).values()]
    assert found, f"no {kind}"
    return found


def sources(stacks: Synthesized, *, of_streams: bool) -> list[dict[str, Any]]:
    mappings = properties(stacks, "AWS::Lambda::EventSourceMapping")
    return [mapping for mapping in mappings if ("StartingPosition" in mapping) is of_streams]


def test_streams_retry_within_bounds_and_leave_what_fails_in_quarantine(stacks: Synthesized) -> None:
    for mapping in sources(stacks, of_streams=True):
        assert mapping["BisectBatchOnFunctionError"] is True
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert 0 < mapping["MaximumRetryAttempts"] <= 100
        assert 0 < mapping["MaximumRecordAgeInSeconds"] <= 86_400
        assert "Quarantine" in str(mapping["DestinationConfig"]["OnFailure"]["Destination"])


def test_queues_report_single_messages_and_end_in_a_dead_letter_queue(stacks: Synthesized) -> None:
    queues = stacks.all("AWS::SQS::Queue")
    for mapping in sources(stacks, of_streams=False):
        queue = queues[mapping["EventSourceArn"]["Fn::GetAtt"][0]]["Properties"]
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] in queues


def test_a_message_stays_hidden_for_six_times_as_long_as_its_function_may_run(stacks: Synthesized) -> None:
    functions = {name: resource["Properties"] for name, resource in stacks.all("AWS::Lambda::Function").items()}
    queues = stacks.all("AWS::SQS::Queue")
    for mapping in sources(stacks, of_streams=False):
        queue = queues[mapping["EventSourceArn"]["Fn::GetAtt"][0]]["Properties"]
        assert queue["VisibilityTimeout"] >= 6 * functions[mapping["FunctionName"]["Ref"]]["Timeout"]


def test_every_rule_has_bounded_retries_and_a_dead_letter_queue(stacks: Synthesized) -> None:
    for rule in properties(stacks, "AWS::Events::Rule"):
        for target in rule["Targets"]:
            assert "Arn" in target["DeadLetterConfig"]
            assert target["RetryPolicy"]["MaximumRetryAttempts"] <= 185


def test_functions_that_rules_invoke_leave_what_fails_in_a_queue(stacks: Synthesized) -> None:
    functions = stacks.all("AWS::Lambda::Function")
    invoked = {
        target["Arn"]["Fn::GetAtt"][0]
        for rule in properties(stacks, "AWS::Events::Rule")
        for target in rule["Targets"]
        if target["Arn"]["Fn::GetAtt"][0] in functions
    }
    caught = {
        config["FunctionName"]["Ref"]
        for config in properties(stacks, "AWS::Lambda::EventInvokeConfig")
        if config["DestinationConfig"]["OnFailure"]["Destination"]
    }

    assert invoked
    assert invoked <= caught


def test_every_dead_letter_queue_has_an_alarm(stacks: Synthesized) -> None:
    dead = {name for name, queue in stacks.all("AWS::SQS::Queue").items() if "RedrivePolicy" not in queue["Properties"]}
    watched = {
        dimension["Value"]["Fn::GetAtt"][0]
        for alarm in properties(stacks, "AWS::CloudWatch::Alarm")
        for dimension in alarm.get("Dimensions", [])
        if dimension["Name"] == "QueueName" and alarm["AlarmName"].endswith("-not-empty")
    }

    assert dead == watched


def test_a_clock_that_stands_still_is_no_good_news(stacks: Synthesized) -> None:
    alarms = {alarm["AlarmName"]: alarm for alarm in properties(stacks, "AWS::CloudWatch::Alarm")}
    silence = {name: alarm["TreatMissingData"] for name, alarm in alarms.items()}

    assert silence.pop("homing-prod-clock-stopped") == "breaching"
    assert set(silence.values()) == {"notBreaching"}


def test_every_alarm_reaches_the_topic(stacks: Synthesized) -> None:
    (topic,) = stacks.all("AWS::SNS::Topic")
    for alarm in properties(stacks, "AWS::CloudWatch::Alarm"):
        assert alarm["AlarmActions"] == [{"Ref": topic}]


def test_production_keeps_its_data_when_the_stack_goes(stacks: Synthesized) -> None:
    for kind in ("AWS::DynamoDB::Table", "AWS::Kinesis::Stream", "AWS::S3::Bucket", "AWS::SecretsManager::Secret"):
        found = stacks.all(kind)
        assert found
        assert all(resource["DeletionPolicy"] == "Retain" for resource in found.values())
    assert all(table["DeletionProtectionEnabled"] for table in properties(stacks, "AWS::DynamoDB::Table"))


def test_everything_that_holds_data_is_encrypted(stacks: Synthesized) -> None:
    assert all(table["SSESpecification"]["SSEEnabled"] for table in properties(stacks, "AWS::DynamoDB::Table"))
    assert all("StreamEncryption" in stream for stream in properties(stacks, "AWS::Kinesis::Stream"))
    assert all("BucketEncryption" in bucket for bucket in properties(stacks, "AWS::S3::Bucket"))
    assert all(queue["SqsManagedSseEnabled"] for queue in properties(stacks, "AWS::SQS::Queue"))
    assert all("KmsMasterKeyId" in topic for topic in properties(stacks, "AWS::SNS::Topic"))


def test_tables_can_be_restored_to_any_second(stacks: Synthesized) -> None:
    for table in properties(stacks, "AWS::DynamoDB::Table"):
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
        assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


def test_quarantine_forgets_after_thirty_days(stacks: Synthesized) -> None:
    (quarantine,) = (
        bucket["Properties"] for name, bucket in stacks.all("AWS::S3::Bucket").items() if "Quarantine" in name
    )

    assert quarantine["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == 30


def test_every_log_ends_some_day(stacks: Synthesized) -> None:
    assert all(group["RetentionInDays"] for group in properties(stacks, "AWS::Logs::LogGroup"))


def test_access_logs_hold_neither_addresses_nor_queries(stacks: Synthesized) -> None:
    (stage,) = properties(stacks, "AWS::ApiGatewayV2::Stage")
    logged = stage["AccessLogSettings"]["Format"]

    assert "$context.routeKey" in logged
    assert not any(word in logged for word in ("sourceIp", "userAgent", "$context.path", "authorizer"))


def test_the_same_sources_give_the_same_templates(stacks: Synthesized, tmp_path: Path) -> None:
    assert synthesize(tmp_path) == stacks


def test_the_deployed_layer_leaves_the_local_host_and_the_command_line_at_home() -> None:
    package = assets.core_layer() / "python/homing"

    assert {"domain", "services", "adapters", "sources", "runtime"} <= {path.name for path in package.iterdir()}
    assert not (package / "cli").exists()
    of_local = {path.relative_to(package).as_posix() for path in (package / "local").rglob("*.py")}
    assert of_local == assets.DEPLOYED_ALL_THE_SAME


def test_what_plays_history_in_lambda_finds_all_that_it_imports_in_the_layer() -> None:
    script = (
        "import functions.backtest_plan.handler, functions.backtest_part.handler, homing, sys;"
        "print(homing.__path__[0]);"
        "print(*sorted(name for name in sys.modules if name.startswith('homing.local.')))"
    )
    path = os.pathsep.join([str(assets.core_layer() / "python"), str(assets.functions_code())])
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": path}, cwd="/", capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    where, *modules = done.stdout.split()
    assert where.startswith(str(assets.core_layer()))
    # And nothing lies there that nobody needs.
    imported = {f"{name.removeprefix('homing.').replace('.', '/')}" for name in modules}
    needed = {name.removesuffix(".py").removesuffix("/__init__") for name in assets.DEPLOYED_ALL_THE_SAME} - {"local"}
    assert imported == needed


def test_the_handlers_lie_where_lambda_looks_for_them() -> None:
    code = assets.functions_code()

    assert (code / "functions/update_profiles/handler.py").read_bytes() == (
        ROOT / "functions/update_profiles/handler.py"
    ).read_bytes()


def test_whatever_the_business_dashboard_shows_is_counted_by_somebody(stacks: Synthesized) -> None:
    (body,) = (
        str(board["DashboardBody"])
        for board in properties(stacks, "AWS::CloudWatch::Dashboard")
        if board["DashboardName"] == "homing-prod-business"
    )
    shown = set(re.findall(r'MetricName=\W*"?([A-Za-z]+)', body))
    folders = ("functions", *(f"layers/core/python/homing/{name}" for name in ("services", "sources", "runtime")))
    sources = "".join(path.read_text(encoding="utf-8") for folder in folders for path in ROOT.glob(f"{folder}/**/*.py"))
    # send_email counts each status of its ledger.
    statuses = {f"Messages{status.title()}" for status in get_args(SendStatus)}

    assert len(shown) > 10
    assert {name for name in shown - statuses if f'"{name}"' not in sources} == set()


def test_only_a_shop_with_a_pool_of_codes_pays_for_an_alarm_of_pools(stacks: Synthesized, pooled: Synthesized) -> None:
    assert set(alarms(pooled)) - set(alarms(stacks)) == {"codes-low"}

    low = alarms(pooled)["codes-low"]
    assert (low["Namespace"], low["MetricName"]) == ("Homing", "CodesLow")
    assert low["Dimensions"] == [{"Name": "service", "Value": "send_email"}]
    # The first hour with such a draw rings, and the bell stays on for a day.
    assert (low["Period"], low["DatapointsToAlarm"], low["EvaluationPeriods"]) == (3600, 1, 24)


def alarms(stacks: Synthesized) -> dict[str, dict[str, Any]]:
    found = properties(stacks, "AWS::CloudWatch::Alarm")
    return {alarm["AlarmName"].removeprefix("homing-prod-"): alarm for alarm in found}


@pytest.mark.parametrize("what", ["alarm", "output"])
def test_the_deployment_guide_tells_of_every(
    what: str, stacks: Synthesized, pooled: Synthesized, calling: Synthesized
) -> None:
    guide = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    names = (
        [*alarms(pooled), *alarms(calling)]
        if what == "alarm"
        else [name for name in (*stacks.data["Outputs"], *stacks.engagement["Outputs"]) if "Exports" not in name]
    )

    assert [name for name in names if f"`{name}`" not in guide] == []
