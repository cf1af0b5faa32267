"""An AWS account as the stack makes it, in moto, and what Lambda hands to functions."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

import boto3
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends

from homing.adapters.dynamodb_journal import DynamoJournal
from homing.adapters.dynamodb_profiles import DynamoProfiles
from homing.domain.events.event import Event
from homing.domain.profiles.identity import Identity

KEYS = "the deployment's secret"
WAKE_INDEX = {
    "IndexName": "wake",
    "KeySchema": [
        {"AttributeName": "wake_bucket", "KeyType": "HASH"},
        {"AttributeName": "wake_at", "KeyType": "RANGE"},
    ],
    "Projection": {"ProjectionType": "KEYS_ONLY"},
}


def create_table(client: Any, name: str, *keys: str) -> None:
    """A table as the stack makes them: string keys and the wake-up index."""
    types = {**dict.fromkeys(keys, "S"), "wake_bucket": "S", "wake_at": "N"}
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in types.items()],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)],
        GlobalSecondaryIndexes=[WAKE_INDEX],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )


@dataclass(frozen=True)
class Account:
    """What was made, and how to look into it."""

    region: str
    environment: dict[str, str]
    identity: Identity

    def client(self, service: str) -> Any:
        """A client of this account."""
        return boto3.client(service, region_name=self.region)  # type: ignore[call-overload]

    @property
    def profiles(self) -> DynamoProfiles:
        return DynamoProfiles(self.client("dynamodb"), "profiles")

    @property
    def journal(self) -> DynamoJournal:
        return DynamoJournal(self.client("dynamodb"), "journal", clock=lambda: 0)

    def break_table(self, name: str) -> None:
        """From now on every call that needs the table fails."""
        self.client("dynamodb").delete_table(TableName=name)

    def queued(self, name: str) -> list[dict[str, Any]]:
        """The messages of a queue, which are then gone."""
        sqs, found = self.client("sqs"), []
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def streamed(self) -> list[bytes]:
        """The data of all records on the stream."""
        kinesis, found = self.client("kinesis"), list[bytes]()
        for shard in kinesis.list_shards(StreamName="events")["Shards"]:
            iterator = kinesis.get_shard_iterator(
                StreamName="events", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )
            records = kinesis.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
            found.extend(record["Data"] for record in records)
        return found

    def objects(self, bucket: str) -> dict[str, bytes]:
        """The objects of a bucket by their keys."""
        s3 = self.client("s3")
        keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
        return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    def mails(self) -> list[Any]:
        """What SES took."""
        return list(ses_backends[DEFAULT_ACCOUNT_ID][self.region].sent_messages)


def create_account(region: str, campaigns: str) -> Account:
    """Everything that the stack makes and the functions use; ``campaigns`` is the path of a bundle."""
    dynamodb = boto3.client("dynamodb", region_name=region)
    create_table(dynamodb, "profiles", "id")
    create_table(dynamodb, "journal", "pk", "sk")
    boto3.client("kinesis", region_name=region).create_stream(StreamName="events", ShardCount=1)
    s3 = boto3.client("s3", region_name=region)
    for bucket in ("archive", "quarantine", "lists"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})  # type: ignore[typeddict-item]
    sqs, events = boto3.client("sqs", region_name=region), boto3.client("events", region_name=region)
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("inbox", "outbox", "calls", "bus-events")}
    arn = sqs.get_queue_attributes(QueueUrl=urls["bus-events"], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.create_event_bus(Name="homing")
    events.put_rule(Name="all", EventBusName="homing", EventPattern='{"source":["homing"]}')
    events.put_targets(Rule="all", EventBusName="homing", Targets=[{"Id": "queue", "Arn": arn}])
    ses = boto3.client("sesv2", region_name=region)
    ses.create_email_identity(EmailIdentity="alder-and-moss.example")
    secrets = boto3.client("secretsmanager", region_name=region)
    keys = secrets.create_secret(Name="keys", SecretString=KEYS)["ARN"]
    ingest = secrets.create_secret(Name="ingest", SecretString='{"write_keys":["wk"],"shopify":"hush"}')["ARN"]
    settings = {
        "stage": "test",
        "keys_secret": keys,
        "ingest_secret": ingest,
        "campaigns": campaigns,
        "profiles_table": "profiles",
        "journal_table": "journal",
        "stream": "events",
        "bus": "homing",
        "archive_bucket": "archive",
        "quarantine_bucket": "quarantine",
        "lists_bucket": "lists",
        "inbox_queue": urls["inbox"],
        "outbox_queue": urls["outbox"],
        "calls_queue": urls["calls"],
        "configuration_set": "homing",
        "public_url": "https://mail.alder-and-moss.example",
    }
    environment = {f"HOMING_{name.upper()}": value for name, value in settings.items()}
    return Account(region, environment, Identity(KEYS.encode()))


def kinesis_event(*datas: Event | bytes, first: int = 1) -> dict[str, Any]:
    """What Lambda hands to a reader of the stream."""
    return {
        "Records": [
            {
                "eventSource": "aws:kinesis",
                "eventID": f"shardId-000000000000:{number}",
                "kinesis": {
                    "sequenceNumber": str(number),
                    "approximateArrivalTimestamp": 1_790_000_000.25,
                    "partitionKey": "p",
                    "data": base64.b64encode(data if isinstance(data, bytes) else data.to_json()).decode(),
                },
            }
            for number, data in enumerate(datas, start=first)
        ]
    }


def sqs_event(*bodies: object) -> dict[str, Any]:
    """What Lambda hands to a reader of a queue; the messages are named m0, m1 …"""
    return {
        "Records": [
            {"messageId": f"m{number}", "body": body if isinstance(body, str) else json.dumps(body)}
            for number, body in enumerate(bodies)
        ]
    }


def failures(answer: dict[str, Any]) -> list[str]:
    """The item identifiers of a partial batch response."""
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]
