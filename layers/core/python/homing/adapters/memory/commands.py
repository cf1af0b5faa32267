"""What marketers ask of flows, in memory: paused and stopped flows, jobs, and what waits for a flow to go on."""

from __future__ import annotations

import json
from threading import Lock
from typing import Literal

from homing.adapters.buckets import wake_bucket
from homing.adapters.memory.faults import Faults
from homing.adapters.memory.wakes import WakeIndex
from homing.domain.errors import Conflict
from homing.domain.flows.control import Controls
from homing.domain.flows.job import Job
from homing.domain.profiles.profile import WAKE_BUCKETS
from homing.domain.progress import Place
from homing.services.ports import JOBS, Due

Kind = Literal["run", "ledger", "job", "hold"]
_KINDS: dict[str, Kind] = {"run": "run", "ledger": "ledger", "job": "job", "hold": "hold"}
_EVER = 2**53


class MemoryCommands:
    """The part of the journal that commands need; the rest is :class:`MemoryJournal`. Keeps JSON, as the table does."""

    def __init__(self) -> None:
        self.faults = Faults()
        self._lock = Lock()
        self._controls: tuple[int, str] = (0, "")
        self._jobs: dict[str, tuple[int, str]] = {}
        self._wakes = WakeIndex(WAKE_BUCKETS + 1)
        self._parked: dict[str, WakeIndex] = {}

    def load_controls(self) -> Controls:
        """One item for all flows."""
        self.faults.before("load_controls")
        _, text = self._controls
        return Controls.from_dict(json.loads(text)) if text else Controls()

    def save_controls(self, controls: Controls, *, expected: int) -> None:
        """A conditional put."""
        self.faults.before("save_controls")
        with self._lock:
            if self._controls[0] != expected:
                raise Conflict(f"the states of flows are not at version {expected}")
            self._controls = controls.version, json.dumps(controls.to_dict())
        self.faults.after("save_controls")

    def load_job(self, job_id: str) -> Job | None:
        """The job as last stored."""
        self.faults.before("load_job")
        stored = self._jobs.get(job_id)
        return None if stored is None else Job.from_dict(json.loads(stored[1]))

    def save_job(self, job: Job, *, expected: int) -> None:
        """A conditional put."""
        self.faults.before("save_job")
        with self._lock:
            if self._jobs.get(job.id, (0, ""))[0] != expected:
                raise Conflict(f"job {job.id} is not at version {expected}")
            self._jobs[job.id] = job.version, json.dumps(job.to_dict())
            self._wakes.set(f"job#{job.id}", JOBS, None if job.parked else job.wake_at)
            self._park(job.flow, f"job#{job.id}", 0, job.wake_at if job.parked else None)
        self.faults.after("save_job")

    def jobs(self) -> list[Job]:
        """All jobs: for reports and tests; the table has no such operation."""
        return [Job.from_dict(json.loads(text)) for _, text in self._jobs.values()]

    def hold(self, flow: str, profile_id: str, at: int | None) -> None:
        """A put."""
        self.faults.before("hold")
        with self._lock:
            self._park(flow, f"hold#{profile_id}", wake_bucket(profile_id), at)
        self.faults.after("hold")

    def parked(self, flow: str, shard: int, limit: int, after: Place | None = None) -> list[Due]:
        """What waits for the flow."""
        self.faults.before("parked")
        with self._lock:
            index = self._parked.get(flow)
            start = (after.at, f"{after.kind}#{after.id}") if after else None
            found = index.due(shard, _EVER, limit, start) if index and limit > 0 else []
        return [Due(*kind_of(key), at) for key, at in found]

    def _park(self, flow: str, key: str, shard: int, at: int | None) -> None:
        if at is not None or flow in self._parked:
            self._parked.setdefault(flow, WakeIndex()).set(key, shard, at)


def kind_of(key: str) -> tuple[Kind, str]:
    """What an entry of the index is, and its id."""
    kind, _, id_ = key.partition("#")
    return _KINDS[kind], id_
