"""What AWS does on a bad day, and what comes of it."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ParamValidationError
from botocore.stub import Stubber

from homing.adapters.aws_errors import translate
from homing.adapters.backoff import Backoff
from homing.adapters.batches import batches
from homing.adapters.dynamodb_profiles import DynamoProfiles
from homing.adapters.eventbridge import EventBridgeBus
from homing.adapters.kinesis import KinesisStream
from homing.adapters.memory import MemoryProfiles
from homing.adapters.secrets import Secret
from homing.adapters.sqs import SqsQueue
from homing.domain.delivery.message import Stop
from homing.domain.errors import Conflict, HomingError, InvalidInput, Unavailable
from homing.domain.profiles.profile import Change, Profile
from homing.services.ports import BusEvent, StreamRecord


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("ConditionalCheckFailedException", 400, Conflict),
        ("TransactionConflictException", 400, Conflict),
        ("ProvisionedThroughputExceededException", 400, Unavailable),
        ("ThrottlingException", 400, Unavailable),
        ("InternalServerError", 500, Unavailable),
        ("SlowDown", 503, Unavailable),
        ("AccessDeniedException", 400, Unavailable),
        ("ResourceNotFoundException", 400, Unavailable),
        ("ValidationException", 400, InvalidInput),
        ("ValidationException", 500, Unavailable),
    ],
)
def test_each_code_of_aws_has_its_place_in_the_error_tree(code: str, status: int, expected: type[HomingError]) -> None:
    response: Any = {"Error": {"Code": code, "Message": "secret"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error = translate(ClientError(response, "PutItem"), "writing")
    assert type(error) is expected
    assert str(error) == f"writing: {code}"


def test_broken_connections_are_retried_and_malformed_calls_are_not() -> None:
    assert type(translate(ConnectTimeoutError(endpoint_url="x"), "reading")) is Unavailable
    assert type(translate(ParamValidationError(report="x"), "reading")) is InvalidInput


def records(*datas: bytes) -> list[StreamRecord]:
    return [StreamRecord("p", data) for data in datas]


def answer(*codes: str | None) -> dict[str, Any]:
    done = [{"ErrorCode": code} if code else {"SequenceNumber": "1", "ShardId": "s"} for code in codes]
    failed = sum(code is not None for code in codes)
    # Botocore's stub takes no zero here, though Kinesis answers one.
    return {"Records": done, **({"FailedRecordCount": failed} if failed else {})}


def call(*datas: bytes) -> dict[str, Any]:
    return {"StreamName": "events", "Records": [{"Data": data, "PartitionKey": "p"} for data in datas]}


def test_refused_records_are_put_again_in_their_order(backoff: Backoff, sleeps: list[float]) -> None:
    client = boto3.client("kinesis", region_name="eu-central-1")
    throttle = "ProvisionedThroughputExceededException"
    with Stubber(client) as stub:
        stub.add_response("put_records", answer(None, throttle, None, throttle), call(b"1", b"2", b"3", b"4"))
        stub.add_response("put_records", answer(None, "InternalFailure"), call(b"2", b"4"))
        stub.add_response("put_records", answer(None), call(b"4"))
        KinesisStream(client, "events", backoff=backoff).put(records(b"1", b"2", b"3", b"4"))
        stub.assert_no_pending_responses()
    assert len(sleeps) == 2
    assert sleeps == sorted(sleeps)


def test_a_stream_that_keeps_refusing_is_unavailable(backoff: Backoff, sleeps: list[float]) -> None:
    client = boto3.client("kinesis", region_name="eu-central-1")
    with Stubber(client) as stub:
        for _ in range(backoff.attempts):
            stub.add_response("put_records", answer("InternalFailure"), call(b"1"))
        with pytest.raises(Unavailable):
            KinesisStream(client, "events", backoff=backoff).put(records(b"1"))
        stub.assert_no_pending_responses()
    assert len(sleeps) == backoff.attempts - 1


def test_events_that_the_bus_refused_are_put_again(backoff: Backoff) -> None:
    client = boto3.client("events", region_name="eu-central-1")
    with Stubber(client) as stub:
        stub.add_response(
            "put_events",
            {"FailedEntryCount": 1, "Entries": [{"EventId": "1"}, {"ErrorCode": "ThrottlingException"}]},
        )
        stub.add_response(
            "put_events",
            {"FailedEntryCount": 0, "Entries": [{"EventId": "2"}]},
            {"Entries": [{"EventBusName": "homing", "Source": "homing", "DetailType": "B", "Detail": '{"id":"2"}'}]},
        )
        bus = EventBridgeBus(client, "homing", backoff=backoff)
        bus.put([BusEvent("A", {"id": "1"}), BusEvent("B", {"id": "2"})])
        stub.assert_no_pending_responses()


def test_an_event_too_large_for_the_bus_is_invalid(backoff: Backoff) -> None:
    bus = EventBridgeBus(boto3.client("events", region_name="eu-central-1"), "homing", backoff=backoff)
    with pytest.raises(InvalidInput, match="256 KB"):
        bus.put([BusEvent("A", {"id": "x" * 300_000})])


def test_messages_that_a_queue_refused_are_sent_again(backoff: Backoff) -> None:
    client = boto3.client("sqs", region_name="eu-central-1")
    ok = {"MessageId": "m", "MD5OfMessageBody": "x"}
    with Stubber(client) as stub:
        stub.add_response(
            "send_message_batch",
            {
                "Successful": [{"Id": "1", **ok}],
                "Failed": [
                    {"Id": "2", "SenderFault": False, "Code": "InternalError"},
                    {"Id": "0", "SenderFault": True, "Code": "RequestThrottled"},
                ],
            },
        )
        stub.add_response(
            "send_message_batch",
            {"Successful": [{"Id": "0", **ok}, {"Id": "1", **ok}], "Failed": []},
            {
                "QueueUrl": "q",
                "Entries": [{"Id": "0", "MessageBody": '{"n":0}'}, {"Id": "1", "MessageBody": '{"n":2}'}],
            },
        )
        SqsQueue(client, "q", backoff=backoff).send([{"n": 0}, {"n": 1}, {"n": 2}])
        stub.assert_no_pending_responses()


def test_a_message_that_a_queue_will_never_take_is_invalid(backoff: Backoff) -> None:
    client = boto3.client("sqs", region_name="eu-central-1")
    with Stubber(client) as stub:
        failure = {"Id": "0", "SenderFault": True, "Code": "InvalidMessageContents"}
        stub.add_response("send_message_batch", {"Successful": [], "Failed": [failure]})
        with pytest.raises(InvalidInput):
            SqsQueue(client, "q", backoff=backoff).send([{"n": 0}])


def page(ids: list[str], left: list[str]) -> dict[str, Any]:
    keys: dict[str, Any] = {"profiles": {"Keys": [{"id": {"S": id_}} for id_ in left]}} if left else {}
    return {
        "Responses": {"profiles": [{"id": {"S": id_}, "moved_to": {"S": "x"}} for id_ in ids]},
        "UnprocessedKeys": keys,
    }


def test_keys_left_unread_are_read_again(backoff: Backoff, sleeps: list[float]) -> None:
    client = boto3.client("dynamodb", region_name="eu-central-1")
    with Stubber(client) as stub:
        stub.add_response("batch_get_item", page(["a"], ["b", "c"]))
        stub.add_response("batch_get_item", page(["b", "c"], []))
        assert set(DynamoProfiles(client, "profiles", backoff=backoff).read(["a", "b", "c"])) == {"a", "b", "c"}
        stub.assert_no_pending_responses()
    assert len(sleeps) == 1


def test_keys_that_stay_unread_are_unavailable_and_never_taken_for_absent(backoff: Backoff) -> None:
    client = boto3.client("dynamodb", region_name="eu-central-1")
    with Stubber(client) as stub:
        for _ in range(backoff.attempts):
            stub.add_response("batch_get_item", page([], ["a"]))
        with pytest.raises(Unavailable):
            DynamoProfiles(client, "profiles", backoff=backoff).read(["a"])


def test_a_stop_written_in_between_is_merged_and_not_overwritten(dynamodb: Any, backoff: Backoff) -> None:
    mine, theirs = (DynamoProfiles(dynamodb, "profiles", backoff=backoff) for _ in range(2))
    interruptions = [Stop("s", suppressed="bounce", at=3)]

    def interrupt(**_: object) -> None:
        if interruptions:
            theirs.stop(interruptions.pop())

    dynamodb.meta.events.register("before-call.dynamodb.PutItem", interrupt)
    mine.stop(Stop("s", topics={"*": 9}))
    assert mine.stops(["s"]) == {"s": Stop("s", "bounce", 3, {"*": 9})}


def test_batches_respect_count_and_size_and_keep_the_order() -> None:
    items = ["aa", "b", "cccc", "d", "e", "ffffffff"]
    assert list(batches(items, count=2, size=5, of=len)) == [["aa", "b"], ["cccc", "d"], ["e"], ["ffffffff"]]
    assert list(batches([], count=2, size=5, of=len)) == []


def test_waits_grow_up_to_a_bound() -> None:
    sleeps: list[float] = []
    backoff = Backoff(attempts=5, base=1.0, most=4.0, sleep=sleeps.append, random=lambda: 0.5)
    assert list(backoff.tries()) == [0, 1, 2, 3, 4]
    assert sleeps == [1.0, 2.0, 2.0, 2.0]


def test_a_secret_is_read_once_and_again_after_its_time(aws: str) -> None:
    client, now = boto3.client("secretsmanager", region_name=aws), [0]
    arn = client.create_secret(Name="keys", SecretString="one")["ARN"]
    lasting = Secret(client, arn, clock=lambda: now[0])
    rotated = Secret(client, arn, clock=lambda: now[0], refresh=60)
    assert (lasting(), rotated()) == ("one", "one")
    client.put_secret_value(SecretId=arn, SecretString="two")
    now[0] = 59
    assert (lasting(), rotated()) == ("one", "one")
    now[0] = 60
    assert (lasting(), rotated()) == ("one", "two")


def test_a_secret_that_cannot_be_refreshed_stays_as_it_was(aws: str) -> None:
    client, now = boto3.client("secretsmanager", region_name=aws), [0]
    secret = Secret(client, "keys", clock=lambda: now[0], refresh=60)
    with pytest.raises(Unavailable):
        secret()
    client.create_secret(Name="keys", SecretString="one")
    assert secret() == "one"
    client.delete_secret(SecretId="keys", ForceDeleteWithoutRecovery=True)
    now[0] = 99
    assert secret() == "one"


def test_planned_faults_come_before_or_after_the_effect() -> None:
    profiles = MemoryProfiles()
    profiles.faults.plan("write")
    profiles.faults.plan("write", after=True, error=Unavailable("reply lost"))
    with pytest.raises(Unavailable):
        profiles.write(Profile("a", version=1), expected=0)
    assert profiles.read(["a"]) == {}
    with pytest.raises(Unavailable, match="reply lost"):
        profiles.write(Profile("a", version=1), expected=0)
    with pytest.raises(Conflict):
        profiles.write(Profile("a", version=1), expected=0)


def test_the_fake_table_streams_only_writes_with_changes() -> None:
    told: list[int] = []
    profiles = MemoryProfiles(on_write=lambda profile: told.append(profile.version))
    profiles.write(Profile("a", version=1), expected=0)
    profiles.write(Profile("a", version=2, changes=[Change("segment_entered", "vip", 5)]), expected=1)
    assert told == [2]
