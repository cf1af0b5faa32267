"""``homing story``: flows tested as stories."""

from __future__ import annotations

import json
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from homing.cli.folders import default_campaigns
from homing.domain.content.codes import CODES
from homing.domain.errors import InvalidInput

if TYPE_CHECKING:
    from homing.local.stories.files import Told
    from homing.local.stories.player import Failure


@click.command("story")
@click.argument("paths", metavar="[FILE_OR_FOLDER]…", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--campaigns",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with campaigns. [default: those that a story lies in, else layers/campaigns]",
)
@click.option("--verbose", "-v", is_flag=True, help="Print all that happens in each story.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def command(paths: tuple[Path, ...], campaigns: Path | None, verbose: bool, as_json: bool) -> None:
    """Play stories: what people do, how time passes, and what should come of it. Exits 1 when it does not.

    Without a file or folder all stories of the campaigns are played. docs/stories.md says how to write one.
    """
    from homing.domain.errors import InvalidCampaign
    from homing.local.stories.files import story_files, tell

    began = time.perf_counter()
    usual = campaigns or default_campaigns()
    told: list[Told] = []
    try:
        files = story_files(paths or [_stories(usual)])
        for one in tell(files, campaigns, usual):
            told.append(one)
            if not as_json:
                _show(one, verbose)
    except InvalidCampaign:
        raise
    except InvalidInput as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(json.dumps([_as_dict(one) for one in told], indent=2, ensure_ascii=False))
    else:
        click.echo(_summary(told, time.perf_counter() - began))
    if not all(one.held for one in told):
        raise SystemExit(1)


def _stories(folder: Path) -> Path:
    """The stories of campaigns. Raises InvalidInput, and InvalidCampaign for a folder that holds no campaigns at all."""
    from homing.local.stories.files import campaigns_of

    if not (folder / "stories").is_dir():
        campaigns_of(folder)
        raise InvalidInput(f"{folder} has no stories: write them into {folder / 'stories'}", code="missing_file")
    return folder / "stories"


def _show(told: Told, verbose: bool) -> None:
    for problem in told.problems:
        label = "" if CODES[problem.code].severity == "error" else "warning: "
        click.echo(f"{told.file}:{problem.line}:{problem.column}: {problem.code} {label}{problem.message}")
    played = told.played
    if played is None:
        return
    if told.held:
        checks = _count(played.checks, "expectation", "expectations")
        click.echo(f"✓ {played.story.name}: {played.story.description}  ({checks}, {played.seconds:.2f} s)")
    else:
        click.echo(f"✗ {played.story.name}: {played.story.description}")
        for failure in played.failures:
            click.echo(_failure(told.file, failure))
    if verbose or not told.held:
        # What came after the last disappointment does not help to understand it.
        last = max((index for index, line in enumerate(played.timeline) if "✗" in line), default=len(played.timeline))
        shown = played.timeline if verbose else played.timeline[: last + 1]
        click.echo(textwrap.indent("\n".join(["What happened:", *shown]), "    "))


def _failure(file: Path, failure: Failure) -> str:
    description = failure.description or "it is not as expected"
    lines = [
        f"{file}:{failure.line}:{failure.column}: {description}",
        textwrap.indent(f"expected  {failure.expected}", "    "),
        textwrap.indent(f"instead   {failure.instead.strip()}", "    "),
    ]
    return "\n".join(lines)


def _summary(told: list[Told], seconds: float) -> str:
    held = sum(one.held for one in told)
    checks = _count(sum(one.played.checks for one in told if one.played), "expectation", "expectations")
    idle = sum(one.played is not None and not (one.played.checks or one.played.failures) for one in told)
    unplayed = sum(one.played is None for one in told)
    missed = len(told) - held - idle - unplayed
    wrong = [
        *([f"{missed} not as expected"] if missed else []),
        *([f"{unplayed} can't be played"] if unplayed else []),
        *([f"{idle} without anything expected"] if idle else []),
    ]
    verdict = ", ".join(wrong) or "all as expected"
    return f"{_count(len(told), 'story', 'stories')}, {checks}, {seconds:.1f} s: {verdict}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _as_dict(told: Told) -> dict[str, Any]:
    played = told.played
    return {
        "file": str(told.file),
        "held": told.held,
        "problems": [
            {
                "line": problem.line, "column": problem.column, "severity": CODES[problem.code].severity,
                "code": problem.code, "message": problem.message,
            }
            for problem in told.problems
        ],
        "name": played.story.name if played else told.file.stem,
        "description": played.story.description if played else None,
        "expectations": played.checks if played else 0,
        "seconds": round(played.seconds, 3) if played else None,
        "failures": [
            {
                "line": failure.line, "column": failure.column, "description": failure.description,
                "expected": failure.expected, "instead": failure.instead.strip(),
            }
            for failure in (played.failures if played else ())
        ],
        "timeline": played.timeline if played else [],
    }  # fmt: skip
