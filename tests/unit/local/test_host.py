"""The whole host over small synthetic stacks: real moto, real event shapes, faults on purpose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from homing.domain.errors import HomingError, InvalidInput
from homing.local.host import LocalHost
from homing.local.template import Template
from homing.runtime import clock
from tests.unit.local import stacks

COPY = """
def handler(event, context):
    for record in event["Records"]:
        name = data(record)
        if name.startswith("bad"):
            raise ValueError(name)
        table().put_item(TableName=os.environ["TABLE"], Item={"id": {"S": name}, "at": {"N": str(clock.now())}})
"""


def put(*names: str) -> None:
    records = [{"Data": name.encode(), "PartitionKey": "k"} for name in names]
    boto3.client("kinesis").put_records(StreamName="events", Records=records)


def things(host: LocalHost) -> list[str]:
    return [item["id"]["S"] for item in host.items("things")]


def test_a_crash_between_write_and_acknowledgement_delivers_the_records_again(tmp_path: Path) -> None:
    resources = {"Copy": stacks.function("copy"), "Map": stacks.mapping("Copy", stacks.KINESIS)}
    with stacks.host(tmp_path, resources, {"copy": COPY}) as host:
        host.faults.fail("copy", "after")
        put("a", "b")
        host.settle()
        assert things(host) == ["a", "b"]
        assert host.functions.invocations["copy"] == 1
        host.advance("1m")
        assert host.functions.invocations["copy"] == 2
        assert host.functions.errors["copy"] == 1


def test_a_batch_that_never_works_lies_in_the_bucket_with_its_records(tmp_path: Path) -> None:
    resources = {
        "Copy": stacks.function("copy"),
        "Map": stacks.mapping(
            "Copy", stacks.KINESIS, MaximumRetryAttempts=2, BisectBatchOnFunctionError=True, **stacks.QUARANTINE
        ),
    }
    with stacks.host(tmp_path, resources, {"copy": COPY}) as host:
        put("a", "bad", "c")
        host.advance("1h")
        assert sorted(things(host)) == ["a", "c"]
        ((key, body),) = host.objects("Quarantine").items()
        document = json.loads(body)
        assert key.startswith("aws/lambda/local/2026/03/02/")
        assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"
        assert len(json.loads(document["payload"])["Records"]) == 1


def test_what_a_function_writes_reaches_the_next_through_the_tables_stream(tmp_path: Path) -> None:
    tell = """
    def handler(event, context):
        for record in event["Records"]:
            boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(record["dynamodb"]))
    """
    resources = {
        "Copy": stacks.function("copy"),
        "Tell": stacks.function("tell", QUEUE={"Ref": "Dead"}),
        "Map": stacks.mapping("Copy", stacks.KINESIS, MaximumBatchingWindowInSeconds=1),
        "Changes": stacks.mapping("Tell", stacks.CHANGES, MaximumBatchingWindowInSeconds=1),
    }
    with stacks.host(tmp_path, resources, {"copy": COPY, "tell": tell}) as host:
        put("a")
        host.advance("10s")
        (body,) = host.queue("dead")
        change = json.loads(body)
        assert change["NewImage"]["id"] == {"S": "a"}
        assert change["NewImage"]["at"] == {"N": str(clock.now() - 9_000_000)}
        assert change["ApproximateCreationDateTime"] == clock.now() // 1_000_000 - 9


def test_rules_hand_events_to_queues_and_functions(tmp_path: Path) -> None:
    work = """
    def handler(event, context):
        for record in event["Records"]:
            event = json.loads(record["body"])
            table().put_item(TableName=os.environ["TABLE"], Item={"id": {"S": event["detail"]["name"]}})
    """
    direct = """
    def handler(event, context):
        table().put_item(TableName=os.environ["TABLE"], Item={"id": {"S": "direct " + event["detail-type"]}})
    """
    resources = {
        "Work2": stacks.function("work"),
        "Direct": stacks.function("direct"),
        "Map": stacks.mapping("Work2", stacks.WORK),
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventBusName": {"Ref": "Bus"},
                "EventPattern": {"source": ["shop"], "detail": {"name": [{"prefix": "vip"}]}},
                "Targets": [{"Id": "q", "Arn": stacks.WORK}, {"Id": "f", "Arn": {"Fn::GetAtt": ["Direct", "Arn"]}}],
            },
        },
    }
    with stacks.host(tmp_path, resources, {"work": work, "direct": direct}) as host:
        host.put_event("Entered", {"name": "vip-gold"}, source="shop")
        host.put_event("Entered", {"name": "other"}, source="shop")
        host.settle()
        assert sorted(things(host)) == ["direct Entered", "vip-gold"]
        answer = boto3.client("events").put_events(
            Entries=[{"EventBusName": "shop", "Source": "shop", "DetailType": "X", "Detail": "{"}]
        )
        assert answer["Entries"][0]["ErrorCode"] == "MalformedDetail"


def test_a_message_that_is_never_handled_ends_in_the_dead_letter_queue_after_its_receives(tmp_path: Path) -> None:
    code = "def handler(event, context):\n    raise ValueError('no')\n"
    resources = {"Work2": stacks.function("work"), "Map": stacks.mapping("Work2", stacks.WORK)}
    with stacks.host(tmp_path, resources, {"work": code}) as host:
        url = boto3.client("sqs").get_queue_url(QueueName="work")["QueueUrl"]
        boto3.client("sqs").send_message(QueueUrl=url, MessageBody="hello")
        host.advance("2m59s")
        assert host.functions.invocations["work"] == 3
        assert host.queue("dead") == []
        host.advance("1s")
        assert host.queue("dead") == ["hello"]
        assert host.functions.invocations["work"] == 3


TICK = {
    "Type": "AWS::Events::Rule",
    "Properties": {
        "ScheduleExpression": "rate(1 minute)",
        "Targets": [{"Id": "t", "Arn": {"Fn::GetAtt": ["Tick", "Arn"]}}],
    },
}


def test_ticks_that_would_find_nothing_are_not_run_and_the_first_that_does_is_on_time(tmp_path: Path) -> None:
    code = """
    def handler(event, context):
        boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=event["time"])
        found = table().query(
            TableName=os.environ["TABLE"], IndexName="wake", KeyConditionExpression="#b = :b AND #a <= :a",
            ExpressionAttributeNames={"#b": "wake_bucket", "#a": "wake_at"},
            ExpressionAttributeValues={":b": {"S": "w1"}, ":a": {"N": str(clock.now())}}, Limit=10)
        for item in found["Items"]:
            table().put_item(TableName=os.environ["TABLE"], Item={"id": item["id"]})
    """
    resources = {"Tick": stacks.function("tick", QUEUE={"Ref": "Dead"}), "Minute": TICK}
    with stacks.host(tmp_path, resources, {"tick": code}) as host:
        host.advance("30d")
        assert host.functions.invocations["tick"] == 0
        due = host.now() + 7 * 3_600_000_000 + 5
        item = {"id": {"S": "a"}, "wake_bucket": {"S": "w1"}, "wake_at": {"N": str(due)}}
        boto3.client("dynamodb").put_item(TableName="things", Item=item)
        host.advance("1d")
        assert host.queue("dead") == ["2026-04-01T15:01:00Z"]
        assert host.next_at() is None


def test_what_runs_at_an_hour_runs_each_day_whatever_is_due(tmp_path: Path) -> None:
    nightly = {**TICK["Properties"], "ScheduleExpression": "cron(20 2 * * ? *)"}
    resources = {"Tick": stacks.function("tick"), "Night": {**TICK, "Properties": nightly}}
    with stacks.host(tmp_path, resources, {"tick": "def handler(event, context):\n    return None\n"}) as host:
        host.advance("3d")
        assert host.functions.invocations["tick"] == 3


def test_something_that_stays_due_is_asked_for_each_minute(tmp_path: Path) -> None:
    resources = {"Tick": stacks.function("tick"), "Minute": TICK}
    with stacks.host(tmp_path, resources, {"tick": "def handler(event, context):\n    return None\n"}) as host:
        item = {"id": {"S": "a"}, "wake_bucket": {"S": "w1"}, "wake_at": {"N": "1"}}
        boto3.client("dynamodb").put_item(TableName="things", Item=item)
        host.advance("5m30s")
        assert host.functions.invocations["tick"] == 5


API = {
    "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "api", "ProtocolType": "HTTP"}},
    "Integration": {
        "Type": "AWS::ApiGatewayV2::Integration",
        "Properties": {"ApiId": {"Ref": "Api"}, "IntegrationUri": {"Fn::GetAtt": ["Echo", "Arn"]}},
    },
    **{
        f"Route{index}": {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "RouteKey": key,
                "Target": {"Fn::Join": ["/", ["integrations", {"Ref": "Integration"}]]},
            },
        }
        for index, key in enumerate(["POST /hooks/{shop}", "GET /page"])
    },
}
ECHO = """
def handler(event, context):
    if event.get("body") == "fail":
        raise ValueError("no")
    return {"statusCode": 201, "headers": {"X-Of": "echo"}, "body": json.dumps(event)}
