"""Queue of calls → other systems."""

from __future__ import annotations

from typing import Any

from homing.domain.errors import InvalidInput, Unavailable
from homing.domain.flows.effects import CallRequest
from homing.domain.time import SECOND
from homing.runtime import wiring
from homing.runtime.messages import read_body, received
from homing.runtime.observability import described, observed, telemetry
from homing.services.call_webhooks import CallWebhooks, Delivery

_METRICS = {
    "done": "CallsDone", "refused": "CallsRefused", "dropped": "CallsDropped", "retried": "CallsRetried",
    "postponed": "CallsPostponed", "given_up": "CallsGivenUp",
}  # fmt: skip


@observed("call_webhooks")
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Calls that did not succeed come again, and only they, each when its time has come."""
    call: CallWebhooks = wiring.call_webhooks()
    voice = telemetry("call_webhooks")
    read: list[tuple[dict[str, Any], Delivery]] = []
    for record in event["Records"]:
        try:
            read.append((record, _delivery(record)))
        except InvalidInput as error:
            voice.warning("message refused", message_id=record["messageId"], **described(error))
            voice.count({"MessagesRefused": 1})
    waits: list[tuple[str, int]] = []
    failed: list[dict[str, str]] = []
    for (record, one), outcome in zip(read, call([one for _, one in read]), strict=True):
        asked = one.request
        if metric := _METRICS.get(outcome.status):
            say = voice.warning if outcome.status in {"refused", "dropped", "given_up"} else voice.info
            say(
                "called", call_id=asked.id, webhook=asked.webhook, flow=asked.flow, run_id=asked.run_id,
                status=outcome.status, reason=outcome.reason, receives=one.receives,
            )  # fmt: skip
            voice.count({metric: 1})
        if outcome.wait is not None:
            waits.append((record["receiptHandle"], -(-outcome.wait // SECOND)))
            failed.append({"itemIdentifier": record["messageId"]})
    if waits:
        try:
            wiring.calls_visibility().hide(waits)
        except Unavailable as error:
            # They come again when the queue's own time-out is over.
            voice.warning("messages come again at another time", **described(error))
    return {"batchItemFailures": failed}


def _delivery(record: dict[str, Any]) -> Delivery:
    try:
        return Delivery(CallRequest.from_dict(read_body(record["body"])), *received(record))
    except TypeError as error:
        raise InvalidInput("the message is no call", code="unknown_message") from error
