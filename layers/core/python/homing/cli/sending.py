"""``homing sending``: what leaves today, bounces and complaints, and the word that lets stopped mail go on."""

from __future__ import annotations

import click

from homing.domain.delivery.book import ALL
from homing.domain.time import iso


@click.command("sending")
@click.option("--stage", required=True, help="A deployed stage: prod. Uses your AWS credentials and region.")
@click.option("--resume", "topic", help="Let the mail of this topic go on; `*` for the stop of all topics.")
def command(stage: str, topic: str | None) -> None:
    """What was sent and what became of it, by topic; and what stopped itself for bounces or complaints."""
    import time

    from homing.adapters.dynamodb_book import DynamoBook
    from homing.cli.deployed import find_stage
    from homing.runtime import parts
    from homing.services.sending_rate import Reckoning

    store = DynamoBook(parts.client("dynamodb"), find_stage(stage).journal_table)
    if topic is not None:
        Reckoning(store, lambda: time.time_ns() // 1000).resume(topic)
        click.echo(f"{'all topics' if topic == ALL else topic}: goes on; what waits is looked at within the hour")
    book = store.load()
    if book.day:
        click.echo(f"{book.day}: {book.taken} given leave (warm-up)")
    for name, window in sorted(book.windows.items()):
        sent, bounces, complaints = window.totals()
        told = f"last {sent} sends, {bounces} bounces, {complaints} complaints"
        click.echo(f"{'all topics' if name == ALL else name}: {told}")
    for name, why in sorted(book.stopped.items()):
        told = f"{why['count']} {why['what']}s in {why['of']} sends, limit {why['limit']:.2%}"
        click.echo(f"STOPPED since {iso(why['at'])}: {'all topics' if name == ALL else name} ({told})")
        click.echo(f"  homing sending --stage {stage} --resume '{name}'   lets it go on")
