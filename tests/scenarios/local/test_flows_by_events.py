"""Flows started, paused, resumed and stopped by boto3's ``put_events``, and by the command line, against the deployed app on
one machine."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

from homing.adapters.blob import unpack
from homing.cli import asking, deployed
from homing.cli.main import command
from homing.domain.time import DAY, HOUR, MINUTE, SECOND, parse_instant
from homing.local.host import LocalHost

ROOT = Path(__file__).parents[3]
# A Monday; the starter shop is in Berlin.
START = parse_instant("2026-03-02T10:00:00Z")
PEOPLE = ("ada", "bea", "cyd")
FLOWS = {
    "promo": "on: flow_requested\nignore_quiet_hours: true\nsteps: [{send: win-back}, {wait: 2h}, {send: stay-in-touch}]\n",
    "tuesday": "on: {schedule: {segment: subscribed, weekdays: [tue], at: 09:00}}\nsteps: [{send: win-back}]\n",
    "drop": "on: {price_dropped: {by: 10}}\nsteps: [{send: win-back}]\n",
}
pytestmark = pytest.mark.xdist_group("commands")


@pytest.fixture(scope="module")
def campaigns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop") / "campaigns"
    shutil.copytree(ROOT / "layers/campaigns", folder)
    for name, text in FLOWS.items():
        (folder / f"flows/{name}.yaml").write_text(text)
    (folder / "segments/subscribed.yaml").write_text("when: {trait: {tier: {equals: gold}}}\n")
    return folder


@pytest.fixture
def host(campaigns: Path) -> Iterator[LocalHost]:
    with LocalHost.deployed(start=START, campaigns=campaigns) as running:
        for name in PEOPLE:
            traits = {
                "email": f"{name}@example.com",
                "firstName": name.title(),
                "consent": {"marketing": True},
                "tier": "gold",
            }
            running.http(
                "POST", "/v1/identify", running.authorization(), json.dumps({"userId": name, "traits": traits})
            )
        running.advance(10 * SECOND)
        yield running


def put(host: LocalHost, detail_type: str, **detail: Any) -> str:
    """What `aws events put-events` does. Returns the event's id."""
    (bus,) = (name for name in host.bus.names if name.startswith("homing-"))
    entry = {"EventBusName": bus, "Source": "marketing", "DetailType": detail_type, "Detail": json.dumps(detail)}
    answer = boto3.client("events").put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0
    host.settle()
    return str(answer["Entries"][0]["EventId"])


def answers(host: LocalHost, start: str = "FlowRequest") -> list[tuple[str, str, str]]:
    """(detail-type, kind, reason or state) of what the stack answered, in order."""
    told = [one for one in host.bus.published if one.source == "homing" and one.detail_type.startswith(start)]
    return [
        (
            one.detail_type.removeprefix("FlowRequest"),
            str(one.detail.get("kind", "")),
            str(one.detail.get("reason") or one.detail.get("state") or ""),
        )
        for one in told
    ]


def mailed(host: LocalHost) -> list[str]:
    return [mail.recipient.partition("@")[0] for mail in host.mails]


def test_a_flow_is_started_paused_resumed_and_stopped_by_events(host: LocalHost) -> None:
    asked = put(host, "FlowRequested", flow="promo", user_id="ada")
    assert answers(host) == [("Accepted", "start", "")]
    # Without a request_id it is the id of the event.
    (answer,) = (one.detail for one in host.bus.published if one.detail_type == "FlowRequestAccepted")
    assert answer["request_id"] == asked
    assert mailed(host) == ["ada"]

    put(host, "FlowPauseRequested", flow="promo", by="Bea", reason="typing mistake")
    assert answers(host)[-1] == ("Accepted", "pause", "paused")
    host.advance(3 * HOUR)
    put(host, "FlowRequested", flow="promo", user_id="bea")
    host.advance(HOUR)
    assert mailed(host) == ["ada"]

    put(host, "FlowResumeRequested", flow="promo")
    host.advance(5 * MINUTE)
    # Ada's second mail was due, and Bea's flow began.
    assert sorted(mailed(host)) == ["ada", "ada", "bea"]

    put(host, "FlowStopRequested", flow="promo")
    host.advance(12 * HOUR)
    put(host, "FlowRequested", flow="promo", user_id="cyd")
    assert answers(host)[-1] == ("Refused", "start", "flow_stopped")
    assert sorted(mailed(host)) == ["ada", "ada", "bea"]
    assert host.queue("flow-inbox-dead") == []
    assert not host.functions.errors


