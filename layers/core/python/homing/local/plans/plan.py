"""A plan: what changes, what it would have meant in history, what comes in the next days, and what needs a look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from decimal import Decimal
from typing import Any

from homing.domain.campaigns import Campaigns
from homing.domain.content.new_memory import NewMemory, new_memory
from homing.domain.time import to_datetime
from homing.local.backtests.parts import capped, liability
from homing.local.figures import AfterPurchase, FlowFigures
from homing.local.plans.changes import Change, changes
from homing.local.plans.played import Side
from homing.local.plans.runs import Fate, OnTheWay
from homing.local.refusals import Refusals, Refused
from homing.local.report.text import count, humanise, money

# So many profile ids tell who enters or leaves a segment.
SAMPLE = 5
# Fewer mails than this in the days to come are no flood, whatever they were before.
_FEW = 10


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """Members at the end of history; ``gained`` and ``lost``: a sample of profile ids, and how many there are; ``growth``:
    in the last so many days, before and after; ``live``: members now, by the index (``about``: estimated from a sample)."""

    name: str
    before: int
    after: int
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    gains: int = 0
    losses: int = 0
    growth: tuple[int, int] = (0, 0)
    live: int | None = None
    about: bool = False


@dataclass(frozen=True, slots=True)
class FlowRow:
    """Mails of one flow: in history; that come due in the next days with nothing else happening; at the pace of the last
    weeks in as many days; and within 24 hours after an order. Each before and after."""

    name: str
    history: tuple[int, int]
    due: tuple[int, int]
    pace: tuple[float, float]
    after_purchase: tuple[int, int]
    examples: tuple[AfterPurchase, ...] = ()


@dataclass(frozen=True, slots=True)
class CodeRow:
    """Codes of one file in history, before and after; ``cost`` None where the file does not say what one costs."""

    name: str
    granted: tuple[int, int]
    cost: tuple[Decimal | None, Decimal | None]


@dataclass(frozen=True, slots=True)
class Note:
    """Something that needs a look."""

    code: str
    words: str


@dataclass(slots=True)
class Plan:
    """See the module. ``history``: first and last instant, events, people; None without any."""

    new: str
    old: str
    days: int
    changes: list[Change]
    lacking: list[NewMemory]
    currency: str = "EUR"
    history: tuple[int, int, int, int] | None = None
    # Lines of the history that were left out.
    refused: Refusals = field(default_factory=Refusals)
    paced: int = 0
    segments: list[SegmentRow] = field(default_factory=list)
    flows: list[FlowRow] = field(default_factory=list)
    codes: list[CodeRow] = field(default_factory=list)
    # Decisions that met a cap, those given up for it, people who had to wait; each before and after.
    capped: tuple[int, int] = (0, 0)
    expired: tuple[int, int] = (0, 0)
    capped_people: tuple[int, int] = (0, 0)
    liability: tuple[Decimal, Decimal] = (Decimal(0), Decimal(0))
    runs: list[OnTheWay] = field(default_factory=list)
    # What is live: the stage, how many waiting runs were looked at, and whether there are more.
    stage: str = ""
    looked_at: int = 0
    more_runs: bool = False
    notes: list[Note] = field(default_factory=list)

    @property
    def due(self) -> tuple[int, int]:
        """Mails that come due by themselves, of all flows."""
        return sum(row.due[0] for row in self.flows), sum(row.due[1] for row in self.flows)

    @property
    def pace(self) -> tuple[float, float]:
        """Mails in as many days at the pace of the last weeks, of all flows."""
        return sum(row.pace[0] for row in self.flows), sum(row.pace[1] for row in self.flows)

    @property
    def after_purchase(self) -> tuple[int, int]:
        """Mails within 24 hours after an order in history."""
        return sum(row.after_purchase[0] for row in self.flows), sum(row.after_purchase[1] for row in self.flows)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, amounts as decimal texts."""
        told: dict[str, Any] = _plain(self)
        told |= {
            "due": list(self.due),
            "pace": [round(one, 1) for one in self.pace],
            "after_purchase": list(self.after_purchase),
        }
        return told


def compare(new: Campaigns, old: Campaigns, days: int) -> Plan:
    """Without any history: what changes, and what it asks for that nobody remembers."""
    return Plan(new.revision, old.revision, days, changes(new, old), list(new_memory(new, old)), new.settings.currency)


def add_history(plan: Plan, before: Side, after: Side, runs: Sequence[OnTheWay]) -> None:
    """What both campaigns would have done, and what comes."""
    figures = after.figures
    if figures.begins is not None and figures.until is not None:
        plan.history = figures.begins, figures.until, figures.events, figures.profiles
    plan.paced = after.paced
    plan.segments = [
        row for name in sorted(before.members.keys() | after.members.keys()) if (row := _segment(name, before, after, plan.days))
    ]  # fmt: skip
    names = {*before.figures.flows, *after.figures.flows, *before.coming, *after.coming}
    rows = [_flow(name, before, after, plan.days) for name in sorted(names)]
    plan.flows = [row for row in rows if any((*row.history, *row.due))]
    codes = sorted(before.figures.codes.keys() | after.figures.codes.keys())
    plan.codes = [_code(name, before, after) for name in codes]
    plan.capped = capped(before.figures), capped(figures)
    plan.expired = tuple(sum(day.expired for day in one.figures.days.values()) for one in (before, after))  # type: ignore[assignment]
    plan.capped_people = before.capped, after.capped
    plan.liability = liability(before.figures), liability(figures)
    plan.runs = list(runs)


