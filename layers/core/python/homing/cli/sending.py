"""``homing sending``: what leaves today, bounces and complaints, and the word that lets stopped mail go on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from homing.domain.errors import InvalidInput
from homing.domain.time import iso

if TYPE_CHECKING:
    from homing.domain.delivery.book import Book


@click.command("sending")
@click.option("--stage", required=True, help="A deployed stage: prod. Uses your AWS credentials and region.")
@click.option("--resume", "topic", help="Let the mail of this topic go on; `*` for the stop of all topics.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def command(stage: str, topic: str | None, as_json: bool) -> None:
    """What was sent and what became of it, by topic; and what stopped itself for bounces or complaints.

    Exits 1 while something is stopped.
    """
    import time

    from homing.adapters.dynamodb_book import DynamoBook
    from homing.cli.deployed import find_stage
    from homing.runtime import parts
    from homing.services.sending_rate import Reckoning

    store = DynamoBook(parts.client("dynamodb"), find_stage(stage).journal_table)
    if topic is not None:
        try:
            Reckoning(store, lambda: time.time_ns() // 1000).resume(topic)
        except InvalidInput as error:
            stopped = ", ".join(sorted(store.load().stopped)) or "nothing"
            raise click.UsageError(f"{error}: stopped is {stopped}") from error
        click.echo(f"{_named(topic)}: goes on; what waits is looked at within the hour", err=as_json)
    book = store.load()
    click.echo(json.dumps(_facts(book), indent=2) if as_json else "\n".join(_lines(book, stage)))
    if book.stopped:
        raise SystemExit(1)


def _lines(book: Book, stage: str) -> Iterator[str]:
    if book.day:
        yield f"{book.day}: {book.taken} given leave (warm-up)"
    for name, window in sorted(book.windows.items()):
        sent, bounces, complaints = window.totals()
        yield f"{_named(name)}: last {sent} sends, {bounces} bounces, {complaints} complaints"
    if not book.windows:
        yield "nothing was sent yet"
    for name, why in sorted(book.stopped.items()):
        told = f"{why['count']} {why['what']}s in {why['of']} sends, limit {why['limit']:.2%}"
        yield f"STOPPED since {iso(why['at'])}: {_named(name)} ({told})"
        yield f"  homing sending --stage {stage} --resume '{name}'   lets it go on"


def _facts(book: Book) -> dict[str, Any]:
    names = ("sends", "bounces", "complaints")
    windows = {name: dict(zip(names, window.totals(), strict=True)) for name, window in sorted(book.windows.items())}
    stopped = {name: {**why, "at": iso(why["at"])} for name, why in sorted(book.stopped.items())}
    warm_up = {"warm_up": {"day": book.day, "given_leave": book.taken}} if book.day else {}
    return {**warm_up, "topics": windows, "stopped": stopped}


def _named(topic: str) -> str:
    from homing.domain.delivery.book import ALL

    return "all topics" if topic == ALL else topic