"""


def test_requests_reach_functions_as_api_gateway_hands_them_on(tmp_path: Path) -> None:
    with stacks.host(tmp_path, {"Echo": stacks.function("echo"), **API}, {"echo": ECHO}) as host:
        response = host.http("POST", "/hooks/my%20shop?a=1&a=2", {"Content-Type": "application/json"}, '{"x": "ü"}')
        assert response.status == 201
        assert response.headers["x-of"] == "echo"
        event = response.json()
        assert event["version"] == "2.0"
        assert event["routeKey"] == "POST /hooks/{shop}"
        assert event["pathParameters"] == {"shop": "my shop"}
        assert event["queryStringParameters"] == {"a": "1,2"}
        assert event["body"] == '{"x": "ü"}'
        assert event["isBase64Encoded"] is False
        assert event["requestContext"]["timeEpoch"] == clock.now() // 1000
        gzipped = host.http(
            "POST", "/hooks/x", {"content-type": "application/json", "content-encoding": "gzip"}, b"\x1f"
        )
        assert gzipped.json()["body"] == "Hw=="
        assert gzipped.json()["isBase64Encoded"] is True
        assert host.http("GET", "/hooks/x").status == 404
        assert host.http("POST", "/hooks/x", {}, "fail").status == 500


def test_sent_mails_are_kept_and_their_events_come_over_the_default_bus(tmp_path: Path) -> None:
    code = """
    def handler(event, context):
        boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=event["detail-type"])
    """
    resources = {
        "Happened": stacks.function("happened", QUEUE={"Ref": "Dead"}),
        "Set": {"Type": "AWS::SES::ConfigurationSet", "Properties": {"Name": "mail"}},
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {
                    "source": ["aws.ses"],
                    "detail": {"mail": {"tags": {"ses:configuration-set": ["mail"], "homing_send": ["s1"]}}},
                },
                "Targets": [{"Id": "f", "Arn": {"Fn::GetAtt": ["Happened", "Arn"]}}],
            },
        },
    }
    mail = {
        "FromEmailAddress": "shop@example.com",
        "Destination": {"ToAddresses": ["ada@example.com"]},
        "Content": {
            "Simple": {
                "Subject": {"Data": "Hello"},
                "Body": {"Html": {"Data": '<a href="https://x.example/?a=1&amp;b=2">x</a>'}, "Text": {"Data": "x"}},
                "Headers": [{"Name": "List-Unsubscribe", "Value": "<https://u>"}],
            }
        },
        "EmailTags": [{"Name": "homing_send", "Value": "s1"}],
    }
    with stacks.host(tmp_path, resources, {"happened": code}) as host:
        ses = boto3.client("sesv2")
        answer = ses.send_email(**mail, ConfigurationSetName="mail")
        host.advance("5s")
        (sent,) = host.mails
        assert (sent.message_id, sent.recipient, sent.send_id) == (answer["MessageId"], "ada@example.com", "s1")
        assert sent.headers == {"List-Unsubscribe": "<https://u>"}
        host.ses_event(sent, "Click")
        host.settle()
        assert host.queue("dead") == ["Email Sent", "Email Delivered", "Email Clicked"]
        assert host.bus.published[-1].detail["click"]["link"] == "https://x.example/?a=1&b=2"
        with pytest.raises(ses.exceptions.NotFoundException):
            ses.send_email(**mail, ConfigurationSetName="another")
        with pytest.raises(InvalidInput):
            host.ses_event(sent, "Laughed")


def test_planned_call_errors_strike_before_or_after_the_work(tmp_path: Path) -> None:
    resources = {"Copy": stacks.function("copy"), "Map": stacks.mapping("Copy", stacks.KINESIS)}
    with stacks.host(tmp_path, resources, {"copy": COPY}) as host:
        host.faults.fail_call("dynamodb", "PutItem", "ThrottlingException")
        host.faults.fail_call("dynamodb", "PutItem", "timeout", when="after")
        put("a")
        host.settle()
        assert things(host) == []
        host.advance("1s")
        assert things(host) == ["a"]
        assert host.functions.errors["copy"] == 2
        host.advance("1m")
        assert host.faults.happened == 2


def test_work_that_makes_new_work_without_end_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = """
    def handler(event, context):
        boto3.client("kinesis").put_records(StreamName="events", Records=[{"Data": b"x", "PartitionKey": "k"}])
    """
    monkeypatch.setattr("homing.local.host._ENOUGH", 50)
    resources = {"Loop": stacks.function("loop"), "Map": stacks.mapping("Loop", stacks.KINESIS)}
    with stacks.host(tmp_path, resources, {"loop": code}) as host:
        put("a")
        with pytest.raises(HomingError, match="without end"):
            host.settle()


def test_a_resource_type_that_nobody_hosts_is_an_error() -> None:
    template = Template(stacks.stacks({"Fleet": {"Type": "AWS::GameLift::Fleet"}}))
    with pytest.raises(InvalidInput, match="AWS::GameLift::Fleet"), LocalHost(template, start=stacks.START):
        pass


@pytest.mark.parametrize(
    ("resource", "word"),
    [
        (stacks.mapping("Echo", stacks.WORK, FilterCriteria={"Filters": []}), "filters"),
        (
            {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"RouteKey": "GET /", "AuthorizationType": "JWT"}},
            "authorizers",
        ),
        (
            {
                "Type": "AWS::Events::Rule",
                "Properties": {"EventPattern": {}, "Targets": [{"Id": "a", "Arn": stacks.WORK, "InputPath": "$.a"}]},
            },
            "transformers",
        ),
        ({"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": True}}, "FIFO"),
    ],
)
def test_what_is_not_hosted_is_refused_rather_than_left_out(tmp_path: Path, resource: Any, word: str) -> None:
    resources = {"Echo": stacks.function("echo"), "Odd": resource}
    with pytest.raises(InvalidInput, match=word), stacks.host(tmp_path, resources, {"echo": ECHO}):
        pass


def test_closing_gives_the_clock_and_the_environment_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    with stacks.host(tmp_path, {}, {}) as host:
        assert clock.now() == host.now()
    import os

    assert os.environ["AWS_PROFILE"] == "mine"
    assert clock.now() != host.now()
