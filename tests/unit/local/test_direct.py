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


def test_objects_are_listed_in_order_page_by_page(host: LocalHost) -> None:
    s3 = boto3.client("s3")
    bucket = next(host.template.resources("AWS::S3::Bucket")).name
    for key in ("b/2", "a/1", "b/10", "b/ä +1", "c"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    whole = s3.list_objects_v2(Bucket=bucket)
    assert [item["Key"] for item in whole["Contents"]] == ["a/1", "b/10", "b/2", "b/ä +1", "c"]
    assert "NextContinuationToken" not in whole
    page = s3.list_objects_v2(Bucket=bucket, Prefix="b/", MaxKeys=2)
    assert [(item["Key"], item["Size"]) for item in page["Contents"]] == [("b/10", 4), ("b/2", 3)]
    assert (page["IsTruncated"], page["KeyCount"]) == (True, 2)
    token = page["NextContinuationToken"]
    # A page may come either way, whichever way the one before it came.
    rests = [
        s3.list_objects_v2(Bucket=bucket, Prefix="b/", ContinuationToken=token, **more)
        for more in ({}, {"FetchOwner": False})
    ]
    assert [[item["Key"] for item in rest["Contents"]] for rest in rests] == [["b/ä +1"]] * 2
    assert not s3.list_objects_v2(Bucket=bucket, Prefix="nothing").get("Contents")
    s3.delete_object(Bucket=bucket, Key="b/2")
    left = s3.list_objects_v2(Bucket=bucket, Prefix="b/")
    assert [item["Key"] for item in left["Contents"]] == ["b/10", "b/ä +1"]
    assert code_of(s3.list_objects_v2, Bucket="no-such-bucket") == "NoSuchBucket"
    assert code_of(s3.get_object, Bucket=bucket, Key="b/2") == "NoSuchKey"


MAIL: dict[str, Any] = {
    "FromEmailAddress": "Shop <hello@shop.example>",
    "ReplyToAddresses": ["hello@shop.example"],
    "Destination": {"ToAddresses": ["ada@example.com"]},
    "Content": {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Html": {"Data": "<p>x"}, "Text": {"Data": "x"}}}},
    "EmailTags": [{"Name": "homing_send", "Value": "s1"}],
}


def test_ses_takes_mail_of_its_own_domain_only_and_gives_the_same_ids_in_every_run(tmp_path: Path) -> None:
    identity = {"Type": "AWS::SES::EmailIdentity", "Properties": {"EmailIdentity": "shop.example"}}
    given = []
    for direct in (True, False):
        with stacks.host(tmp_path, {"Identity": identity}, {}, direct=direct) as host:
            ses = boto3.client("sesv2")
            ids = [ses.send_email(**MAIL)["MessageId"] for _ in range(2)]
            assert code_of(ses.send_email, **{**MAIL, "FromEmailAddress": "x@else.example"}) == "MessageRejected"
            stored = host.moto.ses.core_backend
            assert [(mail.id, mail.subject, mail.body, mail.destinations) for mail in stored.sent_messages] == [
                (id_, "Hello", "<p>x", {"ToAddresses": ["ada@example.com"]}) for id_ in ids
            ]
            assert (stored.sent_message_count, stored.rejected_messages_count) == (2, 1)
            assert boto3.client("ses").get_send_quota()["SentLast24Hours"] == 2
            assert [mail.message_id for mail in host.mails] == ids
        given.append(ids)
    assert given[0] == given[1]
    assert len(set(given[0])) == 2


def test_a_sender_that_another_stack_verified_may_send(host: LocalHost) -> None:
    boto3.client("sesv2").send_email(**MAIL)
    assert [mail.recipient for mail in host.mails] == ["ada@example.com"]


def test_what_has_a_short_cut_takes_it(host: LocalHost) -> None:
    dynamodb, s3, sqs = boto3.client("dynamodb"), boto3.client("s3"), boto3.client("sqs")
    bucket = next(host.template.resources("AWS::S3::Bucket")).name
    queue = next(host.template.resources("AWS::SQS::Queue")).name
    url = f"https://sqs.eu-central-1.amazonaws.com/123456789012/{queue}"
    dynamodb.put_item(TableName="things", Item=ITEM, **CONDITION)
    dynamodb.get_item(TableName="things", Key={"id": {"S": "a"}})
    dynamodb.batch_get_item(RequestItems={"things": {"Keys": [{"id": {"S": "a"}}]}})
    due(dynamodb, 30)
    boto3.client("kinesis").put_records(StreamName="events", Records=[{"Data": b"x", "PartitionKey": "k"}])
    sqs.send_message(QueueUrl=url, MessageBody="one")
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "0", "MessageBody": "two"}])
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"x"
    s3.list_objects_v2(Bucket=bucket, Prefix="a")
    boto3.client("secretsmanager").get_secret_value(SecretId="keys")
    boto3.client("sesv2").send_email(**MAIL)
    assert host.wire.calls.keys() == host.moto.operations().keys()
    assert host.wire.long == ({} if host.wire.direct else host.wire.calls)


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
    assert not host.wire.direct or ("dynamodb", "Query") not in host.wire.long
    there = client.query(**asked, FilterExpression="attribute_not_exists(#g)")
    assert [item["sk"]["S"] for item in there["Items"]] == ["a", "c", "d"]
    assert client.query(**{**asked, "ExpressionAttributeValues": {":k": {"S": "nobody"}}})["Items"] == []
