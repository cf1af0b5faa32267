"""The tables of a plan, the same for a terminal and for a pull request."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from homing.local.plans.changes import touched
from homing.local.plans.plan import Plan, outcome
from homing.local.report.text import count, humanise, money

_KINDS = {"new": "new", "gone": "removed", "changed": "changed"}


class Table(NamedTuple):
    """Rows of texts; the first column is words, the others are numbers unless ``words`` says that all are words."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: bool = False
    note: str = ""


def changed(plan: Plan) -> Table:
    """Which files differ."""
    rows = [
        (_file(change.part, change.name), _KINDS[change.kind], ", ".join(change.what)) for change in plan.changes
    ]  # fmt: skip
    return Table("What changes", ("File", "", "What of it"), rows, words=True)


def segments(plan: Plan) -> Table:
    """Segments with other members, and those whose rule changes where the live ones are known; the others are counted."""
    changed = set(touched(plan.changes, "segments"))
    new = {one.name for one in plan.changes if one.part == "segments" and one.kind == "new"}
    moved = [row for row in plan.segments if row.gains or row.losses or (row.live is not None and row.name in changed)]
    still = len(plan.segments) - len(moved)
    head = ["Segment", "Before", "After", "Enter", "Leave", f"Growth in {count(plan.days, 'day')}"]
    live = any(row.live is not None for row in plan.segments)
    rows: list[list[str]] = []
    for row in moved:
        before = "new" if row.name in new else f"{row.before:,}"
        numbers = [before, *(f"{number:,}" for number in (row.after, row.gains, row.losses))]
        cells = [row.name, *numbers, arrow(*row.growth, signed=True)]
        if plan.history is None:
            cells = [row.name, *("–" for _ in cells[1:])]
        if live:
            cells.append("–" if row.live is None else f"{'≈ ' if row.about else ''}{row.live:,}")
        rows.append(cells)
    if live:
        head.append("Live now")
    note = f"{count(still, 'segment')} {'keeps its' if still == 1 else 'keep their'} members." if still else ""
    return Table("Members at the end of history", head, rows, note=note)


def messages(plan: Plan) -> Table:
    """Mails of each flow in the days to come."""
    rows = [
        (
            row.name,
            arrow(*row.due),
            arrow(round(row.pace[0]), round(row.pace[1])),
            arrow(*row.history),
            arrow(*row.after_purchase),
        )
        for row in plan.flows
    ]
    if len(rows) > 1:
        whole = tuple(sum(row.history[side] for row in plan.flows) for side in (0, 1))
        all_ = (
            "All",
            arrow(*plan.due),
            arrow(round(plan.pace[0]), round(plan.pace[1])),
            arrow(*whole),
            arrow(*plan.after_purchase),
        )
        rows.append(all_)
    head = ("Flow", "Due by themselves", "At the recent pace", "In all of history", "Within 24 h of an order")
    note = (
        "Due by themselves: waits and held-back mails that come due when nothing else happens. At the recent pace: as many as"
        f" in the last {count(plan.paced, 'day')} of history, for as many days."
    )
    return Table(f"Mails in the next {count(plan.days, 'day')}", head, rows, note=note)


def pressure(plan: Plan) -> Table:
    """What caps hold back, and what codes could cost."""
    rows = [
        ("People who had to wait for room under a cap", arrow(*plan.capped_people)),
        ("Mails that met a cap", arrow(*plan.capped)),
        ("Mails given up for it", arrow(*plan.expired)),
    ]
    for code in plan.codes:
        rows.append((f"Codes {code.name}", arrow(*code.granted)))
        rows.append(
            (f"… could cost, if all were used ({code.name})", arrow(*(_cost(one, plan.currency) for one in code.cost)))
        )
    if len(plan.codes) > 1:
        rows.append(("All codes could cost", arrow(*(money(one, plan.currency) for one in plan.liability))))
    return Table("Caps and codes, in all of history", ("", "Before → after"), [row for row in rows if row[1] != "0"])


def runs(plan: Plan) -> Table:
    """Runs of changed flows that are on their way."""
    rows = [(one.flow, one.version or "–", f"{one.runs:,}", outcome(one)) for one in plan.runs]
    if plan.stage:
        some = f"the first {plan.looked_at:,} that wake" if plan.more_runs else f"all {plan.looked_at:,} that wait"
        note = f"Of {plan.stage}, {some}."
    else:
        note = "At the end of history, under the campaigns as they are."
    return Table("Runs on their way", ("Flow", "Version", "Runs", "What becomes of them"), rows, words=True, note=note)


def who(plan: Plan) -> list[str]:
    """Samples of people who enter or leave segments, and of mails after an order."""
    found = []
    for row in plan.segments:
        for word, sample, number in (("enter", row.gained, row.gains), ("leave", row.lost, row.losses)):
            if sample:
                more = f" and {number - len(sample):,} more" if number > len(sample) else ""
                found.append(f"{word} {row.name}: {', '.join(sample)}{more}")
    for flow in plan.flows:
        if flow.after_purchase[1] > flow.after_purchase[0] and flow.examples:
            ids = ", ".join(one.profile_id for one in flow.examples)
            found.append(f"mailed by {flow.name} after an order: {ids}")
    return found


def headline(plan: Plan) -> str:
    """The plan in a sentence."""
    if not plan.changes:
        return "Nothing changes."
    files = count(len(plan.changes), "change")
    if plan.history is None and plan.stage:
        return f"{files}; the archive of {plan.stage} has no events of that time."
    if plan.history is None:
        return f"{files}; without --events or --stage nobody knows what it means for people."
    was, now = (round(one) for one in plan.pace)
    moved = sum(bool(row.gains or row.losses) for row in plan.segments)
    mails = f"{count(now, 'mail')} in {count(plan.days, 'day')} at the recent pace" + (
        f" instead of {was:,}" if was != now else ", as before"
    )
    members = f"; {count(moved, 'segment')} with other members" if moved else ""
    return f"{files}: {mails}{members}."


def arrow(before: object, after: object, *, signed: bool = False) -> str:
    """``12 → 30``; one number where both are the same."""
    texts = [_number(one, signed=signed) for one in (before, after)]
    return texts[0] if texts[0] == texts[1] else " → ".join(texts)


def _number(value: object, *, signed: bool) -> str:
    if isinstance(value, int):
        return f"{value:+,}".replace("-", "−") if signed and value else f"{value:,}"
    return str(value)


def _cost(amount: Decimal | None, currency: str) -> str:
    return "not said" if amount is None else money(amount, currency)


def _file(part: str, name: str) -> str:
    return humanise(name) if part in {"settings", "catalog"} else f"{part}/{name}"
