"""``homing replay``: recorded events through the local stack on the virtual clock."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from homing.domain.errors import InvalidInput
from homing.domain.time import iso, parse_instant
from homing.local.outputs import Outputs

_KEPT_FILES = "messages.jsonl, transitions.jsonl, profiles.jsonl, quarantine.jsonl, report.html, archive/"


@click.command("replay")
@click.argument("events", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--campaigns",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with campaigns. [default: layers/campaigns]",
)
@click.option("--until", help="When to stop, ISO 8601. [default: 7 days after the last event]")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help=f"Folder for {_KEPT_FILES}.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(events: Path, campaigns: Path | None, until: str | None, out: Path | None, as_json: bool) -> None:
    """Send recorded EVENTS (a Segment message a line, in order of timestamp or not) through the local stack.

    Every message is received at its timestamp; mails are captured, not sent.
    """
    from homing.local.replay import read_recording

    try:
        end = parse_instant(until) if until else None
        recording = read_recording(events)
    except InvalidInput as error:
        raise click.UsageError(str(error)) from error
    summary = _run(recording, campaigns, end, out, as_json)
    click.echo(json.dumps(summary, indent=2) if as_json else _text(summary, out))


def _run(recording: list[Any], campaigns: Path | None, end: int | None, out: Path | None, quiet: bool) -> dict[str, Any]:
    from homing.local.host import LocalHost
    from homing.local.replay import Replay, start_of
    from homing.local.synth import synthesize
    from homing.local.template import Template

    began = time.perf_counter()
    console = Console(stderr=True)
    with console.status("Reading the stack's template …"):
        template = Template.load(synthesize(campaigns))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        LocalHost(template, start=start_of(recording)) as host,
        Progress(*columns, console=console, transient=True, disable=quiet) as progress,
    ):
        task = progress.add_task("Replaying", total=len(recording))
        replay = Replay(host)
        for done in replay.run(recording, end):
            progress.update(task, completed=done + len(replay.refused))
        outputs = replay.outputs()
        summary = _summary(outputs, replay.posted, host.now())
        if errors := {name: count for name, count in sorted(host.functions.errors.items()) if count}:
            summary["function_errors"] = errors
            summary["first_error"] = str(host.functions.raised[0])
    summary["seconds"] = round(time.perf_counter() - began, 1)
    if out is not None:
        _write(outputs, out)
    return summary


def _write(outputs: Outputs, out: Path) -> None:
    from homing.local import report

    outputs.write(out)
    report.write(outputs, out / "report.html")


def _summary(outputs: Outputs, events: int, until: int) -> dict[str, Any]:
    return {
        "events": events,
        "until": iso(until),
        "profiles": len(outputs.profiles),
        "transitions": len(outputs.transitions),
        "messages": dict(sorted(Counter(message.status for message in outputs.messages).items())),
        "reasons": dict(Counter(message.reason for message in outputs.messages if message.reason).most_common()),
        "quarantined": len(outputs.quarantine),
    }


def _text(summary: dict[str, Any], out: Path | None) -> str:
    messages = ", ".join(f"{count} {status}" for status, count in summary["messages"].items()) or "none"
    lines = [
        f"{summary['events']:,} events until {summary['until']} in {summary['seconds']} s",
        f"{summary['profiles']:,} profiles, {summary['transitions']:,} transitions",
        f"messages: {messages}",
    ]
    if summary["reasons"]:
        lines.append("reasons: " + ", ".join(f"{reason} {count}" for reason, count in summary["reasons"].items()))
    if summary["quarantined"]:
        lines.append(f"{summary['quarantined']} messages were refused or quarantined")
    if errors := summary.get("function_errors"):
        counts = ", ".join(f"{name} {count}" for name, count in errors.items())
        lines.append(f"functions failed and were tried again: {counts} (the first: {summary['first_error']})")
    if out is not None:
        lines.append(f"written to {out}")
    return "\n".join(lines)
