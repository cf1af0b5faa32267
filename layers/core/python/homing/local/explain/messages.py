"""What was decided about one person's mails, in the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.markup import escape

from homing.domain.delivery.ledger import Entry
from homing.domain.explain import words
from homing.domain.explain.messages import decision
from homing.domain.time import iso

_COLOURS = {"sent": "green", "deferred": "yellow", "dropped": "red", "unknown": "magenta", "sending": "yellow"}
# In the terminal; --json has all of them.
_SHOWN = 20


@dataclass(slots=True)
class Told:
    """A message with each decision about it, the first one first. From a deployed stage only the last is known."""

    send_id: str
    decisions: list[tuple[int, Entry]] = field(default_factory=list)

    @property
    def last(self) -> Entry:
        """What became of it so far."""
        return self.decisions[-1][1]


def in_order(decided: Iterable[tuple[int, Entry]]) -> list[Told]:
    """By the time of the first decision; what a merge only handed on is left out."""
    found: dict[str, Told] = {}
    for at, entry in sorted(decided, key=lambda one: one[0]):
        if entry.reason != "merged":
            found.setdefault(entry.send_id, Told(entry.send_id)).decisions.append((at, entry))
    return list(found.values())


def show_messages(console: Console, told: list[Told], zone: ZoneInfo, *, all_of_them: bool = False) -> None:
    """The section "Messages"."""
    console.print("\n[bold]Messages[/]")
    shown = told if all_of_them else told[-_SHOWN:]
    if not told:
        console.print("  none was decided")
    if len(told) > len(shown):
        console.print(f"  [dim]… {len(told) - len(shown)} earlier ones (--messages has them)[/]")
    for one in shown:
        entry = one.last
        colour = _COLOURS.get(entry.status, "white")
        name = f"{entry.flow}: {entry.template}" if entry.flow else entry.template
        console.print(
            f"  [{colour}]{entry.status:<8}[/] [bold]{escape(name)}[/] [dim]{escape(entry.topic)}, {one.send_id}[/]"
        )
        for at, decided in one.decisions:
            console.print(f"    {words.when(at, zone)}  {escape(decision(decided, zone))}")
        if entry.variant:
            why = f", {entry.because}" if entry.because else ""
            console.print(f"    [dim]variant {escape(entry.variant)}{escape(why)}[/]")


def as_lists(told: list[Told], zone: ZoneInfo) -> list[dict[str, Any]]:
    """As ``--json`` prints them."""
    return [
        {
            "send_id": one.send_id, "flow": one.last.flow, "template": one.last.template, "topic": one.last.topic,
            "status": one.last.status, "variant": one.last.variant or None, "because": one.last.because or None,
            "decisions": [
                {
                    "at": iso(at), "status": entry.status, "reason": entry.reason,
                    "until": None if entry.wake_at is None else iso(entry.wake_at),
                    "values": dict(entry.values or {}), "words": decision(entry, zone),
                }
                for at, entry in one.decisions
            ],
        }
        for one in told
    ]  # fmt: skip
