"""``homing demo``: a simulated shop's weeks through the whole local stack."""

from __future__ import annotations

import json
import shutil
import time
from datetime import date, timedelta
from datetime import time as wall_time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from homing.cli.folders import default_campaigns, ready_folder
from homing.domain.errors import HomingError
from homing.domain.time import local_instant, to_datetime, zone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homing.domain.campaigns import Campaigns
    from homing.domain.flows.passage import FlowNumbers
    from homing.local.host import LocalHost
    from homing.local.outputs import Outputs
    from homing.local.simulation import ShopSettings, Tally

# A Monday in autumn: summer time ends in Europe within the weeks.
FIRST_DAY = date(2026, 10, 12)
# What the shop said, for `homing backtest` and whatever else reads a recording.
RECORDING = "events.jsonl"


@click.command("demo")
@click.option("--out", default="out/demo", show_default=True, help="Folder for the report and the recorded data.",
              type=click.Path(file_okay=False, path_type=Path))  # fmt: skip
@click.option("--seed", default=12, show_default=True, help="Another number, other weeks; the same number, the same.")
@click.option("--customers", default=300, show_default=True, type=click.IntRange(10, 20_000))
@click.option("--days", default=21, show_default=True, type=click.IntRange(1, 120))
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(out: Path, seed: int, customers: int, days: int, as_json: bool) -> None:
    """Let a simulated shop run for some weeks and write a report of what happened.

    Customers browse, fill carts, order, open mails and come back; every event goes through the same functions that are
    deployed, on a virtual clock. Nothing leaves this machine.
    """
    began = time.perf_counter()
    ready_folder(out)
    console = Console(stderr=True, quiet=as_json)
    summary = _demo(console, out, seed, customers, days)
    summary["seconds"] = round(time.perf_counter() - began, 1)
    click.echo(json.dumps(summary, indent=2) if as_json else text_of(summary))
    if "function_errors" in summary:
        raise SystemExit(1)


def _demo(console: Console, out: Path, seed: int, customers: int, days: int) -> dict[str, Any]:
    with console.status("Reading the campaigns …"):
        import random

        from homing.adapters.files import publish_folder
        from homing.local.collect import collect
        from homing.local.flows.counting import of_lines
        from homing.local.host import WEBHOOK_SECRET, WRITE_KEY, LocalHost
        from homing.local.simulation import Drive, Recorder, Shop, ShopSettings

        folder = default_campaigns()
        campaigns = publish_folder(folder)
    tz = zone(campaigns.settings.time_zone)
    midnight, end = (local_instant(FIRST_DAY + timedelta(days=passed), wall_time(0), tz) for passed in (0, days))
    settings = ShopSettings(
        start=midnight, end=end, customers=customers, strangers=customers // 5, write_key=WRITE_KEY,
        shopify_secret=WEBHOOK_SECRET, currency=campaigns.settings.currency, website=campaigns.settings.brand.website,
    )  # fmt: skip
    shop = Shop(random.Random(seed), campaigns.products, settings)
    with console.status("Reading the stack's template …"):
        # Deliveries and bounces are the simulation's to report.
        deployed = LocalHost.deployed(start=settings.start, campaigns=folder, follow=frozenset({"Send"}))
    with deployed as host:
        recorder = Recorder(host, settings.start)
        tally = _run(console, Drive(shop, recorder), settings)
        failures = _failures(host)
        outputs = collect(host)
        voice = host.telemetry.get("run_flows")
        numbers = of_lines(campaigns, voice.lines if voice else (), outputs.messages)
    with console.status("Writing the report …"):
        _write_flows(out, campaigns, numbers, settings)
        summary = _write(out, outputs, campaigns, settings, tally, seed) | failures
        (out / RECORDING).write_text("".join(f"{line}\n" for line in recorder.lines()), encoding="utf-8")
        return summary | {"recording": str(out / RECORDING)}


