"""The backtest: the deployed use cases over recorded history, on in-memory adapters and a clock of its own.

Decisions are those of the stack, because the services are those of the stack: only the adapters differ. Nothing is sent.
What history cannot know is how people would have reacted to mail that they never got: there are no opens and clicks here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from homing.adapters.memory import (
    MemoryBus,
    MemoryCalls,
    MemoryCodes,
    MemoryInbox,
    MemoryJournal,
    MemoryMailer,
    MemoryOutbox,
    MemoryProfiles,
    MemoryQuarantine,
    MemoryRankings,
    MemoryStream,
)
from homing.domain.attributes.rankings import Rankings
from homing.domain.campaigns import Campaigns
from homing.domain.codes.minting import Mint
from homing.domain.content.render import Renderer
from homing.domain.delivery.links import Links
from homing.domain.errors import InvalidInput
from homing.domain.events import names
from homing.domain.events.event import Event
from homing.domain.flows.language import detail_types
from homing.domain.profiles.identity import ArchiveIdentity, Identity
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, HOUR, MINUTE, iso
from homing.local.backtests.nights import RANKED, RANKING_EVENTS, Night, Standings, is_settled, standings_of
from homing.local.backtests.sources import archived_event
from homing.local.backtests.streams import Sink
from homing.local.backtests.told import Told, Watch
from homing.local.clockwork import Clockwork
from homing.local.figures import Figures
from homing.local.outputs import Outputs, QuarantineLine
from homing.services.codes import Codes
from homing.services.open_batch import OpenBatch
from homing.services.ports import BusEvent
from homing.services.publish_changes import ProfileImage, PublishChanges
from homing.services.rank_customers import RankCustomers
from homing.services.run_flows import RunFlows
from homing.services.send_email import SendEmail
from homing.services.sweep import PAGE
from homing.services.update_profiles import StreamItem, UpdateProfiles
from homing.services.wake_due import WakeDue, wake_up
from homing.sources.segment_spec import read_message

# When rank_customers runs.
_NIGHT = 2 * HOUR + 20 * MINUTE
# With a sink: so many people at most are ready to hand, and carts that were closed are remembered as long as in the table.
_LIVE = 5_000
_CARTS_KEPT = 400 * DAY
# The ids of a backtest are those of the local host and the demo, which use the same secret.
LOCAL_SECRET = b"homing-on-one-machine"


@dataclass
class Backtest:
    """One run over history. ``secret`` and ``public_url`` as deployed; ``keep_mails`` keeps what was rendered."""

    campaigns: Campaigns
    secret: bytes = LOCAL_SECRET
    public_url: str = "https://homing.example"
    keep_mails: bool = True
    # Stores keep encoded copies, as tables do, instead of the objects themselves: slower, for tests of failures.
    isolate: bool = False
    now: int = 0
    events: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    # Is told of every decision about a send: when, about whom, and what stands in the ledger.
    watch: Watch | None = None
    # Is told of everything that :meth:`outputs` would give, as it comes. Then nothing is kept here but what the stack's
    # tables keep, and of people who are idle only their bytes.
    sink: Sink | None = None
    live: int = _LIVE
    # Plays archived events, where ids stand in place of identifiers.
    archived: bool = False
    # Of a part of a history: thresholds that were counted over all customers, by the night, instead of those of its own; or
    # whom to tell of its own customers, each night, so that they can be.
    thresholds: Sequence[Night] | None = None
    nightly: Callable[[int, list[Standings]], None] | None = None

    def __post_init__(self) -> None:
        identity = ArchiveIdentity(self.secret) if self.archived else Identity(self.secret)
        self.identity = identity
        live = None if self.sink is None else self.live
        self.profiles = MemoryProfiles(isolate=self.isolate, live=live, on_write=self._written)
        self.journal = MemoryJournal(isolate=self.isolate, forgetful=self.sink is not None)
        self.stream, self.bus = MemoryStream(), MemoryBus()
        self.inbox, self.outbox, self.calls = MemoryInbox(), MemoryOutbox(), MemoryCalls()
        self.mailer, self.quarantine = MemoryMailer(), MemoryQuarantine()
        self.codes = MemoryCodes(endless=True)
        self.telling = Told(
            self.campaigns, self.profiles, self.journal, self.mailer, self.quarantine, self.codes, self.sink,
            self.keep_mails,
        )  # fmt: skip
        self.rankings = Rankings()
        self.update = UpdateProfiles(
            self.campaigns, identity, self.profiles, None, self.quarantine, rankings=self.rankings
        )
        # Told as it comes, people are written when there is something to tell of them; else with each event.
        self._open = OpenBatch(self.update, self.counts) if self.sink is not None and self.nightly is None else None
        self.publish = PublishChanges(self.bus, self.journal)
        self.flows = RunFlows(
            self.campaigns, identity, self.profiles, self.journal, self.outbox, self.clock, rankings=self.rankings,
            stream=self.stream, inbox=self.inbox, calls=self.calls, told=None if self.sink is None else self.telling.passed,
        )  # fmt: skip
        self.send = SendEmail(
            self.campaigns, identity, self.profiles, self.journal, self.mailer, Renderer(self.campaigns),
            Links(self.secret, self.public_url), self.clock, token=lambda: "backtest", engine=self.update.engine,
            codes=Codes(self.campaigns, self.codes, Mint(self.secret)),
        )  # fmt: skip
        self.wake = WakeDue(self.profiles, self.journal, self.stream, self.inbox, self.outbox, self.clock)
        self.rank = RankCustomers(
            self.update.engine, self.profiles, self.journal, MemoryRankings(), self.clock, sample=RANKED
        )
        self._begins: int | None = None
        self._clockwork: Clockwork | None = None
        self._night: int | None = None
        self._passed_nights = 0
        self._images: list[ProfileImage] = []
        self._tidied = 0
        self._sequence = 0
        self._wanted = detail_types(self.campaigns.flows.values())

    def clock(self) -> int:
        """The backtest's time."""
        return self.now

    def run(
        self, events: Iterable[Event], *, until: int | None = None, tick: Callable[[int], None] | None = None
    ) -> None:
        """Plays events in the order of their arrival; then lets time pass until ``until`` (or nothing is due).

        ``tick`` is called with the number of events after each one, for a progress bar.
        """
        for event in events:
            self._play(event, event.to_json())
            if tick:
                tick(self.events)
        if until is not None:
            self.pass_time(until)
            self.now = max(self.now, until)

    def _play(self, event: Event, told: bytes | Event) -> None:
        self.pass_time(event.received - 1)
        self.now = max(self.now, event.received)
        if self.sink is not None and self.now >= self._tidied + DAY:
            self._tidy()
        self.events += 1
        if self._begins is None:
            self._begins = event.received
        if (
            self.nightly is not None
            and event.name not in RANKING_EVENTS
            and is_settled(self.profiles, self.identity, event)
        ):
            # Only customers are counted: an event that is no order and shows nobody to be anybody else changes none of it.
            return
        owner = self._update(told)
        if owner is not None and event.name == names.ORDER_COMPLETED:
            self.telling.counting.order(owner, event.occurred, self.now)
        if self._open is None or self._images:
            self._pump()

    def message(self, message: Mapping[str, Any], at: int, where: str = "") -> None:
        """Plays one recorded Segment message, received at ``at``; what the API would refuse is told."""
        try:
            # Received when it happened: the sender's clock needs no correction.
            timeless = message
            if "sentAt" in message:
                timeless = {name: value for name, value in message.items() if name != "sentAt"}
            event = read_message(timeless, received=at)
        except InvalidInput as error:
            line = QuarantineLine(
                at=at, source="http", code=error.code, reason=error.message, where=where, raw=str(message)
            )
            self.refuse(line)
            return
        # Read from JSON a moment ago: what the stream would give back is equal to it.
        self._play(event, event)

    def archived_line(self, line: dict[str, Any], where: str = "") -> None:
        """Plays one archived event, when it arrived."""
        try:
            event = archived_event(line)
        except InvalidInput as error:
            self.refuse(
                QuarantineLine(source="archive", code=error.code, reason=error.message, where=where, raw=str(line))
            )
            return
        self._play(event, event)

    def pass_time(self, until: int) -> None:
        """Runs the minute sweeps that find something, up to an instant."""
        while (due := self._next_wake()) is not None:
            sweep = max(-(-due // MINUTE) * MINUTE, self.now)
            if sweep > until:
                break
            if self._write():
                # What is stored tells only now when they have to be looked at.
                continue
            self._pass_nights(sweep)
            self.now = sweep
            for message in self._clock_of_flows(sweep - 1).strike(sweep):
                self.flows(message)
            self._sweep()
            self._pump()
        self._pass_nights(until)

    def _pass_nights(self, until: int) -> None:
        """What the stack does every night, for every night up to an instant."""
        if self._night is not None and self._night > until:
            return
        if self.thresholds is not None:
            while self._passed_nights < len(self.thresholds) and self.thresholds[self._passed_nights].at <= until:
                self.rankings.add(self.thresholds[self._passed_nights].thresholds)
                self._passed_nights += 1
            return
        if not self.update.engine.attributes.ranked or not self.events:
            return
        if self._night is None:
            self._night = self.now // DAY * DAY + _NIGHT
        while self._night <= until:
            if self._night >= self.now:
                self._write()
                self.now = self._night
                if self.nightly is not None:
                    self.nightly(self._night, standings_of(self.update.engine, self.journal, self.profiles, self.now))
                elif (found := self.rank().thresholds) is not None:
                    self.rankings.add(found)
            self._night += DAY

    def _sweep(self) -> None:
        """The minute's sweep. Where only profiles are due it is a short way to what ``wake_due`` would hand on: all of them,
        the earliest first."""
        waiting = self.journal.next_wake()
        if waiting is not None and waiting <= self.now:
            self.wake()
            return
        due = [
            found
            for bucket in self.profiles.due_buckets(self.now)
            for found in self.profiles.due(bucket, self.now, PAGE)
        ]
        if len(due) >= PAGE:
            self.wake()
            return
        due.sort(key=itemgetter(1))
        self.stream.put([wake_up(id_, self.now) for id_, _ in due])

    def request(self, detail: Mapping[str, Any]) -> None:
        """A marketer's ``FlowRequested``."""
        self.flows({"detail-type": "FlowRequested", "detail": dict(detail), "time": iso(self.now), "id": str(self.now)})
        self._pump()

    def _next_wake(self) -> int | None:
        # Nothing strikes before there is anybody.
        strikes = None if self._begins is None else self._clock_of_flows(self.now).next
        held = None if self._open is None else self._open.wake_at
        earliest = self.profiles.next_wake()
        # A plain loop: asked with each event.
        for wake in (self.journal.next_wake(), strikes, held):
            if wake is not None and (earliest is None or wake < earliest):
                earliest = wake
        return earliest

    def _clock_of_flows(self, now: int) -> Clockwork:
        """As the campaigns have it that decide now; of others it begins when they do."""
        if self._clockwork is None or self._clockwork.campaigns is not self.campaigns:
            self._clockwork = Clockwork(self.campaigns, now)
        return self._clockwork

    def _written(self, profile: Profile) -> None:
        if profile.changes:
            self._images.append(ProfileImage(profile.id, profile.version, list(profile.changes)))

    def _update(self, told: bytes | Event) -> str | None:
        """Folds a record. Returns the profile that its event is of."""
        self._sequence += 1
        sequence = str(self._sequence)
        item = (
            StreamItem(sequence, told, self.now)
            if isinstance(told, bytes)
            else StreamItem(sequence, b"", self.now, told)
        )
        if self._open is not None:
            return self._open.fold(item)
        result = self.update([item], batch=item.sequence)
        self.counts.update(result.counts)
        return result.owners.get(item.sequence)

    def _pump(self) -> None:
        """Hands everything on until all queues are empty."""
        while True:
            for record in self.stream.take():
                self._update(record.data)
            self._write()
            images, self._images = self._images, []
            if images:
                self._tell(images)
            told = self.bus.take()
            for event in told:
                self._flow(event)
            for message in self.inbox.take():
                self.flows(message)
            for request in self.outbox.take():
                decision = self.send(request)
                if decision.entry is not None:
                    again = decision.status == "duplicate"
                    self.telling.decided(request.profile_id, decision.entry, self.now, self.watch, again=again)
                if not self.keep_mails:
                    self.mailer.sent.clear()
            if called := self.calls.take():
                self.counts["calls"] += len(called)
                self.telling.calls(called)
            if not (told or images or self._images or self.stream.items or self.inbox.items or self.outbox.items):
                return

    def _write(self) -> bool:
        """Writes people who are held; whether there was anybody."""
        return self._open is not None and self._open.write()

    def _tell(self, images: list[ProfileImage]) -> None:
        self.publish(images)
        self.telling.changes(images)

    def _tidy(self) -> None:
        """Forgets what the tables would have forgotten by now."""
        self._write()
        self._tidied = self.now
        self.journal.forget(self.now)
        self.profiles.forget_carts(self.now - _CARTS_KEPT)
        self.telling.tidy()

    def refuse(self, line: QuarantineLine) -> None:
        """Notes a line that is no event."""
        self.telling.refuse(line)

    def _flow(self, event: BusEvent) -> None:
        if event.detail_type in self._wanted:
            self.flows({"detail-type": event.detail_type, "detail": event.detail})

    def close(self, until: int | None = None) -> None:
        """Lets time pass until then and tells the ``sink`` what is left: sends that still wait, and the people."""
        if until is not None:
            self.pass_time(until)
            self.now = max(self.now, until)
        if self.sink is not None:
            self._tidy()
            self.telling.close(self.sink)

    def figures(self) -> Figures:
        """What it comes to in numbers; to be asked once, at the end."""
        return self.telling.figures(self.campaigns, self.events, self._begins, self.now)

    def outputs(self) -> Outputs:
        """The same lines as the local host's."""
        return self.telling.outputs()
