"""``homing list``: people from a file onto a list that segments ask for (``list: spring-guests``), or off it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from homing.sources.people_list import ListReading

_SHOWN = 10


@click.group("list")
def command() -> None:
    """Lists of people, for segments.

    FILE is a CSV table with a column user_id, email or loyalty_id; other columns are left alone. Send it to the stack
    (--url, --write-key), or write the events to a file (--out). Repeating a command is harmless: of each list and person
    the latest word counts.
    """


def _options(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed([
        click.argument("name"),
        click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
        click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the events there, one a line."),
        click.option("--url", help="Where the stack receives events, such as https://events.shop.example/v1/batch."),
        click.option("--write-key", envvar="HOMING_WRITE_KEY", help="Write key of the stack. [env: HOMING_WRITE_KEY]"),
        click.option("--at", help="When they joined or left, ISO 8601. [default: now]"),
        click.option("--json", "as_json", is_flag=True, help="Print the result as JSON."),
    ]):  # fmt: skip
        function = option(function)
    return function


@command.command("add")
@_options
def add(**options: Any) -> None:
    """Put everybody in FILE on the list NAME."""
    _run(joined=True, **options)


@command.command("remove")
@_options
def remove(**options: Any) -> None:
    """Take everybody in FILE off the list NAME."""
    _run(joined=False, **options)


def _run(
    name: str, file: Path, out: Path | None, url: str | None, write_key: str | None, at: str | None,
    as_json: bool, *, joined: bool,
) -> None:  # fmt: skip
    from homing.domain.errors import HomingError, InvalidInput
    from homing.domain.time import parse_instant
    from homing.sources.people_list import read_list

    if (out is None) == (url is None):
        raise click.UsageError("say --out FILE to write the events, or --url and --write-key to send them")
    if out is None and not write_key:
        raise click.UsageError("--url needs --write-key, or HOMING_WRITE_KEY in the environment")
    try:
        moment = parse_instant(at) if at else time.time_ns() // 1_000_000 * 1_000
        reading = read_list(file.read_bytes(), name, joined=joined, at=moment)
    except InvalidInput as error:
        raise HomingError(f"{file}: {error.message}") from error
    if out is not None:
        _write(out, reading)
    else:
        from homing.local.posting import post

        for index, reason in post(reading.messages, url or "", write_key or ""):
            reading.reject(index, reason)
    if as_json:
        click.echo(json.dumps(_summary(reading, name, joined), indent=2))
    else:
        _tell(reading, name, file, out or url or "", joined=joined)
    if reading.bad:
        raise SystemExit(1)


def _write(out: Path, reading: ListReading) -> None:
    with out.open("w", encoding="utf-8") as target:
        target.writelines(json.dumps(message, ensure_ascii=False) + "\n" for message in reading.messages)


def _summary(reading: ListReading, name: str, joined: bool) -> dict[str, Any]:
    return {
        "list": name.strip(),
        "joined" if joined else "left": len(reading.messages),
        "repeated": reading.repeated,
        "bad": [{"line": row.line, "reason": row.reason} for row in reading.bad],
    }


def _tell(reading: ListReading, name: str, file: Path, target: str | Path, *, joined: bool) -> None:
    count = len(reading.messages)
    people = "1 person" if count == 1 else f"{count:,} people"
    click.echo(f"{name.strip()}: {people} {'joined' if joined else 'left'}, told to {target}")
    if reading.repeated:
        click.echo(f"{reading.repeated:,} rows named somebody once more")
    if reading.bad:
        rows = "1 row was" if len(reading.bad) == 1 else f"{len(reading.bad):,} rows were"
        click.echo(f"{rows} left out:", err=True)
        for row in sorted(reading.bad, key=lambda row: row.line)[:_SHOWN]:
            click.echo(f"{file}:{row.line}: {row.reason}", err=True)
        if len(reading.bad) > _SHOWN:
            click.echo(f"… and {len(reading.bad) - _SHOWN:,} more (--json tells all)", err=True)
