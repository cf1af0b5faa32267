"""``homing backtest``: the same decisions as the deployed stack, in memory, at speed; nothing is sent."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from homing.cli.folders import campaigns_option
from homing.cli.recordings import open_recording

if TYPE_CHECKING:
    from homing.local.recording import Recording


@click.command("backtest")
@click.argument("events", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@campaigns_option
@click.option("--until", help="When to stop, ISO 8601. [default: 7 days after the last event]")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for the same files as replay's.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(events: Path, campaigns: Path, until: str | None, out: Path | None, as_json: bool) -> None:
    """Try campaigns on recorded EVENTS (a Segment message a line, in order of timestamp or not).

    Takes the decisions that the stack would have taken. What history can't know: how people would have reacted to mail
    that they never got.
    """
    recording, end = open_recording(events, until, out)
    summary = _run(recording, campaigns, end, out, as_json)
    click.echo(json.dumps(summary, indent=2) if as_json else _text(summary, out))


def _run(recording: Recording, campaigns: Path, end: int, out: Path | None, quiet: bool) -> dict[str, Any]:
    from homing.adapters.files import read_folder
    from homing.cli.results import summary_of
    from homing.domain.content.publish import publish
    from homing.local.backtest import Backtest
    from homing.local.backtests.page import page

    backtest = Backtest(publish(read_folder(campaigns)), keep_mails=out is not None)
    backtest.refused += recording.broken
    played = [recorded for recorded in recording.messages if recorded.at <= end]
    began = time.perf_counter()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task("Deciding", total=len(played))
        for recorded in played:
            backtest.message(recorded.message, recorded.at, f"line {recorded.line}")
            if backtest.events % 500 == 0:
                progress.update(task, completed=backtest.events)
        backtest.pass_time(end)
    seconds = time.perf_counter() - began
    outputs = backtest.outputs()
    summary = summary_of(outputs, backtest.events, end)
    summary["calls"] = dict(sorted(backtest.webhooks.items()))
    summary["seconds"] = round(seconds, 1)
    summary["events_per_second"] = round(backtest.events / seconds) if seconds else 0
    if out is not None:
        outputs.write(out)
        figures = backtest.figures()
        figures.seconds = summary["seconds"]
        (out / "backtest.json").write_text(json.dumps(figures.to_dict(), indent=1) + "\n", encoding="utf-8")
        (out / "report.html").write_text(page(figures), encoding="utf-8")
    return summary


def _text(summary: dict[str, Any], out: Path | None) -> str:
    from homing.cli.results import text_of

    rate = f"{summary['events_per_second']:,} events a second"
    return f"{text_of(summary, out)}\n{rate}; nothing was sent"
