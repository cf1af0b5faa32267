"""Which version of its flow a run goes by: kept before a run can depend on it, loaded when one that began on it wakes."""

from __future__ import annotations

from dataclasses import dataclass, field

from homing.domain.engine import Engine
from homing.domain.errors import InvalidInput
from homing.domain.flows.compiled import CompiledFlow
from homing.domain.flows.engine import moved
from homing.domain.flows.language import Flow
from homing.domain.flows.run import Run
from homing.domain.flows.steps import WaitFor, find
from homing.domain.time import iso
from homing.services.ports import Clock, Journal


@dataclass(frozen=True)
class FlowVersions:
    """Versions of flows that this process kept or loaded."""

    engine: Engine
    journal: Journal
    clock: Clock
    _kept: dict[tuple[str, str], CompiledFlow | None] = field(default_factory=dict, init=False, repr=False)

    def keep(self, compiled: CompiledFlow) -> None:
        """Stores the version before a run can depend on it."""
        key = compiled.flow.name, compiled.version
        if key not in self._kept:
            written = compiled.flow.model_dump(mode="json", by_alias=True, exclude_defaults=True)
            self.journal.keep_flow(*key, written)
            self._kept[key] = compiled

    def of(self, run: Run) -> tuple[CompiledFlow | None, Run]:
        """The flow that a run goes by, and the run: as it was, moved to today's version, or at a place that ends it."""
        current = self.engine.flows.get(run.flow)
        if current is None or run.flow_version in {"", current.version}:
            return current, run
        rule = current.flow.when_changed
        old = self._older(run) if rule != "end" else None
        if rule == "finish" and old is not None:
            return old, run
        flow = old.flow if old is not None else self.definition(run)
        place = None if rule == "end" else moved(run, flow, current.flow)
        # No step has this position: the run ends there with the reason flow_changed.
        note = {"at": iso(self.clock()), "step": run.position, "did": "move", "why": f"to version {current.version}"}
        since = run.waiting_since if place is not None and _is_wait_for(current.flow, place) else None
        return current, run.change(
            position=place or "moved", flow_version=current.version, waiting_since=since, trace=(*run.trace, note)
        )

    def _older(self, run: Run) -> CompiledFlow | None:
        key = run.flow, run.flow_version
        if key not in self._kept:
            flow = self.definition(run)
            try:
                self._kept[key] = None if flow is None else self.engine.older_flow(flow)
            except InvalidInput:
                # A condition reads what nobody remembers any more: it can't be judged truly.
                self._kept[key] = None
        return self._kept[key]

    def definition(self, run: Run) -> Flow | None:
        """The very version that a run began on, or moved to; None where nobody kept it."""
        current = self.engine.flows.get(run.flow)
        if current is not None and run.flow_version in {"", current.version}:
            return current.flow
        held = self.journal.load_flow(run.flow, run.flow_version)
        return None if held is None else Flow.model_validate(held)


def _is_wait_for(flow: Flow, position: str) -> bool:
    steps, index = find(flow.steps, position)
    return isinstance(steps[index], WaitFor)
