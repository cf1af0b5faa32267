"""Event source mappings of streams (Kinesis and DynamoDB), with Lambda's semantics.

What holds, per shard: records come in order; a batch closes when it is full or its window is over; a failing batch
blocks what is behind it; it is tried again, halved if so configured (halving costs no attempt), until it works, its
attempts are used up or its records are too old, and then its metadata goes to the on-failure destination. An answer
with ``batchItemFailures`` acknowledges what was before the lowest failed sequence number; the rest is a new batch.
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html

Where AWS documents nothing, the harsher reading is taken: attempts are used up by the whole remaining batch, innocent
records included, unless it can be halved.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from homing.domain.time import MINUTE, SECOND, iso
from homing.local.patterns import Pattern
from homing.local.sources import Deliver, FunctionFailed, Invoke

_PAYLOAD_LIMIT = 6 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a shard; ``body`` is what the function is given for it."""

    sequence: str
    key: str
    arrived_at: int
    body: Mapping[str, Any]
    size: int = 0


@dataclass(frozen=True, slots=True)
class StreamMapping:
    """The properties of an ``AWS::Lambda::EventSourceMapping``; durations in microseconds, -1 is without limit."""

    function: str
    stream_arn: str
    batch_size: int = 100
    window: int = 0
    bisect: bool = False
    max_retries: int = -1
    max_age: int = -1
    partial_failures: bool = False
    on_failure: str | None = None
    filters: tuple[Pattern, ...] = ()
    parallel: int = 1

    @classmethod
    def of(cls, function: str, stream_arn: str, properties: Mapping[str, Any]) -> StreamMapping:
        """From resolved properties."""
        age = int(properties.get("MaximumRecordAgeInSeconds", -1))
        destination = properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        filters = properties.get("FilterCriteria", {}).get("Filters", [])
        return cls(
            function=function,
            stream_arn=stream_arn,
            batch_size=int(properties.get("BatchSize", 100)),
            window=int(properties.get("MaximumBatchingWindowInSeconds", 0)) * SECOND,
            bisect=_true(properties.get("BisectBatchOnFunctionError")),
            max_retries=int(properties.get("MaximumRetryAttempts", -1)),
            max_age=age * SECOND if age >= 0 else -1,
            partial_failures="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
            on_failure=destination,
            filters=tuple(Pattern.parse(item["Pattern"]) for item in filters),
            parallel=int(properties.get("ParallelizationFactor", 1)),
        )


@dataclass(slots=True)
class _Batch:
    records: Sequence[Record]
    attempts: int = 0
    invocations: int = 0


