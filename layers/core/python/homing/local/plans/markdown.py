"""A plan as the comment of a pull request: what needs a look first, one table, the rest folded."""

from __future__ import annotations

from collections.abc import Iterator

from homing.local.plans import tables
from homing.local.plans.plan import Plan, told_day
from homing.local.plans.tables import Table
from homing.local.report.text import count

# By this a job finds the comment that it wrote before.
MARK = "<!-- homing plan -->"


def markdown(plan: Plan) -> str:
    """The whole comment."""
    return "\n".join(_lines(plan))


def _lines(plan: Plan) -> Iterator[str]:
    yield MARK
    yield "### Homing plan"
    yield ""
    yield tables.headline(plan)
    yield ""
    if plan.notes:
        yield f"**{count(len(plan.notes), 'thing needs', 'things need')} a look**"
        yield ""
        yield from (f"- ⚠️ {_cell(note.words[:1].upper() + note.words[1:])}" for note in plan.notes)
        yield ""
    elif plan.changes:
        yield "✅ Nothing needs a look."
        yield ""
    mails, members = tables.messages(plan), tables.segments(plan)
    if mails.rows:
        yield from _titled(mails)
    if members.rows:
        yield from _titled(members)
    for table in (tables.changed(plan), tables.pressure(plan), tables.runs(plan)):
        if table.rows:
            yield from _folded(f"{table.title} ({len(table.rows)})" if table.words else table.title, _table(table))
    if told := tables.who(plan):
        yield from _folded("Who, by profile id", [f"- {_cell(line)}" for line in told])
    if plan.refused.words:
        yield f"<sub>{_cell(plan.refused.words)}</sub>"
        yield ""
    yield _foot(plan)


def _titled(table: Table) -> Iterator[str]:
    yield f"**{table.title}**"
    yield ""
    yield from _table(table)
    yield ""


def _table(table: Table) -> Iterator[str]:
    yield "| " + " | ".join(_cell(cell) or " " for cell in table.head) + " |"
    rule = ["---" if index == 0 or table.words else "---:" for index in range(len(table.head))]
    yield "| " + " | ".join(rule) + " |"
    yield from ("| " + " | ".join(_cell(cell) or " " for cell in row) + " |" for row in table.rows)
    if table.note:
        yield ""
        yield f"<sub>{table.note}</sub>"


def _folded(title: str, body: list[str] | Iterator[str]) -> Iterator[str]:
    yield f"<details><summary>{title}</summary>"
    yield ""
    yield from body
    yield ""
    yield "</details>"
    yield ""


def _foot(plan: Plan) -> str:
    about = f"`{plan.old}` → `{plan.new}`"
    if plan.history is None:
        return f"<sub>{about}</sub>"
    begins, until, events, people = plan.history
    return (
        f"<sub>{about} over {count(events, 'event')} of {count(people, 'person', 'people')}, {told_day(begins)} to"
        f" {told_day(until)}. What history cannot know: how people react to mail that was never sent.</sub>"
    )


def _cell(text: str) -> str:
    """Nothing in it ends a cell or begins markup."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
