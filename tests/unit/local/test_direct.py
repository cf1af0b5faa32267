"""The short cuts past moto's HTTP store and answer what the long way stores and answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from homing.local.host import LocalHost
from tests.unit.local import stacks

ITEM = {
    "id": {"S": "a"},
    "version": {"N": "1"},
    "data": {"B": b"\x00\x01"},
    "segments": {"SS": ["x", "y"]},
    "topics": {"M": {"all": {"N": "7"}}},
    "wake_bucket": {"S": "w3"},
    "wake_at": {"N": "100"},
}
CONDITION = {
    "ConditionExpression": "attribute_not_exists(#k) OR #v < :v",
    "ExpressionAttributeNames": {"#k": "id", "#v": "version"},
    "ExpressionAttributeValues": {":v": {"N": "2"}},
}


@pytest.fixture(params=[True, False], ids=["direct", "long way"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LocalHost]:
    with stacks.host(tmp_path, {}, {}, direct=request.param) as running:
        yield running


def due(client: Any, until: int, **more: Any) -> list[tuple[str, str]]:
    answer = client.query(
        TableName="things",
        IndexName="wake",
        KeyConditionExpression="#b = :b AND #a <= :a",
        ExpressionAttributeNames={"#b": "wake_bucket", "#a": "wake_at"},
        ExpressionAttributeValues={":b": {"S": "w3"}, ":a": {"N": str(until)}},
        **more,
    )
    return [(item["id"]["S"], item["wake_at"]["N"]) for item in answer["Items"]]


def code_of(call: Callable[..., Any], **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response["Error"]["Code"]


def test_items_come_back_as_they_were_put(host: LocalHost) -> None:
    client = boto3.client("dynamodb")
    client.put_item(TableName="things", Item=ITEM, **CONDITION)
    answer = client.get_item(TableName="things", Key={"id": {"S": "a"}}, ConsistentRead=True)
    assert {**answer["Item"], "segments": set(answer["Item"]["segments"]["SS"])} == {**ITEM, "segments": {"x", "y"}}
    assert "Item" not in client.get_item(TableName="things", Key={"id": {"S": "b"}})
    batch = client.batch_get_item(
        RequestItems={
            "things": {
                "Keys": [{"id": {"S": "a"}}, {"id": {"S": "b"}}],
                "ConsistentRead": True,
                "ProjectionExpression": "#0,#1,#2",
                "ExpressionAttributeNames": {"#0": "id", "#1": "data", "#2": "nothing"},
            }
        }
    )
    assert batch["Responses"] == {"things": [{"id": {"S": "a"}, "data": {"B": b"\x00\x01"}}]}
    assert not batch["UnprocessedKeys"]


def test_conditions_hold_and_failures_have_their_codes(host: LocalHost) -> None:
    client = boto3.client("dynamodb")
    client.put_item(TableName="things", Item=ITEM, **CONDITION)
    client.put_item(TableName="things", Item={**ITEM, "version": {"N": "2"}}, **CONDITION)
    params = {"TableName": "things", "Item": ITEM, **CONDITION}
    assert code_of(client.put_item, **params) == "ConditionalCheckFailedException"
    with pytest.raises(client.exceptions.ConditionalCheckFailedException):
        client.put_item(**params)
    assert code_of(client.put_item, TableName="nowhere", Item=ITEM) == "ResourceNotFoundException"
    assert code_of(client.get_item, TableName="things", Key={"no": {"S": "a"}}) == "ValidationException"


def test_each_write_is_one_record_of_the_tables_stream(host: LocalHost) -> None:
    client = boto3.client("dynamodb")
    client.put_item(TableName="things", Item=ITEM)
    client.put_item(TableName="things", Item={"id": {"S": "a"}})
    client.update_item(
        TableName="things",
        Key={"id": {"S": "a"}},
        UpdateExpression="SET n = :n",
        ExpressionAttributeValues={":n": {"N": "1"}},
    )
    records = [item.record for item in host.moto.table("things").stream_shard.items]
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "MODIFY"]
    assert records[1]["dynamodb"]["OldImage"]["data"] == {"B": b"\x00\x01"}


def test_the_wake_up_index_answers_in_order_and_follows_every_kind_of_write(host: LocalHost) -> None:
    client = boto3.client("dynamodb")
    for id_, at in (("c", 30), ("a", 10), ("b", 20), ("d", 40)):
        client.put_item(TableName="things", Item={**ITEM, "id": {"S": id_}, "wake_at": {"N": str(at)}})
    client.put_item(TableName="things", Item={**ITEM, "id": {"S": "other"}, "wake_bucket": {"S": "w4"}})
    assert due(client, 30) == [("a", "10"), ("b", "20"), ("c", "30")]
    assert due(client, 30, Limit=2) == [("a", "10"), ("b", "20")]
    place = {"id": {"S": "a"}, "wake_bucket": {"S": "w3"}, "wake_at": {"N": "10"}}
    assert due(client, 30, ExclusiveStartKey=place) == [("b", "20"), ("c", "30")]
    assert due(client, 30, Limit=1, ExclusiveStartKey={**place, "wake_at": {"N": "15"}}) == [("b", "20")]
    client.put_item(TableName="things", Item={"id": {"S": "a"}})
    client.put_item(TableName="things", Item={**ITEM, "id": {"S": "b"}, "wake_at": {"N": "25"}})
    client.update_item(
        TableName="things",
        Key={"id": {"S": "d"}},
        UpdateExpression="SET wake_at = :a",
        ExpressionAttributeValues={":a": {"N": "5"}},
    )
    client.delete_item(TableName="things", Key={"id": {"S": "c"}})
    assert due(client, 30) == [("d", "5"), ("b", "25")]


def test_records_and_messages_arrive_whole_and_in_order(host: LocalHost) -> None:
    kinesis, sqs = boto3.client("kinesis"), boto3.client("sqs")
    for data in (b"\x00first", b"second"):
        answer = kinesis.put_records(StreamName="events", Records=[{"Data": data, "PartitionKey": "k"}])
        assert answer["FailedRecordCount"] == 0
    shard = kinesis.describe_stream(StreamName="events")["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(StreamName="events", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    records = kinesis.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    assert [record["Data"] for record in records] == [b"\x00first", b"second"]
    assert code_of(kinesis.put_records, StreamName="no", Records=[{"Data": b"", "PartitionKey": "k"}])

    url = sqs.get_queue_url(QueueName="work")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="one")
    sent = sqs.send_message_batch(
        QueueUrl=url, Entries=[{"Id": "0", "MessageBody": "two"}, {"Id": "1", "MessageBody": "three"}]
    )
    assert [entry["Id"] for entry in sent["Successful"]] == ["0", "1"]
    received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in received] == ["one", "two", "three"]
    assert code_of(sqs.send_message_batch, QueueUrl=url, Entries=[]) == "AWS.SimpleQueueService.EmptyBatchRequest"


def test_secrets_are_read_by_name_and_by_arn(host: LocalHost) -> None:
    client = boto3.client("secretsmanager")
    by_name = client.get_secret_value(SecretId="keys")
    assert by_name["SecretString"] == "homing-on-one-machine"
    assert client.get_secret_value(SecretId=by_name["ARN"])["SecretString"] == by_name["SecretString"]
    client.put_secret_value(SecretId="keys", SecretString="another")
    assert client.get_secret_value(SecretId="keys")["SecretString"] == "another"
    assert code_of(client.get_secret_value, SecretId="none") == "ResourceNotFoundException"


def test_objects_are_stored(host: LocalHost) -> None:
    s3 = boto3.client("s3")
    bucket = next(host.template.resources("AWS::S3::Bucket")).name
    s3.put_object(Bucket=bucket, Key="a/b", Body=b"\x1f\x8b", ContentType="application/gzip")
    answer = s3.get_object(Bucket=bucket, Key="a/b")
    assert (answer["Body"].read(), answer["ContentType"]) == (b"\x1f\x8b", "application/gzip")
    assert code_of(s3.put_object, Bucket="no-such-bucket", Key="a", Body=b"") == "NoSuchBucket"


def test_a_partition_is_read_in_order_page_by_page_with_what_is_asked_for(host: LocalHost) -> None:
    client = boto3.client("dynamodb")
    keys = ({"AttributeName": name, "KeyType": kind} for name, kind in (("pk", "HASH"), ("sk", "RANGE")))
    types = ({"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk"))
    client.create_table(
        TableName="members", KeySchema=list(keys), AttributeDefinitions=list(types), BillingMode="PAY_PER_REQUEST"
    )
    for place, name in enumerate("cabd"):
        gone = {"gone": {"BOOL": True}} if name == "b" else {}
        client.put_item(
            TableName="members", Item={"pk": {"S": "vip"}, "sk": {"S": name}, "v": {"N": str(place)}, **gone}
        )
    client.put_item(TableName="members", Item={"pk": {"S": "other"}, "sk": {"S": "e"}})
    asked: dict[str, Any] = {
        "TableName": "members",
        "KeyConditionExpression": "#k = :k",
        "ProjectionExpression": "#s, #g",
        "ExpressionAttributeNames": {"#k": "pk", "#g": "gone", "#s": "sk"},
        "ExpressionAttributeValues": {":k": {"S": "vip"}},
    }
    page = client.query(**asked, Limit=3)
    assert page["Items"] == [{"sk": {"S": "a"}}, {"sk": {"S": "b"}, "gone": {"BOOL": True}}, {"sk": {"S": "c"}}]
    rest = client.query(**asked, ExclusiveStartKey=page["LastEvaluatedKey"])
    assert rest["Items"] == [{"sk": {"S": "d"}}]
    assert "LastEvaluatedKey" not in rest
    there = client.query(**asked, FilterExpression="attribute_not_exists(#g)")
    assert [item["sk"]["S"] for item in there["Items"]] == ["a", "c", "d"]
    assert client.query(**{**asked, "ExpressionAttributeValues": {":k": {"S": "nobody"}}})["Items"] == []
