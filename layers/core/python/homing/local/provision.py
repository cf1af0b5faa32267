"""Makes in moto what the resolved template asks for: tables, stream, buckets, queues, buses, secrets, identities."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from moto.secretsmanager.models import secretsmanager_backends

from homing.domain.errors import InvalidInput
from homing.local.template import Resource, Template

# Hosted by the local host itself (host.py), not by moto.
HOSTED = frozenset(
    {
        "AWS::ApiGatewayV2::Api",
        "AWS::ApiGatewayV2::Integration",
        "AWS::ApiGatewayV2::Route",
        "AWS::ApiGatewayV2::Stage",
        "AWS::Events::Rule",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Function",
        "AWS::Lambda::LayerVersion",
    }
)
# Of no effect on what functions do here: permissions, keys, logs, who watches.
IGNORED = frozenset(
    {
        "AWS::CDK::Metadata",
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::CompositeAlarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::EventSchemas::Registry",
        "AWS::EventSchemas::Schema",
        "AWS::Events::Archive",
        "AWS::Events::EventBusPolicy",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::KMS::Alias",
        "AWS::KMS::Key",
        "AWS::Lambda::Permission",
        "AWS::Logs::LogGroup",
        "AWS::Logs::MetricFilter",
        "AWS::S3::BucketPolicy",
        "AWS::SES::ConfigurationSetEventDestination",
        "AWS::SNS::Subscription",
        "AWS::SNS::Topic",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::QueuePolicy",
        # Tries campaigns on the archive: on one machine `homing backtest` does.
        "AWS::StepFunctions::StateMachine",
    }
)
Secrets = Mapping[str, str]
# Profile ids and links are those of every run, and of the backtest.
LOCAL_SECRET = "homing-on-one-machine"


def provision(template: Template, secrets: Secrets) -> None:
    """Creates everything; ``secrets`` gives texts by secret name, in place of what the template says.

    Raises InvalidInput for a resource type that this host neither makes, hosts nor knowingly ignores.
    """
    unknown = {r.type for r in template.resources()} - set(_MAKERS) - HOSTED - IGNORED - {"AWS::SecretsManager::Secret"}
    if unknown:
        raise InvalidInput(f"the local host does not know {', '.join(sorted(unknown))}", code="template")
    region = template.place.region
    for type_, make in _MAKERS.items():
        for resource in template.resources(type_):
            make(resource, region)
    _redrive(template)
    for resource in template.resources("AWS::SecretsManager::Secret"):
        _secret(resource, secrets)


def _client(service: Any, region: str) -> Any:
    return boto3.client(service, region_name=region)


def _table(resource: Resource, region: str) -> None:
    properties = resource.properties
    stream = properties.get("StreamSpecification")
    arguments: dict[str, Any] = {
        "TableName": resource.name,
        "KeySchema": properties["KeySchema"],
        "AttributeDefinitions": properties["AttributeDefinitions"],
        "BillingMode": "PAY_PER_REQUEST",
    }
    if indexes := properties.get("GlobalSecondaryIndexes"):
        arguments["GlobalSecondaryIndexes"] = [
            {key: index[key] for key in ("IndexName", "KeySchema", "Projection")} for index in indexes
        ]
    if stream:
        arguments["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": stream["StreamViewType"]}
    _client("dynamodb", region).create_table(**arguments)


def _stream(resource: Resource, region: str) -> None:
    # On demand starts with four shards on AWS.
    shards = int(resource.properties.get("ShardCount", 4))
    _client("kinesis", region).create_stream(StreamName=resource.name, ShardCount=shards)


def _bucket(resource: Resource, region: str) -> None:
    location: Any = {"LocationConstraint": region}
    arguments = {} if region == "us-east-1" else {"CreateBucketConfiguration": location}
    _client("s3", region).create_bucket(Bucket=resource.name, **arguments)


def _queue(resource: Resource, region: str) -> None:
    properties = resource.properties
    if properties.get("FifoQueue"):
        raise InvalidInput(f"{resource.logical_id}: FIFO queues are not hosted here", code="template")
    known = ("VisibilityTimeout", "MessageRetentionPeriod", "DelaySeconds", "MaximumMessageSize")
    attributes = {key: str(properties[key]) for key in known if key in properties}
    _client("sqs", region).create_queue(QueueName=resource.name, Attributes=attributes)


def _redrive(template: Template) -> None:
    client = _client("sqs", template.place.region)
    for resource in template.resources("AWS::SQS::Queue"):
        if policy := resource.properties.get("RedrivePolicy"):
            url = client.get_queue_url(QueueName=resource.name)["QueueUrl"]
            client.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": json.dumps(policy)})


def _bus(resource: Resource, region: str) -> None:
    _client("events", region).create_event_bus(Name=resource.name)


def _configuration_set(resource: Resource, region: str) -> None:
    _client("sesv2", region).create_configuration_set(ConfigurationSetName=resource.name)


def _identity(resource: Resource, region: str) -> None:
    _client("sesv2", region).create_email_identity(EmailIdentity=resource.name)


_MAKERS: dict[str, Callable[[Resource, str], None]] = {
    "AWS::DynamoDB::Table": _table,
    "AWS::Kinesis::Stream": _stream,
    "AWS::S3::Bucket": _bucket,
    "AWS::SQS::Queue": _queue,
    "AWS::Events::EventBus": _bus,
    "AWS::SES::ConfigurationSet": _configuration_set,
    "AWS::SES::EmailIdentity": _identity,
}


def _secret(resource: Resource, secrets: Secrets) -> None:
    """Texts that the stack would generate are LOCAL_SECRET: the same ids and links in every run."""
    properties = resource.properties
    generate = properties.get("GenerateSecretString")
    text = secrets.get(resource.name) or properties.get("SecretString")
    if text is None and generate is not None:
        text = LOCAL_SECRET
        if key := generate.get("GenerateStringKey"):
            text = json.dumps({**json.loads(generate.get("SecretStringTemplate", "{}")), key: text})
    region = resource.template.place.region
    _client("secretsmanager", region).create_secret(Name=resource.name, SecretString=text or "")
    # moto ends ARNs in random letters; the template's are known beforehand.
    secretsmanager_backends[resource.template.place.account][region].secrets[resource.name].arn = resource.arn
