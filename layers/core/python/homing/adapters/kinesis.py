"""The event stream over Kinesis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from homing.adapters.aws_errors import aws_errors
from homing.adapters.backoff import Backoff
from homing.adapters.batches import batches
from homing.domain.errors import Unavailable
from homing.services.ports import StreamRecord

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

# PutRecords: 500 records and 5 MB a call, partition keys included.
_RECORDS, _BYTES = 500, 5_000_000


class KinesisStream:
    """Puts records in order. A call goes out only when the one before is stored whole, and the records that a call
    refused are tried again in their order; PutRecords itself promises no more, and the fold needs none."""

    def __init__(self, client: KinesisClient, stream: str, *, backoff: Backoff | None = None) -> None:
        self._client = client
        self._stream = stream
        self._backoff = backoff or Backoff()

    def put(self, records: Sequence[StreamRecord]) -> None:
        """Stores all records; raises Unavailable unless every one is stored."""
        for batch in batches(records, count=_RECORDS, size=_BYTES, of=lambda r: len(r.data) + len(r.key)):
            self._put_batch(batch)

    def _put_batch(self, batch: list[StreamRecord]) -> None:
        for _ in self._backoff.tries():
            with aws_errors("putting records on the stream"):
                answer = self._client.put_records(
                    StreamName=self._stream,
                    Records=[{"Data": record.data, "PartitionKey": record.key} for record in batch],
                )
            if not answer.get("FailedRecordCount"):
                return
            batch = [r for r, done in zip(batch, answer["Records"], strict=True) if done.get("ErrorCode")]
        raise Unavailable(f"{len(batch)} records were refused by the stream again and again")
