"""What a backtest comes to, in numbers: the file ``backtest.json``, and what its report page draws.

Counted decision by decision (:mod:`homing.local.counting`), so it does not grow with the number of events, and parts of a
backtest that was split by person add up (:func:`joined`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any, NamedTuple

from homing.domain.campaigns import Campaigns
from homing.domain.content.scores import scored
from homing.domain.flows.passage import FlowNumbers
from homing.local.refusals import Refusals, Refused

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
# A mail so soon after an order of the same person is counted as one after a purchase.
AFTER_PURCHASE_HOURS = 24
# So many mails after a purchase are told one by one, of each flow; and so many differences to other campaigns.
EXAMPLES, FIRST = 5, 60


class AfterPurchase(NamedTuple):
    """A mail soon after an order of the same person; instants."""

    sent_at: int
    ordered_at: int
    profile_id: str
    template: str


@dataclass(slots=True)
class Shop:
    """What the numbers are of. ``flows``: the definitions that were played, so that they can be drawn; ``about``: what
    segments and codes (``segments/vip``) say of themselves; ``scored``: segments that rest on RFM scores."""

    name: str = ""
    currency: str = "EUR"
    time_zone: str = "UTC"
    revision: str = ""
    flows: dict[str, dict[str, Any]] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)
    scored: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, campaigns: Campaigns) -> Shop:
        """Of the campaigns that are played."""
        flows = {
            name: flow.model_dump(mode="json", by_alias=True, exclude_defaults=True)
            for name, flow in campaigns.flows.items()
        }
        about = {f"segments/{name}": one.description for name, one in campaigns.segments.items() if one.description}
        about |= {f"codes/{name}": one.description for name, one in campaigns.codes.items() if one.description}
        settings = campaigns.settings
        return cls(
            settings.brand.name, settings.currency, settings.time_zone, campaigns.revision, flows, about, scored(campaigns)
        )  # fmt: skip


@dataclass(slots=True)
class FlowFigures:
    """One flow. ``mails`` by day (``2026-03-01``, of the shop's zone) of sending; ``decisions`` by status and reason (empty
    where there is none to tell); ``people`` who got at least one mail of it; ``after_purchase``: mails within 24 hours after an
    ``Order Completed`` of the same person, with the first few as ``examples``; ``minutes``: whole minutes from trigger to
    mail → how many mails; ``runs``: what its runs did at each step."""

    mails: Counter[str] = field(default_factory=Counter)
    decisions: dict[str, Counter[str]] = field(default_factory=dict)
    people: int = 0
    after_purchase: int = 0
    minutes: Counter[int] = field(default_factory=Counter)
    examples: list[AfterPurchase] = field(default_factory=list)
    runs: FlowNumbers | None = None

    @property
    def sent(self) -> int:
        """How many mails."""
        return sum(self.mails.values())

    @property
    def decided(self) -> int:
        """How many decisions to send, whatever became of them."""
        return sum(sum(reasons.values()) for reasons in self.decisions.values())

    def quantile(self, share: float) -> int | None:
        """So many whole minutes, or fewer, went by from trigger to mail for that share of the mails; None without any."""
        wanted = share * sum(self.minutes.values())
        seen = 0
        for minutes, count in sorted(self.minutes.items()):
            seen += count
            if seen >= wanted:
                return minutes
        return None


@dataclass(slots=True)
class DayFigures:
    """One day (of the shop's zone), by when sends were decided. ``capped``: decisions that a cap made wait, or expire before
    there was room; ``expired``: those of them that were dropped for it."""

    decided: int = 0
    capped: int = 0
    expired: int = 0

    @property
    def pressure(self) -> float:
        """The share that had to wait, or was dropped, because of caps."""
        return self.capped / self.decided if self.decided else 0.0


@dataclass(slots=True)
class SegmentFigures:
    """One segment: how often it was entered and left, and who is in it at the end; ``moves``: by how many it grew (or
    shrank) on each day."""

    entered: int = 0
    left: int = 0
    members: int = 0
    moves: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class CodeFigures:
    """One file of ``codes/``: codes ``granted``, how many of them are still ``open`` at the end, and what one redeemed code
    costs (None where the file does not say). Nobody redeems what was never sent."""

    granted: int = 0
    open: int = 0
    value: Decimal | None = None

    @property
    def liability(self) -> Decimal | None:
        """What all that were granted would cost."""
        return None if self.value is None else self.value * self.granted


@dataclass(slots=True)
class Differences:
    """Against other campaigns over the same history (*there*), in counts; ``differences.jsonl`` has them person by person.

    ``messages``: flow → kind → count with the kinds ``only_here``, ``only_there``, ``other_time`` and ``other_template``;
    ``transitions``: segment → kind → count with the first three. Only mails that would have been sent count as messages.
    ``new`` and ``gone`` are segments that only one of the two has; who moves through them is no difference.
    ``there``: the figures of the other campaigns. ``first``: lines of ``differences.jsonl``, at most :data:`FIRST`, those about
    mails before those about segments, the earliest first:
    ``{"what": "message", "kind": "only_here", "profile_id", "flow", "template", "at", "there_template", "there_at"}`` (what is
    only in one of the two has only its own half) or ``{"what": "segment", "kind", "profile_id", "segment", "change", "at",
    "there_at"}``, with instants as ISO 8601.
    """

    against: str = ""
    people: int = 0
    mails_here: int = 0
    mails_there: int = 0
    messages: dict[str, Counter[str]] = field(default_factory=dict)
    transitions: dict[str, Counter[str]] = field(default_factory=dict)
    first: list[dict[str, Any]] = field(default_factory=list)
    there: Figures | None = None
    new: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Figures:
    """One backtest. Instants in microseconds since the epoch, days as ``2026-03-01`` in the shop's time zone.

    ``people`` got at least one mail, of whatever flow. ``peak`` is memory in bytes, ``seconds`` by the clock; both are of the
    machine and not of the history, so equal runs differ in them.
    """

    events: int = 0
    begins: int | None = None
    until: int | None = None
    profiles: int = 0
    transitions: int = 0
    people: int = 0
    quarantined: int = 0
    flows: dict[str, FlowFigures] = field(default_factory=dict)
    days: dict[str, DayFigures] = field(default_factory=dict)
    segments: dict[str, SegmentFigures] = field(default_factory=dict)
    codes: dict[str, CodeFigures] = field(default_factory=dict)
    differences: Differences | None = None
    shop: Shop = field(default_factory=Shop)
    # Calls that webhooks would have got, by name; lines of the recording that nobody can read, which are quarantined too.
    calls: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0
    # Lines of the history that were left out: those that nobody can read, and those that the API would have refused.
    refused: Refusals = field(default_factory=Refusals)
    parts: int = 1
    seconds: float = 0.0
    peak: int = 0

    @property
    def after_purchase(self) -> int:
        """Mails within 24 hours after an order of the same person, of all flows."""
        return sum(flow.after_purchase for flow in self.flows.values())

    def decisions(self) -> Counter[str]:
        """By status, of all flows."""
        total: Counter[str] = Counter()
        for flow in self.flows.values():
            total.update({status: sum(reasons.values()) for status, reasons in flow.decisions.items()})
        return total

    def reasons(self) -> Counter[str]:
        """By reason, of all flows, where there is one to tell."""
        total: Counter[str] = Counter()
        for flow in self.flows.values():
            for reasons in flow.decisions.values():
                total.update({reason: count for reason, count in reasons.items() if reason})
        return total

    def to_dict(self) -> dict[str, Any]:
        """As ``backtest.json`` has it: plain JSON types, amounts as decimal texts, with the quantiles worked out."""
        plain: dict[str, Any] = _plain(self)
        for name, flow in self.flows.items():
            plain["flows"][name] |= {
                "sent": flow.sent,
                "minutes_to_mail": {f"{share:g}": flow.quantile(share) for share in QUANTILES},
                "runs": None if flow.runs is None else flow.runs.to_dict(),
            }
        if self.differences is not None and self.differences.there is not None:
            plain["differences"]["there"] = self.differences.there.to_dict()
        return plain

    @classmethod
    def from_dict(cls, held: Mapping[str, Any]) -> Figures:
        """Reads :meth:`to_dict`; what is worked out is worked out anew."""
        flows = {
            name: FlowFigures(
                Counter(one["mails"]), {status: Counter(reasons) for status, reasons in one["decisions"].items()},
                one["people"], one["after_purchase"], Counter({int(at): n for at, n in one["minutes"].items()}),
                [AfterPurchase(*example) for example in one.get("examples", ())],
                FlowNumbers.from_dict(one["runs"]) if one.get("runs") else None,
            )
            for name, one in held["flows"].items()
        }  # fmt: skip
        codes = {
            name: CodeFigures(one["granted"], one["open"], None if one["value"] is None else Decimal(one["value"]))
            for name, one in held["codes"].items()
        }
        found = held.get("differences")
        plain: dict[str, Any] = {name: held[name] for name in _PLAIN if name in held}
        return cls(
            **plain,
            flows=flows,
            codes=codes,
            days={day: DayFigures(**one) for day, one in held["days"].items()},
            segments={
                name: SegmentFigures(one["entered"], one["left"], one["members"], Counter(one.get("moves", {})))
                for name, one in held["segments"].items()
            },
            differences=None if found is None else _differences(found),
            shop=Shop(**held.get("shop", {})),
            calls=Counter(held.get("calls", {})),
            refused=_refused(held.get("refused", {})),
        )


_PLAIN = (
    "events", "begins", "until", "profiles", "transitions", "people", "quarantined", "unreadable", "parts", "seconds",
    "peak",
)  # fmt: skip


def joined(parts: Iterable[Figures]) -> Figures:
    """Of parts that share no person: counts add up; the clock's seconds and the peak are those of the longest and largest."""
    whole = Figures(parts=0)
    for part in parts:
        whole.shop = part.shop
        whole.calls.update(part.calls)
        whole.refused.join(part.refused)
        for name in ("events", "profiles", "transitions", "people", "quarantined", "unreadable", "parts"):
            setattr(whole, name, getattr(whole, name) + getattr(part, name))
        whole.begins = min((at for at in (whole.begins, part.begins) if at is not None), default=None)
        whole.until = max((at for at in (whole.until, part.until) if at is not None), default=None)
        whole.seconds, whole.peak = max(whole.seconds, part.seconds), max(whole.peak, part.peak)
        for name, flow in part.flows.items():
            mine = whole.flows.setdefault(name, FlowFigures())
            mine.mails.update(flow.mails)
            mine.minutes.update(flow.minutes)
            mine.people += flow.people
            mine.after_purchase += flow.after_purchase
            mine.examples = sorted([*mine.examples, *flow.examples])[:EXAMPLES]
            if flow.runs is not None:
                mine.runs = mine.runs or FlowNumbers(flow.runs.flow, flow.runs.version)
                mine.runs.join(flow.runs)
            _add(mine.decisions, flow.decisions)
        for day, one in part.days.items():
            of_day = whole.days.setdefault(day, DayFigures())
            of_day.decided, of_day.capped = of_day.decided + one.decided, of_day.capped + one.capped
            of_day.expired += one.expired
        for name, segment in part.segments.items():
            held = whole.segments.setdefault(name, SegmentFigures())
            held.entered, held.left = held.entered + segment.entered, held.left + segment.left
            held.members += segment.members
            held.moves.update(segment.moves)
        for name, code in part.codes.items():
            granted = whole.codes.setdefault(name, CodeFigures(value=code.value))
            granted.granted, granted.open = granted.granted + code.granted, granted.open + code.open
        if (found := part.differences) is not None:
            all_ = whole.differences = whole.differences or Differences(found.against, new=found.new, gone=found.gone)
            all_.people += found.people
            all_.mails_here, all_.mails_there = all_.mails_here + found.mails_here, all_.mails_there + found.mails_there
            _add(all_.messages, found.messages)
            _add(all_.transitions, found.transitions)
            all_.first = sorted([*all_.first, *found.first], key=order)[:FIRST]
            if found.there is not None:
                all_.there = found.there if all_.there is None else joined([all_.there, found.there])
    return whole


def order(line: Mapping[str, Any]) -> tuple[bool, str, str]:
    """Of lines of ``differences.jsonl``, which are told first: mails, then segments, each in order of time."""
    return (
        line.get("what") != "message",
        str(line.get("at") or line.get("there_at") or ""),
        str(line.get("profile_id", "")),
    )


def _add(into: dict[str, Counter[str]], more: Mapping[str, Counter[str]]) -> None:
    for name, counts in more.items():
        into.setdefault(name, Counter()).update(counts)


def _differences(found: Mapping[str, Any]) -> Differences:
    messages, transitions = (
        {key: Counter(counts) for key, counts in found[name].items()} for name in ("messages", "transitions")
    )
    there = None if found.get("there") is None else Figures.from_dict(found["there"])
    return Differences(
        found["against"], found["people"], found["mails_here"], found["mails_there"], messages, transitions,
        list(found.get("first", ())), there, list(found.get("new", ())), list(found.get("gone", ())),
    )  # fmt: skip


def _refused(found: Mapping[str, Any]) -> Refusals:
    return Refusals(found.get("number", 0), [Refused(*one) for one in found.get("first", ())])


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(held) for key, held in sorted(value.items())}
    if isinstance(value, list | tuple):
        return [_plain(held) for held in value]
    return str(value) if isinstance(value, Decimal) else value
