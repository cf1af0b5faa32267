"""``homing backtest``: the same decisions as the deployed stack, in memory, at speed; nothing is sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from homing.cli.folders import campaigns_option

if TYPE_CHECKING:
    from homing.domain.campaigns import Campaigns
    from homing.local.backtests.sources import Source
    from homing.local.figures import Figures

# What is going on, how much of it is done, and how much there is.
Told = Callable[[str, int, int], None]


@click.command("backtest")
@click.argument("events", type=click.Path(exists=True, path_type=Path), required=False)
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
@click.option(
    "--stage", help="A deployed stage: its state machine plays the stage's archive. Uses your AWS credentials."
)
@click.option(
    "--days", type=click.IntRange(1, 3650), default=90, show_default=True, help="With --stage: so much of it."
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for the same files as replay's.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(
    events: Path | None, campaigns: Path, flows: str | None, against: Path | None, until: str | None, parts: int, jobs: int,
    stage: str | None, days: int, out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Try campaigns on recorded EVENTS: a file with a Segment message a line, in order of timestamp or not, or a folder with a
    copy of the archive. With --stage instead of EVENTS: on the archive of a deployed stage, there.

    Takes the decisions that the stack would have taken. What history can't know: how people would have reacted to mail
    that they never got.
    """
    from homing.cli.results import summary_of_figures
    from homing.domain.errors import InvalidInput
    from homing.local.backtests.playing import Playing
    from homing.local.backtests.running import Running

    if (events is None) == (stage is None):
        raise click.UsageError("say EVENTS, or --stage NAME")
    if jobs > 1 and parts == 1:
        parts = jobs
    try:
        ours, theirs = _campaigns(campaigns, flows), None if against is None else _campaigns(against, flows, some=True)
    except InvalidInput as error:
        raise click.UsageError(str(error)) from error
    held = None if against is None or theirs is None else (str(against), theirs)
    with _progress(quiet=as_json) as progress:
        if events is None:
            figures = _on_stage(str(stage), days, ours, held, out, progress)
        else:
            source, end = _source(events, until, out)
            figures = Running(Playing(ours, end, keep_mails=out is not None), parts, jobs, held)(source, out, progress)
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
    from homing.adapters.files import publish_folder
    from homing.local.backtests.playing import only

    found = publish_folder(folder)
    if flows is None:
        return found
    names = [name.strip() for name in flows.split(",") if name.strip()]
    return only(found, [name for name in names if name in found.flows] if some else names)


def _on_stage(
    stage: str, days: int, ours: Campaigns, held: tuple[str, Campaigns] | None, out: Path | None, progress: Told
) -> Figures:
    from homing.cli.backtest_stage import Execution, new_id, play, since_of
    from homing.cli.deployed import find_stage
    from homing.cli.folders import ready_folder
    from homing.domain.errors import HomingError
    from homing.local.backtests.deployed import of_bucket
    from homing.runtime import clock, parts

    found = find_stage(stage)
    if not found.backtest_machine:
        raise HomingError(f"{stage} was deployed before it could play its archive: deploy it once more")
    if out is not None:
        ready_folder(out)
    now = clock.now()
    backtest = new_id(now)
    staged = of_bucket(found.archive_bucket, backtest)
    execution = Execution(parts.client("stepfunctions"), found.backtest_machine, parts.wait)
    figures = play(staged, execution, backtest, ours, held, since_of(now, days), progress)
    if out is not None:
        staged.fetch(out)
    return figures


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Told]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as progress:
        tasks: dict[str, TaskID] = {}

        def told(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=total)
            progress.update(tasks[name], completed=done, total=total)

        yield told


def _report(figures: Figures, out: Path) -> None:
    from homing.local.backtests.page import page

    (out / "backtest.json").write_text(json.dumps(figures.to_dict(), indent=1) + "\n", encoding="utf-8")
    (out / "report.html").write_text(page(figures), encoding="utf-8")


def _text(summary: dict[str, Any], out: Path | None) -> str:
    from homing.cli.results import text_of
    from homing.local.report.text import count

    lines = [text_of(summary, out)]
    if found := summary.get("differences"):
        who = count(found["people"], "person", "people")
        told = f"{who} would notice, {count(found['mails_here'], 'mail')} instead of {found['mails_there']:,}"
        differs = found["messages"] or found["transitions"]
        lines.append(f"against {found['against']!r}: {told if differs else 'nothing differs'}")
        lines += [
            f"segments that are {what}, whose moves are not counted: {', '.join(names)}"
            for what in ("new", "gone") if (names := found[f"{what}_segments"])
        ]  # fmt: skip
    return "\n".join([*lines, f"{count(summary['events_per_second'], 'event')} a second; nothing was sent"])
