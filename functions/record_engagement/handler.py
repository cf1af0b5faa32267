"""SES events → stops, ledgers and stream."""

from __future__ import annotations

from typing import Any

from homing.runtime import wiring
from homing.runtime.observability import observed, telemetry


@observed("record_engagement")
def handler(event: dict[str, Any], _context: Any) -> None:
    """One EventBridge event (or a batch from SNS or Firehose). What it raises is tried again by Lambda, and ends in the
    dead-letter queue when that does not help."""
    telemetry("record_engagement").count(wiring.record_engagement()(event))
