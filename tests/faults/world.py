"""The real services over memory adapters and queues that deliver at least once, while planned faults strike.

One thread, virtual time. A worker that stands still is a call that lets the world go on in the meantime: the messages it
held are given to others, and then it goes on where it was.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from homing.adapters.memory import (
    MemoryArchive,
    MemoryBook,
    MemoryCodes,
    MemoryJournal,
    MemoryProfiles,
    MemoryProgress,
    MemoryQuarantine,
)
from homing.domain.campaigns import Campaigns
from homing.domain.codes.minting import Mint
from homing.domain.content.render import Renderer
from homing.domain.delivery.links import Links
from homing.domain.delivery.message import Mail, SendRequest
from homing.domain.engine import Engine
from homing.domain.errors import Conflict, InvalidInput, Unavailable
from homing.domain.flows.effects import CallRequest
from homing.domain.flows.language import detail_types
from homing.domain.flows.run import Run
from homing.domain.profiles.identity import Identity
from homing.domain.profiles.profile import Profile
from homing.domain.time import HOUR, MINUTE, SECOND
from homing.domain.webhooks.message import Signer
from homing.local.faults import Crash
from homing.services.call_webhooks import CallWebhooks, Delivery, Outcome
from homing.services.codes import Codes
from homing.services.http import HttpRequest, HttpResponse
from homing.services.manage_preferences import ManagePreferences
from homing.services.ports import BusEvent, StreamRecord
from homing.services.publish_changes import ProfileImage, PublishChanges
from homing.services.receive_events import ReceiveEvents
from homing.services.record_engagement import RecordEngagement
from homing.services.run_flows import RunFlows
from homing.services.send_email import SendEmail
from homing.services.sending_rate import Pace, Reckoning
from homing.services.update_profiles import StreamItem, UpdateProfiles
from homing.services.wake_due import WakeDue
from tests.faults import plan
from tests.faults.calls import CallQueue, Systems
from tests.faults.lanes import Agenda, Queue, Shard
from tests.faults.plan import Fault
from tests.faults.post import PostOffice
from tests.faults.striking import Port

SECRET = b"a secret of tests"
WRITE_KEY = "write-key"
_DEPTH = 3


@dataclass
class Worker:
    """One invocation. ``claim`` is the send that it claimed and has not settled; ``gate_at`` when it last read stops;
    ``called`` that it called SES; ``read_at`` as of when it last read profiles."""

    function: str
    skew: int = 0
    claim: str = ""
    gate_at: int = 0
    read_at: int = 0
    called: bool = False
    alive: bool = True


# Mails a second, lane by lane: more than the story has, so that only faults hold anybody up.
LANES = (1000,) * 8


class World:
    """``faults`` strike; ``feedback=False`` is an SES that tells nothing afterwards."""

    def __init__(
        self, campaigns: Campaigns, start: int, faults: Sequence[Fault] = (), *, seed: int = 0, feedback: bool = True
    ) -> None:
        self.campaigns, self.faults, self.feedback = campaigns, list(faults), feedback
        self.agenda = Agenda(start)
        self.random = Random(seed)
        self.identity, self.links = Identity(SECRET), Links(SECRET, "https://mail.shop.example")
        self.profiles = MemoryProfiles(on_write=self._written)
        self.journal, self.archive, self.quarantine = MemoryJournal(), MemoryArchive(), MemoryQuarantine()
        self.book, self.progress = MemoryBook(), MemoryProgress()
        self.codes = MemoryCodes()
        self.codes.add("gift", [f"GIFT-{number:03d}" for number in range(1, 101)])
        self.shard = Shard(self.agenda, self._update)
        self.changes = Shard(self.agenda, self._publish)
        self.inbox = Queue(self.agenda, self._flow)
        self.outbox = Queue(self.agenda, self._send)
        self.engagement = Queue(self.agenda, self._engage)
        self.calls_out = CallQueue(self.agenda, self._call)
        self.post, self.systems = PostOffice(self), Systems(self)
        self.worker: Worker | None = None
        # Calls of each site of each function, strikes of each fault, and what the oracle needs to know.
        self.calls: Counter[str] = Counter()
        self.called_at: dict[str, list[int]] = {}
        self.struck: Counter[Fault] = Counter()
        self.mended_at: dict[Fault, int] = {}
        self.cut: set[str] = set()
        self.refusals: list[str] = []
        self.consent_ended: dict[str, int] = {}
        self.decided: dict[str, SendRequest] = {}
        self.asked_calls: dict[str, CallRequest] = {}
        # Run → as of when the profile was read by which its wait was found to be over, and when that was stored.
        self.parted: dict[str, tuple[int, int]] = {}
        # Hash of a message's id → when a profile with it was first stored.
        self.folded: dict[str, int] = {}
        self.skewed = self.paused = False
        self._services: dict[str, Any] = {}
        self._depth = 0
        self._swept = 0
        self._failed_sweeps = 0
        self._due: tuple[int | None, int | None] | None = None

    @property
    def now(self) -> int:
        """The true time."""
        return self.agenda.now

    def deploy(self, campaigns: Campaigns) -> None:
        """From now on every process that starts works with these; who is at work finishes with what it has."""
        self.campaigns = campaigns
        self._services.clear()

    # Faults

    def strikes(self, site: str) -> Fault | None:
        """The fault that this call of the running function meets, if any."""
        function = self.worker.function if self.worker else ""
        place = f"{function}: {site}"
        number = self.calls[place]
        self.calls[place] += 1
        self.called_at.setdefault(place, []).append(self.now)
        for fault in self.faults:
            if fault.function != function or fault.site != site or number < fault.first:
                continue
            if self.struck[fault] >= fault.times or self.now >= self.mended_at.setdefault(
                fault, self.now + plan.MENDED_AFTER
            ):
                continue
            if fault.kind == plan.ZOMBIE and self._depth >= _DEPTH:
                continue
            self.struck[fault] += 1
            return fault
        return None

    def pause(self, duration: int) -> None:
        """The running worker stands still, and the world goes on."""
        if self._depth > _DEPTH:
            return
        worker, self._depth, self.paused = self.worker, self._depth + 1, True
        self.run_until(self.now + duration)
        self.worker, self._depth = worker, self._depth - 1

    def _clock(self) -> int:
        return self.now + (self.worker.skew if self.worker else 0)

    # Workers

    def _invoke(self, function: str, work: Callable[[Any], Any]) -> Any:
        outer, self.worker = self.worker, Worker(function)
        worker = self.worker
        try:
            if function not in self._services:
                self._services[function] = self._build(function)
            return work(self._services[function])
        except Crash:
            # The process is gone, and all that it remembered.
            self._services.pop(function, None)
            worker.called = True
            raise
        finally:
            worker.alive = False
            if worker.claim and worker.called:
                # Nobody hears of the outcome any more.
                self.cut.add(worker.claim)
            self.worker = outer

    def _build(self, function: str) -> Any:
        def port(name: str, target: Any) -> Any:
            return Port(self, name, target)

        profiles, journal = port("ProfileStore", self.profiles), port("Journal", self.journal)
        stream, inbox = port("Stream", _Put(self._to_stream)), port("FlowInbox", _Put(self._to_inbox))
        outbox = port("Outbox", _Put(self._to_outbox))
        shop, identity = self.campaigns, self.identity
        if function == "receive_events":
            return ReceiveEvents(stream, identity, frozenset({WRITE_KEY}), self._clock)
        if function == "update_profiles":
            archive, quarantine = port("Archive", self.archive), port("Quarantine", self.quarantine)
            return UpdateProfiles(shop, identity, profiles, archive, quarantine)
        if function == "publish_changes":
            return PublishChanges(port("Bus", _Put(self._to_bus)), journal)
        if function == "wake_due":
            progress = port("ProgressStore", self.progress)
            # Two at once are many here, so that sweeps write down how far they are.
            return WakeDue(profiles, journal, stream, inbox, outbox, self._clock, progress=progress, many=2)
        if function == "run_flows":
            calls = port("Calls", _Put(self._to_calls))
            return RunFlows(
                shop, identity, profiles, journal, outbox, self._clock, stream=stream, inbox=inbox, calls=calls
            )
        if function == "call_webhooks":
            return CallWebhooks(
                shop, profiles, port("Caller", self.systems), Signer(SECRET), self._clock, jitter=self.random.random
            )
        if function == "send_email":
            return SendEmail(
                shop, identity, profiles, journal, port("Mailer", self.post), Renderer(shop), self.links, self._clock,
                token=lambda: f"{self.random.getrandbits(64):016x}", engine=Engine(shop),
                codes=Codes(shop, port("CodeStore", self.codes), Mint(SECRET)),
                pace=Pace(
                    port("BookStore", self.book), shop, LANES, holder=f"{self.random.getrandbits(48):012x}",
                    clock=self._clock, wait=lambda _seconds: None,
                ),
            )  # fmt: skip
        if function == "record_engagement":
            reckoning = Reckoning(port("BookStore", self.book), self._clock)
            return RecordEngagement(stream, identity, profiles, journal, self._clock, reckoning=reckoning)
        return ManagePreferences(shop, identity, profiles, stream, self.links, self._clock)

    def _to_stream(self, records: Sequence[StreamRecord], delay: int = 0) -> None:
        self.shard.put([(record.data, self.now + delay) for record in records], delay=delay)

    def _to_inbox(self, messages: Sequence[Mapping[str, Any]], delay: int = 0) -> None:
        self.inbox.put([json.dumps(message) for message in messages], delay=delay)

    def _to_outbox(self, requests: Sequence[SendRequest], delay: int = 0) -> None:
        for request in requests:
            self.decided.setdefault(request.send_id, request)
        self.outbox.put([json.dumps(request.to_dict()) for request in requests], delay=delay)

    def _to_calls(self, requests: Sequence[CallRequest], delay: int = 0) -> None:
        for request in requests:
            self.asked_calls.setdefault(request.id, request)
        self.calls_out.put(requests, delay)

    def _to_bus(self, events: Sequence[BusEvent], delay: int = 0) -> None:
        wanted = detail_types(self.campaigns.flows.values())
        told = [event for event in events if event.detail_type in wanted]
        self._to_inbox([{"detail-type": event.detail_type, "detail": event.detail} for event in told], delay)

    def _written(self, profile: Profile) -> None:
        if profile.changes:
            self.changes.put([ProfileImage(profile.id, profile.version, list(profile.changes))])

    def wrote(self, profile: Profile) -> None:
        """What a stored profile says of consent; for the oracle."""
        said = profile.consents.get("marketing")
        if said is not None and said.refused and profile.email:
            self.consent_ended.setdefault(profile.email, self.now)
        for seen in profile.seen:
            self.folded.setdefault(seen, self.now)

    def stored(self, run: Run) -> None:
        """A run as it was stored; for the oracle."""
        if self.worker and any(note["did"] in {"then", "else"} for note in run.trace):
            self.parted.setdefault(run.id, (self.worker.read_at, self.now))

    # What functions are woken by

    def _update(self, batch: list[tuple[int, Any]]) -> int | None:
        items = [StreamItem(str(number), data, arrived) for number, (data, arrived) in batch]
        result = self._invoke("update_profiles", lambda update: update(items, batch=f"shard-{batch[0][0]}"))
        return None if result.failed is None else int(result.failed)

    def _publish(self, batch: list[tuple[int, Any]]) -> int | None:
        self._invoke("publish_changes", lambda publish: publish([image for _, image in batch]))
        return None

    def _flow(self, body: str) -> None:
        self._acknowledge("run_flows", lambda flows: flows(json.loads(body)))

    def _send(self, body: str) -> None:
        request = SendRequest.from_dict(json.loads(body))
        self._acknowledge("send_email", lambda send: send(request))

    def _call(self, delivery: Delivery) -> Outcome:
        (outcome,) = self._invoke("call_webhooks", lambda call: call([delivery]))
        return outcome  # type: ignore[no-any-return]

    def _engage(self, body: str) -> None:
        self._acknowledge("record_engagement", lambda record: record(json.loads(body)))
        self.post.told(json.loads(body))

    def _acknowledge(self, function: str, work: Callable[[Any], Any]) -> None:
        """What nobody can read is not asked for again; the oracle hears of it."""
        try:
            self._invoke(function, work)
        except InvalidInput as error:
            self.refusals.append(f"{function}: {error}")

    def request(self, function: str, request: HttpRequest, then: Callable[[], None] | None = None) -> None:
        """Over HTTP; whoever asked asks again until there is an answer that is no error of the server."""
        self._request(function, request, then, 0)

    def _request(self, function: str, request: HttpRequest, then: Callable[[], None] | None, tries: int) -> None:
        try:
            answer: HttpResponse = self._invoke(function, lambda service: service(request))
            status = answer.status
        except (Unavailable, Crash):
            status = 500
        if status >= 500:
            wait = min(5 * SECOND * 2**tries, HOUR)
            self.agenda.at(self.now + wait, lambda: self._request(function, request, then, tries + 1))
        elif status >= 400:
            self.refusals.append(f"{function}: {status}")
        elif then is not None:
            then()

    # Time

    def run_until(self, until: int) -> None:
        """Lets everything happen up to an instant, the minute's sweeps among it."""
        while True:
            sweep, step = self._next_sweep(), self.agenda.next()
            if step is not None and step <= until and (sweep is None or step <= sweep):
                self.agenda.step()
            elif sweep is not None and sweep <= until:
                self.agenda.now = max(self.now, sweep)
                self._sweep()
            else:
                self.agenda.now = max(self.now, until)
                return

    def _next_sweep(self) -> int | None:
        wakes: list[int] = [at for at in (self.profiles.next_wake(), self.journal.next_wake()) if at is not None]
        if not wakes:
            return None
        # What fails every minute is tried less often here: the outcome is the same, the test is faster.
        gap = MINUTE * min(2 ** max(0, self._failed_sweeps - 3), 60)
        return max(-(-min(wakes) // MINUTE) * MINUTE, (self._swept // MINUTE) * MINUTE + gap)

    def _sweep(self) -> None:
        due = self.profiles.next_wake(), self.journal.next_wake()
        # What was due at the last sweep is due still: what it handed on came to nothing.
        failed, self._due = due == self._due, due
        self._swept = self.now
        try:
            self._invoke("wake_due", lambda wake: wake())
        except (Unavailable, Conflict, Crash):
            failed = True
        self._failed_sweeps = self._failed_sweeps + 1 if failed else 0

    def accepted(self, mail: Mail, began: int) -> str:
        """SES took it."""
        return self.post.accept(mail, began, self.worker)


@dataclass(frozen=True)
class _Put:
    """The putting side of a queue, as a port has it; ``delay`` is what a reordering fault adds."""

    target: Callable[[Sequence[Any], int], None]

    def put(self, items: Sequence[Any], delay: int = 0) -> None:
        self.target(items, delay)


def fresh_seed() -> int:
    """For a walk that was given none."""
    return secrets.randbelow(1_000_000)
