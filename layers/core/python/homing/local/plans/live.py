"""What is live on a stage, read cheaply: a sample of members, and the runs that wake first. Nothing is written."""

from __future__ import annotations

from dataclasses import replace

from homing.domain.audit.sketch import Sketch
from homing.domain.flows.run import Run
from homing.domain.profiles.profile import WAKE_BUCKETS
from homing.domain.time import DAY
from homing.local.plans.changes import touched
from homing.local.plans.plan import Plan, SegmentRow
from homing.services.ports import Journal

# Members read of each segment: up to it exact, beyond it within about 2 % (as in the nightly audit).
MEMBERS = 2048
# Waiting runs looked at in all, and how far ahead.
RUNS, _AHEAD = 1_000, 400 * DAY


def add_members(plan: Plan, journal: Journal) -> None:
    """Members of the segments that history has, or that change, as the index knows them now."""
    rows = []
    known = {row.name for row in plan.segments}
    changed = [SegmentRow(name, 0, 0) for name in touched(plan.changes, "segments") if name not in known]
    for row in [*plan.segments, *changed]:
        found = journal.first_members(row.name, MEMBERS)
        sketch = Sketch.of(found.ids, found.below)
        rows.append(replace(row, live=round(sketch.size), about=not sketch.exact))
    plan.segments = rows


def waiting_runs(journal: Journal, now: int) -> tuple[list[Run], bool]:
    """The runs that wake first, evenly from all buckets, and whether there are more."""
    each = max(1, RUNS // WAKE_BUCKETS)
    found, more = [], False
    for bucket in range(WAKE_BUCKETS):
        due = journal.due(bucket, now + _AHEAD, each)
        more = more or len(due) == each
        runs = (journal.load_run(one.id) for one in due if one.kind == "run")
        found += [run for run in runs if run is not None and run.status == "active"]
    return found, more
