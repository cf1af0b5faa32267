"""Small synthetic stacks and functions for the tests of the local host."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from homing.local.host import LocalHost
from homing.local.template import Template

START = "2026-03-02T08:00:00Z"

# What every function of these tests can use.
_PRELUDE = """
import base64, json, os
import boto3
from homing.runtime import clock
CALLS = []
def table():
    return boto3.client("dynamodb")
def data(record):
    return base64.b64decode(record["kinesis"]["data"]).decode()
"""

DATA = {
    "Resources": {
        "Stream": {"Type": "AWS::Kinesis::Stream", "Properties": {"Name": "events", "ShardCount": 1}},
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "TableName": "things",
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "AttributeDefinitions": [
                    {"AttributeName": "id", "AttributeType": "S"},
                    {"AttributeName": "wake_bucket", "AttributeType": "S"},
                    {"AttributeName": "wake_at", "AttributeType": "N"},
                ],
                "GlobalSecondaryIndexes": [
                    {
                        "IndexName": "wake",
                        "KeySchema": [
                            {"AttributeName": "wake_bucket", "KeyType": "HASH"},
                            {"AttributeName": "wake_at", "KeyType": "RANGE"},
                        ],
                        "Projection": {"ProjectionType": "KEYS_ONLY"},
                    }
                ],
                "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
            },
        },
        "Quarantine": {"Type": "AWS::S3::Bucket", "Properties": {}},
        "Keys": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {"Name": "keys", "GenerateSecretString": {"PasswordLength": 40}},
        },
    },
    "Outputs": {
        "StreamArn": {"Value": {"Fn::GetAtt": ["Stream", "Arn"]}, "Export": {"Name": "data:stream"}},
        "TableName": {"Value": {"Ref": "Table"}, "Export": {"Name": "data:table"}},
        "TableStream": {"Value": {"Fn::GetAtt": ["Table", "StreamArn"]}, "Export": {"Name": "data:table-stream"}},
        "Quarantine": {"Value": {"Fn::GetAtt": ["Quarantine", "Arn"]}, "Export": {"Name": "data:quarantine"}},
    },
}
QUEUES = {
    "Dead": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "dead"}},
    "Work": {
        "Type": "AWS::SQS::Queue",
        "Properties": {
            "QueueName": "work",
            "VisibilityTimeout": 60,
            "RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 3},
        },
    },
    "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "shop"}},
    "Permission": {"Type": "AWS::Lambda::Permission", "Properties": {"Nobody": {"Fn::Unheard": "of"}}},
}


def function(name: str, **environment: Any) -> dict[str, Any]:
    """``sample.<name>.handler.handler``."""
    variables = {"TABLE": {"Fn::ImportValue": "data:table"}, **environment}
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": f"shop-{name}",
            "Handler": f"sample.{name}.handler.handler",
            "Environment": {"Variables": variables},
        },
    }


def mapping(function_id: str, source: Any, **properties: Any) -> dict[str, Any]:
    """An event source mapping."""
    return {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {"FunctionName": {"Ref": function_id}, "EventSourceArn": source, **properties},
    }


KINESIS = {"Fn::ImportValue": "data:stream"}
CHANGES = {"Fn::ImportValue": "data:table-stream"}
WORK = {"Fn::GetAtt": ["Work", "Arn"]}
QUARANTINE = {"DestinationConfig": {"OnFailure": {"Destination": {"Fn::ImportValue": "data:quarantine"}}}}


def stacks(resources: dict[str, Any]) -> dict[str, Any]:
    """Two stacks: data, and one with queues, a bus and these resources."""
    return {"data": DATA, "app": {"Resources": {**QUEUES, **resources}}}


def host(folder: Path, resources: dict[str, Any], code: dict[str, str], **options: Any) -> LocalHost:
    """A host over synthetic stacks; ``code`` is the source of each function's module."""
    for name, source in code.items():
        module = folder / "sample" / name / "handler.py"
        module.parent.mkdir(parents=True)
        module.write_text(_PRELUDE + textwrap.dedent(source))
    return LocalHost(Template(stacks(resources)), start=START, code=folder, **options)
