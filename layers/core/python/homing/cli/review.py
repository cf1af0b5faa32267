"""``homing review``: who has something doubtful, why, and what to do about it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from homing.cli.deployed import Deployed, stage_option
from homing.cli.folders import campaigns_option
from homing.cli.unmerge import profile_id


@click.command("review")
@stage_option
@campaigns_option
@click.option("--dismiss", metavar="PROFILE", help="Take what is open about a profile off the list, for good.")
@click.option(
    "--merge", nargs=2, metavar="PROFILE OTHER", help="These two are one person: make them one, the first stays."
)
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def command(
    stage: Deployed, campaigns: Path, dismiss: str | None, merge: tuple[str, str] | None, as_json: bool
) -> None:
    """List profiles with something doubtful: people who share an identifier and may or may not be one, and traits on
    which sources contradict each other. Profiles are named by id or by KIND:VALUE.

    Exits 1 when the list is not empty.
    """
    from homing.runtime import clock
    from homing.services.review import ReviewList

    if dismiss and merge:
        raise click.UsageError("say --dismiss or --merge, not both")
    review = ReviewList(
        stage.campaigns(campaigns), stage.identity, stage.profiles, stage.journal, clock.now, stage.rankings
    )
    if dismiss:
        count = review.dismiss(profile_id(stage, dismiss))
        click.echo(f"{count} dismissed" if count else "there was nothing open about this profile")
        return
    if merge:
        kept = review.merge(*(profile_id(stage, text) for text in merge))
        click.echo(f"they are one person now: {kept}")
        return
    listed = review.listed()
    if as_json:
        click.echo(json.dumps([person.to_dict() for person in listed], indent=2))
    else:
        for person in listed:
            click.echo(f"{person.profile_id}  {person.name}")
            for finding in person.findings:
                click.echo(f"    {finding.words}")
        click.echo(f"{len(listed)} to look at" if listed else "nothing to look at")
    if listed:
        raise SystemExit(1)
