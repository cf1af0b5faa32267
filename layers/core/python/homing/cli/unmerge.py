"""``homing unmerge``: two people who became one profile by mistake are two again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from homing.cli.deployed import Deployed, stage_option
from homing.cli.folders import campaigns_option

if TYPE_CHECKING:
    from homing.domain.events.event import IdentifierKind


@click.command("unmerge")
@click.argument("profile")
@stage_option
@campaigns_option
@click.option(
    "--apart", "apart", multiple=True, required=True, metavar="KIND:VALUE",
    help="An identifier of the one to be told apart: email:ben@example.com. Name all that you know.",
)  # fmt: skip
@click.option(
    "--since", default="", metavar="DAY", help="Read the archive from this day on (2026-03-02). [default: all]"
)
@click.option(
    "--archive",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A copy of the archive in a folder, instead of the bucket.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be divided, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    profile: str, stage: Deployed, campaigns: Path, apart: tuple[str, ...], since: str, archive: Path | None,
    dry_run: bool, as_json: bool,
) -> None:  # fmt: skip
    """Make two of PROFILE (its id, or KIND:VALUE): who has the identifiers of --apart, and everybody else.

    Behaviour, carts and traits are divided by the archive. They are never merged again unless you say so
    (`homing review --merge`). Live traffic goes on; run it again to pick up what was on its way meanwhile.
    """
    from homing.runtime import clock
    from homing.services.unmerge import Unmerge

    run = Unmerge(
        stage.campaigns(campaigns), stage.identity, stage.profiles, stage.archive(archive), clock.now, stage.rankings
    )
    columns = (TextColumn("Reading the archive"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=as_json) as progress:
        task = progress.add_task("", total=None)
        done = run(
            profile_id(stage, profile),
            [identifier(text) for text in apart],
            since=since,
            dry_run=dry_run,
            tick=lambda at, of: progress.update(task, completed=at, total=of),
        ).to_dict()
    click.echo(json.dumps(done) if as_json else _text(done, dry_run=dry_run))


def identifier(text: str) -> tuple[IdentifierKind, str]:
    """``email:ben@example.com`` as kind and value. Raises UsageError."""
    from homing.domain.events.event import PERSON_IDENTIFIERS

    kind, _, value = text.partition(":")
    for known in PERSON_IDENTIFIERS:
        if kind == known and value.strip():
            return known, value.strip()
    raise click.UsageError(f"{text!r}: write KIND:VALUE, where KIND is one of {', '.join(PERSON_IDENTIFIERS)}")


def profile_id(stage: Deployed, text: str) -> str:
    """The id behind what somebody typed: an id, or KIND:VALUE."""
    from homing.domain.profiles.identity import normalise

    if ":" not in text:
        return text
    kind, value = identifier(text)
    return stage.identity.key(kind, normalise(kind, value))


def _text(done: dict[str, Any], *, dry_run: bool) -> str:
    would = "would be" if dry_run else "are"
    events, second = done["events"], done["second_id"]
    who = "everybody else has" if done["named_stay"] else "who was named has"
    lines = [
        f"profile {done['profile_id']} and profile {second} {would} two people; {who} the new one",
        f"archived events: {events['left']:,} stay, {events['apart']:,} go to who was named",
        f"{done['identifiers_moved']} identifiers lead to the new profile",
    ]
    if events["nobody"]:
        lines.append(
            f"{events['nobody']:,} happened anonymously on {done['shared_devices']} devices of both: nobody's now"
        )
    if done["moved"]:
        lines.append(f"traits of who was named: {', '.join(done['moved'])}")
    if done["unclear"]:
        lines.append(f"no archived event says whose these traits are, so they stayed: {', '.join(done['unclear'])}")
    if done["torn"]:
        lines.append(
            f"seen with both, and stayed: {', '.join(done['torn'])}. Name them with --apart if they should go too"
        )
    return "\n".join(lines)