def test_what_nobody_can_do_is_refused_on_the_bus_and_lies_in_no_dead_letter_queue(host: LocalHost) -> None:
    for detail in ({"flow": "nothing", "user_id": "ada"}, {"flow": "promo"}, {"flow": "promo", "user_id": "zoe"},
                   {"flow": "promo", "segment": "golden"}, {"flow": "promo", "list": {"s3": "gone.csv"}}):  # fmt: skip
        put(host, "FlowRequested", **detail)
    host.advance(HOUR)
    assert [reason for _, _, reason in answers(host)] == [
        "unknown_flow", "missing_person", "unknown_person", "unknown_segment", "list_unreadable",
    ]  # fmt: skip
    assert host.queue("flow-inbox-dead") == []
    assert "zoe" not in str([one.detail for one in host.bus.published if one.source == "homing"])


def test_a_segment_is_written_to_at_the_pace_that_was_asked_for(host: LocalHost) -> None:
    put(host, "FlowRequested", flow="promo", segment="subscribed", per_minute=1, request_id="spring")
    assert len(host.mails) == 1
    host.advance(2 * MINUTE)
    assert len(host.mails) == 2
    put(host, "FlowRequested", flow="promo", segment="subscribed", request_id="spring")
    host.advance(10 * MINUTE)
    assert sorted(mailed(host)) == sorted(PEOPLE)
    assert answers(host)[-1] == ("Finished", "start", "finished")


def test_a_file_in_the_bucket_for_lists_is_written_to(host: LocalHost) -> None:
    bucket = lists(host)
    boto3.client("s3").put_object(Bucket=bucket, Key="spring.csv", Body=b"email\nBEA@example.com\nnobody@example.com\n")
    put(host, "FlowRequested", flow="promo", list={"s3": f"s3://{bucket}/spring.csv"})
    host.advance(5 * MINUTE)
    assert mailed(host) == ["bea"]


def test_a_schedule_starts_its_flow_at_nine_where_the_shop_is(host: LocalHost) -> None:
    host.advance_to("2026-03-03T07:59:00Z")
    assert host.mails == []
    host.advance_to("2026-03-03T08:02:00Z")
    assert sorted(mailed(host)) == sorted(PEOPLE)
    host.advance(6 * DAY)
    assert len(host.mails) == 3
    # Clocks were put forward on the 29th.
    host.advance_to("2026-03-31T06:59:00Z")
    before = len(host.mails)
    host.advance_to("2026-03-31T07:02:00Z")
    assert len(host.mails) == before + 3


def test_who_looked_at_a_product_hears_that_it_costs_less(host: LocalHost) -> None:
    view = {"userId": "ada", "event": "Product Viewed", "properties": {"product_id": "p1", "name": "Kettle"}}
    host.http("POST", "/v1/track", host.authorization(), json.dumps(view))
    host.advance(MINUTE)
    put(host, "ProductChanged", product_id="p1", price={"before": "19.90", "now": "18.90"}, currency="EUR")
    host.advance(HOUR)
    assert host.mails == []
    put(host, "ProductChanged", product_id="p1", price={"before": "19.90", "now": "14.90"}, currency="EUR")
    host.advance(10 * MINUTE)
    assert mailed(host) == ["ada"]
    assert [told for told in answers(host) if told[1] == "products"] == [
        ("Accepted", "products", ""), ("Finished", "products", "finished"),
    ]  # fmt: skip


