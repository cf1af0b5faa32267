"""A batch of SQS messages, one by one, with a partial batch response."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from homing.domain.errors import InvalidInput, Unavailable
from homing.runtime.observability import Telemetry, described

# Handles the JSON of one body; gives what to count.
Handle = Callable[[dict[str, Any]], Mapping[str, int]]


def each_message(
    event: Mapping[str, Any], handle: Handle, voice: Telemetry, *, stop_after: tuple[type[Unavailable], ...] = ()
) -> dict[str, Any]:
    """Lambda's answer: the messages that come again, and no others.

    What nobody can read (InvalidInput) is acknowledged, counted and logged. What AWS refused as malformed is a fault of
    ours, not of the message: it comes again, and in the end lies in the dead-letter queue. After an error of
    ``stop_after`` the rest of the batch is not tried.
    """
    counts: Counter[str] = Counter()
    failed: list[dict[str, str]] = []
    stopped = False
    for record in event["Records"]:
        message_id = record["messageId"]
        if stopped:
            failed.append({"itemIdentifier": message_id})
            continue
        try:
            counts.update(handle(read_body(record["body"])))
        except (InvalidInput, Unavailable) as error:
            again = isinstance(error, Unavailable) or error.code == "refused_by_aws"
            stopped = isinstance(error, stop_after)
            if again:
                failed.append({"itemIdentifier": message_id})
            counts["MessagesPutBack" if again else "MessagesRefused"] += 1
            voice.warning(
                "message comes again" if again else "message refused", message_id=message_id, **described(error)
            )
    voice.count(counts)
    return {"batchItemFailures": failed}


def received(record: Mapping[str, Any]) -> tuple[int, int | None]:
    """How often SQS has handed the message out by now (1: the first time), and when for the first (an instant)."""
    attributes = record.get("attributes") or {}
    first = attributes.get("ApproximateFirstReceiveTimestamp")
    return int(attributes.get("ApproximateReceiveCount", 1)), int(first) * 1000 if first else None


def read_body(body: str) -> dict[str, Any]:
    """The JSON object of a message. Raises InvalidInput."""
    try:
        message = json.loads(body)
    except ValueError as error:
        raise InvalidInput("the message is not JSON", code="bad_json") from error
    if not isinstance(message, dict):
        raise InvalidInput("the message is not an object", code="unknown_message")
    return message
