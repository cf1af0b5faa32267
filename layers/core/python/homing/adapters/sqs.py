"""Flow inbox, outbox and calls over SQS."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from homing.adapters.aws_errors import aws_errors
from homing.adapters.backoff import Backoff
from homing.adapters.batches import batches
from homing.domain.delivery.message import SendRequest
from homing.domain.errors import InvalidInput, Unavailable
from homing.services.ports import Overlap

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from homing.domain.flows.effects import CallRequest

# SendMessageBatch: 10 messages and 256 KB a call.
_MESSAGES, _BYTES = 10, 256 * 1024


class SqsQueue:
    """Puts JSON on a queue, by its URL. ``overlap``: how its calls are made, in order or side by side."""

    def __init__(
        self, client: SQSClient, queue_url: str, *, backoff: Backoff | None = None, overlap: Overlap = map
    ) -> None:
        self._client = client
        self._url = queue_url
        self._backoff = backoff or Backoff()
        self._overlap = overlap

    def send(self, bodies: Sequence[Mapping[str, Any]]) -> None:
        """Queues all; raises Unavailable unless every one is queued, InvalidInput for one that never will be."""
        texts = [json.dumps(body, separators=(",", ":"), ensure_ascii=False) for body in bodies]
        calls = list(batches(texts, count=_MESSAGES, size=_BYTES, of=lambda text: len(text.encode())))
        if len(calls) == 1:
            self._send_batch(calls[0])
        else:
            list(self._overlap(self._send_batch, calls))

    def _send_batch(self, batch: list[str]) -> None:
        for _ in self._backoff.tries():
            with aws_errors("putting messages on a queue"):
                answer = self._client.send_message_batch(
                    QueueUrl=self._url,
                    Entries=[{"Id": str(index), "MessageBody": text} for index, text in enumerate(batch)],
                )
            failed = answer.get("Failed") or []
            if not failed:
                return
            for failure in failed:
                if failure["SenderFault"] and "throttl" not in failure["Code"].lower():
                    raise InvalidInput(f"a queue refused a message: {failure['Code']}", code="refused_by_aws")
            batch = [batch[index] for index in sorted(int(failure["Id"]) for failure in failed)]
        raise Unavailable(f"{len(batch)} messages were refused by the queue again and again")


class SqsInbox:
    """The queue before ``run_flows``."""

    def __init__(self, queue: SqsQueue) -> None:
        self._queue = queue

    def put(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Queues all, or raises Unavailable."""
        self._queue.send(messages)


class SqsOutbox:
    """The queue before ``send_email``."""

    def __init__(self, queue: SqsQueue) -> None:
        self._queue = queue

    def put(self, requests: Sequence[SendRequest]) -> None:
        """Queues all, or raises Unavailable."""
        self._queue.send([request.to_dict() for request in requests])


class SqsVisibility:
    """When messages that were handed out, and stay in the queue, are handed out again."""

    def __init__(self, client: SQSClient, queue_url: str) -> None:
        self._client = client
        self._url = queue_url

    def hide(self, waits: Sequence[tuple[str, int]]) -> int:
        """By receipt handle: how many seconds from now on. Returns how many of them the queue refused; they come when the
        queue's own visibility timeout is over."""
        refused = 0
        for start in range(0, len(waits), _MESSAGES):
            entries: list[Any] = [
                {"Id": str(index), "ReceiptHandle": receipt, "VisibilityTimeout": seconds}
                for index, (receipt, seconds) in enumerate(waits[start : start + _MESSAGES])
            ]
            with aws_errors("hiding messages of a queue"):
                answer = self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)
            refused += len(answer.get("Failed") or [])
        return refused


class SqsCalls:
    """The queue before ``call_webhooks``."""

    def __init__(self, queue: SqsQueue) -> None:
        self._queue = queue

    def put(self, requests: Sequence[CallRequest]) -> None:
        """Queues all, or raises Unavailable."""
        self._queue.send([request.to_dict() for request in requests])
