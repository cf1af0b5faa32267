"""A plan for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from homing.local.plans import tables
from homing.local.plans.plan import Plan, told_day
from homing.local.plans.tables import Table
from homing.local.report.text import count


def text(plan: Plan) -> str:
    """All of it."""
    return "\n".join(_lines(plan))


def _lines(plan: Plan) -> Iterator[str]:
    yield f"Plan {plan.old} → {plan.new}"
    yield tables.headline(plan)
    if plan.history is not None:
        begins, until, events, people = plan.history
        who = f"{count(events, 'event')} of {count(people, 'person', 'people')}"
        yield f"History: {who}, {told_day(begins)} to {told_day(until)}."
    if plan.refused.words:
        yield plan.refused.words
    if plan.notes:
        yield ""
        yield f"Needs a look ({len(plan.notes)}):"
        for note in plan.notes:
            yield f"  ! {note.words}"
    for table in (
        tables.changed(plan),
        tables.segments(plan),
        tables.messages(plan),
        tables.pressure(plan),
        tables.runs(plan),
    ):
        if table.rows:
            yield ""
            yield from _table(table)
    if told := tables.who(plan):
        yield ""
        yield "Who"
        yield from (f"  {line}" for line in told)
    if plan.changes and not plan.notes:
        yield ""
        yield "Nothing needs a look."


def _table(table: Table) -> Iterator[str]:
    yield table.title
    rows = [list(table.head), *(list(row) for row in table.rows)]
    widths = [max(len(row[index]) for row in rows) for index in range(len(table.head))]
    for row in rows:
        cells = [
            cell.ljust(width) if index == 0 or table.words else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield f"  {'  '.join(cells)}".rstrip()
    if table.note:
        yield f"  {table.note}"
