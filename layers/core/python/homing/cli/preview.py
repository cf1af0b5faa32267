"""``homing preview``: every mail as a person would see it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from homing.adapters.files import read_folder
from homing.cli.folders import campaigns_option, ready_folder
from homing.domain.errors import InvalidCampaign, InvalidInput


@click.command("preview")
@campaigns_option
@click.option("--out", default="build/preview", show_default=True, help="Folder for the site.",
              type=click.Path(file_okay=False, path_type=Path))  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the pages that were written as JSON.")
def command(campaigns: Path, out: Path, as_json: bool) -> None:
    """Render every template for everybody it looks different for, as a site that can be sent to a colleague."""
    try:
        written = preview(campaigns, out)
    except InvalidCampaign:
        # A mistake in a file, not in how the command was called: exit 1, as check and publish do.
        raise
    except InvalidInput as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(json.dumps(written))
    else:
        click.echo(f"{len(written) - 1} mails: open {written[0]}")


def preview(folder: Path, out: Path) -> list[str]:
    """Writes the site and answers its pages, the index first. Raises InvalidInput, InvalidCampaign, HomingError."""
    from homing.local.preview.site import build

    files = read_folder(folder)
    return build(files, ready_folder(out))
