"""Outbox → SES."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homing.domain.delivery.message import SendRequest
from homing.domain.errors import InvalidInput
from homing.runtime import wiring
from homing.runtime.messages import each_message
from homing.runtime.observability import observed, telemetry
from homing.services.ports import Throttled
from homing.services.send_email import SendEmail


@observed("send_email")
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Messages that certainly were not sent come again; after a throttle the rest of the batch is not even tried."""
    send: SendEmail = wiring.send_email()
    voice = telemetry("send_email")

    def handle(message: Mapping[str, Any]) -> dict[str, int]:
        try:
            request = SendRequest.from_dict(message)
        except TypeError as error:
            raise InvalidInput("the message is no send request", code="unknown_message") from error
        decision = send(request)
        voice.info(
            "decided", send_id=request.send_id, flow=request.flow, template=request.template, status=decision.status,
            reason=decision.reason,
        )  # fmt: skip
        return {f"Messages{decision.status.title()}": 1, "CodesLow": int(decision.codes_low)}

    return each_message(event, handle, voice, stop_after=(Throttled,))
