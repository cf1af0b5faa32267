"""A run in the terminal."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from homing.domain.explain import flow_words, words
from homing.domain.explain.messages import decision
from homing.domain.explain.runs import RunStep
from homing.domain.flows.run import Run
from homing.domain.profiles.carts import UNNAMED
from homing.domain.time import MINUTE
from homing.local.explain.runs import RunStory
from homing.local.explain.text import grow

_WIDE = 300
# Later than this after its own time, a step is told to be late.
_LATE = 5 * MINUTE


def show_run(story: RunStory, console: Console | None = None) -> None:
    """Prints to standard output."""
    console, run = _console(console), story.run
    at = words.when(run.triggered_at, story.zone)
    console.print(f"[bold]{escape(run.flow)}[/], run {run.id}, profile {run.profile_id} ({story.zone.key})")
    console.print(f"  started when {escape(story.trigger)}, on {at}{escape(_about(run))}")
    if run.flow_version:
        older = ", not the one in the file" if story.older else ""
        console.print(f"  version {run.flow_version}{older}")
    if story.note:
        console.print(f"  [dim]{escape(story.note)}[/]")
    for step in story.steps:
        console.print(_step(step, story))
    if story.following:
        console.print(f"[cyan]next[/] {escape(story.following)}")


def show_runs(runs: list[Run], zone: ZoneInfo, *, note: str = "", console: Console | None = None) -> None:
    """One line for each run."""
    console = _console(console)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("run", "flow", "began", "now"):
        table.add_column(name)
    for run in runs:
        if run.status == "ended":
            ended = f", {words.when(run.ended_at, zone)}" if run.ended_at is not None else ""
            now = f"{flow_words.ending(run.reason)}{ended}"
        elif run.parked:
            now = "held while its flow is paused"
        else:
            now = f"at step {run.position}" + (f", until {words.when(run.wake_at, zone)}" if run.wake_at else "")
        table.add_row(run.id, escape(run.flow), words.when(run.started_at, zone), escape(now))
    console.print(table if runs else "no run")
    if note:
        console.print(f"[dim]{escape(note)}[/]")


def _console(console: Console | None) -> Console:
    console = console or Console(highlight=False)
    if not console.is_terminal:
        # A file or a pipe has no edge.
        console.width = _WIDE
    return console


def _about(run: Run) -> str:
    """Which cart, order or occurrence it is about; nothing for a cart whose events have no cart_id."""
    named = {"cart_abandoned": "cart", "order_placed": "order"}.get(run.trigger)
    key = run.key.removeprefix(f"{run.trigger}:")
    if named == "cart":
        key = key.rpartition("@")[0] or key
        if key == UNNAMED:
            return ""
    return f", about the {named} {key}" if named and key else ""


def _step(step: RunStep, story: RunStory) -> Tree:
    zone = story.zone
    place = f" [dim]{escape(step.place)}[/]" if step.place else ""
    way = f" → [bold]{escape(step.way)}[/]" if step.way else ""
    colour = {"end": "magenta", "send": "green"}.get(step.did, "bold")
    until = f" [cyan](until {words.when(step.until, zone)})[/]" if step.until is not None else ""
    name = escape(step.words) if step.did != "end" else f"ended: {escape(step.words)}"
    tree = Tree(f"{words.when(step.at, zone)}  [{colour}]{name}[/]{way}{until}{place}", guide_style="dim")
    if step.at - step.own > _LATE and step.did not in {"then", "else"}:
        tree.add(f"[dim]· it was due on {words.when(step.own, zone)}[/]")
    for fact in step.facts:
        tree.add(f"[dim]·[/] {escape(fact)}")
    if step.reason is not None:
        grow(tree, step.reason, zone)
    told = story.messages.get(step.send_id)
    for at, entry in told.decisions if told is not None else ():
        tree.add(f"{words.when(at, zone)}  {escape(decision(entry, zone))}")
    if step.send_id and told is None:
        tree.add("[dim]· nothing is known of this mail any more[/]")
    return tree
