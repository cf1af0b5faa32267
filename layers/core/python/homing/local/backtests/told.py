"""What is told of a backtest: its lines, kept to be asked for or handed on as they come, and what they come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from homing.adapters.memory import MemoryCodes, MemoryJournal, MemoryMailer, MemoryProfiles, MemoryQuarantine
from homing.domain.campaigns import Campaigns
from homing.domain.delivery.ledger import Entry
from homing.domain.flows.effects import CallRequest
from homing.domain.flows.run import Run
from homing.domain.profiles.profile import Profile
from homing.domain.time import zone
from homing.local import decisions
from homing.local.backtests.steps import StepCounting
from homing.local.backtests.streams import Sink
from homing.local.counting import Counting
from homing.local.figures import Figures, FlowFigures, Shop
from homing.local.flows.counting import of_runs
from homing.local.outputs import CallLine, Outputs, QuarantineLine, Transition
from homing.local.refusals import Refusals
from homing.services.ports import Rejected
from homing.services.publish_changes import MERGED, ProfileImage
from homing.services.resolve import trail

# Is told of every decision about a send: when, about whom, and what stands in the ledger.
Watch = Callable[[int, str, Entry], None]


@dataclass
class Told:
    """With a ``sink``, everything that :meth:`outputs` would give goes there as it comes and nothing is kept; mails only
    where ``keep_mails``."""

    campaigns: Campaigns
    profiles: MemoryProfiles
    journal: MemoryJournal
    mailer: MemoryMailer
    quarantine: MemoryQuarantine
    codes: MemoryCodes
    sink: Sink | None
    keep_mails: bool
    transitions: list[Transition] = field(default_factory=list)
    refused: list[QuarantineLine] = field(default_factory=list)
    # Calls of webhooks that were asked for: how many of each, and what they are about, kept where mails are.
    webhooks: Counter[str] = field(default_factory=Counter)
    called: list[CallLine] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.counting = Counting(zone(self.campaigns.settings.time_zone))
        # Ledgers forget after a while; a backtest over years does not.
        self._decided: dict[str, tuple[str, Entry]] = {}
        # With a sink: sends that wait, and what runs did.
        self._undecided: dict[str, tuple[str, Entry]] = {}
        self._steps = StepCounting(self.campaigns)
        self._quarantined = 0
        self._left_out = Refusals()

    def changes(self, images: Iterable[ProfileImage]) -> None:
        """What became true of people."""
        for image in images:
            profile = self.profiles.read([image.id]).get(image.id)
            user_id = decisions.user_id_of(profile if isinstance(profile, Profile) else None)
            for change in image.changes:
                line = decisions.transition(image.id, user_id, change)
                if line is not None:
                    (self.transitions.append if self.sink is None else self.sink.transition)(line)
                    self.counting.transition(line)
                if change.kind == MERGED:
                    self.counting.merged(image.id, change.name)

    def decided(self, profile_id: str, entry: Entry, now: int, watch: Watch | None, *, again: bool) -> None:
        """What became of a send; ``again`` when it had been decided before."""
        if self.sink is None:
            self._decided[entry.send_id] = (profile_id, entry)
        if again:
            return
        run = self.journal.load_run(entry.run_id)
        owner = trail(self.profiles, profile_id)[0][-1]
        self.counting.decided(owner, entry, run.triggered_at if run else None, now)
        if self.sink is not None:
            self._settled(self.sink, profile_id, entry, run)
        if watch is not None:
            watch(now, profile_id, entry)

    def _settled(self, sink: Sink, profile_id: str, entry: Entry, run: Run | None) -> None:
        """Tells of a send that is decided for good; others wait."""
        if entry.status == "deferred":
            self._undecided[entry.send_id] = (profile_id, entry)
            return
        self._undecided.pop(entry.send_id, None)
        self._steps.decided(entry.send_id, entry.status)
        sent = self.mailer.sent[-1].mail if entry.status == "sent" and self.keep_mails else None
        self.mailer.sent.clear()
        sink.message(decisions.message(profile_id, entry, run, sent))

    def calls(self, called: list[CallRequest]) -> None:
        """Nobody is called: what would have been asked of other systems is only counted."""
        self.webhooks.update(request.webhook for request in called)
        if self.sink is not None:
            for request in called:
                self.sink.call(decisions.call_line(request))
        elif self.keep_mails:
            self.called += [decisions.call_line(request) for request in called]

    def passed(self, before: Run | None, after: Run) -> None:
        """What a run did."""
        self._steps.told(before, after)

    def refuse(self, line: QuarantineLine) -> None:
        """A line that is no event."""
        self._quarantined += 1
        self._left_out.add(line)
        (self.refused.append if self.sink is None else self.sink.quarantined)(line)

    def tidy(self) -> None:
        """What was put into quarantine is told, and forgotten."""
        for bad in self.quarantine.records:
            self.refuse(_quarantine_line(bad))
        self.quarantine.records.clear()

    def close(self, sink: Sink) -> None:
        """What is left at the end: sends that still wait, and the people."""
        self.tidy()
        for send_id, (profile_id, entry) in self._undecided.items():
            self._steps.decided(send_id, entry.status)
            sink.message(decisions.message(profile_id, entry, self.journal.load_run(entry.run_id), None))
        self._undecided = {}
        for profile in self.profiles.each():
            sink.profile(decisions.profile_line(profile))
            for merged in profile.merged:
                sink.alias(merged, profile.id)

    def statuses(self) -> dict[str, str]:
        """What became of each send so far, by its id."""
        return {send_id: entry.status for send_id, (_, entry) in self._decided.items()}

    def figures(self, campaigns: Campaigns, events: int, begins: int | None, now: int) -> Figures:
        """What it comes to in numbers; to be asked once, at the end."""
        counting = self.counting
        for profile in self.profiles.each():
            counting.members(profile.named_segments)
        for code in campaigns.codes.values():
            granted = [grant.expires for grant in self.codes.grants(code.name) if grant.holders and grant.text]
            counting.grants(code, granted, now)
        found = counting.figures()
        found.events, found.begins, found.until = events, begins, now
        found.quarantined = self._quarantined + len(self.quarantine.records)
        found.refused = self._left_out
        found.calls = Counter(dict(sorted(self.webhooks.items())))
        found.shop = Shop.of(campaigns)
        of_steps = self._steps.numbers
        if self.sink is None:
            of_steps = of_runs(campaigns, self.journal.runs(), self.statuses())
        for name, numbers in of_steps.items():
            if numbers.runs or numbers.others:
                found.flows.setdefault(name, FlowFigures()).runs = numbers
        return found

    def outputs(self) -> Outputs:
        """The same lines as the local host's."""
        mails = {sent.mail.tags["homing_send"]: sent.mail for sent in self.mailer.sent}
        return Outputs(
            messages=decisions.messages({run.id: run for run in self.journal.runs()}, self._decided.values(), mails),
            transitions=sorted(self.transitions, key=lambda line: (line.at, line.profile_id, line.segment)),
            profiles=[decisions.profile_line(profile) for profile in self.profiles.each()],
            quarantine=[*map(_quarantine_line, self.quarantine.records), *self.refused],
            calls=self.called,
        )


def _quarantine_line(bad: Rejected) -> QuarantineLine:
    return QuarantineLine(
        at=bad.at, source=bad.source, code=bad.code, reason=bad.reason, where=bad.where,
        raw=bad.raw.decode(errors="replace"),
    )  # fmt: skip
