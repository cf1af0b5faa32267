"""``homing plan``: what a change of campaigns means for people, before it is deployed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import click

from homing.cli.folders import campaigns_option
from homing.cli.recordings import RecordingFile

if TYPE_CHECKING:
    from homing.cli.deployed import Deployed
    from homing.domain.campaigns import Campaigns
    from homing.domain.events.event import Event
    from homing.local.plans.plan import Plan
    from homing.local.refusals import Refusals
    from homing.services.ports import ArchiveReader


def _money(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Decimal | None:
    try:
        amount = None if value is None else Decimal(value)
    except InvalidOperation as error:
        raise click.BadParameter(f"{value!r} is no amount: write 500 or 499.90") from error
    if amount is not None and not (amount.is_finite() and amount >= 0):
        raise click.BadParameter(f"{value!r} is no amount: write 500 or 499.90")
    return amount


@click.command("plan")
@campaigns_option
@click.option(
    "--against",
    required=True,
    type=click.Path(exists=True, path_type=Path),
    help="Folder or bundle of the campaigns as they are now.",
)
@click.option(
    "--events",
    type=RecordingFile("--archive FOLDER"),
    help="A recording (a Segment message a line) to try both on.",
)
@click.option(
    "--stage", metavar="NAME", help="A deployed stage: prod. Its archive is the history, and what is live is counted."
)
@click.option(
    "--archive",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A copy of the archive in a folder: the history, instead of the stage's bucket.",
)
@click.option(
    "--history",
    type=click.IntRange(1, 3650),
    default=60,
    show_default=True,
    help="With --stage: so many days of the archive.",
)
@click.option("--days", type=click.IntRange(1, 365), default=7, show_default=True, help="So many days ahead.")
@click.option("--max-liability", metavar="AMOUNT", callback=_money, help="More than this for codes needs a look.")
@click.option("--markdown", "as_markdown", is_flag=True, help="As the comment of a pull request.")
@click.option("--json", "as_json", is_flag=True, help="All numbers as JSON.")
def command(
    campaigns: Path,
    against: Path,
    events: Path | None,
    stage: str | None,
    archive: Path | None,
    history: int,
    days: int,
    max_liability: Decimal | None,
    as_markdown: bool,
    as_json: bool,
) -> None:
    """Tell what a change of campaigns would mean: exits 1 when something needs a look.

    Both campaigns decide over the same history; nothing is sent, and nothing is written to a stage.
    """
    from homing.adapters.files import campaigns_at, publish_folder
    from homing.adapters.folder_archive import FolderArchive
    from homing.domain.errors import InvalidInput
    from homing.local.plans.markdown import markdown
    from homing.local.plans.plan import compare, judge
    from homing.local.plans.text import text

    if events is not None and (stage is not None or archive is not None):
        raise click.UsageError("say --events, or --stage and --archive, not both")
    if as_json and as_markdown:
        raise click.UsageError("say --json or --markdown, not both")
    new = publish_folder(campaigns)
    try:
        old = campaigns_at(against)
    except InvalidInput as error:
        raise click.UsageError(f"--against {error}") from error
    plan = compare(new, old, days)
    quiet = as_json or as_markdown
    if events is not None:
        found, plan.refused = _recorded(events)
        _tried(plan, new, old, found, archived=False, quiet=quiet)
    elif stage is not None:
        live = _stage(stage, old)
        _archived(plan, new, old, live.archive(archive), _since(history), quiet=quiet)
        _live(plan, new, live)
    elif archive is not None:
        _archived(plan, new, old, FolderArchive(archive), "", quiet=quiet)
    judge(plan, max_liability)
    click.echo(json.dumps(plan.to_dict(), indent=2) if as_json else markdown(plan) if as_markdown else text(plan))
    if plan.notes:
        raise SystemExit(1)


def _recorded(file: Path) -> tuple[list[Event], Refusals]:
    """The events of a recording, and the lines that are none."""
    from homing.domain.errors import InvalidInput
    from homing.local.backtests.sources import event_of
    from homing.local.recording import read_recording
    from homing.local.refusals import Refusals

    try:
        recording = read_recording(file)
    except InvalidInput as error:
        raise click.UsageError(str(error)) from error
    found, refused = [], Refusals.of(recording.broken)
    for one in recording:
        try:
            found.append(event_of(one, archived=False))
        except InvalidInput as error:
            # What the API would refuse.
            refused.refuse(one.line, error.message)
    return found, refused


def _tried(plan: Plan, new: Campaigns, old: Campaigns, events: Sequence[Event], *, archived: bool, quiet: bool) -> None:
    """Plays history under both, deploys the new campaigns at its end, and lets days pass."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from homing.local.plans.plan import add_history
    from homing.local.plans.played import Side, shop
    from homing.local.plans.runs import fates

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as progress:

        def tick(name: str) -> Callable[[int], None]:
            task = progress.add_task(name, total=len(events))
            return lambda done: progress.update(task, completed=done) if done % 500 == 0 else None

        current, planned = shop(old, archived=archived), shop(new, archived=archived)
        current.history(events, tick("As it is"))
        planned.history(events, tick("With the change"))
    before, after = Side.of(current), Side.of(planned)
    runs = fates(new, current.journal.runs(), current.journal, current.now)
    # What is on its way now was begun by the campaigns as they are.
    deployed = current.twin()
    deployed.deploy(new)
    before.coming, after.coming = current.go_on(plan.days), deployed.go_on(plan.days)
    add_history(plan, before, after, runs)


def _archived(plan: Plan, new: Campaigns, old: Campaigns, archive: ArchiveReader, since: str, *, quiet: bool) -> None:
    """Tries both on what a backtest of the same archive would play, in the same order."""
    from homing.domain.errors import InvalidInput
    from homing.local.backtests.sources import ArchiveSource, event_of

    try:
        source = ArchiveSource.read(archive, since=since)
    except InvalidInput as error:
        if error.code != "no_events":
            raise
        return
    found = []
    plan.refused.number = source.unreadable
    for line in source:
        try:
            found.append(event_of(line, archived=True))
        except InvalidInput:
            plan.refused.number += 1
    if found:
        _tried(plan, new, old, found, archived=True, quiet=quiet)


def _live(plan: Plan, new: Campaigns, stage: Deployed) -> None:
    """Counts what is there now: members from the index, and the runs that wake first."""
    from homing.local.plans.live import add_members, waiting_runs
    from homing.local.plans.runs import fates
    from homing.runtime import clock

    journal, now = stage.journal, clock.now()
    add_members(plan, journal)
    runs, plan.more_runs = waiting_runs(journal, now)
    plan.stage, plan.looked_at = stage.stage, len(runs)
    plan.runs = fates(new, runs, journal, now)


def _stage(name: str, old: Campaigns) -> Deployed:
    from homing.cli.deployed import find_stage

    stage = find_stage(name)
    if old.revision != stage.revision:
        raise click.UsageError(
            f"--against is revision {old.revision}, but {name} runs {stage.revision}: check out what is deployed"
        )
    return stage


def _since(days: int) -> str:
    from homing.domain.time import DAY, to_datetime
    from homing.runtime import clock

    return to_datetime(clock.now() - days * DAY).date().isoformat()
