"""Each night: what makes a customer of this shop a good one."""

from __future__ import annotations

from typing import Any

from homing.runtime import wiring
from homing.runtime.observability import observed, telemetry
from homing.services.rank_customers import RankCustomers


@observed("rank_customers")
def handler(_event: dict[str, Any], _context: Any) -> dict[str, int]:
    """Answers with how many customers were looked at. A failure is raised and tried again by Lambda."""
    rank: RankCustomers = wiring.rank_customers()
    found = rank()
    voice = telemetry("rank_customers")
    voice.count({"CustomersRanked": found.customers})
    if found.thresholds is not None:
        voice.info("thresholds", **found.thresholds.to_dict())
    return {"customers": found.customers}
