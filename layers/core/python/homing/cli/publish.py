"""``homing publish``: the campaigns as the one bundle that every function reads."""

from __future__ import annotations

import json
from pathlib import Path

import click

from homing.adapters.files import read_folder, write_bundle
from homing.cli.folders import campaigns_option
from homing.domain.campaigns import Campaigns
from homing.domain.content.publish import collect
from homing.domain.errors import HomingError, InvalidCampaign, InvalidInput


@click.command("publish")
@campaigns_option
@click.option("--out", default="build/campaigns/bundle.json", show_default=True, help="Where the bundle goes.",
              type=click.Path(dir_okay=False, path_type=Path))  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print what was published as JSON.")
def command(campaigns: Path, out: Path, as_json: bool) -> None:
    """Compile segments, flows and templates into one file."""
    try:
        published, problems = publish(campaigns, out)
    except InvalidInput as error:
        raise click.UsageError(str(error)) from error
    if published is None:
        for problem in problems:
            click.echo(f"{campaigns / problem.file}{str(problem).removeprefix(problem.file)}", err=True)
        raise SystemExit(1)
    size = out.stat().st_size
    parts = {name: len(getattr(published, name)) for name in ("segments", "flows", "templates", "products")}
    if as_json:
        click.echo(json.dumps({"revision": published.revision, "file": str(out), "bytes": size, **parts}))
    else:
        counts = ", ".join(f"{count} {name}" for name, count in parts.items())
        click.echo(f"{out}: revision {published.revision}, {counts}, {size / 1024:.0f} KB")


def publish(folder: Path, out: Path) -> tuple[Campaigns | None, list[InvalidCampaign]]:
    """Writes the bundle, or answers every mistake that keeps it from being written. Raises InvalidInput, HomingError."""
    campaigns, problems = collect(read_folder(folder))
    if campaigns is not None:
        try:
            write_bundle(campaigns, out)
        except OSError as error:
            raise HomingError(f"can't write {out}: {error.strerror}") from error
    return campaigns, problems
