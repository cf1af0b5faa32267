"""``homing check``: segments, flows, templates and stories, before anybody gets a mail."""

from __future__ import annotations

import json
from pathlib import Path

import click

from homing.adapters.files import campaigns_at, publish_folder, read_folder, read_stories
from homing.cli.folders import campaigns_option
from homing.cli.recordings import RecordingFile
from homing.domain.content.lint import Finding, lint
from homing.domain.content.publish import read
from homing.domain.errors import InvalidCampaign, InvalidInput


@click.command("check")
@campaigns_option
@click.option(
    "--against",
    type=click.Path(exists=True, path_type=Path),
    help="Folder or bundle of the campaigns as they are deployed: warns of rules whose memory was not kept yet.",
)
@click.option(
    "--events",
    type=RecordingFile(),
    help="A recording of your shop (a Segment message a line): tells of events, properties and traits that never come.",
)
@click.option("--online", is_flag=True, help="Fetch every link and picture that is written down, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option("--strict", is_flag=True, help="Warnings count as problems.")
def command(
    campaigns: Path, against: Path | None, events: Path | None, online: bool, as_json: bool, strict: bool
) -> None:
    """Find mistakes in segments, flows, templates and stories: exits 1 when there are any."""
    try:
        findings = check(campaigns)
        if against is not None and not any(finding.severity == "error" for finding in findings):
            findings += compare(campaigns, against)
        if events is not None:
            findings += unheard(campaigns, events)
        if online:
            findings += unanswered(campaigns)
    except InvalidInput as error:
        raise click.UsageError(str(error)) from error
    errors = sum(finding.severity == "error" for finding in findings)
    warnings = len(findings) - errors
    if as_json:
        click.echo(json.dumps([as_dict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            label = "" if finding.severity == "error" else "warning: "
            problem = finding.problem
            place = f"{campaigns / problem.file}:{problem.line}:{problem.column}"
            click.echo(f"{place}: {problem.code} {label}{problem.message}")
        click.echo(summary(str(campaigns), errors, warnings))
    if errors or (strict and warnings):
        raise SystemExit(1)


def check(folder: Path) -> list[Finding]:
    """All findings of today. Raises InvalidInput when there is no such folder."""
    from homing.domain.time import to_datetime
    from homing.runtime import clock

    return lint(read_folder(folder) | read_stories(folder), to_datetime(clock.now()).date())


def unheard(folder: Path, events: Path) -> list[Finding]:
    """What campaigns listen for and a recording never has. Raises InvalidInput."""
    from homing.domain.content.checks.heard import never_heard
    from homing.local.heard import heard_in

    sources = read(read_folder(folder))
    found = [Finding("warning", problem) for problem in never_heard(sources, heard_in(events))]
    return sorted(found, key=lambda finding: finding.place)


def unanswered(folder: Path) -> list[Finding]:
    """Links and pictures that nobody answers for. Raises InvalidInput."""
    from homing.domain.content.checks.written import fetched
    from homing.local.online import dead

    files = read_folder(folder)
    return [Finding("warning", problem) for problem in dead(fetched(files, read(files)))]


def compare(folder: Path, against: Path) -> list[Finding]:
    """What the rules of a folder ask for that profiles under ``against`` (a folder or a bundle) do not remember. Raises
    InvalidInput."""
    from homing.domain.content.new_memory import new_memory

    new = publish_folder(folder)
    old = campaigns_at(against)
    return [
        Finding(
            "warning",
            InvalidCampaign(
                f"it asks for {lacking.what}: it counts from deployment on, until `homing rebuild`",
                code="new_memory",
                file=lacking.file,
                line=1,
                column=1,
            ),
        )
        for lacking in new_memory(new, old)
    ]


def summary(folder: str, errors: int, warnings: int) -> str:
    """One line for people."""
    if not errors and not warnings:
        return f"{folder}: no problems"
    counts = [
        f"{count} {word if count == 1 else word + 's'}" for count, word in ((errors, "error"), (warnings, "warning"))
    ]
    return f"{folder}: {counts[0]}, {counts[1]}"


def as_dict(finding: Finding) -> dict[str, str | int]:
    """For programs."""
    problem = finding.problem
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "severity": finding.severity,
        "code": problem.code,
        "message": problem.message,
    }
