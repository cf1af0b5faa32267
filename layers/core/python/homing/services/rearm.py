"""What a pause held goes on: runs, sends in ledgers, jobs, by when they came due, a page a minute.

What is woken leaves the index of what waits when it is worked off. So the index is walked until a walk finds nothing: the
first may have come before somebody who had just looked noted what he left there, and queues may be slow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import islice

from homing.domain.flows.job import Job
from homing.domain.profiles.profile import WAKE_BUCKETS
from homing.domain.progress import LEASE, Place
from homing.domain.time import MINUTE
from homing.services.fan_out import FanOut
from homing.services.flow_states import FlowStates
from homing.services.ports import Clock, FlowInbox, Journal, Outbox
from homing.services.release_sends import ReleaseSends

PER_MINUTE = 6_000
# The index is a moment behind, and a function that had looked before the flow went on is done by then.
_SETTLED = 2 * MINUTE
_WALKS = 50


@dataclass(frozen=True)
class Rearm:
    """Does a page of a job that lets a flow go on, or end."""

    journal: Journal
    states: FlowStates
    inbox: FlowInbox
    outbox: Outbox
    clock: Clock
    fan_out: FanOut

    def __call__(self, job: Job, counts: dict[str, int]) -> None:
        """Raises Conflict when somebody else did it, Unavailable when something must be tried again."""
        now = self.clock()
        if self.states.now(job.flow).paused:
            # Paused again: everything waits for the next time.
            self.fan_out.finish(job, job.end("stopped", now))
            return
        places = {int(shard): Place(*place) for shard, place in job.cursor.get("places", {}).items()}
        walk, handed = int(job.cursor.get("walk", 0)), int(job.cursor.get("handed", 0))
        found = list(islice(self._waiting(job.flow, places, job.per_minute), job.per_minute))
        self._wake(job.flow, [place for _, place in found], now)
        places |= dict(found)
        handed += len(found)
        people = job.people + (len(found) if walk == 0 else 0)
        if len(found) == job.per_minute:
            cursor = {
                "places": {str(shard): list(place) for shard, place in places.items()},
                "walk": walk,
                "handed": handed,
            }
            self._save(job, job.change(cursor=cursor, people=people, wake_at=now + MINUTE))
        elif (not handed and now - job.asked_at >= _SETTLED) or walk >= _WALKS:
            self.fan_out.finish(job, job.change(people=people).end("finished", now))
        else:
            again = LEASE if handed and walk else _SETTLED
            self._save(job, job.change(cursor={"walk": walk + 1}, people=people, wake_at=now + again))

    def _save(self, job: Job, changed: Job) -> None:
        self.journal.save_job(changed, expected=job.version)

    def _waiting(self, flow: str, places: dict[int, Place], most: int) -> Iterator[tuple[int, Place]]:
        """Everything behind these places, the earliest first over all shards, read in pages as it is asked for."""
        page = most // WAKE_BUCKETS + 1

        def walk(shard: int) -> Iterator[tuple[int, Place]]:
            after = places.get(shard)
            while found := self.journal.parked(flow, shard, page, after):
                for due in found:
                    after = Place(due.at, due.kind, due.id)
                    yield shard, after
                if len(found) < page:
                    return

        return merge(*(walk(shard) for shard in range(WAKE_BUCKETS)), key=lambda item: item[1].at)

    def _wake(self, flow: str, places: list[Place], now: int) -> None:
        held = [place.id for place in places if place.kind == "hold"]
        if held:
            _, error = ReleaseSends(self.journal, self.outbox)(held, now, flow)
            if error is not None:
                raise error
            for profile_id in held:
                self.journal.hold(flow, profile_id, None)
        messages = [{f"wake_{place.kind}": place.id} for place in places if place.kind in {"run", "job"}]
        if messages:
            self.inbox.put(messages)
