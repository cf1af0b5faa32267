"""When a queue hands messages out again: over moto, and as the local host keeps it."""

from __future__ import annotations

from typing import Any

import boto3

from homing.adapters.sqs import SqsVisibility
from homing.domain.time import HOUR, SECOND
from tests.unit.local.test_queue_source import World


def test_messages_are_hidden_each_for_its_own_time(aws: str) -> None:
    client = boto3.client("sqs", region_name=aws)
    url = client.create_queue(QueueName="q")["QueueUrl"]
    for number in range(12):
        client.send_message(QueueUrl=url, MessageBody=str(number))
    taken: list[Any] = []
    while messages := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        taken += messages
    waits = [(message["ReceiptHandle"], 0 if number < 11 else 500) for number, message in enumerate(taken)]
    assert SqsVisibility(client, url).hide(waits) == 0
    again: list[Any] = []
    while messages := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        again += messages
    assert len(again) == 11


def test_what_the_queue_refuses_is_counted(aws: str) -> None:
    client = boto3.client("sqs", region_name=aws)
    url = client.create_queue(QueueName="q")["QueueUrl"]
    client.send_message(QueueUrl=url, MessageBody="a")
    (message,) = client.receive_message(QueueUrl=url)["Messages"]
    assert SqsVisibility(client, url).hide([(message["ReceiptHandle"], 60_000), (message["ReceiptHandle"], 7)]) == 1


class Changing(World):
    """A function that says when its messages come again."""

    def __init__(self, **mapping: Any) -> None:
        super().__init__(partial_failures=True, **mapping)
        self.asked: dict[str, int] = {}
        self.answers: list[dict[str, Any]] = []

    def _invoke(self, function: str, event: dict[str, Any]) -> Any:
        super()._invoke(function, event)
        records = [record for record in event["Records"] if record["body"] in self.asked]
        entries = [
            {"Id": str(n), "ReceiptHandle": record["receiptHandle"], "VisibilityTimeout": self.asked[record["body"]]}
            for n, record in enumerate(records)
        ]
        self.answers.append(self.source.change_visibility({"QueueUrl": "q", "Entries": entries}))
        return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in records]}


def test_the_local_hosts_queue_hands_a_message_out_when_it_was_asked_to() -> None:
    world = Changing()
    world.asked = {"a": 7, "b": 300}
    world.send("a", "b", "c")
    world.advance(20 * SECOND)
    assert world.calls == [(0, ["a", "b", "c"]), (7, ["a"]), (14, ["a"])]
    world.asked = {}
    world.advance(HOUR)
    assert world.calls[3:] == [(21, ["a"]), (300, ["b"])]


def test_no_wait_uses_the_deliveries_up_at_once() -> None:
    world = Changing(max_receives=4)
    world.asked = {"a": 0}
    world.send("a")
    world.advance(0)
    assert world.calls == [(0, ["a"])] * 4
    assert world.buried == ["a"]


def test_the_local_hosts_queue_refuses_what_sqs_refuses() -> None:
    world = Changing()
    world.asked = {"a": 43_201}
    world.send("a")
    world.advance(0)
    (answer,) = world.answers
    assert [failed["Code"] for failed in answer["Failed"]] == ["InvalidParameterValue"]
    stale = {"Entries": [{"Id": "0", "ReceiptHandle": "id-a/1", "VisibilityTimeout": 5}]}
    assert [failed["Code"] for failed in world.source.change_visibility(stale)["Failed"]] == ["ReceiptHandleIsInvalid"]
    world.advance(HOUR)
    assert [at for at, _ in world.calls[:2]] == [0, 30]
