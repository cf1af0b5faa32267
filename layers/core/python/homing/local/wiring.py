"""From the resolved template to running sources: mappings, schedules, redrive, destinations."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from homing.domain.errors import InvalidInput
from homing.domain.time import SECOND, iso, to_datetime
from homing.local import schedules
from homing.local.direct import Moto
from homing.local.hosting import Functions
from homing.local.sources import Invoke, Source
from homing.local.sources.asynchronous import AsyncSettings
from homing.local.sources.queue import QueueMapping, QueueMessage, QueueSource
from homing.local.sources.readers import KinesisReader, TableReader
from homing.local.sources.stream import StreamMapping, StreamSource
from homing.local.sources.timers import Schedule
from homing.local.template import Resource, Template
from homing.local.wakes import WakeIndex

_MILLISECOND = 1000


@dataclass(slots=True)
class Wiring:
    """Builds what the host polls."""

    template: Template
    moto: Moto
    functions: Functions
    invoke: Invoke
    now: Callable[[], int]

    def sources(self, accept: Callable[[str, dict[str, Any]], None]) -> Iterator[Source]:
        """Sources of all enabled mappings and scheduled rules; ``accept`` takes asynchronous invocations."""
        for resource in self.template.resources("AWS::Lambda::EventSourceMapping"):
            if str(resource.properties.get("Enabled", True)).lower() == "true":
                yield self._mapping(resource)
        for resource in self.template.resources("AWS::Events::Rule"):
            properties = resource.properties
            if "ScheduleExpression" in properties and properties.get("State", "ENABLED") == "ENABLED":
                yield from self._schedules(resource, properties, accept)

    def index_tables(self) -> None:
        """Keeps the wake-up indexes of all tables that have one."""
        for resource in self.template.resources("AWS::DynamoDB::Table"):
            for index in resource.properties.get("GlobalSecondaryIndexes", []):
                types = {key["KeyType"] for key in index["KeySchema"]}
                if types == {"HASH", "RANGE"} and index["Projection"]["ProjectionType"] == "KEYS_ONLY":
                    self.moto.indexes[resource.name] = WakeIndex(self.moto.table(resource.name), index)

    def async_settings(self) -> dict[str, AsyncSettings]:
        """Retries and destinations of asynchronous invocations by function ARN."""
        configs = {
            config.properties["FunctionName"]: config.properties
            for config in self.template.resources("AWS::Lambda::EventInvokeConfig")
        }
        settings = {}
        for resource in self.template.resources("AWS::Lambda::Function"):
            config = configs.get(resource.name, {})
            settings[resource.arn] = AsyncSettings(
                max_retries=int(config.get("MaximumRetryAttempts", 2)),
                max_age=int(config.get("MaximumEventAgeInSeconds", 21_600)) * SECOND,
                on_failure=config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"),
                dead_letters=resource.properties.get("DeadLetterConfig", {}).get("TargetArn"),
            )
        return settings

    def deliver(self, arn: str, document: dict[str, Any], event: dict[str, Any]) -> None:
        """To a destination: SQS gets the document, S3 the document with the event that failed in it."""
        name = arn.split(":")[-1]
        if ":sqs:" in arn:
            self.send(arn, json.dumps(document))
        elif arn.startswith("arn:aws:s3:::"):
            now = self.now()
            key = f"aws/lambda/local/{to_datetime(now):%Y/%m/%d}/{iso(now).replace(':', '.')}-{uuid.uuid4()}"
            body = json.dumps({**document, "payload": json.dumps(event)}).encode()
            self.moto.operations()["s3", "PutObject"]({"Bucket": name, "Key": key, "Body": body})
        else:
            raise InvalidInput(f"{arn} can't be a destination here", code="template")

    def send(self, arn: str, body: str) -> None:
        """Puts a message on a queue by its ARN."""
        place = self.template.place
        url = f"https://sqs.{place.region}.amazonaws.com/{place.account}/{arn.split(':')[-1]}"
        self.moto.operations()["sqs", "SendMessage"]({"QueueUrl": url, "MessageBody": body})

    def _mapping(self, resource: Resource) -> Source:
        properties = resource.properties
        function = self.functions.find(properties["FunctionName"]).short
        arn = properties["EventSourceArn"]
        source = self.template.by_arn(arn)
        if source is None:
            raise InvalidInput(f"{resource.logical_id} reads {arn}, which no stack makes", code="template")
        region = self.template.place.region
        if source.type == "AWS::SQS::Queue":
            queue = source.properties
            mapping = QueueMapping.of(function, arn, properties, queue)
            dead = (queue.get("RedrivePolicy") or {}).get("deadLetterTargetArn", "")
            return QueueSource(
                mapping,
                lambda: self._take(source.name),
                lambda message: self.send(dead, message.body),
                self.invoke,
                self.now,
            )
        stream = StreamMapping.of(function, arn, properties)
        if source.type == "AWS::Kinesis::Stream":
            reader = KinesisReader(self.moto.stream(source.name), region, self.now)
            return StreamSource(stream, reader, self.invoke, self.deliver, self.now, "KinesisBatchInfo")
        mappings = self.template.resources("AWS::Lambda::EventSourceMapping")
        alone = sum(mapping.properties["EventSourceArn"] == arn for mapping in mappings) == 1
        table = TableReader(self.moto.table(source.name), arn, region, self.now, alone)
        return StreamSource(stream, table, self.invoke, self.deliver, self.now, "DDBStreamBatchInfo")

    def _take(self, queue: str) -> list[QueueMessage]:
        """What was sent to a queue since last asked, out of moto's store."""
        held = self.moto.queue(queue)
        if not held._messages:
            return []
        taken, held._messages = list(held._messages), []
        now = self.now()
        return [
            QueueMessage(
                message.id,
                message.body,
                now,
                now + max(0, int(message.delayed_until - (message.sent_timestamp or 0))) * _MILLISECOND,
                dict(message.message_attributes),
            )
            for message in taken
        ]

    def _schedules(
        self, resource: Resource, properties: dict[str, Any], accept: Callable[[str, dict[str, Any]], None]
    ) -> Iterator[Source]:
        expression = schedules.parse(properties["ScheduleExpression"])
        for target in properties.get("Targets", []):
            arn, fixed = target["Arn"], target.get("Input")

            def fire(at: int, arn: str = arn, fixed: str | None = fixed) -> None:
                event = json.loads(fixed) if fixed else self._tick(resource, at)
                if ":sqs:" in arn:
                    self.send(arn, json.dumps(event))
                else:
                    accept(arn, event)

            # What runs at an hour of the day has work of its own then.
            sweeps = isinstance(expression, schedules.Rate)
            waiting = self._waiting(self.functions.find(arn).environment.values()) if sweeps else None
            yield Schedule(expression, fire, self.now, waiting, self.now())

    def _waiting(self, environment: Any) -> Callable[[], int | None] | None:
        """For a function whose settings name tables with a wake-up index, and no bucket: its ticks only look there."""
        indexes = [self.moto.indexes[value] for value in environment if value in self.moto.indexes]
        if not indexes or any(bucket.name in environment for bucket in self.template.resources("AWS::S3::Bucket")):
            return None
        return lambda: min((at for index in indexes if (at := index.first()) is not None), default=None)

    def _tick(self, rule: Resource, at: int) -> dict[str, Any]:
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": self.template.place.account,
            "time": iso(at),
            "region": self.template.place.region,
            "resources": [rule.arn],
            "detail": {},
        }
