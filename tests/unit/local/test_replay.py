"""Recordings: how they are read, and how they are played."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from homing.domain.errors import InvalidInput
from homing.domain.time import iso, parse_instant
from homing.local.recording import AFTERWARDS, read_recording
from homing.local.replay import Replay
from tests.unit.local import stacks

INGEST = """
def handler(event, context):
    batch = json.loads(event["body"])["batch"]
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(
        {"at": clock.now(), "batch": batch, "key": event["headers"]["authorization"]}))
    bad = [i for i, m in enumerate(batch) if not m.get("userId")]
    body = {"rejected": [{"index": i, "code": "missing_identifier", "message": "who?"} for i in bad]}
    return {"statusCode": 400 if len(bad) == len(batch) else 200, "body": json.dumps(body)}
"""
API = {
    "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "api"}},
    "Integration": {
        "Type": "AWS::ApiGatewayV2::Integration",
        "Properties": {"IntegrationUri": {"Fn::GetAtt": ["Ingest", "Arn"]}},
    },
    "Route": {
        "Type": "AWS::ApiGatewayV2::Route",
        "Properties": {
            "RouteKey": "POST /v1/batch",
            "Target": {"Fn::Join": ["/", ["integrations", {"Ref": "Integration"}]]},
        },
    },
}


def recording(folder: Path, *messages: Any) -> Path:
    path = folder / "events.jsonl"
    path.write_text("".join((m if isinstance(m, str) else json.dumps(m)) + "\n" for m in messages))
    return path


def message(at: str, user: str | None = "u", **more: Any) -> dict[str, Any]:
    return {"type": "track", "event": "X", "userId": user, "timestamp": at, **more}


def test_a_recording_is_read_in_order_of_time_and_then_of_lines(tmp_path: Path) -> None:
    path = recording(
        tmp_path,
        message("2026-03-02T09:00:00Z", n=1),
        "",
        message("2026-03-02T10:00:00+02:00", n=2),
        message("2026-03-02T09:00:00.000Z", n=3),
        {"originalTimestamp": "2026-03-02T08:30:00Z", "n": 4},
    )
    assert [event.message["n"] for event in read_recording(path).messages] == [2, 4, 1, 3]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{", "bad_json"),
        ("[]", "bad_json"),
        ("\ud800", "bad_json"),
        ("{}", "missing_timestamp"),
        ('{"timestamp": "yesterday"}', "bad_time"),
        ('{"timestamp": "9999-01-01T00:00:00Z"}', "bad_time"),
        ('{"timestamp": 7}', "bad_time"),
    ],
)
def test_a_line_that_nobody_can_place_in_time_goes_to_quarantine_and_the_rest_is_read(
    tmp_path: Path, line: str, code: str
) -> None:
    path = tmp_path / "events.jsonl"
    good = json.dumps(message("2026-03-02T09:00:00Z")).encode()
    path.write_bytes(b"\xef\xbb\xbf" + good + b"\n" + line.encode(errors="surrogatepass") + b"\n" + good)
    read = read_recording(path)
    assert [event.line for event in read.messages] == [1, 3]
    (broken,) = read.broken
    assert (broken.source, broken.code, broken.where) == ("file", code, f"{path}:2")
    assert broken.reason
    assert (base64.b64decode(broken.raw) if broken.encoding == "base64" else broken.raw.encode()) == line.encode(
        errors="surrogatepass"
    )


@pytest.mark.parametrize("line", ["", "{", "no,events,here"])
def test_a_recording_without_a_readable_event_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(InvalidInput, match="no events"):
        read_recording(recording(tmp_path, line))


def test_a_run_that_would_end_before_it_begins_is_refused_with_the_beginning(tmp_path: Path) -> None:
    read = read_recording(recording(tmp_path, message("2026-03-02T09:00:00Z"), message("2026-03-05T09:00:00Z")))
    with pytest.raises(InvalidInput, match="first event is of 2026-03-02T09:00:00Z"):
        read.end(parse_instant("2026-03-02T08:59:59Z"))
    assert read.end(parse_instant("2026-03-02T09:00:00Z")) == parse_instant("2026-03-02T09:00:00Z")
    assert read.end() == parse_instant("2026-03-12T09:00:00Z")


def test_each_message_arrives_at_its_time_and_time_goes_on_afterwards(tmp_path: Path) -> None:
    path = recording(
        tmp_path,
        message("2026-03-02T09:00:00Z", "a", sentAt="2026-03-02T09:00:05Z"),
        message("2026-03-02T09:00:00Z", None),
        message("2026-03-03T09:00:00.5Z", "c"),
        "torn li",
    )
    code = {"ingest": INGEST}
    with stacks.host(tmp_path, {"Ingest": stacks.function("ingest", QUEUE={"Ref": "Dead"}), **API}, code) as host:
        replay = Replay(host)
        assert list(replay.run(read_recording(path))) == [1, 2, 2]
        calls = [json.loads(body) for body in host.queue("dead")]
        assert [iso(call["at"]) for call in calls] == ["2026-03-02T09:00:00Z", "2026-03-03T09:00:00.500000Z"]
        assert [len(call["batch"]) for call in calls] == [2, 1]
        assert "sentAt" not in calls[0]["batch"][0]
        assert host.now() == parse_instant("2026-03-03T09:00:00.5Z") + AFTERWARDS
        unreadable, refused = [*replay.unreadable, *replay.refused]
        assert (unreadable.source, unreadable.raw) == ("file", "torn li")
        assert (refused.code, refused.where, json.loads(refused.raw)["userId"]) == (
            "missing_identifier",
            "line 2",
            None,
        )


def test_until_leaves_later_events_out_and_says_when_to_stop(tmp_path: Path) -> None:
    path = recording(tmp_path, message("2026-03-02T09:00:00Z"), message("2026-03-04T09:00:00Z"))
    code = {"ingest": INGEST}
    with stacks.host(tmp_path, {"Ingest": stacks.function("ingest", QUEUE={"Ref": "Dead"}), **API}, code) as host:
        until = parse_instant("2026-03-03T00:00:00Z")
        assert list(Replay(host).run(read_recording(path), until)) == [1, 1]
        assert host.now() == until
