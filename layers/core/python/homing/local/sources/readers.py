"""What mappings read: new records of moto's streams, as Lambda hands them to functions, with virtual arrival times."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from homing.local.sources.stream import Record


@dataclass(slots=True)
class KinesisReader:
    """``stream`` is moto's; sequence numbers are made as long as Kinesis makes them, so that nobody counts on short
    ones. A record has arrived when it is first seen: the host looks after every step."""

    stream: Any
    region: str
    now: Callable[[], int]
    _read: dict[str, int] = field(default_factory=dict)

    def __call__(self) -> Iterator[tuple[str, Record]]:
        """New records by shard, in order."""
        for shard in self.stream.shards.values():
            read = self._read.get(shard.shard_id, 0)
            if (new := len(shard.records) - read) <= 0:
                continue
            self._read[shard.shard_id] = read + new
            for held in list(islice(reversed(shard.records.values()), new))[::-1]:
                yield shard.shard_id, self._record(shard.shard_id, held)

    def _record(self, shard: str, held: Any) -> Record:
        now = self.now()
        sequence = f"{49590338271490256608559692538361571095921575989136588898 + held.sequence_number}"
        body = {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": held.partition_key,
                "sequenceNumber": sequence,
                "data": held.data,
                "approximateArrivalTimestamp": now // 1000 / 1000,
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{shard}:{sequence}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": "arn:aws:iam::123456789012:role/local",
            "awsRegion": self.region,
            "eventSourceARN": self.stream.arn,
        }
        return Record(sequence, held.partition_key, now, body, len(held.data))


@dataclass(slots=True)
class TableReader:
    """The stream of a table; ``table`` is moto's. One shard, so the order of an item's changes is kept.

    ``alone`` says that nobody else reads it: what was read is then let go, since moto never trims and every record holds
    two images of its item.
    """

    table: Any
    arn: str
    region: str
    now: Callable[[], int]
    alone: bool = False
    _read: int = 0

    def __call__(self) -> Iterator[tuple[str, Record]]:
        """New records."""
        shard = self.table.stream_shard
        new = shard.items[self._read :]
        if self.alone:
            # The places stay: moto counts them to number the next record.
            shard.items[self._read :] = [None] * len(new)
        self._read += len(new)
        for held in new:
            yield shard.id, self._record(held.record)

    def _record(self, held: Mapping[str, Any]) -> Record:
        now = self.now()
        change = held["dynamodb"]
        body = {
            "eventID": held["eventID"],
            "eventName": held["eventName"],
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": self.region,
            "dynamodb": {
                **{key: _json(change[key]) for key in ("Keys", "NewImage", "OldImage") if key in change},
                "ApproximateCreationDateTime": now // 1_000_000,
                "SequenceNumber": change["SequenceNumber"],
                "SizeBytes": change["SizeBytes"],
                "StreamViewType": change["StreamViewType"],
            },
            "eventSourceARN": self.arn,
        }
        return Record(change["SequenceNumber"], repr(change["Keys"]), now, body, change["SizeBytes"])


def _json(value: Any) -> Any:
    """Attribute values as they come in stream events: bytes in base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json(item) for item in value]
    return value
