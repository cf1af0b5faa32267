"""A shop whose runs wait, behind ports that count what is asked of them, on a clock that moves by what calls take."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from benchmarks import inputs
from benchmarks.stub import read_units, size_of
from benchmarks.waking_calls import Calls
from homing.adapters.memory import (
    MemoryInbox,
    MemoryJournal,
    MemoryOutbox,
    MemoryProfiles,
    MemoryProgress,
    MemoryStream,
)
from homing.domain.campaigns import Campaigns
from homing.domain.flows.language import Flow
from homing.domain.flows.run import Run
from homing.domain.profiles.profile import Profile
from homing.domain.time import HOUR, MINUTE, SECOND, iso, parse_instant
from homing.services.run_flows import RunFlows
from homing.services.wake_due import WakeDue, WakeResult

NINE = parse_instant("2026-11-27T09:00:00Z")
PEOPLE = 1_000
# At each wake-up a message is asked for and the run waits on: what costs most.
FLOW = {
    "name": "later", "on": "flow_requested",
    "steps": [{"wait": "1h"}, {"send": "win-back"}, {"wait": "30d"}, {"send": "win-back"}],
}  # fmt: skip
# An entry of the index of wake-ups, as a Query weighs it.
KEY_BYTES = size_of(
    {"pk": {"S": "run#" + "0" * 26}, "sk": {"S": "run"}, "wake_bucket": {"S": "w3"}, "wake_at": {"N": "1" * 16}}
)


@dataclass
class World:
    """``stores``: profiles, journal and progress; ``calls``: what they take (None: no time passes)."""

    profiles: Any = field(default_factory=lambda: MemoryProfiles(isolate=False))
    journal: Any = field(default_factory=lambda: MemoryJournal(isolate=False))
    progress: Any = field(default_factory=MemoryProgress)
    calls: Calls | None = None
    now: int = NINE
    counts: Counter[str] = field(default_factory=Counter)
    # When how many of what were handed on, and when the earliest of them had come due.
    handed: list[tuple[int, str, int]] = field(default_factory=list)
    ids: Counter[str] = field(default_factory=Counter)
    order: list[str] = field(default_factory=list)
    _working: bool = False
    _first: Run | None = None

    def __post_init__(self) -> None:
        self.stream, self.inbox, self.outbox = MemoryStream(), MemoryInbox(), MemoryOutbox()
        self.campaigns = campaigns()
        ports = {name: _Port(self, name, getattr(self, name)) for name in _COUNTED}
        self.wake = WakeDue(
            ports["profiles"], ports["journal"], ports["stream"], ports["inbox"], ports["outbox"], self.clock,
            progress=ports["progress"], wait=self._wait,
        )  # fmt: skip
        self.flows = RunFlows(
            self.campaigns, inputs.IDENTITY, ports["profiles"], ports["journal"], ports["outbox"], self.clock
        )

    def clock(self) -> int:
        """The simulated time."""
        return self.now

    def wait(self, count: int, due: Callable[[int], int]) -> None:
        """``count`` runs that wait at the first step; ``due`` says until when each."""
        people = [inputs.IDENTITY.key("user_id", str(number)) for number in range(PEOPLE)]
        for id_ in people:
            self.profiles.write(Profile(id_, version=1, first_at=1, last_at=1), expected=0)
        self.now = NINE - HOUR
        detail = {"flow": "later", "profile_id": people[0], "request_id": "0"}
        self.flows({"detail-type": "FlowRequested", "detail": detail, "time": iso(self.now), "id": "0"})
        first = self._first
        assert first is not None
        for number in range(1, count):
            id_ = hashlib.blake2b(b"%d" % number, digest_size=13).hexdigest()
            at = due(number)
            self.journal.start_run(first.change(id=id_, profile_id=people[number % PEOPLE], wake_at=at, at=at - HOUR))
        at = due(0)
        self.journal.save_run(first.change(wake_at=at, at=at - HOUR, version=first.version + 1), expected=first.version)
        self.now = NINE
        self.forget()

    def forget(self) -> None:
        """Counts from here."""
        self.counts.clear()
        self.inbox.items.clear()
        self.outbox.items.clear()

    def sweep(self, at: int) -> WakeResult:
        """The sweep that begins then."""
        self.now = at
        return self.wake()

    def work(self, count: int | None = None) -> int:
        """``run_flows`` takes messages from the inbox; how many."""
        taken, calls = self.inbox.take(count), self.calls
        self.calls, self._working = None, True
        for message in taken:
            self.flows(message)
        self.calls, self._working = calls, False
        return len(taken)

    def _wait(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)


def campaigns() -> Campaigns:
    """The starter set with one flow that waits."""
    flow = Flow.model_validate(FLOW)
    return inputs.campaigns().model_copy(update={"flows": {flow.name: flow}})


_COUNTED = ("profiles", "journal", "progress", "stream", "inbox", "outbox")


class _Port:
    def __init__(self, world: World, name: str, target: Any) -> None:
        self._world, self._name, self._target = world, name, target

    def __getattr__(self, method: str) -> Callable[..., Any]:
        target = getattr(self._target, method)

        def call(*args: Any, **more: Any) -> Any:
            answer = target(*args, **more)
            self._count(f"{self._name}.{method}", args, answer)
            return answer

        return call

    def _count(self, call: str, args: tuple[Any, ...], answer: Any) -> None:
        world, calls, counts = self._world, self._world.calls, self._world.counts
        seconds = 0.0
        if call.endswith(".due"):
            counts["index queries"] += 1
            counts["index keys"] += len(answer)
            # Half units, to keep them whole.
            counts["index half units"] += int(2 * read_units(len(answer) * KEY_BYTES, consistent=False))
            seconds = calls.query(len(answer)) if calls else 0.0
        elif call in {"stream.put", "inbox.put", "outbox.put"}:
            items = list(args[0])
            counts[call] += len(items)
            if calls and call != "outbox.put":
                seconds = calls.put_records(len(items)) if call == "stream.put" else calls.put_messages(len(items))
            elif calls:
                # The whole of a chunk of ledgers: reading and writing them is in it.
                seconds = calls.ledgers(len(items))
            world.now += int(seconds * SECOND)
            self._note(call, items)
            return
        elif call == "profiles.read":
            counts["profiles.read"] += len(list(args[0]))
        else:
            counts[call] += 1
            if call == "journal.start_run":
                world._first = args[0]
            seconds = calls.query(0) if calls and call.startswith("progress.") else 0.0
        world.now += int(seconds * SECOND)

    def _note(self, call: str, items: Iterable[Any]) -> None:
        world = self._world
        if world._working:
            return
        if call == "inbox.put":
            ids = [item["wake_run"] for item in items]
        elif call == "stream.put":
            ids = [record.key for record in items]
        else:
            ids = [request.send_id for request in items]
        world.ids.update(ids)
        world.order += ids
        world.handed.append((world.now, call, len(ids)))


@dataclass
class Workers:
    """``run_flows`` behind its queue: Lambda begins with five batches of ten at once and adds 300 copies a minute, to
    1,000; the index of wake-ups takes 1,000 writes a second in each of its eight buckets, and a run that moves needs two."""

    seconds: float
    most: float = 4_000.0
    since: int | None = None
    done: int = 0
    last: int = 0

    def between(self, begin: int, end: int, arrivals: list[tuple[int, int]]) -> int:
        """How many messages are worked off in a while; ``arrivals`` are instants and numbers of messages put."""
        before = self.done
        for second in range(begin, end, SECOND):
            there = sum(count for at, count in arrivals if at <= second) - self.done
            if there <= 0:
                self.since = None
                continue
            self.since = second if self.since is None else self.since
            copies = min(1_000.0, 5 + 300 * (second - self.since) / MINUTE)
            self.done += min(there, int(min(copies / self.seconds, self.most)))
            self.last = second + SECOND
        return self.done - before


def run_of(world: World, run_id: str) -> Run:
    """As it is stored."""
    run: Run | None = world.journal.load_run(run_id)
    assert run is not None
    return run
