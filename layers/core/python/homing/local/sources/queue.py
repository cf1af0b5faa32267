"""Event source mappings of SQS queues: visibility in virtual time, receive counts, redrive.

A message that was handed to a function and not acknowledged becomes visible again after the queue's visibility timeout;
one that was received more often than ``maxReceiveCount`` allows goes to the dead-letter queue instead.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right, insort
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from homing.domain.errors import InvalidInput
from homing.domain.time import SECOND
from homing.local.sources import FunctionFailed, Invoke

# Twelve hours.
_LONGEST_HIDDEN = 43_200


@dataclass(slots=True)
class QueueMessage:
    """A message in a queue; instants in microseconds."""

    id: str
    body: str
    sent_at: int
    visible_at: int
    attributes: Mapping[str, Any] = field(default_factory=dict)
    receives: int = 0
    first_received_at: int | None = None


@dataclass(frozen=True, slots=True)
class QueueMapping:
    """The event source mapping and what it needs of its queue; durations in microseconds."""

    function: str
    queue_arn: str
    batch_size: int = 10
    window: int = 0
    partial_failures: bool = False
    visibility: int = 30 * SECOND
    max_receives: int | None = None
    region: str = "eu-central-1"

    @classmethod
    def of(cls, function: str, queue_arn: str, mapping: Mapping[str, Any], queue: Mapping[str, Any]) -> QueueMapping:
        """From the resolved properties of the mapping and of the queue."""
        if "FilterCriteria" in mapping:
            raise InvalidInput(f"{queue_arn}: filters of queue mappings are not hosted here", code="template")
        redrive = queue.get("RedrivePolicy") or {}
        return cls(
            function=function,
            queue_arn=queue_arn,
            batch_size=int(mapping.get("BatchSize", 10)),
            window=int(mapping.get("MaximumBatchingWindowInSeconds", 0)) * SECOND,
            partial_failures="ReportBatchItemFailures" in mapping.get("FunctionResponseTypes", []),
            visibility=int(queue.get("VisibilityTimeout", 30)) * SECOND,
            max_receives=int(redrive["maxReceiveCount"]) if redrive else None,
            region=queue_arn.split(":")[3],
        )


@dataclass(slots=True)
class QueueSource:
    """One mapping. ``take`` removes and gives what was newly sent; ``bury`` puts a message on the dead-letter queue."""

    mapping: QueueMapping
    take: Callable[[], Iterable[QueueMessage]]
    bury: Callable[[QueueMessage], None]
    invoke: Invoke
    now: Callable[[], int]
    # In the order in which they become visible, so that a long queue costs a batch no more than a short one.
    messages: list[QueueMessage] = field(default_factory=list)
    # What a function is working on, by receipt handle.
    _handed_out: dict[str, QueueMessage] = field(default_factory=dict)

    def next_at(self) -> int | None:
        """When a batch is due: at once when enough messages are visible, else when the first one waited its window."""
        if not self.messages:
            return None
        first = self.messages[0].visible_at
        if not self.mapping.window:
            return first
        visible = bisect_right(self.messages, self.now(), key=_visible_at)
        return first if visible >= self.mapping.batch_size else first + self.mapping.window

    def poll(self) -> bool:
        """Receives and works on one batch if one is due."""
        for message in self.take():
            insort(self.messages, message, key=_visible_at)
        due = self.next_at()
        now = self.now()
        if due is None or due > now:
            return False
        if batch := self._receive(now):
            self._work(batch, now)
        return True

    def _receive(self, now: int) -> list[QueueMessage]:
        """Takes a batch out of the queue; what was received too often already is buried."""
        batch: list[QueueMessage] = []
        seen = 0
        for message in self.messages:
            if message.visible_at > now or len(batch) == self.mapping.batch_size:
                break
            seen += 1
            if self.mapping.max_receives is not None and message.receives >= self.mapping.max_receives:
                self.bury(message)
            else:
                batch.append(message)
        del self.messages[:seen]
        return batch

    def _work(self, batch: list[QueueMessage], now: int) -> None:
        for message in batch:
            message.receives += 1
            if message.first_received_at is None:
                message.first_received_at = now
            message.visible_at = now + self.mapping.visibility
            self._handed_out[_receipt(message)] = message
        left = {message.id for message in batch}
        try:
            answer = self.invoke(self.mapping.function, {"Records": [self._record(message) for message in batch]})
            left = self._failures(batch, answer)
        except FunctionFailed:
            return
        finally:
            self._handed_out.clear()
            for message in batch:
                if message.id in left:
                    insort(self.messages, message, key=_visible_at)

    def change_visibility(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """ChangeMessageVisibilityBatch, as a function calls it for messages that it was handed."""
        answer: dict[str, Any] = {"Successful": [], "Failed": []}
        for entry in params["Entries"]:
            message, seconds = self._handed_out.get(entry["ReceiptHandle"]), int(entry["VisibilityTimeout"])
            if message is None or not 0 <= seconds <= _LONGEST_HIDDEN:
                code = "ReceiptHandleIsInvalid" if message is None else "InvalidParameterValue"
                answer["Failed"].append({"Id": entry["Id"], "SenderFault": True, "Code": code})
                continue
            message.visible_at = self.now() + seconds * SECOND
            answer["Successful"].append({"Id": entry["Id"]})
        return answer

    def _failures(self, batch: list[QueueMessage], answer: Any) -> set[str]:
        """Ids that stay in the queue; an identifier that is missing or not of this batch means all of them."""
        if not self.mapping.partial_failures or not isinstance(answer, Mapping):
            return set()
        named = {item.get("itemIdentifier") for item in answer.get("batchItemFailures") or []}
        ids = {message.id for message in batch}
        return named if named <= ids else ids

    def _record(self, message: QueueMessage) -> dict[str, Any]:
        first = message.sent_at if message.first_received_at is None else message.first_received_at
        return {
            "messageId": message.id,
            "receiptHandle": _receipt(message),
            "body": message.body,
            "attributes": {
                "ApproximateReceiveCount": str(message.receives),
                "SentTimestamp": str(message.sent_at // 1000),
                "SenderId": "AIDAHOMING",
                "ApproximateFirstReceiveTimestamp": str(first // 1000),
            },
            "messageAttributes": dict(message.attributes),
            "md5OfBody": hashlib.md5(message.body.encode(), usedforsecurity=False).hexdigest(),
            "eventSource": "aws:sqs",
            "eventSourceARN": self.mapping.queue_arn,
            "awsRegion": self.mapping.region,
        }


def _receipt(message: QueueMessage) -> str:
    return f"{message.id}/{message.receives}"


def _visible_at(message: QueueMessage) -> int:
    return message.visible_at