def _run(console: Console, drive: Any, settings: ShopSettings) -> Tally:
    columns = (
        TextColumn("{task.description}"), BarColumn(bar_width=28), TaskProgressColumn(),
        TextColumn("{task.fields[events]:,} events · {task.fields[mails]:,} mails"), TimeElapsedColumn(),
    )  # fmt: skip
    tally: Tally
    with Progress(*columns, console=console, transient=True, disable=console.quiet) as progress:
        task = progress.add_task("", total=settings.end - settings.start, events=0, mails=0)
        for tally in drive.run():
            moment = to_datetime(tally.now)
            progress.update(
                task, completed=tally.now - settings.start, events=tally.events, mails=tally.mails,
                description=f"{moment:%a} {moment.day:2} {moment:%b %H:%M}",
            )  # fmt: skip
    return tally


def _failures(host: LocalHost) -> dict[str, Any]:
    errors = {name: count for name, count in sorted(host.functions.errors.items()) if count}
    return {"function_errors": errors, "first_error": str(host.functions.raised[0])} if errors else {}


def _write(
    out: Path, outputs: Outputs, campaigns: Campaigns, settings: ShopSettings, tally: Tally, seed: int
) -> dict[str, Any]:
    from homing.local import report
    from homing.local.simulation.pictures import draw_all

    try:
        _clear(out)
        outputs.write(out)
    except OSError as error:
        raise HomingError(f"{error.filename or out}: {error.strerror}") from error
    path = out / "report.html"
    period = (settings.start, settings.end)
    numbers = report.numbers_of(outputs, campaigns=campaigns, period=period)
    report.write(
        outputs, path, campaigns=campaigns, period=period, pictures=draw_all(campaigns.products), answers=tally.refused,
        title="Homing demo",
        note=(
            f"A simulation (seed {seed}): customers, visits and reactions are invented, and so is what they spent."
            " What Homing did with them is real: each event went through the functions that are deployed, on a virtual clock."
        ),
    )  # fmt: skip
    total = numbers.total
    return {
        "events": tally.events,
        "requests": tally.requests,
        "refused": sum(tally.refused.values()),
        "profiles": len(outputs.profiles),
        "transitions": len(outputs.transitions),
        "mails": total.sent,
        "opened": total.opened,
        "clicked": total.clicked,
        "orders": len(numbers.orders),
        "orders_after_mails": total.orders,
        "revenue_after_mails": {currency: str(amount) for currency, amount in total.revenue.items()},
        "quarantined": len(outputs.quarantine),
        "days": numbers.length,
        "seed": seed,
        "report": str(path),
        "flows": str(out / "flows.html"),
    }


def _write_flows(out: Path, campaigns: Campaigns, numbers: Mapping[str, FlowNumbers], settings: ShopSettings) -> None:
    from homing.local.flows.page import Counted, page
    from homing.local.report.text import period

    about = f"A simulation, {period(settings.start, settings.end, zone(campaigns.settings.time_zone))}"
    note = "Customers and their reactions are invented."
    (out / "flows.html").write_text(page(campaigns, Counted(numbers, about, note)), encoding="utf-8")


def _clear(out: Path) -> None:
    """Archive files of an earlier run have other names and would be read with the new ones."""
    if (out / "messages.jsonl").exists():
        shutil.rmtree(out / "archive", ignore_errors=True)


def text_of(summary: dict[str, Any]) -> str:
    """The summary in a few lines."""
    money = " + ".join(f"{amount} {currency}" for currency, amount in summary["revenue_after_mails"].items())
    lines = [
        f"{summary['days']} days in {summary['seconds']} s: {summary['events']:,} events posted,"
        f" {summary['profiles']:,} profiles, {summary['transitions']:,} segment changes, {summary['orders']:,} orders",
        f"{summary['mails']:,} mails: {summary['opened']:,} opened, {summary['clicked']:,} clicked,"
        f" {summary['orders_after_mails']:,} orders after a click" + (f", {money}" if money else ""),
        f"{summary['refused']} bad requests refused, {summary['quarantined']} records in quarantine",
    ]
    if errors := summary.get("function_errors"):
        counts = ", ".join(f"{name} {count}" for name, count in errors.items())
        lines.append(f"functions failed and were tried again: {counts} (the first: {summary['first_error']})")
    return "\n".join(
        [*lines, f"Report: {summary['report']}", f"Flows:  {summary['flows']}", f"Events: {summary['recording']}"]
    )
