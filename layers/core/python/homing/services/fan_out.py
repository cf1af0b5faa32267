"""Starting flows for many people: a list, a segment, those who watch a product. One page a minute, until all are handed on.

A page is put into the flow inbox before the job says so: after a crash in between it is put again, and every run of it has
an id that follows from the job and the person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from homing.domain.bus.commands import FlowRequestFinished, Kind, Message, UnreadableLine
from homing.domain.campaigns import Campaigns
from homing.domain.errors import Conflict, InvalidInput, Unavailable
from homing.domain.events.event import IdentifierKind
from homing.domain.flows.job import Job
from homing.domain.profiles.identity import Identity
from homing.domain.time import DAY, MINUTE, iso
from homing.services.flow_states import FlowStates
from homing.services.ports import MEMBER_SHARDS, Bus, BusEvent, Clock, FlowInbox, Journal, ListStore
from homing.sources.people_list import Shape, read_page, shape_of

# So many people share a message: their profiles are read in one call, and a failure of one repeats no more than these.
TOGETHER = 10
# A part of a list: more than any line has.
_PART = 1 << 20
_REMEMBERED = 32
# So many lines of a list that name nobody are told one by one; the others are counted.
MOST_UNREAD = 20
_KINDS: dict[str, Kind] = {"flow_requested": "start", "schedule": "schedule"}


@dataclass(frozen=True, slots=True)
class Page:
    """The next people of a job, how far it is with them, and whether they are the last."""

    people: Sequence[str]
    cursor: Mapping[str, Any]
    last: bool
    unreadable: int = 0
    unread: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class FanOut:
    """Begins jobs, and does a page of one when it is woken."""

    campaigns: Campaigns
    identity: Identity
    journal: Journal
    states: FlowStates
    clock: Clock
    inbox: FlowInbox | None
    bus: Bus | None = None
    lists: ListStore | None = None
    _known: dict[str, Job] = field(default_factory=dict, init=False, repr=False)

    def begin(self, job: Job) -> bool:
        """Stores a new job and wakes it; False when it began before. Whoever comes after a crash wakes it again."""
        new = True
        try:
            self.journal.save_job(job, expected=0)
        except Conflict:
            new = False
        self._put([{"wake_job": job.id}])
        return new

    def job(self, job_id: str) -> Job:
        """A job, for people whom it concerns: of that nothing changes. Raises InvalidInput for one that nobody knows."""
        if job_id not in self._known:
            found = self.journal.load_job(job_id)
            if found is None:
                raise InvalidInput(f"there is no job {job_id}", code="unknown_job")
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[job_id] = found
        return self._known[job_id]

    def step(self, job: Job, counts: dict[str, int]) -> None:
        """Does the next page of a job whose time has come. Raises Conflict when somebody else did."""
        now = self.clock()
        due = now if job.wake_at is None else job.wake_at
        if job.kind == "start":
            state = self.states.of(job.flow)
            if state.closed(job.asked_at):
                self.finish(job, job.end("stopped", now))
                return
            if state.paused:
                if not job.parked:
                    self._park(job, due)
                return
        if now - due > self._oldest(job):
            self.finish(job, job.end("too_old", now))
            return
        if job.kind == "products" and not job.cursor:
            # From here on no change is added to it: whoever is visited sees all of them.
            begun = job.change(cursor={"shard": 0})
            self.journal.save_job(begun, expected=job.version)
            job = begun
        try:
            page = self._page(job)
        except InvalidInput:
            # The list was taken away on the way.
            self.finish(job, job.end("stopped", now))
            raise
        at = iso(now)
        parts = (page.people[start : start + TOGETHER] for start in range(0, len(page.people), TOGETHER))
        self._put([{"visit": job.id, "people": list(part), "at": at} for part in parts])
        counts["people"] += len(page.people)
        done = job.change(
            cursor=page.cursor, people=job.people + len(page.people), unreadable=job.unreadable + page.unreadable,
            unread=(*job.unread, *page.unread)[:MOST_UNREAD], parked=False, wake_at=now + MINUTE - (now - due) % MINUTE,
        )  # fmt: skip
        if page.last:
            self.finish(job, done.end("finished", now))
        else:
            self.journal.save_job(done, expected=job.version)

    def _park(self, job: Job, due: int) -> None:
        self.journal.save_job(job.change(parked=True, wake_at=due), expected=job.version)
        if not self.states.now(job.flow).paused:
            # Whoever wakes what the pause held may have looked before it was there.
            self._put([{"wake_job": job.id}])

    def _oldest(self, job: Job) -> int:
        flows = (self.campaigns.flows.get(name) for name in job.flows)
        return max((flow.oldest for flow in flows if flow is not None), default=2 * DAY)

    def finish(self, job: Job, ended: Job) -> None:
        """Tells it before it is stored: who comes after a crash tells it again."""
        self.tell(
            FlowRequestFinished(
                request_id=ended.request_id, flow=ended.flow, kind=kind_of(ended), at=iso(self.clock()),
                state=ended.state, people=ended.people, unreadable=ended.unreadable,
                unreadable_lines=[UnreadableLine.model_validate(one) for one in ended.unread] or None,
            )
        )  # fmt: skip
        self.journal.save_job(ended, expected=job.version)

    def tell(self, *answers: Message) -> None:
        """Puts answers on the bus."""
        if self.bus is not None:
            self.bus.put([BusEvent(type(one).__name__, one.model_dump(exclude_none=True)) for one in answers])

    def _put(self, messages: Sequence[Mapping[str, Any]]) -> None:
        if self.inbox is None:
            raise Unavailable("this request needs a flow inbox, and the function was given none")
        if messages:
            self.inbox.put(messages)

    # Where people are found

    def _page(self, job: Job) -> Page:
        find: Callable[[str, Mapping[str, Any], int], Page] = self._members if "segment" in job.of else self._listed
        return find(str(job.of.get("segment") or job.of.get("list")), job.cursor, job.per_minute)

    def _members(self, segment: str, cursor: Mapping[str, Any], most: int) -> Page:
        """As they are now: who enters or leaves while the job goes on is in it or not."""
        shard, after = int(cursor.get("shard", 0)), str(cursor.get("after", ""))
        found: list[str] = []
        while shard < MEMBER_SHARDS and len(found) < most:
            wanted = most - len(found)
            page = self.journal.members_after(segment, shard, after, wanted)
            found += page
            after = page[-1] if len(page) == wanted else ""
            shard += len(page) < wanted
        return Page(found, {"shard": shard, "after": after}, shard >= MEMBER_SHARDS)

    def shape(self, name: str) -> Shape:
        """How a list is written. Raises InvalidInput when it can't be read."""
        return shape_of(self._read(name, 0))

    def _listed(self, name: str, cursor: Mapping[str, Any], most: int) -> Page:
        shape = Shape.from_dict(cursor["shape"]) if "shape" in cursor else self.shape(name)
        offset, people, bad = int(cursor.get("offset", shape.begins)), list[str](), list[dict[str, Any]]()
        line = int(cursor.get("line", shape.columns is not None))
        while True:
            part = self._read(name, offset)
            last = len(part) < _PART
            page = read_page(part, shape, most - len(people), last=last)
            named = [{cast(IdentifierKind, kind): value} for kind, value in page.people]
            people += [id_ for one in named if (id_ := self.identity.person(one))]
            bad += [{"line": line + one.line, "reason": one.reason} for one in page.bad]
            offset, line = offset + page.read, line + page.lines
            ended = last and page.read == len(part)
            if ended or len(people) >= most:
                found = list(dict.fromkeys(people))
                far = {"shape": shape.to_dict(), "offset": offset, "line": line}
                return Page(found, far, ended, len(bad), bad[:MOST_UNREAD])

    def _read(self, name: str, offset: int) -> bytes:
        if self.lists is None:
            raise Unavailable("this request needs lists, and the function was given none")
        return self.lists.read(name, offset, _PART)


def kind_of(job: Job) -> Kind:
    """What was asked for."""
    if job.kind == "rearm":
        return "stop" if job.data.get("order") == "stop" else "resume"
    return "products" if job.kind == "products" else _KINDS.get(job.trigger, "start")
