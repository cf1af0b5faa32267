"""A shop's webhook → stream."""

from __future__ import annotations

from typing import Any

from homing.runtime import wiring
from homing.runtime.http import answer
from homing.runtime.observability import observed


@observed("receive_webhook")
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """One request of the HTTP API (payload 2.0) and its answer."""
    return answer("receive_webhook", event, wiring.receive_webhook)
