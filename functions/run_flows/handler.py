"""Flow inbox → runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homing.runtime import wiring
from homing.runtime.messages import each_message
from homing.runtime.observability import observed, telemetry
from homing.services.run_flows import RunFlows

_METRICS = {
    "started": "FlowsStarted",
    "advanced": "FlowsAdvanced",
    "ended": "FlowsEnded",
    "sends": "SendsRequested",
    "ignored": "TriggersIgnored",
    "too_old": "TriggersTooOld",
    "not_for_them": "TriggersNotForThem",
    "too_soon": "TriggersTooSoon",
    "stopped": "TriggersStopped",
    "parked": "RunsParked",
    "accepted": "FlowRequestsAccepted",
    "people": "PeopleHandedOn",
    "calls": "CallsRequested",
    "calls_dropped": "CallsDropped",
}


@observed("run_flows")
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Messages that could not be handled now come again, and only they."""
    run: RunFlows = wiring.run_flows()

    def handle(message: Mapping[str, Any]) -> dict[str, int]:
        return {_METRICS.get(name, name): count for name, count in run(message).counts.items()}

    return each_message(event, handle, telemetry("run_flows"))
