"""``homing explain``: what is known of one person, why they are in a segment or not, and why they got a message or not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from homing.cli.folders import campaigns_option
from homing.cli.recordings import RecordingFile

if TYPE_CHECKING:
    from homing.local.explain.story import Story


@click.command("explain")
@click.argument("person", required=False)
@click.option("--segment", metavar="NAME", help="Only why they are in this segment, or not.")
@click.option("--messages", is_flag=True, help="Only why each message was sent, or not.")
@click.option("--message", metavar="SEND_ID", help="Only why this message was sent, or not.")
@click.option("--runs", is_flag=True, help="Only which runs of flows they have, or had.")
@click.option("--run", "run_id", metavar="RUN_ID", help="Only this run, step by step; PERSON may be left out.")
@click.option(
    "--at",
    help="At which instant, ISO 8601. [default: the person's last event, for messages and runs 30 days later; now with "
    "--stage]",
)
@click.option(
    "--events",
    type=RecordingFile(),
    help="A recording: a Segment message a line.",
)
@click.option("--stage", metavar="NAME", help="A deployed stage: prod. Uses your AWS credentials and region.")
@campaigns_option
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def command(
    person: str | None, segment: str | None, messages: bool, message: str | None, runs: bool, run_id: str | None,
    at: str | None, events: Path | None, stage: str | None, campaigns: Path, as_json: bool,
) -> None:  # fmt: skip
    """Explain PERSON: a user_id, e-mail address, other identifier, or profile id.

    Says who it is, what is said of them by whom, what they are in and why, with the lines of the rules, the events that
    count, and when it will change by itself. With a recording also how it came about. For every message: when it was
    decided, why it waited, and why it was sent or not. For a run of a flow (--run): each step with its rule, the values that
    decided it, its mails, and what comes next.
    """
    from homing.domain.errors import InvalidInput
    from homing.local.explain.text import as_dict, show

    if (events is None) == (stage is None):
        raise click.UsageError("say --events RECORDING.jsonl or --stage NAME")
    mails = messages or message is not None
    if sum((mails, segment is not None, runs, run_id is not None)) > 1:
        raise click.UsageError("say one of --segment, --messages, --runs and --run")
    if runs or run_id is not None:
        _runs(person, run_id, at, events, stage, campaigns, as_json=as_json)
        return
    if person is None:
        raise click.UsageError("say whom: a user_id, e-mail address, other identifier, or profile id")
    try:
        if events is not None:
            story = _replayed(person, segment, at, events, campaigns, quiet=as_json, mails=mails)
        else:
            story = _stored(person, segment, at, stage or "", campaigns)
        if message is not None:
            story.messages = [told for told in story.messages or [] if told.send_id == message]
            if not story.messages:
                raise InvalidInput(f"no message {message!r} was decided for {person!r}", code="unknown_message")
    except InvalidInput as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(json.dumps(as_dict(story), indent=2, ensure_ascii=False, default=str))
    else:
        show(story, segment=segment, messages=mails)


def _runs(
    person: str | None, run_id: str | None, at: str | None, events: Path | None, stage: str | None, folder: Path, *,
    as_json: bool,
) -> None:  # fmt: skip
    from homing.adapters.files import publish_folder, read_folder
    from homing.cli.deployed import find_stage
    from homing.domain.content.publish import read
    from homing.domain.errors import InvalidInput
    from homing.domain.time import parse_instant
    from homing.local.explain import run_text, runs

    if run_id is None and person is None:
        raise click.UsageError("say whose runs: a user_id, e-mail address, other identifier, or profile id")
    try:
        read_files, until = read(read_folder(folder)), parse_instant(at) if at else None
        deployed = find_stage(stage) if stage is not None else None
        campaigns = deployed.campaigns(folder) if deployed is not None else publish_folder(folder)
        sources = runs.Sources(campaigns, read_files.segments, read_files.flows)
        if run_id is not None:
            if deployed is not None:
                story = runs.stored_run(sources, deployed.profiles, deployed.journal, run_id)
            else:
                assert events is not None
                with _reading(events, quiet=as_json) as tick:
                    story = runs.replayed_run(sources, events, run_id, person=person, at=until, tick=tick)
            if as_json:
                click.echo(json.dumps(runs.as_dict(story), indent=2, ensure_ascii=False, default=str))
            else:
                run_text.show_run(story)
            return
        note = ""
        if deployed is not None:
            found = runs.stored_runs(deployed.profiles, deployed.journal, deployed.identity, person or "")
            note = "those that sent a mail in the last 90 days, or wait for something to happen"
        else:
            assert events is not None
            with _reading(events, quiet=as_json) as tick:
                found = runs.replayed_runs(sources, events, person or "", at=until, tick=tick)
    except InvalidInput as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(json.dumps([runs.row(run) for run in found], indent=2))
    else:
        run_text.show_runs(found, sources.zone, note=note)


@contextmanager
def _reading(events: Path, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A progress bar while a recording is read."""
    columns = (TextColumn("Reading"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task("", total=events.stat().st_size)
        yield lambda done: progress.update(task, completed=done)


def _replayed(
    person: str, segment: str | None, at: str | None, events: Path, folder: Path, *, quiet: bool, mails: bool
) -> Story:  # fmt: skip
    from homing.adapters.files import publish_folder, read_folder
    from homing.domain.content.publish import read
    from homing.domain.time import DAY, parse_instant
    from homing.local.explain.story import replayed

    campaigns, sources = publish_folder(folder), read(read_folder(folder))
    with _reading(events, quiet=quiet) as tick:
        return replayed(
            campaigns,
            sources.segments,
            events,
            person,
            at=parse_instant(at) if at else None,
            segment=segment,
            beyond=30 * DAY if mails else 0,
            tick=tick,
        )


def _stored(person: str, segment: str | None, at: str | None, name: str, folder: Path) -> Story:
    from homing.adapters.files import read_folder
    from homing.cli.deployed import find_stage
    from homing.domain.content.publish import read
    from homing.domain.time import parse_instant
    from homing.local.explain.story import stored
    from homing.runtime import clock

    stage = find_stage(name)
    campaigns, sources = stage.campaigns(folder), read(read_folder(folder))
    instant = parse_instant(at) if at else clock.now()
    return stored(campaigns, sources.segments, stage.profiles, stage.identity, person, instant, segment, stage.journal)