@dataclass(slots=True)
class Lane:
    """A shard, or the part of it that one of ``parallel`` pollers works on; in order, one batch at a time."""

    shard: str
    mapping: StreamMapping
    invoke: Invoke
    deliver: Deliver
    now: Callable[[], int]
    info: str
    pending: deque[Record] = field(default_factory=deque)
    retrying: deque[_Batch] = field(default_factory=deque)
    retry_at: int = 0

    def add(self, record: Record) -> None:
        """Takes a new record of the shard, unless a filter drops it."""
        if not self.mapping.filters or any(pattern.matches(record.body) for pattern in self.mapping.filters):
            self.pending.append(record)

    def next_at(self) -> int | None:
        """When the next batch is due; None when the lane is empty."""
        if self.retrying:
            return self.retry_at
        if not self.pending:
            return None
        full = len(self.pending) >= self.mapping.batch_size
        return self.pending[0].arrived_at + (0 if full else self.mapping.window)

    def poll(self) -> bool:
        """Works on one batch if one is due."""
        due = self.next_at()
        if due is None or due > self.now():
            return False
        if not self.retrying:
            self.retrying.append(_Batch(self._next_records()))
        self._work(self.retrying.popleft())
        return True

    def _next_records(self) -> list[Record]:
        records: list[Record] = []
        size = 0
        while self.pending and len(records) < self.mapping.batch_size:
            size += self.pending[0].size
            if records and size > _PAYLOAD_LIMIT:
                break
            records.append(self.pending.popleft())
        return records

    def _work(self, batch: _Batch) -> None:
        if self.mapping.max_age >= 0:
            oldest = self.now() - self.mapping.max_age
            expired = [record for record in batch.records if record.arrived_at < oldest]
            if expired:
                self._give_up(_Batch(expired, batch.attempts, batch.invocations), "RecordAgeExceeded")
                batch.records = batch.records[len(expired) :]
                if not batch.records:
                    return
        batch.invocations += 1
        try:
            answer = self.invoke(self.mapping.function, {"Records": [record.body for record in batch.records]})
        except FunctionFailed:
            self._failed(batch)
            return
        lowest = self._lowest_failure(batch, answer)
        if lowest == 0:
            self._failed(batch)
        elif lowest is not None:
            self._retry(_Batch(batch.records[lowest:], 0, batch.invocations), at=self.now())

    def _lowest_failure(self, batch: _Batch, answer: Any) -> int | None:
        """Index of the first record to be tried again; None when the batch is done. An identifier that is missing or
        not of this batch makes the whole batch fail."""
        if not self.mapping.partial_failures or not isinstance(answer, Mapping):
            return None
        items = answer.get("batchItemFailures") or []
        position = {record.sequence: index for index, record in enumerate(batch.records)}
        return min((position.get(item.get("itemIdentifier"), 0) for item in items), default=None)

    def _failed(self, batch: _Batch) -> None:
        if self.mapping.bisect and len(batch.records) > 1:
            middle = len(batch.records) // 2
            self.retrying.appendleft(_Batch(batch.records[middle:], batch.attempts, batch.invocations))
            self._retry(_Batch(batch.records[:middle], batch.attempts, batch.invocations), at=self.now())
            return
        batch.attempts += 1
        if 0 <= self.mapping.max_retries < batch.attempts:
            self._give_up(batch, "RetryAttemptsExhausted")
            self.retry_at = self.now()
        else:
            self._retry(batch, at=self.now() + backoff(batch.attempts))

    def _retry(self, batch: _Batch, *, at: int) -> None:
        self.retrying.appendleft(batch)
        self.retry_at = at

    def _give_up(self, batch: _Batch, condition: str) -> None:
        """Tells the on-failure destination which records were given up: where they lie, not what they hold."""
        if self.mapping.on_failure is None:
            return
        first, last = batch.records[0], batch.records[-1]
        self.deliver(
            self.mapping.on_failure,
            {
                "requestContext": {
                    "functionArn": self.mapping.function,
                    "condition": condition,
                    "approximateInvokeCount": batch.invocations,
                },
                "responseContext": {
                    "statusCode": 200,
                    "executedVersion": "$LATEST",
                    "functionError": "Unhandled",
                },
                "version": "1.0",
                "timestamp": iso(self.now()),
                self.info: {
                    "shardId": self.shard,
                    "startSequenceNumber": first.sequence,
                    "endSequenceNumber": last.sequence,
                    "approximateArrivalOfFirstRecord": iso(first.arrived_at),
                    "approximateArrivalOfLastRecord": iso(last.arrived_at),
                    "batchSize": len(batch.records),
                    "streamArn": self.mapping.stream_arn,
                },
            },
            {"Records": [record.body for record in batch.records]},
        )


@dataclass(slots=True)
class StreamSource:
    """One mapping over all shards of a stream. ``read`` gives the records that are new since it was last called, by
    shard, in order."""

    mapping: StreamMapping
    read: Callable[[], Iterable[tuple[str, Record]]]
    invoke: Invoke
    deliver: Deliver
    now: Callable[[], int]
    info: str
    lanes: dict[tuple[str, int], Lane] = field(default_factory=dict)

    def poll(self) -> bool:
        """Takes what is new and works on one batch of each lane that is due."""
        for shard, record in self.read():
            self._lane(shard, record.key).add(record)
        worked = [lane.poll() for lane in list(self.lanes.values())]
        return any(worked)

    def next_at(self) -> int | None:
        """When the earliest lane is due."""
        return min((at for lane in self.lanes.values() if (at := lane.next_at()) is not None), default=None)

    def _lane(self, shard: str, key: str) -> Lane:
        part = zlib.crc32(key.encode()) % self.mapping.parallel if self.mapping.parallel > 1 else 0
        if (shard, part) not in self.lanes:
            self.lanes[shard, part] = Lane(shard, self.mapping, self.invoke, self.deliver, self.now, self.info)
        return self.lanes[shard, part]


def backoff(attempt: int) -> int:
    """How long to wait before trying again: one second, doubling, at most a minute."""
    return int(min(SECOND * 2 ** min(attempt - 1, 10), MINUTE))


def _true(value: Any) -> bool:
    return value is True or value == "true"


__all__ = ["Lane", "Record", "StreamMapping", "StreamSource", "backoff"]
