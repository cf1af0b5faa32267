"""``homing backtest``: the same decisions as the deployed stack, in memory, at speed; nothing is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from homing.cli.folders import campaigns_option

if TYPE_CHECKING:
    from homing.domain.campaigns import Campaigns
    from homing.local.backtests.running import Running
    from homing.local.backtests.sources import Source
    from homing.local.figures import Figures


@click.command("backtest")
@click.argument("events", type=click.Path(exists=True, path_type=Path))
@campaigns_option
@click.option("--flows", help="Only these flows decide: cart-recovery,win-back. Segments stay.")
@click.option(
    "--against",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Other campaigns over the same history: what would differ, person by person.",
)
@click.option("--until", help="When to stop, ISO 8601. [default: 7 days after the last event]")
@click.option(
    "--parts", type=click.IntRange(1, 1_000), default=1, show_default=True, help="Divide the history by people."
)
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Play so many parts at a time.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for the same files as replay's.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(
    events: Path, campaigns: Path, flows: str | None, against: Path | None, until: str | None, parts: int, jobs: int,
    out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Try campaigns on recorded EVENTS: a file with a Segment message a line, in order of timestamp or not, or a folder with a
    copy of the archive.

    Takes the decisions that the stack would have taken. What history can't know: how people would have reacted to mail
    that they never got.
    """
    from homing.cli.results import summary_of_figures
    from homing.domain.errors import InvalidInput
    from homing.local.backtests.playing import Playing
    from homing.local.backtests.running import Running

    if jobs > 1 and parts == 1:
        parts = jobs
    source, end = _source(events, until, out)
    try:
        ours, theirs = _campaigns(campaigns, flows), None if against is None else _campaigns(against, flows, some=True)
    except InvalidInput as error:
        raise click.UsageError(str(error)) from error
    held = None if against is None or theirs is None else (against.name, theirs)
    running = Running(Playing(ours, end, keep_mails=out is not None), parts, jobs, held)
    figures = _run(running, source, out, quiet=as_json)
    summary = summary_of_figures(figures)
    if out is not None:
        _report(figures, out)
    click.echo(json.dumps(summary, indent=2) if as_json else _text(summary, out))


def _source(events: Path, until: str | None, out: Path | None) -> tuple[Source, int]:
    from homing.adapters.folder_archive import FolderArchive
    from homing.cli.folders import ready_folder
    from homing.cli.recordings import open_recording
    from homing.domain.errors import InvalidInput
    from homing.domain.time import parse_instant
    from homing.local.backtests.sources import ArchiveSource

    if not events.is_dir():
        return open_recording(events, until, out)
    try:
        found = ArchiveSource.read(FolderArchive(events))
        end = found.end(parse_instant(until) if until else None)
    except InvalidInput as error:
        raise click.UsageError(f"{events}: {error}") from error
    if out is not None:
        ready_folder(out)
    return found, end


def _campaigns(folder: Path, flows: str | None, *, some: bool = False) -> Campaigns:
    """``some``: other campaigns need not have all of the flows."""
    from homing.adapters.files import read_folder
    from homing.domain.content.publish import publish
    from homing.local.backtests.playing import only

    found = publish(read_folder(folder))
    if flows is None:
        return found
    names = [name.strip() for name in flows.split(",") if name.strip()]
    return only(found, [name for name in names if name in found.flows] if some else names)


def _run(running: Running, source: Source, out: Path | None, *, quiet: bool) -> Figures:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as progress:
        tasks: dict[str, TaskID] = {}

        def told(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=total)
            progress.update(tasks[name], completed=done)

        return running(source, out, told)


def _report(figures: Figures, out: Path) -> None:
    from homing.local.backtests.page import page

    (out / "backtest.json").write_text(json.dumps(figures.to_dict(), indent=1) + "\n", encoding="utf-8")
    (out / "report.html").write_text(page(figures), encoding="utf-8")


def _text(summary: dict[str, Any], out: Path | None) -> str:
    from homing.cli.results import text_of

    lines = [text_of(summary, out)]
    if found := summary.get("differences"):
        lines.append(
            f"against {found['against']}: {found['people']:,} people would notice, {found['mails_here']:,} mails instead of"
            f" {found['mails_there']:,}"
        )
    return "\n".join([*lines, f"{summary['events_per_second']:,} events a second; nothing was sent"])
