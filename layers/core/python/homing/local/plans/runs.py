"""What becomes of runs that are on their way when other campaigns are deployed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from homing.domain.campaigns import Campaigns
from homing.domain.engine import Engine
from homing.domain.errors import InvalidInput
from homing.domain.flows.language import Flow
from homing.domain.flows.language import version as version_of
from homing.domain.flows.run import Run
from homing.services.flow_versions import FlowVersions
from homing.services.ports import Journal

Fate = Literal["finish", "move", "end", "removed", "not_remembered"]
# Of these the people on the way get nothing more.
ENDING: tuple[Fate, ...] = ("end", "removed", "not_remembered")


@dataclass(slots=True)
class OnTheWay:
    """Active runs of one version of a flow that changed. ``lacking``: what a condition of it asks for and nobody would
    remember any more."""

    flow: str
    version: str
    fates: Counter[Fate] = field(default_factory=Counter)
    lacking: str = ""

    @property
    def runs(self) -> int:
        """How many."""
        return sum(self.fates.values())

    @property
    def ending(self) -> int:
        """How many of them end with the deployment."""
        return sum(self.fates[fate] for fate in ENDING)


def fates(new: Campaigns, runs: Iterable[Run], journal: Journal, now: int) -> list[OnTheWay]:
    """By flow and version, those of flows that changed or are gone."""
    engine = Engine(new)
    versions = FlowVersions(engine, journal, lambda: now)
    current = {name: version_of(flow) for name, flow in new.flows.items()}
    found: dict[tuple[str, str], OnTheWay] = {}
    for run in runs:
        if run.status != "active" or current.get(run.flow) == run.flow_version:
            continue
        key = run.flow, run.flow_version
        if key not in found:
            found[key] = OnTheWay(*key, lacking=_lacking(engine, journal, run))
        found[key].fates[_fate(versions, run, found[key].lacking)] += 1
    return [found[key] for key in sorted(found)]


def _fate(versions: FlowVersions, run: Run, lacking: str) -> Fate:
    compiled, after = versions.of(run)
    if compiled is None:
        return "removed"
    if after.flow_version == run.flow_version:
        return "finish"
    if after.position != "moved":
        return "move"
    return "not_remembered" if lacking else "end"


def _lacking(engine: Engine, journal: Journal, run: Run) -> str:
    """Why an older version can't be judged any more; empty where it can, or where it need not."""
    held = journal.load_flow(run.flow, run.flow_version)
    current = engine.flows.get(run.flow)
    if held is None or current is None or current.flow.when_changed == "end":
        return ""
    try:
        engine.older_flow(Flow.model_validate(held))
    except InvalidInput as error:
        return error.message if error.code == "not_remembered" else str(error)
    return ""
