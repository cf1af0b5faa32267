"""``homing recommend``: which products go with which, counted from recorded events."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from homing.cli.recordings import RecordingFile

if TYPE_CHECKING:
    from homing.domain.recommend.related import Act, Related

_ACTS = {"Product Viewed": False, "Product Added": False, "Order Completed": True}


@click.command("recommend")
@click.argument("events", required=False, type=RecordingFile("--archive FOLDER"))
@click.option("--archive", type=click.Path(exists=True, file_okay=False, path_type=Path), help="A copy of the archive.")
@click.option("--out", default="layers/campaigns/catalog/related.json", show_default=True,
              type=click.Path(dir_okay=False, path_type=Path), help="Where the tables go.")  # fmt: skip
def command(events: Path | None, archive: Path | None, out: Path) -> None:
    """Count, in EVENTS (a Segment message a line) or in an --archive, what people look at and buy together.

    The tables become part of the campaigns: publish or deploy them for mails to use them.
    """
    from homing.domain.recommend.related import related

    if (events is None) == (archive is None):
        raise click.UsageError("say EVENTS.jsonl or --archive FOLDER")
    people: dict[str, list[Act]] = {}
    for path in [events] if events else sorted((archive or Path()).rglob("*.jsonl*")):
        for line in _lines(path):
            for person, act in _acts(line):
                people.setdefault(person, []).append(act)
    made = related(people.values())
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text_of(made), encoding="utf-8")
    size = out.stat().st_size / 1024
    click.echo(
        f"{out}: {len(people):,} people, {len(made.viewed):,} products looked at with others, {len(made.bought):,} bought "
        f"with others, {size:.0f} KB"
    )


def text_of(made: Related) -> str:
    """JSON with a line for each product, so that a change of the file can be read."""
    parts = []
    for name, table in made.model_dump().items():
        if isinstance(table, dict):
            rows = (f"  {json.dumps(product)}: {json.dumps(near)}" for product, near in table.items())
            parts.append(f'"{name}": {{' + ",".join(f"\n{row}" for row in rows) + ("\n}" if table else "}"))
        else:
            parts.append(f'"{name}": {json.dumps(table)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    yield from (json.loads(line) for line in text.splitlines() if line.strip())


def _acts(line: dict[str, Any]) -> Iterator[tuple[str, Act]]:
    """The products of an archived event, or of a Segment message; nothing of others."""
    from homing.domain.recommend.recommender import product_ids
    from homing.domain.time import parse_instant

    name = str(line.get("name") or line.get("event") or "")
    person = line.get("profile_id") or line.get("userId") or line.get("anonymousId")
    at = line.get("occurred_at") or line.get("timestamp")
    if name in _ACTS and person and at and isinstance(line.get("properties"), dict):
        for product in product_ids(line["properties"]):
            yield str(person), (at if isinstance(at, int) else parse_instant(str(at)), product, _ACTS[name])
