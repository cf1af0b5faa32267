"""homing sending against a deployed stage: what left, what stopped itself, and the word that lets it go on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result

from homing.adapters.dynamodb_book import DynamoBook
from homing.cli.main import command
from homing.domain.delivery.book import Book
from homing.domain.time import SECOND, iso, parse_instant
from homing.runtime import parts
from homing.services.sending_rate import Reckoning
from tests.account import create_table

NOW = parse_instant("2026-03-02T10:00:00Z")


class Stacks:
    """CloudFormation, as far as it tells that a stage ``try`` is deployed."""

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803
        assert StackName in {"homing-try-data", "homing-try-engagement"}
        outputs = {"ProfilesTableName": "p", "ArchiveBucketName": "a", "CampaignsRevision": "r"}
        return {"Stacks": [{"Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in outputs.items()]}]}


@pytest.fixture
def store(aws: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoBook]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", aws)
    parts.reset()
    dynamodb = boto3.client("dynamodb", region_name=aws)
    create_table(dynamodb, "homing-try-journal", "pk", "sk")
    client, stacks = parts.client, Stacks()
    monkeypatch.setattr(
        parts, "client", lambda service, own=None: stacks if service == "cloudformation" else client(service, own)
    )
    yield DynamoBook(dynamodb, "homing-try-journal")
    monkeypatch.undo()
    parts.reset()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, ["sending", "--stage", "try", *arguments])


def send_badly(store: DynamoBook, *, sends: int = 1_000, complaints: int = 3) -> None:
    """So many mails of a topic, and so many people who call them spam."""
    book = Book(version=1, day="2026-03-02", taken=sends).sent({"marketing": sends}).sent({"orders": 5})
    store.save(book, expected=0)
    reckoning = Reckoning(store, lambda: NOW)
    for number in range(complaints):
        reckoning.heard("marketing", "complaint", f"c{number}")


def test_a_stage_that_has_sent_nothing_says_so(store: DynamoBook) -> None:
    ran = run()
    assert (ran.exit_code, ran.output) == (0, "nothing was sent yet\n")
    assert json.loads(run("--json").output) == {"topics": {}, "stopped": {}}


def test_sends_and_complaints_are_told_by_topic(store: DynamoBook) -> None:
    send_badly(store, complaints=1)
    ran = run()
    assert ran.exit_code == 0
    assert ran.output.splitlines() == [
        "2026-03-02: 1000 given leave (warm-up)",
        "all topics: last 1005 sends, 0 bounces, 1 complaints",
        "marketing: last 1000 sends, 0 bounces, 1 complaints",
        "orders: last 5 sends, 0 bounces, 0 complaints",
    ]


def test_what_stopped_itself_is_told_with_its_reason_and_the_way_on(store: DynamoBook) -> None:
    send_badly(store)
    ran = run()
    assert ran.exit_code == 1
    assert f"STOPPED since {iso(NOW)}: marketing (3 complaints in 1000 sends, limit 0.08%)" in ran.output
    assert "homing sending --stage try --resume 'marketing'" in ran.output
    assert json.loads(run("--json").output)["stopped"]["marketing"] == {
        "at": iso(NOW), "what": "complaint", "count": 3, "of": 1000, "rate": 0.003, "limit": 0.0008,
    }  # fmt: skip


def test_a_topic_goes_on_when_somebody_says_so_and_the_others_stay_stopped(store: DynamoBook) -> None:
    send_badly(store)
    assert set(store.load().stopped) == {"marketing", "*"}
    ran = run("--resume", "marketing")
    assert ran.exit_code == 1
    assert ran.output.startswith("marketing: goes on;")
    assert set(store.load().stopped) == {"*"}
    ran = run("--resume", "*")
    assert ran.exit_code == 0
    assert ran.output.startswith("all topics: goes on;")
    assert store.load().stop_of("marketing") is None
    # The count begins anew: one more complaint stops nobody.
    Reckoning(store, lambda: NOW + SECOND).heard("marketing", "complaint", "one more")
    assert store.load().stop_of("marketing") is None


def test_what_is_not_stopped_can_not_go_on(store: DynamoBook) -> None:
    send_badly(store, complaints=0)
    ran = run("--resume", "orders")
    assert ran.exit_code == 2
    assert "'orders' is not stopped: stopped is nothing" in ran.output
    assert set(store.load().windows) == {"*", "marketing", "orders"}


def test_json_stays_json_when_something_goes_on(store: DynamoBook) -> None:
    send_badly(store)
    run("--resume", "*")
    told = json.loads(run("--resume", "marketing", "--json").stdout)
    assert told["stopped"] == {}
    assert told["topics"]["orders"] == {"sends": 5, "bounces": 0, "complaints": 0}
