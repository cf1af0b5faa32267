"""The stage that stories are played on: the backtest, with somebody who writes down all that happens.

Beside what a backtest does, mails are delivered, people react to them and use their links, everything may stand still for
a while, and other flows may be deployed on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import Any

from homing.domain.campaigns import Campaigns
from homing.domain.codes.minting import Mint
from homing.domain.content.render import Renderer
from homing.domain.delivery.ledger import Entry
from homing.domain.delivery.message import Mail
from homing.domain.events.event import Event
from homing.domain.flows.engine import TriggerEvent
from homing.domain.flows.language import detail_types
from homing.domain.time import iso
from homing.local.backtest import Backtest
from homing.services.codes import Codes
from homing.services.http import HttpRequest, HttpResponse
from homing.services.manage_preferences import ManagePreferences
from homing.services.publish_changes import ProfileImage
from homing.services.record_engagement import RecordEngagement
from homing.services.run_flows import RunFlows, RunResult


@dataclass(slots=True)
class Mailed:
    """A mail that left. ``told``: an expectation had it."""

    at: int
    profile_id: str
    entry: Entry
    mail: Mail
    told: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """Something that happened. ``kind``: deed, segment, trigger, run, mail, decision, note, held or broken. ``who``: the
    name of a person, or else ``profile_id`` says whose it is."""

    at: int
    kind: str
    what: Any
    profile_id: str = ""
    who: str = ""


@dataclass(frozen=True)
class _Heard(RunFlows):
    """Tells what became of each trigger in each flow, and after each message that runs may have gone on."""

    heard: Callable[[TriggerEvent, Mapping[str, str]], None] | None = None
    moved: Callable[[], None] | None = None

    def __call__(self, message: Mapping[str, Any]) -> RunResult:
        result = super().__call__(message)
        if self.moved is not None:
            self.moved()
        return result

    def trigger(self, trigger: TriggerEvent, counts: dict[str, int]) -> dict[str, str]:
        """As it is, told."""
        became = super().trigger(trigger, counts)
        if self.heard is not None:
            self.heard(trigger, became)
        return became


@dataclass
class Stage(Backtest):
    """See the module. ``log`` is all that happened, in order; ``mails`` what left; ``decided`` what was decided last about
    each send, with the instant and the profile."""

    log: list[Line] = field(default_factory=list)
    mails: list[Mailed] = field(default_factory=list)
    decided: dict[str, tuple[int, str, Entry]] = field(default_factory=dict)
    # What waits for the end of an outage, while there is one.
    held: list[Callable[[], None]] | None = None
    _traced: dict[str, int] = field(default_factory=dict)
    _deployments: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        ports = {one.name: getattr(self.flows, one.name) for one in fields(self.flows) if one.init}
        self.flows = _Heard(**ports, heard=self._triggered, moved=self._trace)
        self.watch = self._decide

    # What people and the shop do.

    def say(self, event: Event) -> None:
        """An event arrives now."""
        self._do(partial(self.run, [event]))

    def react(self, sent: Mailed, kind: str, **more: Any) -> None:
        """SES tells what became of a mail: ``Open``, ``Click``, ``Bounce``, ``Complaint``."""
        from homing.local.mail import event_detail

        detail = event_detail(_as_sent(sent), kind, self.now, **more)
        record = RecordEngagement(self.stream, self.identity, self.profiles, self.journal, self.clock)

        def told() -> None:
            record({"detail": detail})
            self._pump()

        self._do(told)

    def visit(self, method: str, page: str, token: str, body: bytes = b"") -> HttpResponse:
        """A page of ``manage_preferences``, which answers also while nothing else works."""
        pages = ManagePreferences(
            self.campaigns, self.identity, self.profiles, self.stream, self.send.links, self.clock
        )
        answer = pages(HttpRequest(method, f"/{page}", query={"t": token}, body=body))
        self._do(self._pump)
        return answer

    def ask(self, detail_type: str, detail: Mapping[str, Any], id: str) -> None:
        """A marketer puts an event on the bus."""
        envelope = {"detail-type": detail_type, "detail": dict(detail), "time": iso(self.now), "id": id}

        def asked() -> None:
            self.inbox.put([envelope])
            self._pump()

        self._do(asked)

    def _do(self, act: Callable[[], None]) -> None:
        if self.held is None:
            act()
        else:
            self.held.append(act)

    # Time

    def let_pass(self, until: int) -> None:
        """Time passes, with all that falls due, or nothing during an outage."""
        if self.held is None:
            self.pass_time(until)
        self.now = max(self.now, until)

    def stop_working(self) -> None:
        """From now on whatever comes in is only kept."""
        self.held = []

    def go_on(self) -> None:
        """All that was kept is worked off in order, then what fell due meanwhile."""
        held, self.held = self.held or [], None
        for act in held:
            act()
        self.pass_time(self.now)

    def deploy(self, campaigns: Campaigns) -> None:
        """Other campaigns decide from now on; nothing that a function remembered survives."""
        self._deployments += 1
        changed = campaigns.model_copy(update={"revision": f"{campaigns.revision}+{self._deployments}"})
        self.campaigns = changed
        self.update = replace(self.update, campaigns=changed)
        self.flows = replace(self.flows, campaigns=changed)
        self.send = replace(
            self.send, campaigns=changed, engine=self.update.engine, renderer=Renderer(changed),
            codes=Codes(changed, self.codes, Mint(self.secret)),
        )  # fmt: skip
        self.rank = replace(self.rank, engine=self.update.engine)
        self._wanted = detail_types(changed.flows.values())

    # What happens

    def _pump(self) -> None:
        """A mail that left has been sent and delivered by the time anybody looks."""
        begun = len(self.mails)
        super()._pump()
        while new := self.mails[begun:]:
            begun = len(self.mails)
            for sent in new:
                self.react(sent, "Send")
                self.react(sent, "Delivery")

    def _tell(self, images: list[ProfileImage]) -> None:
        begun = len(self.telling.transitions)
        super()._tell(images)
        for line in self.telling.transitions[begun:]:
            self.log.append(Line(self.now, "segment", line, line.profile_id))

    def _decide(self, now: int, profile_id: str, entry: Entry) -> None:
        self.decided[entry.send_id] = (now, profile_id, entry)
        if entry.status == "sent":
            mail = next(one.mail for one in reversed(self.mailer.sent) if one.mail.tags["homing_send"] == entry.send_id)
            sent = Mailed(now, profile_id, entry, mail)
            self.mails.append(sent)
            self.log.append(Line(now, "mail", sent, profile_id))
        elif entry.reason != "merged":
            self.log.append(Line(now, "decision", entry, profile_id))

    def _triggered(self, trigger: TriggerEvent, became: Mapping[str, str]) -> None:
        for flow, word in became.items():
            if word != "started":
                self.log.append(Line(self.now, "trigger", (self._cause(flow), flow, word), trigger.profile_id))

    def _cause(self, name: str) -> str:
        """What starts a flow."""
        flow = self.campaigns.flows.get(name)
        return "" if flow is None else flow.on.did or flow.on.kind.replace("_", " ")

    def _trace(self) -> None:
        for run in self.journal.runs():
            known = self._traced.get(run.id)
            if known is None:
                self.log.append(
                    Line(self.now, "run", (run, {"did": "begin", "why": self._cause(run.flow)}), run.profile_id)
                )
            for note in run.trace[known or 0 :]:
                self.log.append(Line(self.now, "run", (run, note), run.profile_id))
            self._traced[run.id] = len(run.trace)


def _as_sent(sent: Mailed) -> Any:
    """As the local host's SES keeps it, which knows what its events look like."""
    from homing.local.mail import SentMail

    mail = sent.mail
    return SentMail(
        message_id=sent.entry.provider_id, sent_at=sent.at, sender=mail.sender, recipient=mail.recipient,
        reply_to=(mail.reply_to,) if mail.reply_to else (), subject=mail.subject, html=mail.html, text=mail.text,
        headers=mail.headers, tags=mail.tags, configuration_set="",
    )  # fmt: skip
