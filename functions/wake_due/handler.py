"""Each minute: what has come due is handed on."""

from __future__ import annotations

from typing import Any

from homing.runtime import wiring
from homing.runtime.observability import observed, telemetry
from homing.services.wake_due import WakeDue


@observed("wake_due")
def handler(_event: dict[str, Any], _context: Any) -> dict[str, int]:
    """Answers with how many of what were woken. A failure is raised: the next minute does it again."""
    wake: WakeDue = wiring.wake_due()
    counts = dict(wake().counts)
    telemetry("wake_due").count({f"{what.title()}Woken": count for what, count in counts.items()})
    return counts
