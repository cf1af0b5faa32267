"""``homing rebuild``: after definitions changed, remember people as if the new ones had always been."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from homing.cli.deployed import Deployed, stage_option
from homing.cli.folders import campaigns_option

if TYPE_CHECKING:
    from homing.services.archived import Part
    from homing.services.rebuild import Rebuild, Rebuilt


@click.command("rebuild")
@stage_option
@campaigns_option
@click.option("--part", help="Only one part of the people: 1/8 is the first of eight. Run parts on several machines.")
@click.option(
    "--parts", type=click.IntRange(1, 10_000), default=1, show_default=True, help="All parts in turn: less memory."
)
@click.option(
    "--state", type=click.Path(dir_okay=False, path_type=Path), help="File that remembers which parts are done."
)
@click.option(
    "--archive",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A copy of the archive in a folder, instead of the bucket.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def command(
    stage: Deployed, campaigns: Path, part: str | None, parts: int, state: Path | None, archive: Path | None, as_json: bool
) -> None:  # fmt: skip
    """Fold the archive again with the deployed campaigns and join the result into the live profiles.

    Live traffic goes on meanwhile. Segments that change by it start no flow. It can be run again at any time.
    """
    from homing.runtime import clock
    from homing.services.archived import Part
    from homing.services.rebuild import Rebuild

    if part is not None and parts != 1:
        raise click.UsageError("say --part or --parts, not both")
    wanted = [Part.parse(part)] if part else [Part(index, parts) for index in range(parts)]
    run = Rebuild(
        stage.campaigns(campaigns),
        stage.identity,
        stage.profiles,
        stage.archive(archive),
        clock.now,
        stage.parallel,
        rankings=stage.rankings,
    )
    done = _read_state(state, stage.revision)
    total: dict[str, int] = {}
    for each in wanted:
        name = f"{each.index + 1}/{each.count}"
        if name in done:
            continue
        for key, count in _run(run, each, name, quiet=as_json).to_dict().items():
            total[key] = total.get(key, 0) + count
        done.add(name)
        if state is not None:
            state.write_text(json.dumps({"revision": stage.revision, "done": sorted(done)}) + "\n", encoding="utf-8")
    click.echo(json.dumps(total) if as_json else _text(total))


def _run(run: Rebuild, part: Part, name: str, *, quiet: bool) -> Rebuilt:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as progress:
        reading = progress.add_task(f"Part {name}: reading", total=None)
        joining = progress.add_task(f"Part {name}: joining", total=None)
        return run(
            part,
            reading=lambda at, of: progress.update(reading, completed=at, total=of),
            joining=lambda at, of: progress.update(joining, completed=at, total=of),
        )


def _read_state(file: Path | None, revision: str) -> set[str]:
    """The parts that were done with these campaigns; none when they have changed since."""
    if file is None or not file.exists():
        return set()
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
        return set(held["done"]) if held["revision"] == revision else set()
    except (ValueError, KeyError, TypeError) as error:
        raise click.UsageError(f"{file} is not a state file of homing rebuild") from error


def _text(total: dict[str, int]) -> str:
    if not total:
        return "every part was done already"
    lines = [
        f"{total['lines']:,} archived events read, {total['people']:,} archived people",
        f"{total['written']:,} profiles written, {total['unchanged']:,} were as they should be",
    ]
    if total["gone"]:
        lines.append(f"{total['gone']:,} have no profile any more and stay forgotten")
    if total["unreadable"]:
        lines.append(f"{total['unreadable']:,} lines or objects could not be read")
    return "\n".join(lines)
