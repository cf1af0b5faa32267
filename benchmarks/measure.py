"""Repetitions, and tables of what they gave: for people on a terminal and, as Markdown, for docs/benchmarks.md."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable


@dataclass(frozen=True, slots=True)
class Spread:
    """Median of several repetitions, with the least and the most of them: machines are shared and noisy."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """At least one value."""
        return cls(statistics.median(values), min(values), max(values))

    def text(self, digits: int = 0) -> str:
        """``212 (198–240)``."""
        if self.low == self.high:
            return number(self.median, digits)
        return f"{number(self.median, digits)} ({number(self.low, digits)}–{number(self.high, digits)})"


def number(value: float, digits: int = 0) -> str:
    """With thousands separated."""
    return f"{value:,.{digits}f}"


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def peak() -> float:
    """The most memory of this process so far, MB. getrusage would tell the parent's, where that was more."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / 1024


@dataclass(frozen=True, slots=True)
class Table:
    """Cells are texts; the first column names what the row is about. ``notes`` stand below."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def print(self, console: Console) -> None:
        """On a terminal."""
        table = RichTable(title=self.title, title_justify="left", title_style="bold")
        for index, column in enumerate(self.columns):
            table.add_column(column, justify="right" if index else "left")
        for row in self.rows:
            table.add_row(*row)
        console.print(table)
        for note in self.notes:
            console.print(f"  {note}", style="dim", markup=False, highlight=False)
        console.print()

    def markdown(self) -> str:
        """As part of a page."""
        lines = [f"### {self.title}", ""]
        lines.append("| " + " | ".join(self.columns) + " |")
        lines.append("|---" + "|---:" * (len(self.columns) - 1) + "|")
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        for note in self.notes:
            lines += ["", note]
        return "\n".join([*lines, ""])


@dataclass(slots=True)
class Report:
    """What a part of the benchmarks found. ``facts`` are numbers that later parts (the cost) build on."""

    name: str
    heading: str
    intro: str = ""
    tables: list[Table] = field(default_factory=list)
    skipped: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    # What was promised, what was found, and whether that keeps it.
    verdicts: list[tuple[str, str, bool]] = field(default_factory=list)

    def markdown(self) -> str:
        """As a section of a page."""
        parts = [f"## {self.heading}", ""]
        parts += [self.intro, ""] if self.intro else []
        parts += [f"Skipped: {self.skipped}", ""] if self.skipped else []
        return "\n".join([*parts, *(table.markdown() for table in self.tables)])


def budgets(verdicts: Sequence[tuple[str, str, bool]]) -> Table:
    """All promises in one table."""
    rows = [[promise, found, "kept" if kept else "missed"] for promise, found, kept in verdicts]
    return Table("Budgets", ("budget", "measured", ""), rows)