@pytest.fixture
def homing(host: LocalHost, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """The command line against this stack, which does what falls due whenever a command waits."""
    data = {
        "ProfilesTableName": "homing-local-profiles",
        "ArchiveBucketName": "archive",
        "ListsBucketName": lists(host),
    }
    known = {"homing-local-data": data, "homing-local-engagement": {"CampaignsRevision": "x"}}
    monkeypatch.setattr(deployed, "outputs_of", known.__getitem__)
    monkeypatch.setattr(asking.time, "sleep", lambda seconds: host.advance(int(max(seconds, 20) * SECOND)))

    def run(*arguments: str, fails: bool = False) -> str:
        result = CliRunner().invoke(command, [*arguments, *([] if "--print" in arguments else ["--stage", "local"])])
        if fails:
            assert result.exception is not None
            return result.output + str(result.exception)
        assert result.exit_code == 0, result.output + str(result.exception)
        return result.output

    return run


def lists(host: LocalHost) -> str:
    return next(
        found.name for found in host.template.resources("AWS::S3::Bucket") if found.logical_id.startswith("Lists")
    )


def test_the_command_line_starts_pauses_resumes_and_stops_a_flow(host: LocalHost, homing: Callable[..., str]) -> None:
    assert "began" in homing("trigger", "promo", "--user-id", "ada", "--data", "title=Spring")
    assert mailed(host) == ["ada"]
    assert "promo is paused" in homing("pause", "promo", "--reason", "typing mistake", "--by", "Bea")
    assert "waits: the flow is paused" in homing("trigger", "promo", "--email", "bea@example.com")
    assert mailed(host) == ["ada"]
    assert "promo is running" in homing("resume", "promo")
    host.advance(5 * MINUTE)
    assert mailed(host) == ["ada", "bea"]
    assert "promo is stopped" in homing("stop", "promo")
    assert "nothing came of it" in homing("trigger", "promo", "--user-id", "cyd", fails=True)
    kept = next(item for item in host.items("journal") if item["pk"]["S"] == "control#flows")
    orders = unpack(kept["data"]["B"])["orders"]
    assert [(one["order"], one["by"], one["reason"]) for one in orders] == [
        ("pause", "Bea", "typing mistake"), ("resume", "homing.cli", ""), ("stop", "homing.cli", ""),
    ]  # fmt: skip


def test_the_command_line_uploads_a_file_and_stays_until_it_is_worked_off(
    host: LocalHost, homing: Callable[..., str], tmp_path: Path
) -> None:
    file = tmp_path / "spring.csv"
    file.write_text("email\nada@example.com\nbea@example.com\nnobody\n")
    told = homing("trigger", "promo", "--list", str(file), "--per-minute", "1", "--follow", "--request-id", "spring")
    assert f"s3://{lists(host)}/spring.csv" in told
    done = "finished: 2 people handed on, 1 line named nobody\n  line 4: the email is not a mail address\n"
    assert told.endswith(done)
    assert sorted(mailed(host)) == ["ada", "bea"]
    file.write_text("colour,size\nred,7\n")
    assert "must name a column" in homing("trigger", "promo", "--list", str(file), fails=True)


def test_what_the_stack_would_refuse_in_any_case_is_not_even_asked(homing: Callable[..., str]) -> None:
    assert "name the customer" in homing("trigger", "promo", fails=True)
    assert "KEY=VALUE" in homing("trigger", "promo", "--user-id", "ada", "--data", "title", fails=True)


def test_a_printed_line_is_what_the_aws_cli_takes(host: LocalHost, homing: Callable[..., str]) -> None:
    line = homing("trigger", "promo", "--user-id", "ada", "--by", "Bea's", "--bus", "homing-local", "--print")
    program, *arguments = shlex.split(line)
    assert (program, arguments[:3]) == ("aws", ["events", "put-events", "--entries"])
    boto3.client("events").put_events(Entries=json.loads(arguments[3]))
    host.settle()
    assert mailed(host) == ["ada"]


def test_the_command_line_tells_what_changed_between_two_catalogs(
    host: LocalHost, homing: Callable[..., str], tmp_path: Path
) -> None:
    view = {"userId": "cyd", "event": "Product Viewed", "properties": {"product_id": "p1", "name": "Kettle"}}
    host.http("POST", "/v1/track", host.authorization(), json.dumps(view))
    host.advance(MINUTE)
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    old.write_text("product_id,name,price\np1,Kettle,20.00\np2,Pot,5.00\n")
    new.write_text("product_id,name,price\np1,Kettle,15.00\np2,Pot,5.00\n")
    assert "1 product changed" in homing("catalog", str(old), str(new))
    host.advance(10 * MINUTE)
    assert mailed(host) == ["cyd"]
    assert "0 products changed" in homing("catalog", str(new), str(new))
    new.write_text("product_id,name,price\np1,Kettle,cheap\n")
    assert "should be a decimal" in homing("catalog", str(old), str(new), fails=True)