def judge(plan: Plan, max_liability: Decimal | None) -> None:
    """Fills in what needs a look."""
    plan.notes = [*_notes(plan, max_liability)]


def _notes(plan: Plan, max_liability: Decimal | None) -> Iterable[Note]:
    for row in plan.flows:
        if row.after_purchase[1] > row.after_purchase[0]:
            yield Note(
                "after_purchase",
                f"{humanise(row.name)} would mail {count(row.after_purchase[1], 'time')} within 24 hours after an order"
                f" (before: {row.after_purchase[0]:,})",
            )
    for what, (was, now) in (("come due", plan.due), ("are to be expected at the recent pace", plan.pace)):
        if now > 2 * was and now >= _FEW:
            yield Note(
                "more_than_double",
                f"{now:,.0f} mails {what} in the next {count(plan.days, 'day')} instead of {was:,.0f}",
            )
            break
    # Versions of a flow whose runs end for the same reason are one matter.
    ending: Counter[tuple[str, str]] = Counter()
    for run in plan.runs:
        if run.ending:
            ending[run.flow, advice(run)] += run.ending
    for (flow, why), number in ending.items():
        yield Note(
            "runs_end", f"{count(number, 'run')} of {humanise(flow)} on the way would end with the deployment: {why}"
        )
    if plan.expired[1] > plan.expired[0]:
        yield Note(
            "caps",
            f"{count(plan.expired[1], 'mail')} would be given up for lack of room under a cap (before: {plan.expired[0]:,})",
        )
    if max_liability is not None and plan.liability[1] > max_liability:
        held, limit = (money(amount, plan.currency) for amount in (plan.liability[1], max_liability))
        yield Note("liability", f"the codes that history would have granted could cost {held}, which is over {limit}")
    for lacking in plan.lacking:
        yield Note(
            "new_memory",
            f"{lacking.file} asks for {lacking.what}: it counts from deployment on; `homing rebuild` afterwards makes it whole",
        )


_FATES: dict[Fate, str] = {
    "finish": "finish on their own version", "move": "move to the new version", "end": "end (flow_changed)",
    "removed": "end when they wake (flow_removed)", "not_remembered": "end (flow_changed, not_remembered)",
}  # fmt: skip


def outcome(run: OnTheWay) -> str:
    """What becomes of runs of a version: ``12 finish on their own version, 3 end (flow_changed)``."""
    told = [(run.fates[fate], words) for fate, words in _FATES.items() if run.fates[fate]]
    if run.lacking and run.fates["move"]:
        told = [(number, f"{words} (their own asks for {run.lacking})") for number, words in told]
    return told[0][1] if len(told) == 1 else ", ".join(f"{number:,} {words}" for number, words in told)


def advice(run: OnTheWay) -> str:
    """Why runs of a version end, and what to do if they should not."""
    told = []
    if run.fates["removed"]:
        told.append("the flow is gone; to let them finish, keep it until then, with an `only_if` that nobody meets")
    if run.fates["not_remembered"]:
        told.append(
            f"a condition of their version asks for {run.lacking}, and nobody would remember it any more; keep a segment that"
            " asks for it until they are done, or say `when_changed: move`"
        )
    if run.fates["end"]:
        told.append(
            "the new version has no step for them; give the step the same `id` in both, or say `when_changed: finish`"
        )
    return "; ".join(told)


def _segment(name: str, before: Side, after: Side, days: int) -> SegmentRow | None:
    was, now = before.members.get(name, set()), after.members.get(name, set())
    if not was and not now:
        return None
    gained, lost = sorted(now - was), sorted(was - now)
    growth = before.grown(name, days), after.grown(name, days)
    return SegmentRow(
        name, len(was), len(now), tuple(gained[:SAMPLE]), tuple(lost[:SAMPLE]), len(gained), len(lost), growth
    )


def _flow(name: str, before: Side, after: Side, days: int) -> FlowRow:
    was, now = (side.figures.flows.get(name, FlowFigures()) for side in (before, after))
    return FlowRow(
        name,
        (was.sent, now.sent),
        (before.coming[name], after.coming[name]),
        (before.pace(name, days), after.pace(name, days)),
        (was.after_purchase, now.after_purchase),
        tuple(now.examples[:3]),
    )


def _code(name: str, before: Side, after: Side) -> CodeRow:
    was, now = (side.figures.codes.get(name) for side in (before, after))
    known = was or now
    nothing = None if known is None or known.value is None else Decimal(0)
    return CodeRow(
        name,
        (was.granted if was else 0, now.granted if now else 0),
        (was.liability if was else nothing, now.liability if now else nothing),
    )


def told_day(instant: int) -> str:
    """``3 March 2026``, in UTC."""
    moment = to_datetime(instant)
    return f"{moment.day} {moment:%B %Y}"


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, NewMemory | AfterPurchase | Refused):
        return _plain(value._asdict())
    if isinstance(value, Mapping):
        return {str(key): _plain(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(held) for held in value]
    return str(value) if isinstance(value, Decimal) else value
