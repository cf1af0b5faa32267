"""Products that changed: those that some flow waits for are collected for a few minutes, then whoever watches products is
visited once for all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from homing.domain.bus.commands import MOST_CHANGES, ProductChanged
from homing.domain.campaigns import Campaigns
from homing.domain.engine import WATCHING
from homing.domain.errors import Conflict, Unavailable
from homing.domain.flows.job import Job
from homing.domain.flows.products import Changed, read_change
from homing.domain.flows.trigger import PRODUCT_KINDS
from homing.domain.time import MINUTE, iso
from homing.services.fan_out import FanOut
from homing.services.flow_states import FlowStates
from homing.services.ports import Clock, Journal

# A nightly price list comes as thousands of events: everybody is visited once for what came within so long.
_COLLECTED = 5 * MINUTE
# Visits are cheap: most of the people watch none of the products.
PER_MINUTE = 6_000
_ATTEMPTS = 8


@dataclass(frozen=True)
class ProductChanges:
    """Puts changes into a job that begins when the collecting is over. A job carries MOST_CHANGES of them; what is more goes
    into another one."""

    campaigns: Campaigns
    journal: Journal
    states: FlowStates
    clock: Clock
    fan_out: FanOut

    def __call__(self, told: ProductChanged, at: int) -> list[str]:
        """The flows that wait for it, if any does. Raises InvalidInput for prices that are none."""
        flows = [flow for _, flow in sorted(self.campaigns.flows.items()) if flow.on.kind in PRODUCT_KINDS]
        flows = [flow for flow in flows if not self.states.of(flow.name).closed(at)]
        changes = [change for one in told.all if any((change := read_change(one, at)).concerns(flow) for flow in flows)]
        waiting = [flow.name for flow in flows if any(change.concerns(flow) for change in changes)]
        if changes and self.clock() - at <= max(flow.oldest for flow in flows):
            self._collect(waiting, changes, at)
        return waiting

    def _collect(self, flows: list[str], changes: list[Changed], at: int) -> None:
        """Told again, a change is found in the job that it went into: by when it was told, not by when it was heard."""
        slot, number, left = at // _COLLECTED * _COLLECTED, 0, {_key(one): one for one in changes}
        while left:
            id_ = f"products/{iso(slot)}/{number}"
            left = self._add(id_, flows, left, at, max(slot + _COLLECTED, self.clock()))
            number += 1

    def _add(self, id_: str, flows: list[str], wanted: dict[str, Changed], at: int, begins: int) -> dict[str, Changed]:
        """Adds to a job as much as it takes. Returns what it did not take."""
        for _ in range(_ATTEMPTS):
            job = self.journal.load_job(id_)
            held = {_key(one) for one in (Changed.from_dict(value) for value in (job.changes if job else ()))}
            new = {key: one for key, one in wanted.items() if key not in held}
            if not new:
                return {}
            room = MOST_CHANGES - len(held) if job is None or (job.state == "waiting" and not job.cursor) else 0
            taken = dict(list(new.items())[: max(0, room)])
            if not taken:
                return new
            added = tuple(one.to_dict() for one in taken.values())
            try:
                if job is None:
                    made = Job(
                        id=id_, kind="products", flows=tuple(flows), request_id=id_, asked_at=at, of={"segment": WATCHING},
                        changes=added, per_minute=PER_MINUTE, wake_at=begins,
                    )  # fmt: skip
                    self.journal.save_job(made, expected=0)
                else:
                    every = tuple(sorted({*job.flows, *flows}))
                    changed = replace(job, flows=every, changes=(*job.changes, *added), version=job.version + 1)
                    self.journal.save_job(changed, expected=job.version)
            except Conflict:
                continue
            return {key: one for key, one in new.items() if key not in taken}
        raise Unavailable("changes of products are collected too often")


def _key(change: Changed) -> str:
    return f"{change.product_id}\x1f{change.change}"
