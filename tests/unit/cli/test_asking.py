"""Commands that put events on a bus: what they print, and what they refuse before anybody is asked."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

from homing.cli.main import command
from homing.runtime import parts


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, list(arguments))
    return result.exit_code, result.output + str(result.exception or "")


def entries(line: str) -> list[dict[str, Any]]:
    program, *rest = shlex.split(line)
    assert (program, rest[:3]) == ("aws", ["events", "put-events", "--entries"])
    found = json.loads(rest[3])
    return [{**one, "Detail": json.loads(one["Detail"])} for one in found]


@pytest.mark.parametrize(
    ("arguments", "detail_type", "detail"),
    [
        (["trigger", "news", "--user-id", "42"], "FlowRequested", {"user_id": "42"}),
        (
            ["trigger", "news", "--segment", "vip", "--per-minute", "5"],
            "FlowRequested",
            {"segment": "vip", "per_minute": 5},
        ),
        (["trigger", "news", "--list", "s3://b/k.csv"], "FlowRequested", {"list": {"s3": "s3://b/k.csv"}}),
        (["trigger", "news", "--list", "guests"], "FlowRequested", {"list": "guests"}),
        (
            ["trigger", "news", "--email", "a@b.example", "--data", "n=3", "--data", "title=it's spring"],
            "FlowRequested",
            {"email": "a@b.example", "data": {"n": 3, "title": "it's spring"}},
        ),
        (["pause", "news", "--by", "Ada", "--reason", "typo"], "FlowPauseRequested", {"by": "Ada", "reason": "typo"}),
        (["resume", "news"], "FlowResumeRequested", {}),
        (["stop", "news"], "FlowStopRequested", {}),
    ],
)
def test_a_command_can_be_printed_for_the_aws_cli(
    arguments: list[str], detail_type: str, detail: dict[str, Any]
) -> None:
    code, text = run(*arguments, "--request-id", "r1", "--stage", "prod", "--print")
    assert code == 0, text
    (entry,) = entries(text)
    assert (entry["EventBusName"], entry["DetailType"]) == ("homing-prod", detail_type)
    assert entry["Detail"] == {"flow": "news", "request_id": "r1", **detail}


def test_a_request_without_an_id_gets_a_new_one_each_time() -> None:
    ids = {entries(run("pause", "news", "--bus", "b", "--print")[1])[0]["Detail"]["request_id"] for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["trigger", "news", "--user-id", "42"], "say --stage NAME, or --bus NAME"),
        (["pause", "news", "--stage", "a", "--bus", "b"], "say --stage NAME, or --bus NAME"),
        (["trigger", "news", "--bus", "b"], "name the customer"),
        (["trigger", "news", "--bus", "b", "--user-id", "42", "--segment", "vip"], "is enough"),
        (
            ["trigger", "News!", "--bus", "b", "--user-id", "42"],
            "flow is a text of another form: write the name of a flow",
        ),
        (["pause", "news", "--bus", "b", "--request-id", "ada@example.com"], "no @"),
        (["trigger", "news", "--bus", "b", "--list", __file__], "is uploaded"),
        (["trigger", "news", "--bus", "b", "--list", "lost.csv"], "--list lost.csv: there is no such file"),
        (["trigger", "news", "--bus", "b", "--list", "mails/lost"], "--list mails/lost: there is no such file"),
        (["trigger", "news", "--bus", "b", "--list", r"mails\lost"], "there is no such file"),
        (["trigger", "news", "--bus", "b", "--list", str(Path(__file__).parent)], "that is a folder"),
        (["trigger", "news", "--bus", "b", "--email", "garbage"], "--email garbage: that is no e-mail address"),
        (
            ["trigger", "news", "--bus", "b", "--segment", "vip", "--per-minute", "90000"],
            "per_minute is 90000: write a whole number from 1 to 30,000",
        ),
        (
            ["trigger", "news", "--bus", "b", "--segment", "vip", "--per-minute", "0"],
            "per_minute is 0: write a whole number",
        ),
        (
            ["stop", "news", "--bus", "b", "--reason", "x" * 600],
            "reason is a text of 600 characters: write at most 500",
        ),
    ],
)
def test_what_can_not_be_right_is_refused_at_once(arguments: list[str], complaint: str) -> None:
    code, text = run(*arguments)
    assert code == 2
    assert complaint in text


def test_a_command_reaches_the_bus(aws: str) -> None:
    events, sqs = boto3.client("events", region_name=aws), boto3.client("sqs", region_name=aws)
    events.create_event_bus(Name="b")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="all", EventBusName="b", EventPattern='{"detail-type":["FlowStopRequested"]}')
    events.put_targets(Rule="all", EventBusName="b", Targets=[{"Id": "q", "Arn": arn}])
    parts.reset()
    assert run("stop", "news", "--bus", "b", "--request-id", "r1") == (0, "asked to stop news, request r1\n")
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["detail"] == {"flow": "news", "request_id": "r1"}
    code, text = run("stop", "news", "--bus", "nowhere")
    assert code == 1
    assert "bus" in text


def catalogs(folder: Path, many: int = 3) -> tuple[str, str]:
    old, new = folder / "old.csv", folder / "campaigns/catalog/products.jsonl"
    new.parent.mkdir(parents=True)
    old.write_text("product_id,name,price\n" + "".join(f"p{n},N,20.00\n" for n in range(many)))
    new.write_text(
        "".join(json.dumps({"product_id": f"p{n}", "name": "N", "price": "15.00"}) + "\n" for n in range(many))
    )
    return str(old), str(folder / "campaigns")


def test_what_changed_between_a_file_and_a_folder_is_told_in_few_events(tmp_path: Path) -> None:
    code, text = run("catalog", *catalogs(tmp_path, 1_200), "--bus", "b", "--print")
    assert code == 0, text
    told = [entry["Detail"]["changes"] for line in text.splitlines() for entry in entries(line)]
    assert [len(changes) for changes in told] == [500, 500, 200]
    assert told[0][0] == {"product_id": "p0", "price": {"before": "20.00", "now": "15.00"}}


def test_many_changes_are_told_in_as_many_calls_as_aws_takes_bytes(tmp_path: Path) -> None:
    code, text = run("catalog", *catalogs(tmp_path, 12_000), "--bus", "b", "--print")
    assert code == 0
    calls = [[len(json.dumps(entry["Detail"])) for entry in entries(line)] for line in text.splitlines()]
    assert len(calls) > 1
    assert max(map(sum, calls)) < 256 * 1024
    assert max(map(len, calls)) <= 10


def test_what_changed_can_be_read_by_a_program(tmp_path: Path) -> None:
    code, text = run("catalog", *catalogs(tmp_path), "--json")
    assert code == 0
    assert [change["product_id"] for change in json.loads(text)] == ["p0", "p1", "p2"]


def test_a_file_that_is_no_catalog_is_refused(tmp_path: Path) -> None:
    (tmp_path / "prices.txt").write_text("p1 20")
    code, text = run("catalog", str(tmp_path / "prices.txt"), str(tmp_path), "--bus", "b")
    assert code == 1
    assert "is no catalog" in text
