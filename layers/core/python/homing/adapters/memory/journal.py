"""Runs, ledgers and members in memory."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from homing.adapters.buckets import member_shard, wake_bucket
from homing.adapters.members import first
from homing.adapters.memory.commands import MemoryCommands, kind_of
from homing.adapters.memory.plain import kept, read
from homing.domain.delivery.ledger import Ledger
from homing.domain.errors import Conflict
from homing.domain.flows.agenda import Agenda
from homing.domain.flows.run import KEPT, Run
from homing.domain.progress import Place
from homing.services.ports import Due, FirstMembers


class MemoryJournal(MemoryCommands):
    """``isolate=True`` keeps JSON, as the table does; ``isolate=False`` the frozen objects themselves, for speed.
    ``forgetful``: runs that ended are forgotten when the table forgets them (:meth:`forget`)."""

    def __init__(self, *, isolate: bool = True, forgetful: bool = False) -> None:
        super().__init__()
        self._isolate = isolate
        self._forgetful = forgetful
        self._ended: deque[tuple[int, str]] = deque()
        self._runs: dict[str, tuple[int, Run | bytes]] = {}
        self._ledgers: dict[str, tuple[int, Ledger | bytes]] = {}
        self._agendas: dict[str, tuple[int, bytes]] = {}
        self._flows: dict[tuple[str, str], str] = {}
        self._members: dict[str, dict[str, tuple[int, bool]]] = {}
        # Members of a segment in order, by shard.
        self._shards: dict[tuple[str, int], list[str]] = {}

    def start_run(self, run: Run) -> bool:
        """False when it exists."""
        self.faults.before("start_run")
        with self._lock:
            if run.id in self._runs:
                return False
            self._keep_run(run)
        self.faults.after("start_run")
        return True

    def load_run(self, run_id: str) -> Run | None:
        """The run as last stored."""
        self.faults.before("load_run")
        if (stored := self._runs.get(run_id)) is None:
            return None
        held = stored[1]
        return held if isinstance(held, Run) else Run.from_dict(read(held))

    def save_run(self, run: Run, *, expected: int) -> None:
        """A conditional put."""
        self.faults.before("save_run")
        with self._lock:
            stored = self._runs.get(run.id)
            if stored is None or stored[0] != expected:
                raise Conflict(f"run {run.id} is not at version {expected}")
            self._keep_run(run)
        self.faults.after("save_run")

    def load_agenda(self, profile_id: str) -> Agenda:
        """The agenda, or an empty one."""
        self.faults.before("load_agenda")
        stored = self._agendas.get(profile_id)
        return Agenda(profile_id) if stored is None else Agenda.from_dict(read(stored[1]))

    def save_agenda(self, agenda: Agenda, *, expected: int) -> None:
        """A conditional put."""
        self.faults.before("save_agenda")
        with self._lock:
            stored = self._agendas.get(agenda.profile_id)
            if (stored[0] if stored else 0) != expected:
                raise Conflict(f"agenda {agenda.profile_id} is not at version {expected}")
            self._agendas[agenda.profile_id] = (agenda.version, kept(agenda.to_dict()))
        self.faults.after("save_agenda")

    def keep_flow(self, name: str, version: str, definition: Mapping[str, Any]) -> None:
        """A put."""
        self.faults.before("keep_flow")
        self._flows[name, version] = json.dumps(dict(definition))
        self.faults.after("keep_flow")

    def load_flow(self, name: str, version: str) -> Mapping[str, Any] | None:
        """The definition, if it was kept."""
        self.faults.before("load_flow")
        stored = self._flows.get((name, version))
        found: dict[str, Any] | None = None if stored is None else json.loads(stored)
        return found

    def load_ledger(self, profile_id: str) -> Ledger:
        """The ledger, or an empty one."""
        self.faults.before("load_ledger")
        if (stored := self._ledgers.get(profile_id)) is None:
            return Ledger(profile_id)
        held = stored[1]
        return held if isinstance(held, Ledger) else Ledger.from_dict(read(held))

    def save_ledger(self, ledger: Ledger, *, expected: int) -> None:
        """A conditional put."""
        self.faults.before("save_ledger")
        held = kept(ledger.to_dict()) if self._isolate else ledger
        with self._lock:
            stored = self._ledgers.get(ledger.profile_id)
            if (stored[0] if stored else 0) != expected:
                raise Conflict(f"ledger {ledger.profile_id} is not at version {expected}")
            self._ledgers[ledger.profile_id] = (ledger.version, held)
            self._wakes.set(f"ledger#{ledger.profile_id}", wake_bucket(ledger.profile_id), ledger.wake_at)
        self.faults.after("save_ledger")

    def due(self, bucket: int, until: int, limit: int, after: Place | None = None) -> list[Due]:
        """What has come due."""
        self.faults.before("due")
        with self._lock:
            wakes = self._wakes.due(bucket, until, limit, after and (after.at, f"{after.kind}#{after.id}"))
        found = []
        for key, at in wakes:
            kind, id_ = kind_of(key)
            found.append(Due(kind, id_, at))
        return found

    def next_wake(self) -> int | None:
        """The earliest wake-up of all runs, ledgers and jobs: where a virtual clock may jump to."""
        with self._lock:
            return self._wakes.next()

    def set_member(self, segment: str, profile_id: str, *, member: bool, version: int) -> None:
        """Older changes are ignored."""
        self.faults.before("set_member")
        with self._lock:
            index = self._members.setdefault(segment, {})
            known, was = index.get(profile_id, (0, False))
            if version >= known:
                index[profile_id] = (version, member)
                if member != was:
                    _move(self._shards.setdefault((segment, member_shard(profile_id)), []), profile_id, member)
        self.faults.after("set_member")

    def members(self, segment: str) -> Iterable[str]:
        """Who is in it."""
        return [id_ for id_, (_, member) in self._members.get(segment, {}).items() if member]

    def first_members(self, segment: str, limit: int) -> FirstMembers:
        """The members with the smallest ids."""
        self.faults.before("first_members")
        with self._lock:
            index = sorted(self._members.get(segment, {}).items())
        return first(((id_, member) for id_, (_, member) in index), limit)

    def members_after(self, segment: str, shard: int, after: str, limit: int) -> list[str]:
        """The shard from there on."""
        self.faults.before("members_after")
        with self._lock:
            held = self._shards.get((segment, shard), [])
            start = bisect_right(held, after)
            return held[start : start + limit]

    def runs(self) -> list[Run]:
        """All runs, oldest start first: for reports and tests; the table has no such operation."""
        found = [run for id_ in self._runs if (run := self.load_run(id_)) is not None]
        return sorted(found, key=lambda run: run.started_at)

    def forget(self, now: int) -> None:
        """What the table would have forgotten by now."""
        while self._ended and self._ended[0][0] + KEPT <= now:
            _, id_ = self._ended.popleft()
            self._runs.pop(id_, None)

    def ledgers(self) -> list[Ledger]:
        """All ledgers: for reports and tests; the table has no such operation."""
        return [self.load_ledger(id_) for id_ in self._ledgers]

    def _keep_run(self, run: Run) -> None:
        ended = self._forgetful and run.status != "active"
        self._runs[run.id] = (run.version, kept(run.to_dict()) if self._isolate or ended else run)
        if ended and run.key:
            self._ended.append((run.ended_at or run.at, run.id))
        at = run.wake_at if run.status == "active" else None
        self._wakes.set(f"run#{run.id}", wake_bucket(run.id), None if run.parked else at)
        self._park(run.flow, f"run#{run.id}", wake_bucket(run.id), at if run.parked else None)


def _move(held: list[str], id_: str, member: bool) -> None:
    if member:
        insort(held, id_)
    else:
        del held[bisect_left(held, id_)]
