"""The contract of stream, bus, inbox and outbox: what was put arrives, all of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import boto3
import pytest

from homing.adapters.eventbridge import EventBridgeBus
from homing.adapters.kinesis import KinesisStream
from homing.adapters.memory import MemoryBus, MemoryInbox, MemoryOutbox, MemoryStream
from homing.adapters.sqs import SqsInbox, SqsOutbox, SqsQueue
from homing.domain.delivery.message import SendRequest
from homing.domain.errors import Unavailable
from homing.services.ports import BusEvent, StreamRecord


class Pair(NamedTuple):
    """A port and what came out at its other end, as plain values."""

    port: Any
    arrived: Callable[[], list[Any]]


def _drain(sqs: Any, url: str) -> list[dict[str, Any]]:
    found = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


@pytest.fixture(params=["memory", "kinesis"])
def stream(request: pytest.FixtureRequest) -> Pair:
    if request.param == "memory":
        fake = MemoryStream()
        return Pair(fake, lambda: [(record.key, record.data) for record in fake.items])
    client = boto3.client("kinesis", region_name=request.getfixturevalue("aws"))
    client.create_stream(StreamName="events", ShardCount=1)

    def arrived() -> list[Any]:
        shard = client.list_shards(StreamName="events")["Shards"][0]["ShardId"]
        iterator = client.get_shard_iterator(StreamName="events", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
        records = client.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
        return [(record["PartitionKey"], record["Data"]) for record in records]

    return Pair(KinesisStream(client, "events"), arrived)


def test_the_stream_keeps_keys_bytes_and_order(stream: Pair) -> None:
    records = [StreamRecord(f"person{number % 3}", b"\x00event %d" % number) for number in range(7)]
    stream.port.put(records)
    stream.port.put([])
    assert stream.arrived() == [(record.key, record.data) for record in records]


def test_the_stream_takes_more_records_than_fit_one_call(stream: Pair) -> None:
    stream.port.put([StreamRecord("p", b"%d" % number) for number in range(1203)])
    assert [data for _key, data in stream.arrived()] == [b"%d" % number for number in range(1203)]


@pytest.fixture(params=["memory", "eventbridge"])
def bus(request: pytest.FixtureRequest) -> Pair:
    if request.param == "memory":
        fake = MemoryBus()
        return Pair(fake, lambda: [("homing", event.detail_type, event.detail) for event in fake.items])
    region = request.getfixturevalue("aws")
    events, sqs = boto3.client("events", region_name=region), boto3.client("sqs", region_name=region)
    url = sqs.create_queue(QueueName="all")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.create_event_bus(Name="homing")
    events.put_rule(Name="all", EventBusName="homing", EventPattern='{"source":["homing"]}')
    events.put_targets(Rule="all", EventBusName="homing", Targets=[{"Id": "q", "Arn": arn}])
    return Pair(
        EventBridgeBus(events, "homing"),
        lambda: [(body["source"], body["detail-type"], body["detail"]) for body in _drain(sqs, url)],
    )


def test_every_event_reaches_the_bus(bus: Pair) -> None:
    bus.port.put([BusEvent("SegmentEntered", {"id": str(number), "name": "héros"}) for number in range(23)])
    bus.port.put([])
    arrived = sorted(bus.arrived(), key=lambda event: int(event[2]["id"]))
    assert arrived == [("homing", "SegmentEntered", {"id": str(number), "name": "héros"}) for number in range(23)]


@pytest.fixture
def queue(aws: str) -> tuple[Any, str]:
    client = boto3.client("sqs", region_name=aws)
    return client, client.create_queue(QueueName="queue")["QueueUrl"]


@pytest.fixture(params=["memory", "sqs"])
def inbox(request: pytest.FixtureRequest) -> Pair:
    if request.param == "memory":
        fake = MemoryInbox()
        return Pair(fake, lambda: fake.take())
    client, url = request.getfixturevalue("queue")
    return Pair(SqsInbox(SqsQueue(client, url)), lambda: _drain(client, url))


def test_calls_of_a_queue_may_overlap_and_a_failure_is_told(queue: tuple[Any, str]) -> None:
    client, url = queue
    messages = [{"wake_run": str(number)} for number in range(95)]
    with ThreadPoolExecutor(4) as pool:
        SqsInbox(SqsQueue(client, url, overlap=pool.map)).put(messages)
        assert sorted(_drain(client, url), key=str) == sorted(messages, key=str)
        client.delete_queue(QueueUrl=url)
        with pytest.raises(Unavailable):
            SqsInbox(SqsQueue(client, url, overlap=pool.map)).put(messages)


def test_every_message_reaches_the_inbox(inbox: Pair) -> None:
    messages = [{"wake_run": str(number)} for number in range(12)]
    inbox.port.put(messages)
    inbox.port.put([])
    assert sorted(inbox.arrived(), key=str) == sorted(messages, key=str)


@pytest.fixture(params=["memory", "sqs"])
def outbox(request: pytest.FixtureRequest) -> Pair:
    if request.param == "memory":
        fake = MemoryOutbox()
        return Pair(fake, lambda: fake.take())
    client, url = request.getfixturevalue("queue")
    return Pair(SqsOutbox(SqsQueue(client, url)), lambda: [SendRequest.from_dict(body) for body in _drain(client, url)])


def test_a_request_leaves_the_outbox_as_it_came(outbox: Pair) -> None:
    request = SendRequest(
        "s1", "ada", "r1", "cart-recovery", "cart-reminder", "marketing", "cart_abandoned", 1, 2,
        data={"items": [{"name": "Tasse für Käse"}]},
    )  # fmt: skip
    outbox.port.put([request])
    assert outbox.arrived() == [request]


def test_what_is_taken_from_a_fake_is_gone() -> None:
    inbox = MemoryInbox()
    inbox.put([{"n": 1}, {"n": 2}, {"n": 3}])
    assert inbox.take(2) == [{"n": 1}, {"n": 2}]
    assert inbox.take() == [{"n": 3}]
    assert inbox.take() == []
