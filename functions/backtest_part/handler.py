"""One part of a backtest: some of the people, with everybody who shares an identifier or a cart with them."""

from __future__ import annotations

from typing import Any

from homing.domain.errors import InvalidInput
from homing.local.backtests.deployed import staged
from homing.local.backtests.staged import part_of
from homing.runtime.observability import observed, telemetry


@observed("backtest_part")
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """``{"step": "rank" | "play", "id": …, "manifest": key}``: an item of the map over the parts. Doing it again writes the
    same."""
    backtest, part = staged(str(event["id"])), part_of(str(event["manifest"]))
    step, told = event.get("step"), dict[str, int]()
    if step == "rank":
        backtest.rank(part)
    elif step == "play":
        told = backtest.play(part)
    else:
        raise InvalidInput(f"no step {step!r}: rank or play", code="unknown_step", where="step")
    telemetry("backtest_part").info("part", backtest=event["id"], part=part, step=step, **told)
    return {"part": part, **told}
