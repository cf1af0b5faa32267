"""``homing flows``: each flow drawn, with the numbers of a backtest or of a deployed stage on its lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from homing.cli.folders import campaigns_option, ready_folder
from homing.cli.recordings import RecordingFile

if TYPE_CHECKING:
    from homing.domain.campaigns import Campaigns
    from homing.local.flows.page import Counted


@click.command("flows")
@campaigns_option
@click.option(
    "--events",
    type=RecordingFile(),
    help="A recording (a Segment message a line): numbers of a backtest.",
)
@click.option("--until", help="With --events: when to stop, ISO 8601. [default: 7 days after the last event]")
@click.option(
    "--stage", metavar="NAME", help="A deployed stage: prod. Numbers from its logs, with your AWS credentials."
)
@click.option(
    "--days", type=click.IntRange(1, 365), default=28, show_default=True, help="With --stage: so many days back."
)
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for the page.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON.")
def command(
    campaigns: Path, events: Path | None, until: str | None, stage: str | None, days: int, out: Path, as_json: bool
) -> None:
    """Draw flows: one page for all (flows.html), a picture of each (NAME.svg), and the numbers (flows.json).

    With --events a backtest is run and nothing is sent. With --stage the logs of run_flows and send_email are asked.
    """
    from homing.adapters.files import publish_folder

    if events is not None and stage is not None:
        raise click.UsageError("say --events or --stage, not both")
    ready_folder(out)
    counted: Counted | None = None
    if stage is not None:
        found, counted = _live(campaigns, stage, days)
    else:
        found = publish_folder(campaigns)
        if events is not None:
            counted = _backtested(found, events, until, quiet=as_json)
    _write(found, counted, out)
    told = {name: numbers.to_dict() for name, numbers in counted.numbers.items()} if counted else {}
    if as_json:
        click.echo(json.dumps(told, indent=2))
    else:
        runs = f", {sum(one['runs'] for one in told.values()):,} runs" if told else ""
        click.echo(f"{len(found.flows)} flows{runs}: {out / 'flows.html'}")


def _write(campaigns: Campaigns, counted: Counted | None, out: Path) -> None:
    from homing.local.flows.page import page
    from homing.local.flows.picture import draw

    (out / "flows.html").write_text(page(campaigns, counted), encoding="utf-8")
    numbers = counted.numbers if counted else {}
    for name, flow in campaigns.flows.items():
        (out / f"{name}.svg").write_text(draw(flow, numbers.get(name)), encoding="utf-8")
    told = {name: one.to_dict() for name, one in numbers.items()}
    (out / "flows.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _backtested(campaigns: Campaigns, events: Path, until: str | None, *, quiet: bool) -> Counted:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from homing.cli.recordings import open_recording
    from homing.domain.time import zone
    from homing.local.backtest import Backtest
    from homing.local.flows.counting import of_runs
    from homing.local.flows.page import Counted
    from homing.local.refusals import Refusals
    from homing.local.report.text import period

    recording, end = open_recording(events, until, None)
    backtest = Backtest(campaigns, keep_mails=False)
    played = [recorded for recorded in recording.messages if recorded.at <= end]
    columns = (TextColumn("Deciding"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task("", total=len(played))
        for recorded in played:
            backtest.message(recorded.message, recorded.at, f"line {recorded.line}")
            if backtest.events % 500 == 0:
                progress.update(task, completed=backtest.events)
        backtest.pass_time(end)
    if told := Refusals.of([*recording.broken, *backtest.telling.refused]).words:
        click.echo(told, err=True)
    numbers = of_runs(campaigns, backtest.journal.runs(), backtest.telling.statuses())
    tz = zone(campaigns.settings.time_zone)
    return Counted(
        numbers,
        f"A backtest, {period(played[0].at, end, tz)}",
        "Nothing was sent, and how people would have reacted to mails that they never got nobody knows: opens and clicks are "
        "taken as none.",
        supposed=True,
    )


def _live(folder: Path, name: str, days: int) -> tuple[Campaigns, Counted]:
    import time

    from homing.adapters.log_queries import LogQueries
    from homing.cli.deployed import find_stage
    from homing.domain.time import DAY, zone
    from homing.local.flows.counting import of_stage
    from homing.local.flows.page import Counted
    from homing.local.report.text import period
    from homing.runtime import clock, parts

    campaigns = find_stage(name).campaigns(folder)
    now = clock.now()
    numbers = of_stage(campaigns, name, LogQueries(parts.client("logs"), time.sleep), now - days * DAY, now)
    tz = zone(campaigns.settings.time_zone)
    return campaigns, Counted(
        numbers,
        f"The stage {name}, {period(now - days * DAY, now, tz)}",
        "Counted from the logs: runs that began earlier are not among those that began, and a mail is told at its step where "
        "only one step sends its template.",
    )
