"""Recordings: how they are read, and how they are played."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from homing.domain.errors import InvalidInput
from homing.domain.time import iso, parse_instant
from homing.local.replay import AFTERWARDS, Replay, read_recording
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
    assert [event.message["n"] for event in read_recording(path)] == [2, 4, 1, 3]


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"timestamp": "yesterday"}', '{"timestamp": 7}'])
def test_a_line_without_a_time_is_named(tmp_path: Path, line: str) -> None:
    path = recording(tmp_path, message("2026-03-02T09:00:00Z"), line)
    with pytest.raises(InvalidInput) as caught:
        read_recording(path)
    assert caught.value.where == f"{path}:2"


def test_an_empty_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no events"):
        read_recording(recording(tmp_path, ""))


def test_each_message_arrives_at_its_time_and_time_goes_on_afterwards(tmp_path: Path) -> None:
    path = recording(
        tmp_path,
        message("2026-03-02T09:00:00Z", "a", sentAt="2026-03-02T09:00:05Z"),
        message("2026-03-02T09:00:00Z", None),
        message("2026-03-03T09:00:00.5Z", "c"),
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
        (refused,) = replay.refused
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
