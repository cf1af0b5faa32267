"""Before and after the parts of a backtest: divides the archive by people, counts what concerns all, puts the parts together."""

from __future__ import annotations

from typing import Any

from homing.domain.errors import InvalidInput
from homing.local.backtests.deployed import staged
from homing.runtime.observability import observed, telemetry


@observed("backtest_plan")
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """``{"step": "divide" | "thresholds" | "join", "id": …}``, ``divide`` with ``since``, a day. Answers with what the state
    machine goes by. Every step can be done again."""
    backtest = staged(str(event["id"]))
    step = event.get("step")
    told: dict[str, Any]
    if step == "divide":
        told = backtest.divide(str(event.get("since") or ""), event.get("parts"))
    elif step == "thresholds":
        told = {"nights": backtest.thresholds()}
    elif step == "join":
        figures = backtest.join()
        told = {"events": figures.events, "mails": figures.decisions()["sent"], "people": figures.people}
    else:
        raise InvalidInput(f"no step {step!r}: divide, thresholds or join", code="unknown_step", where="step")
    telemetry("backtest_plan").info("backtest", backtest=event["id"], step=step, **told)
    return told
