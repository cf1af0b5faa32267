"""Once a minute: what is due? Reads the indexes of wake-ups page by page and hands on, the earliest first.

A sweep ends when nothing more is due or its time is up; the next one goes on behind the place where it stopped
(domain.progress). Nothing is decided here: whoever is woken checks for himself whether it is time, so handing on twice is
harmless, and losing a place costs no more than that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from homing.domain.errors import Conflict
from homing.domain.progress import LEASE, Pass, Place, Progress
from homing.domain.time import SECOND
from homing.services.ports import (
    JOBS,
    Clock,
    FlowInbox,
    Journal,
    Outbox,
    Overlap,
    ProfileStore,
    ProgressStore,
    Stream,
    StreamRecord,
)  # fmt: skip
from homing.services.release_sends import ReleaseSends
from homing.services.sweep import PAGE, Handed, Lane, Pages, Work, lane

# How long a sweep hands on: the function has 55 seconds, and the last chunk may meet a slow service.
BUDGET = 45 * SECOND
# So much at once is remembered: below it, queues are worked off before the next sweep looks.
MANY = 1_000
# How often a long sweep writes down how far it is: one that dies repeats no more than this.
CHECKPOINT = 10 * SECOND
# Wake-ups of profiles that one shard takes a second: half of what it can, the other half is for events.
PER_SHARD = 500
# Chunks: a call of the stream; a hundred calls of a queue, side by side; ledgers, each read and written.
_RECORDS, _MESSAGES, _LEDGERS = 500, 1_000, 100


@dataclass(frozen=True, slots=True)
class WakeResult:
    """How many of what were handed on; how late the latest of them was, in µs; whether something is left over."""

    counts: Mapping[str, int]
    late: int = 0
    left: bool = False


@dataclass(frozen=True)
class WakeDue:
    """Finds due profiles, runs and deferred sends. Without ``progress`` each sweep begins with the earliest again."""

    profiles: ProfileStore
    journal: Journal
    stream: Stream
    inbox: FlowInbox
    outbox: Outbox
    clock: Clock
    progress: ProgressStore | None = None
    overlap: Overlap = map
    # Waits seconds, when only the stream's rate is in the way.
    wait: Callable[[float], None] = lambda _seconds: None
    shards: int = 1
    budget: int = BUDGET
    lease: int = LEASE
    many: int = MANY

    def __call__(self) -> WakeResult:
        """Two at once are safe, and soon one: the second to write down its place finds the first and stops.

        A failure of one lane (a stream that takes nothing) leaves the others alone and is raised at the end.
        """
        now = self.clock()
        profiles, journal = Pages(partial(self._profiles, now)), Pages(partial(self._journal, now))
        jobs = Pages(partial(self._jobs, now))
        # All are read, so that an idle sweep always costs the same.
        nothing = [pages.empty() for pages in (profiles, journal, jobs)]
        if all(nothing):
            return WakeResult({"profiles": 0, "runs": 0, "sends": 0, "jobs": 0})
        known = self.progress.load() if self.progress else Progress()
        release = ReleaseSends(self.journal, self.outbox, self.overlap)
        rate = PER_SHARD * self.shards
        kinds = (
            Work("profiles", "profile", profiles, partial(self._wake_profiles, now), _RECORDS, self.lease, rate),
            Work("runs", "run", journal, self._wake_runs, _MESSAGES, self.lease),
            Work("sends", "ledger", journal, lambda due: release([place.id for place in due], now), _LEDGERS),
            Work("jobs", "job", jobs, self._wake_jobs, _MESSAGES),
        )
        lanes = [lane(work, known.passes, now, lambda: self.clock() >= now + self.budget) for work in kinds]
        _Sweep(self, lanes, known, now + self.budget).run()
        for one in lanes:
            if one.error is not None:
                raise one.error
        return WakeResult(
            {one.work.name: one.handed for one in lanes},
            late=max(one.lateness for one in lanes),
            left=any(one.cut for one in lanes),
        )

    def _profiles(self, until: int, bucket: int, after: Place | None) -> list[Place]:
        return [Place(at, "profile", id_) for id_, at in self.profiles.due(bucket, until, PAGE, after)]

    def _journal(self, until: int, bucket: int, after: Place | None) -> list[Place]:
        return [Place(due.at, due.kind, due.id) for due in self.journal.due(bucket, until, PAGE, after)]

    def _jobs(self, until: int, bucket: int, after: Place | None) -> list[Place]:
        """Jobs are few: they have one bucket, apart from the others, so that no page of runs is read to find them."""
        found = self.journal.due(JOBS, until, PAGE, after) if bucket == 0 else []
        return [Place(due.at, due.kind, due.id) for due in found]

    def _wake_profiles(self, now: int, due: Sequence[Place]) -> Handed:
        self.stream.put([wake_up(place.id, now) for place in due])
        return len(due), None

    def _wake_runs(self, due: Sequence[Place]) -> Handed:
        self.inbox.put([{"wake_run": place.id} for place in due])
        return len(due), None

    def _wake_jobs(self, due: Sequence[Place]) -> Handed:
        self.inbox.put([{"wake_job": place.id} for place in due])
        return len(due), None


class _Sweep:
    """The lanes take turns until all is handed on, time is up, or another sweep turns out to be at it."""

    def __init__(self, wake: WakeDue, lanes: Sequence[Lane], known: Progress, deadline: int) -> None:
        self._wake = wake
        self._lanes = lanes
        self._known = known
        self._deadline = deadline
        self._saved_at: int | None = None

    def run(self) -> None:
        """Raises Unavailable when the place can't be written down."""
        try:
            # However slow the reads were: each sweep hands on something.
            for one in self._lanes:
                one.step(self._wake.clock)
            self._checkpoint()
            while open_ := [one for one in self._lanes if one.open]:
                now = self._wake.clock()
                if now >= self._deadline:
                    for one in open_:
                        one.cut = True
                    break
                for one in self._ready(open_, now):
                    one.step(self._wake.clock)
                self._checkpoint()
            self._finish()
        except Conflict:
            # Another sweep has written its place: it goes on from there.
            return

    def _ready(self, lanes: Sequence[Lane], now: int) -> Sequence[Lane]:
        if ready := [one for one in lanes if one.ready_at <= now]:
            return ready
        first = min(lanes, key=lambda one: one.ready_at)
        self._wake.wait(min(first.ready_at - now, self._deadline - now) / SECOND)
        return [first]

    def _checkpoint(self) -> None:
        if self._saved_at is None:
            # The first time it says above all that somebody is at it.
            if any(one.handed >= self._wake.many for one in self._lanes):
                self._save()
        elif self._wake.clock() >= self._saved_at + CHECKPOINT:
            self._save()

    def _finish(self) -> None:
        worth = any(one.worth_keeping(self._wake.many) or one.arrived for one in self._lanes)
        if worth or self._saved_at is not None:
            self._save()

    def _save(self) -> None:
        if self._wake.progress is None:
            return
        now = self._wake.clock()
        found = {one.work.name: one.progress(now, self._wake.many) for one in self._lanes}
        passes: dict[str, Pass] = {name: walk for name, walk in found.items() if walk is not None}
        progress = Progress(self._known.version + 1, passes)
        self._wake.progress.save(progress, expected=self._known.version)
        self._known, self._saved_at = progress, now


def wake_up(profile_id: str, now: int) -> StreamRecord:
    """The record that wakes a profile."""
    return StreamRecord(profile_id, json.dumps({"wake": profile_id, "at": now}, separators=(",", ":")).encode())
