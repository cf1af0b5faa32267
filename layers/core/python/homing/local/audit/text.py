"""An audit in the terminal: the findings, and a table of segments."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from homing.domain.audit.audit import Audit

_COLOURS = {"error": "bold red", "warning": "yellow", "info": "dim"}


def show(audit: Audit, *, everything: bool, console: Console | None = None) -> None:
    """Prints to standard output; notes only with ``everything``."""
    console = console or Console(soft_wrap=True)
    for finding in audit.findings:
        if finding.severity != "info" or everything:
            style = _COLOURS[finding.severity]
            console.print(
                f"[{style}]{finding.severity:<7}[/] {finding.code:<17} {escape(finding.words)}", highlight=False
            )
    if audit.growth:
        console.print(_segments(audit))
    counts = audit.counts
    hidden = "" if everything or not counts["info"] else " (--all prints the notes)"
    console.print(
        f"{counts['error']} errors, {counts['warning']} warnings, {counts['info']} notes{hidden}", highlight=False
    )


def _segments(audit: Audit) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name, right in (("segment", False), ("people", True), ("7 days", True), ("28 days", True), ("used by", False)):
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for line in audit.growth:
        table.add_row(
            line.segment,
            f"{'' if line.exact else '≈ '}{line.now:,.0f}",
            _change(line.now, line.week_ago),
            _change(line.now, line.month_ago),
            ", ".join(line.used_by) or "–",
        )
    return table


def _change(now: float, then: float | None) -> str:
    return "–" if then is None else f"{now - then:+,.0f}"
