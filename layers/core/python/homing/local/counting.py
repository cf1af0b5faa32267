"""Counts a backtest while it runs, decision by decision: :class:`homing.local.figures.Figures` without keeping what happened.

What grows is a few bytes for each person who got a mail or ordered within a day, and what waits to be decided; nothing grows
with the number of events.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from homing.domain.codes.language import DiscountCode
from homing.domain.delivery.ledger import Entry
from homing.domain.time import DAY, HOUR, MINUTE, to_datetime
from homing.local.figures import (
    AFTER_PURCHASE_HOURS,
    EXAMPLES,
    AfterPurchase,
    CodeFigures,
    DayFigures,
    Figures,
    FlowFigures,
    SegmentFigures,
)
from homing.local.outputs import Transition

_AFTER_PURCHASE = AFTER_PURCHASE_HOURS * HOUR
_FINAL = frozenset({"sent", "dropped", "unknown"})
_UTC = ZoneInfo("UTC")


@dataclass(slots=True)
class _Waiting:
    entry: Entry
    capped: bool = False


@dataclass
class Counting:
    """Is told what happens, in order of time; :meth:`figures` is what it comes to, by days of a time zone: the shop's."""

    zone: ZoneInfo = _UTC
    _figures: Figures = field(default_factory=Figures)
    _waiting: dict[str, _Waiting] = field(default_factory=dict)
    # Person → the flows whose mails they got, as bits.
    _reached: dict[str, int] = field(default_factory=dict)
    _flows: list[str] = field(default_factory=list)
    _ordered: dict[str, int] = field(default_factory=dict)
    _orders: deque[tuple[int, str]] = field(default_factory=deque)

    def order(self, profile_id: str, at: int, now: int) -> None:
        """Somebody placed an order."""
        self._forget(now)
        self._ordered[profile_id] = max(at, self._ordered.get(profile_id, at))
        self._orders.append((at, profile_id))

    def merged(self, into: str, other: str) -> None:
        """Two turned out to be one person."""
        if (flows := self._reached.pop(other, 0)) != 0:
            self._reached[into] = self._reached.get(into, 0) | flows
        if (at := self._ordered.pop(other, None)) is not None:
            self._ordered[into] = max(at, self._ordered.get(into, at))
            self._orders.append((at, into))

    def transition(self, line: Transition) -> None:
        """A segment was entered or left."""
        self._figures.transitions += 1
        segment = self._figures.segments.setdefault(line.segment, SegmentFigures())
        day = self._day(line.at)
        if line.change == "entered":
            segment.entered += 1
            segment.moves[day] += 1
        else:
            segment.left += 1
            segment.moves[day] -= 1

    def decided(self, profile_id: str, entry: Entry, triggered_at: int | None, now: int) -> None:
        """A send was decided, perhaps once more after it waited."""
        day = self._figures.days.setdefault(self._day(entry.decided_at), DayFigures())
        held = self._waiting.get(entry.send_id)
        if held is None:
            held = self._waiting[entry.send_id] = _Waiting(entry)
            day.decided += 1
        held.entry = entry
        if not held.capped and entry.reason.startswith("cap"):
            held.capped = True
            day.capped += 1
        if entry.status not in _FINAL:
            return
        if held.capped and entry.status == "dropped" and entry.reason.endswith("expired"):
            day.expired += 1
        del self._waiting[entry.send_id]
        self._settled(entry)
        if entry.status == "sent":
            self._sent(profile_id, entry, triggered_at, now)

    def _settled(self, entry: Entry) -> None:
        decisions = self._flow(entry.flow).decisions
        # What a template complained of follows a colon.
        decisions.setdefault(entry.status, Counter())[entry.reason.partition(":")[0]] += 1

    def _sent(self, profile_id: str, entry: Entry, triggered_at: int | None, now: int) -> None:
        flow = self._flow(entry.flow)
        flow.mails[self._day(entry.sent_at)] += 1
        if triggered_at is not None:
            flow.minutes[max(0, entry.sent_at - triggered_at) // MINUTE] += 1
        self._forget(now)
        bought = self._ordered.get(profile_id)
        if bought is not None and entry.sent_at - _AFTER_PURCHASE < bought <= entry.sent_at:
            flow.after_purchase += 1
            if len(flow.examples) < EXAMPLES or entry.sent_at <= flow.examples[-1].sent_at:
                flow.examples.append(AfterPurchase(entry.sent_at, bought, profile_id, entry.template))
                flow.examples = sorted(flow.examples)[:EXAMPLES]
        if entry.flow not in self._flows:
            self._flows.append(entry.flow)
        bit = 1 << self._flows.index(entry.flow)
        self._reached[profile_id] = self._reached.get(profile_id, 0) | bit

    def _day(self, at: int) -> str:
        return to_datetime(at).astimezone(self.zone).date().isoformat()

    def _flow(self, name: str) -> FlowFigures:
        return self._figures.flows.setdefault(name, FlowFigures())

    def _forget(self, now: int) -> None:
        """Orders of more than a day ago."""
        while self._orders and self._orders[0][0] <= now - DAY:
            at, profile_id = self._orders.popleft()
            if self._ordered.get(profile_id) == at:
                del self._ordered[profile_id]

    def members(self, segments: Iterable[str]) -> None:
        """The segments of one person at the end."""
        self._figures.profiles += 1
        for name in segments:
            self._figures.segments.setdefault(name, SegmentFigures()).members += 1

    def grants(self, code: DiscountCode, expiries: Iterable[int], until: int) -> None:
        """Who holds codes of a file at the end: when each stops being valid."""
        ends = list(expiries)
        if ends:
            still = sum(end > until for end in ends)
            self._figures.codes[code.name] = CodeFigures(len(ends), still, code.value)

    def figures(self) -> Figures:
        """Everything; what still waits counts as deferred. To be asked once, at the end."""
        found = self._figures
        for held in self._waiting.values():
            self._settled(held.entry)
        self._waiting.clear()
        found.people = len(self._reached)
        for index, name in enumerate(self._flows):
            found.flows[name].people = sum(bool(flows >> index & 1) for flows in self._reached.values())
        return found
