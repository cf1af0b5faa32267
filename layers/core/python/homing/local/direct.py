"""Short cuts into moto's in-memory stores for the operations that make up nearly all calls.

Each takes the parameters of the API and gives its answer, or raises: then the call goes the long way through moto. What is
stored is the same either way (tests/unit/local/test_direct.py compares both).
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from moto.core.model_instances import reset_model_data
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.kinesis.models import Record, kinesis_backends
from moto.s3.models import s3_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sesv2.models import sesv2_backends
from moto.sqs.models import Message, sqs_backends

from homing.local.objects import Objects
from homing.local.wakes import WakeIndex
from homing.local.wire import NotDirect, Operation, Params

ACCOUNT = "123456789012"


class Moto:
    """moto's stores of one region."""

    def __init__(self, region: str) -> None:
        self.region = region
        self.indexes: dict[str, WakeIndex] = {}

    @property
    def dynamodb(self) -> Any:
        return dynamodb_backends[ACCOUNT][self.region]

    def table(self, name: str) -> Any:
        """moto's table."""
        return self.dynamodb.tables[name]

    def stream(self, name: str) -> Any:
        """moto's Kinesis stream."""
        return kinesis_backends[ACCOUNT][self.region].streams[name]

    def queue(self, name: str) -> Any:
        """moto's queue."""
        return sqs_backends[ACCOUNT][self.region].queues[name]

    def bucket(self, name: str) -> Any:
        """moto's bucket."""
        return s3_backends[ACCOUNT]["aws"].get_bucket(name)

    @property
    def ses(self) -> Any:
        """moto's SES, API v2; ``core_backend`` holds the mails."""
        return sesv2_backends[ACCOUNT][self.region]

    def verify_sender(self, sender: str) -> None:
        """Lets SES take mail from that address."""
        self.ses.core_backend.verify_email_identity(sender)

    def name_mail(self, message_id: str) -> None:
        """Gives the latest mail that SES took its id: moto makes up another one in every run."""
        self.ses.core_backend.sent_messages[-1].id = message_id

    def objects(self, name: str) -> Iterator[tuple[str, bytes]]:
        """The objects of a bucket by key."""
        keys = self.bucket(name).keys
        for key in list(keys):
            yield key, keys[key].value

    def items(self, table: str) -> Iterator[dict[str, Any]]:
        """All items of a table, as DynamoDB's API spells them."""
        held = self.table(table)
        for value in list(held.items.values()):
            for item in list(value.values()) if held.range_key_attr else [value]:
                yield item.to_json()["Attributes"]

    def tidy(self) -> None:
        """moto keeps every object it ever made in a list for its dashboard; nobody looks at that here."""
        reset_model_data()

    def changed(self, table: str) -> None:
        """A table was written the long way."""
        for name in [table] if table in self.indexes else list(self.indexes):
            self.indexes[name].forget()

    def operations(self) -> dict[tuple[str, str], Operation]:
        """What can be done directly, by boto3's service name and the API's operation."""
        objects = Objects(lambda: s3_backends[ACCOUNT]["aws"])
        return {
            ("dynamodb", "PutItem"): self._put_item,
            ("dynamodb", "GetItem"): self._get_item,
            ("dynamodb", "BatchGetItem"): self._batch_get_item,
            ("dynamodb", "Query"): self._query,
            ("kinesis", "PutRecords"): self._put_records,
            ("sqs", "SendMessage"): self._send_message,
            ("sqs", "SendMessageBatch"): self._send_message_batch,
            ("s3", "PutObject"): objects.put,
            ("s3", "GetObject"): objects.get,
            ("s3", "ListObjectsV2"): objects.list,
            ("secretsmanager", "GetSecretValue"): self._get_secret_value,
            ("sesv2", "SendEmail"): self._send_email,
        }

    def _put_item(self, params: Params) -> dict[str, Any]:
        _only(params, "TableName", "Item", *_CONDITION)
        table, item, condition = params["TableName"], params["Item"], params.get("ConditionExpression")
        self.table(table).put_item(
            item,
            None,
            condition,
            params.get("ExpressionAttributeNames", {}),
            params.get("ExpressionAttributeValues", {}),
            not condition,
        )
        if index := self.indexes.get(table):
            index.put(item)
        return {}

    def _get_item(self, params: Params) -> dict[str, Any]:
        _only(params, "TableName", "Key", "ConsistentRead")
        item = self.dynamodb.get_item(params["TableName"], params["Key"])
        return {"Item": item.to_json()["Attributes"]} if item else {}

    def _batch_get_item(self, params: Params) -> dict[str, Any]:
        _only(params, "RequestItems")
        found = {table: self._get_of(table, request) for table, request in params["RequestItems"].items()}
        return {"Responses": found, "UnprocessedKeys": {}}

    def _get_of(self, table: str, request: Params) -> list[dict[str, Any]]:
        _only(request, "Keys", "ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames")
        if len(request["Keys"]) > 100:
            raise NotDirect
        names = request.get("ExpressionAttributeNames", {})
        wanted = [names.get(name.strip(), name.strip()) for name in request.get("ProjectionExpression", "").split(",")]
        if any("[" in name or (name not in names.values() and "." in name) for name in wanted):
            raise NotDirect
        found = (self.dynamodb.get_item(table, key) for key in request["Keys"])
        items = [item.to_json()["Attributes"] for item in found if item]
        if wanted == [""]:
            return items
        return [{name: item[name] for name in wanted if name in item} for item in items]

    def _query(self, params: Params) -> dict[str, Any]:
        if "IndexName" in params:
            return self.indexes[params["TableName"]].query(params)
        return self._partition(params)

    def _partition(self, params: Params) -> dict[str, Any]:
        """One partition of a table, as the member index is read: moto looks through all of them for it."""
        _only(params, "TableName", "KeyConditionExpression", *_SHOWN, "FilterExpression", "Limit", "ExclusiveStartKey")
        table, names = self.table(params["TableName"]), params.get("ExpressionAttributeNames", {})
        sort, gone = table.range_key_attr, params.get("FilterExpression")
        if params.get("KeyConditionExpression") != "#k = :k" or names.get("#k") != table.hash_key_attr or not sort:
            raise NotDirect
        if gone not in {None, "attribute_not_exists(#g)"} or "ProjectionExpression" not in params:
            raise NotDirect
        held = table.items.get(DynamoType(params["ExpressionAttributeValues"][":k"]), {})
        rows: list[Any] = sorted((row.to_json()["Attributes"] for row in held.values()), key=lambda row: row[sort]["S"])
        if start := params.get("ExclusiveStartKey"):
            rows = [row for row in rows if row[sort]["S"] > start[sort]["S"]]
        page = rows[: params.get("Limit", len(rows))]
        shown = [names[name.strip()] for name in params["ProjectionExpression"].split(",")]
        kept = [row for row in page if gone is None or names["#g"] not in row]
        answer = {
            "Items": [{name: row[name] for name in shown if name in row} for row in kept],
            "Count": len(kept),
            "ScannedCount": len(page),
        }
        if len(page) < len(rows):
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in (table.hash_key_attr, sort)}
        return answer

    def _put_records(self, params: Params) -> dict[str, Any]:
        _only(params, "StreamName", "Records")
        stream, records = self.stream(params["StreamName"]), params["Records"]
        sizes = [len(record["Data"]) + len(record["PartitionKey"]) for record in records]
        if not 0 < len(records) <= 500 or max(sizes) > 1_048_576 or sum(sizes) > 5_242_880:
            raise NotDirect
        for record in records:
            _only(record, "Data", "PartitionKey")
        answers = []
        for record in records:
            shard = stream.get_shard_for_key(record["PartitionKey"], None)
            # moto looks at all records for the last number.
            sequence = next(reversed(shard.records), 0) + 1
            data = base64.b64encode(record["Data"]).decode()
            shard.records[sequence] = Record(record["PartitionKey"], data, sequence, "")
            answers.append({"SequenceNumber": str(sequence), "ShardId": shard.shard_id})
        return {"FailedRecordCount": 0, "Records": answers}

    def _send_message(self, params: Params) -> dict[str, Any]:
        _only(params, "QueueUrl", "MessageBody")
        message = self._send(params["QueueUrl"], params["MessageBody"])
        return {"MessageId": message.id, "MD5OfMessageBody": message.body_md5}

    def _send_message_batch(self, params: Params) -> dict[str, Any]:
        _only(params, "QueueUrl", "Entries")
        entries = params["Entries"]
        for entry in entries:
            _only(entry, "Id", "MessageBody")
        ids = {entry["Id"] for entry in entries}
        if not 0 < len(entries) <= 10 or len(ids) != len(entries):
            raise NotDirect
        if sum(len(entry["MessageBody"].encode()) for entry in entries) > 262_144:
            raise NotDirect
        sent = [(entry["Id"], self._send(params["QueueUrl"], entry["MessageBody"])) for entry in entries]
        done = [{"Id": id_, "MessageId": m.id, "MD5OfMessageBody": m.body_md5} for id_, m in sent]
        return {"Successful": done, "Failed": []}

    def _send(self, url: str, body: str) -> Message:
        queue = self.queue(url.rsplit("/", 1)[-1])
        if queue.fifo_queue or queue.delay_seconds or not body or len(body.encode()) > 262_144:
            raise NotDirect
        message = Message(str(uuid.uuid4()), body)
        message.mark_sent()
        queue.add_message(message)
        return message

    def _get_secret_value(self, params: Params) -> dict[str, Any]:
        _only(params, "SecretId")
        secret: Any = secretsmanager_backends[ACCOUNT][self.region].secrets[params["SecretId"]]
        version = secret.versions[secret.default_version_id]
        return {
            "ARN": secret.arn,
            "Name": secret.name,
            "VersionId": version["version_id"],
            "SecretString": version["secret_string"],
        }

    def _send_email(self, params: Params) -> dict[str, Any]:
        _only(params, *_MAIL)
        simple, sender = params["Content"]["Simple"], params["FromEmailAddress"]
        if not self.ses.core_backend._is_verified_address(sender):
            # The long way counts the refusal, and must count it once.
            raise NotDirect
        body = simple["Body"]
        message = self.ses.send_email(
            sender, params["Destination"], simple["Subject"]["Data"], body["Html" if "Html" in body else "Text"]["Data"]
        )
        return {"MessageId": message.id}


_MAIL = (
    "FromEmailAddress", "ReplyToAddresses", "Destination", "Content", "EmailTags", "ConfigurationSetName",
)  # fmt: skip
_SHOWN = ("ProjectionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues")
_CONDITION = ("ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues")


def _only(params: Mapping[str, Any], *known: str) -> None:
    if not params.keys() <= set(known):
        raise NotDirect
