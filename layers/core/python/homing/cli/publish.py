"""``homing publish``: the campaigns as the one bundle that every function reads."""

from __future__ import annotations

import json
from pathlib import Path

import click

from homing.adapters.files import read_folder, write_bundle
from homing.domain.campaigns import Campaigns
from homing.domain.content.publish import collect
from homing.domain.errors import InvalidCampaign, InvalidInput


@click.command("publish")
@click.option("--campaigns", "folder", default="layers/campaigns", show_default=True, help="Folder with campaigns.")
@click.option("--out", default="build/campaigns/bundle.json", show_default=True, help="Where the bundle goes.")
@click.option("--json", "as_json", is_flag=True, help="Print what was published as JSON.")
def command(folder: str, out: str, as_json: bool) -> None:
    """Compile segments, flows and templates into one file."""
    try:
        campaigns, problems = publish(Path(folder), Path(out))
    except InvalidInput as error:
        raise click.UsageError(str(error)) from error
    if campaigns is None:
        for problem in problems:
            click.echo(f"{Path(folder) / problem.file}{str(problem).removeprefix(problem.file)}", err=True)
        raise SystemExit(1)
    size = Path(out).stat().st_size
    parts = {name: len(getattr(campaigns, name)) for name in ("segments", "flows", "templates", "products")}
    if as_json:
        click.echo(json.dumps({"revision": campaigns.revision, "file": out, "bytes": size, **parts}))
    else:
        counts = ", ".join(f"{count} {name}" for name, count in parts.items())
        click.echo(f"{out}: revision {campaigns.revision}, {counts}, {size / 1024:.0f} KB")


def publish(folder: Path, out: Path) -> tuple[Campaigns | None, list[InvalidCampaign]]:
    """Writes the bundle, or answers every mistake that keeps it from being written. Raises InvalidInput."""
    campaigns, problems = collect(read_folder(folder))
    if campaigns is not None:
        write_bundle(campaigns, out)
    return campaigns, problems
