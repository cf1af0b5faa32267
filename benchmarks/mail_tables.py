"""What became of every send, and why it waited, as tables."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from benchmarks.mail_story import FLOWS
from benchmarks.measure import Table, number


class Send(NamedTuple):
    """The last word on a send. ``waited``: why it was put off before, each time; instants are microseconds."""

    profile_id: str
    flow: str
    template: str
    variant: str
    status: str
    reason: str
    sent_at: int
    waited: list[str]

    @property
    def decision(self) -> tuple[str, ...]:
        """All of it but the seconds that streams take to carry it."""
        return self.profile_id, self.flow, self.template, self.variant, self.status, self.reason

    @property
    def outcome(self) -> str:
        """A row of the distribution."""
        if self.status == "sent":
            return "sent after waiting" if self.waited else "sent at once"
        return f"{self.status}: {self.reason.partition(':')[0]}"


Sends = Mapping[str, Send]


def distribution(sends: Sends, notes: list[str]) -> Table:
    """Status and reason of all sends, by flow."""
    flows = [flow["name"] for flow in FLOWS]
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for send in sends.values():
        counted[send.outcome][send.flow] += 1
    ordered = sorted(counted.items(), key=lambda item: (not item[0].startswith("sent"), -item[1].total(), item[0]))
    rows = [
        [what, *(number(by[flow]) for flow in flows), number(by.total()), f"{by.total() / len(sends):.1%}"]
        for what, by in ordered
    ]
    whole = Counter(send.flow for send in sends.values())
    rows.append(["decided", *(number(whole[flow]) for flow in flows), number(len(sends)), "100.0%"])
    columns = ("outcome", *(f"{flow['name']} ({flow.get('priority', 0)})" for flow in FLOWS), "all", "share")
    return Table("What became of every send", columns, rows, [*notes, "Flows with their priority."])


def waits(sends: Sends) -> Table:
    """Why sends waited, and how many of them went in the end."""
    waited: Counter[str] = Counter()
    went: Counter[str] = Counter()
    for send in sends.values():
        for reason in set(send.waited):
            waited[reason] += 1
            went[reason] += send.status == "sent"
    rows = [
        [reason, number(count), number(went[reason]), f"{went[reason] / count:.1%}"]
        for reason, count in sorted(waited.items(), key=lambda item: (-item[1], item[0]))
    ]
    columns = ("reason", "sends", "sent in the end", "share")
    return Table("Why sends waited", columns, rows, ["A send may wait for several reasons."])
