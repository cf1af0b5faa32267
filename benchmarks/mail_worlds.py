"""Two stacks to tell the story to: the services in memory (the backtest), and what would be deployed (the local host).

Both hand over every decision that was stored, as it is stored, and all mails that SES took.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from benchmarks.mail_tables import Send
from homing.domain.campaigns import Campaigns
from homing.domain.delivery.ledger import Entry
from homing.domain.delivery.links import Links
from homing.local.backtest import Backtest
from homing.local.host import LocalHost
from homing.local.mail import SentMail, event_detail
from homing.services.http import HttpRequest
from homing.services.manage_preferences import ManagePreferences
from homing.services.record_engagement import RecordEngagement
from homing.sources.segment_spec import read_message

_ONE_CLICK = b"List-Unsubscribe=One-Click"
_FORM = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class Seen:
    """Everything that was decided: the last word on each send, and why it waited before."""

    last: dict[str, tuple[str, Entry]] = field(default_factory=dict)
    waited: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def __call__(self, profile_id: str, entry: Entry) -> None:
        before = self.last.get(entry.send_id)
        self.last[entry.send_id] = profile_id, entry
        asleep = entry.status == "deferred" and not entry.reason.endswith("queued again")
        if asleep and (before is None or before[1].not_before != entry.not_before):
            self.waited[entry.send_id].append("a higher priority" if entry.behind else entry.reason)

    def sends(self) -> dict[str, Send]:
        """All of it, by send id."""
        return {
            send_id: Send(
                profile_id, entry.flow, entry.template, entry.variant, entry.status, entry.reason, entry.sent_at,
                self.waited.get(send_id, []),
            )
            for send_id, (profile_id, entry) in self.last.items()
        }  # fmt: skip


class InMemory:
    """The backtest, and the two services that it does not need: what SES reports, and the unsubscribe link."""

    def __init__(self, campaigns: Campaigns) -> None:
        self.seen = Seen()
        self.mails: list[SentMail] = []
        self.backtest = Backtest(campaigns, watch=self._decided)
        stack = self.backtest
        self._record = RecordEngagement(stack.stream, stack.identity, stack.profiles, stack.journal, stack.clock)
        self._preferences = ManagePreferences(
            campaigns, stack.identity, stack.profiles, stack.stream, Links(stack.secret, ""), stack.clock
        )

    def _decided(self, now: int, profile_id: str, entry: Entry) -> None:
        self.seen(profile_id, entry)
        for sent in self.backtest.mailer.sent:
            mail = sent.mail
            self.mails.append(
                SentMail(
                    f"memory-{len(self.mails)}", now, mail.sender, mail.recipient, (), mail.subject, mail.html, mail.text,
                    mail.headers, mail.tags, "",
                )
            )  # fmt: skip
        self.backtest.mailer.sent.clear()

    def advance_to(self, at: int) -> None:
        self.backtest.pass_time(at)
        self.backtest.now = max(self.backtest.now, at)

    def post(self, message: dict[str, Any]) -> None:
        self.backtest.run([read_message(message, received=self.backtest.now)])

    def request(self, detail: dict[str, Any]) -> None:
        self.backtest.request(detail)

    def unsubscribe(self, url: str) -> None:
        parts = urlsplit(url)
        headers = {"content-type": _FORM}
        request = HttpRequest("POST", parts.path, headers, dict(parse_qsl(parts.query)), _ONE_CLICK)
        assert self._preferences(request).status == 200
        self.backtest._pump()

    def report(self, mail: SentMail, kind: str) -> None:
        self._record({"detail": event_detail(mail, kind, self.backtest.now)})
        self.backtest._pump()


class OnTheStack:
    """The local host: HTTP, streams, functions, queues, bus, schedules and SES of the synthesized template."""

    def __init__(self, host: LocalHost) -> None:
        self.host = host
        self.seen = Seen()
        self.posted = self.requested = 0
        host.decisions.told = self.seen

    @property
    def mails(self) -> list[SentMail]:
        return self.host.mails

    def advance_to(self, at: int) -> None:
        self.host.advance_to(at)

    def post(self, message: dict[str, Any]) -> None:
        self.posted += 1
        headers = {**self.host.authorization(), "content-type": "application/json"}
        response = self.host.http("POST", f"/v1/{message['type']}", headers, json.dumps(message))
        assert response.status == 200, response.body

    def request(self, detail: dict[str, Any]) -> None:
        self.requested += 1
        self.host.put_event("FlowRequested", detail)

    def unsubscribe(self, url: str) -> None:
        parts = urlsplit(url)
        response = self.host.http("POST", f"{parts.path}?{parts.query}", {"content-type": _FORM}, _ONE_CLICK)
        assert response.status == 200, response.body

    def report(self, mail: SentMail, kind: str) -> None:
        self.host.ses_event(mail, kind)
