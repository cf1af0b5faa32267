"""``homing trigger``: starts a flow for one customer, for a list of them, or for a whole segment."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from homing.cli.asking import Desk, named, no_answer, request_id_of, to_bus

if TYPE_CHECKING:
    from homing.domain.flows.job import Job

_PEOPLE = ("user_id", "email", "loyalty_id", "profile_id", "segment")
_FOLLOW = 5.0


@click.command("trigger")
@click.argument("flow")
@click.option("--user-id", help="A customer.")
@click.option("--email", help="A customer.")
@click.option("--loyalty-id", help="A customer.")
@click.option("--profile-id", help="A customer.")
@click.option("--segment", help="Everybody in this segment.")
@click.option(
    "--list", "people", help="Everybody in this file (it is uploaded), object (s3://…), or list of that name."
)
@click.option("--per-minute", type=int, help="How many of a list or segment a minute. [default: 600]")
@click.option("--data", multiple=True, metavar="KEY=VALUE", help="What the mail may read as `data`; may be repeated.")
@click.option("--follow", is_flag=True, help="Stay until a list or segment is worked off.")
@named
@to_bus
def command(
    flow: str, people: str | None, per_minute: int | None, data: tuple[str, ...], follow: bool, request_id: str | None,
    by: str | None, stage: str | None, bus: str | None, printed: bool, **whom: str | None,
) -> None:  # fmt: skip
    """Start FLOW, which has `on: flow_requested`, for somebody or for many.

    Repeating a command with the same --request-id is harmless: everybody gets the flow once.
    """
    from homing.domain.events.normalise import email_address

    if whom["email"] is not None and email_address(whom["email"]) is None:
        raise click.UsageError(f"--email {whom['email']}: that is no e-mail address")
    desk, id_ = Desk(stage, bus, printed), request_id_of(request_id)
    detail: dict[str, Any] = {"flow": flow, "request_id": id_, **{name: whom[name] for name in _PEOPLE if whom[name]}}
    if people:
        detail["list"] = _list(people, id_, desk)
    if per_minute is not None:
        detail["per_minute"] = per_minute
    if data:
        detail["data"] = dict(_pair(one) for one in data)
    if by:
        detail["by"] = by
    desk.put("FlowRequested", [detail])
    if printed:
        return
    click.echo(f"asked for {flow}, request {id_}")
    if desk.waits:
        _tell(desk, detail, follow)


def _pair(text: str) -> tuple[str, Any]:
    """``title=Spring``, ``count=3``: JSON where it is some, else text."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"--data {text}: write KEY=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _list(people: str, id_: str, desk: Desk) -> str | dict[str, str]:
    """An object as it is; a file once it was put where the stack reads it; else the name of a list."""
    if people.startswith("s3://"):
        return {"s3": people}
    file = Path(people)
    if not file.is_file():
        # A list has a name, and no file needs to be there for it.
        if {"/", "\\"} & set(people) or file.suffix.lower() in {".csv", ".txt"}:
            raise click.UsageError(
                f"--list {people}: {'that is a folder' if file.is_dir() else 'there is no such file'}; give a file, an object "
                "(s3://…) or the name of a list"
            )
        return people
    if not desk.waits:
        raise click.UsageError(f"{people} is a file of this machine: with --stage, and without --print, it is uploaded")
    from homing.adapters.aws_errors import aws_errors
    from homing.cli.deployed import find_stage
    from homing.domain.errors import HomingError, InvalidInput
    from homing.runtime import parts
    from homing.sources.people_list import shape_of

    content = file.read_bytes()
    try:
        shape_of(content)
    except InvalidInput as error:
        raise HomingError(f"{people}: {error.message}") from error
    bucket, key = find_stage(str(desk.stage)).lists_bucket, f"{id_}{file.suffix}"
    if not bucket:
        raise HomingError(f"the stage {desk.stage} has no bucket for lists: deploy it once more")
    with aws_errors(f"uploading {people}"):
        parts.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
    click.echo(f"{people} is s3://{bucket}/{key}, for 30 days")
    return {"s3": f"s3://{bucket}/{key}"}


def _tell(desk: Desk, detail: dict[str, Any], follow: bool) -> None:
    """What came of it."""
    from homing.cli.deployed import find_stage
    from homing.domain.errors import HomingError
    from homing.domain.events.event import PERSON_IDENTIFIERS, IdentifierKind
    from homing.domain.flows.job import job_id
    from homing.domain.flows.run import run_id
    from homing.services.resolve import resolve

    stage = find_stage(str(desk.stage))
    if "segment" in detail or "list" in detail:
        id_ = job_id(detail["flow"], detail["request_id"])
        job = desk.wait(lambda: stage.journal.load_job(id_))
        if job is None:
            raise HomingError(no_answer("no job"))
        while follow and job.state == "waiting":
            _progress(job)
            time.sleep(_FOLLOW)
            job = stage.journal.load_job(id_) or job
        _progress(job)
        return
    person: dict[IdentifierKind, str] = {kind: detail[kind] for kind in PERSON_IDENTIFIERS if kind in detail}
    asked = str(detail.get("profile_id") or stage.identity.person(person))
    profile = resolve(stage.profiles, [asked]).get(asked)
    if profile is None:
        raise HomingError("nobody is known by that: it was refused")
    key = f"trigger:flow_requested:{detail['request_id']}"
    run = desk.wait(lambda: stage.journal.load_run(run_id(detail["flow"], profile.id, key)))
    if run is None:
        raise HomingError(no_answer("no run"))
    click.echo(f"run {run.id} {'waits: the flow is paused' if run.parked else 'began'}")


def _progress(job: Job) -> None:
    from homing.local.report.text import count

    unread = f", {count(job.unreadable, 'line')} named nobody" if job.unreadable else ""
    state = "under way" if job.state == "waiting" else job.state
    click.echo(f"{state}: {job.people:,} people handed on{unread}")
    if job.state != "waiting":
        for one in job.unread:
            click.echo(f"  line {one['line']}: {one['reason']}")
        if job.unreadable > len(job.unread):
            click.echo(f"  and {job.unreadable - len(job.unread):,} more")
