"""``homing replay``: recorded events through the local stack on the virtual clock."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from homing.cli.folders import campaigns_option
from homing.cli.recordings import RecordingFile, open_recording
from homing.cli.results import summary_of, text_of, write

if TYPE_CHECKING:
    from homing.local.recording import Recording

_KEPT_FILES = "messages.jsonl, transitions.jsonl, profiles.jsonl, quarantine.jsonl, calls.jsonl, report.html, archive/"


@click.command("replay")
@click.argument("events", type=RecordingFile())
@campaigns_option
@click.option("--until", help="When to stop, ISO 8601. [default: 7 days after the last event]")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help=f"Folder for {_KEPT_FILES}.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(events: Path, campaigns: Path, until: str | None, out: Path | None, as_json: bool) -> None:
    """Send recorded EVENTS (a Segment message a line, in order of timestamp or not) through the local stack.

    Every message is received at its timestamp; mails are captured, not sent.
    """
    recording, end = open_recording(events, until, out)
    summary = _run(recording, campaigns, end, out, as_json)
    click.echo(json.dumps(summary, indent=2) if as_json else text_of(summary, out))
    if "function_errors" in summary:
        raise SystemExit(1)


def _run(recording: Recording, campaigns: Path, end: int, out: Path | None, quiet: bool) -> dict[str, Any]:
    from homing.local.host import LocalHost
    from homing.local.replay import Replay, start_of

    began = time.perf_counter()
    console = Console(stderr=True)
    with console.status("Reading the stack's template …"):
        stack = LocalHost.deployed(start=start_of(recording), campaigns=campaigns)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        stack as host,
        Progress(*columns, console=console, transient=True, disable=quiet) as progress,
    ):
        task = progress.add_task("Replaying", total=len(recording.messages))
        replay = Replay(host)
        for done in replay.run(recording, end):
            progress.update(task, completed=done + len(replay.refused))
        outputs = replay.outputs()
        summary = summary_of(outputs, replay.posted, end)
        if errors := {name: count for name, count in sorted(host.functions.errors.items()) if count}:
            summary["function_errors"] = errors
            summary["first_error"] = str(host.functions.raised[0])
    summary["seconds"] = round(time.perf_counter() - began, 1)
    if out is not None:
        write(outputs, out, campaigns)
    return summary
