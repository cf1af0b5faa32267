"""Each minute: what has come due is handed on."""

from __future__ import annotations

from typing import Any

from homing.domain.time import MINUTE, SECOND
from homing.runtime import wiring
from homing.runtime.observability import observed, telemetry
from homing.services.wake_due import WakeDue


@observed("wake_due")
def handler(_event: dict[str, Any], _context: Any) -> dict[str, int]:
    """Answers with how many of what were woken. A failure is raised: the next minute does it again."""
    wake: WakeDue = wiring.wake_due()
    result = wake()
    voice = telemetry("wake_due")
    voice.count({f"{what.title()}Woken": count for what, count in result.counts.items()})
    if result.left or result.late > 2 * MINUTE:
        # Much came due at once, queues are slow, or the clock stood still.
        voice.warning("handed on late", seconds=result.late // SECOND, more=result.left)
    return dict(result.counts)
