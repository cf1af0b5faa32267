"""``homing pause``, ``resume`` and ``stop``: orders for a flow."""

from __future__ import annotations

from typing import Any

import click

from homing.cli.asking import Desk, named, no_answer, request_id_of, to_bus

_WORDS = {
    "pause": "Keep FLOW where it is: new runs wait at their first step, and nothing of it is sent, until it is resumed.",
    "resume": "Let a paused FLOW go on, or make a stopped one start again.",
    "stop": "End FLOW: its runs, its mails that have not left, its jobs. Nothing starts it until it is resumed.",
}


def order_command(order: str) -> click.Command:
    """``pause``, ``resume`` or ``stop``."""

    @click.command(order, help=_WORDS[order])
    @click.argument("flow")
    @click.option("--reason", help="Why, for the record.")
    @named
    @to_bus
    def command(flow: str, reason: str | None, stage: str | None, bus: str | None, printed: bool, **more: Any) -> None:
        desk, id_ = Desk(stage, bus, printed), request_id_of(more["request_id"])
        told = {"by": more["by"], "reason": reason}
        detail = {"flow": flow, "request_id": id_, **{name: value for name, value in told.items() if value}}
        desk.put(f"Flow{order.title()}Requested", [detail])
        if printed:
            return
        click.echo(f"asked to {order} {flow}, request {id_}")
        if desk.waits:
            _tell(desk, order, flow, id_)

    return command


def _tell(desk: Desk, order: str, flow: str, id_: str) -> None:
    from homing.cli.deployed import find_stage
    from homing.domain.errors import HomingError
    from homing.domain.flows.control import Controls
    from homing.domain.time import iso

    journal = find_stage(str(desk.stage)).journal

    def heard() -> Controls | None:
        controls = journal.load_controls()
        return controls if any((one.flow, one.request_id) == (flow, id_) for one in controls.orders) else None

    controls = desk.wait(heard)
    if controls is None:
        raise HomingError(no_answer(order))
    state = controls.of(flow)
    click.echo(f"{flow} is {state.state} since {iso(state.since)}; senders know within 10 s")
