"""``homing catalog``: tells the bus what differs between two catalogs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from homing.cli.asking import Desk, to_bus

if TYPE_CHECKING:
    from homing.domain.campaigns import Product

# A change is some hundred bytes, an event 256 KB at most.
_BYTES = 200_000


@click.command("catalog")
@click.argument("old", type=click.Path(exists=True, path_type=Path))
@click.argument("new", type=click.Path(exists=True, path_type=Path))
@to_bus
@click.option("--json", "as_json", is_flag=True, help="Print the changes as JSON instead of asking.")
def command(old: Path, new: Path, stage: str | None, bus: str | None, printed: bool, as_json: bool) -> None:
    """Put prices that changed, and products that are or are not in stock any more, on the bus: ProductChanged.

    OLD and NEW are catalogs (products.csv, .jsonl or .yaml), or campaign folders with one. Flows that wait for price drops, or
    for products to be back, then start for whoever looked at them. Repeating a command on the same day is harmless.
    """
    from homing.domain.bus.commands import MOST_CHANGES
    from homing.domain.flows.products import compare, events

    changes = list(compare(_read(old), _read(new)))
    if as_json:
        click.echo(json.dumps([one.model_dump(exclude_none=True) for one in changes], indent=2, ensure_ascii=False))
        return
    desk = Desk(stage, bus, printed)
    longest = max((len(one.model_dump_json(exclude_none=True)) for one in changes), default=1)
    desk.put("ProductChanged", list(events(changes, max(1, min(MOST_CHANGES, _BYTES // longest)))))
    if not printed:
        told = f"{len(changes):,} products changed" if len(changes) != 1 else "1 product changed"
        click.echo(f"{told}{': whoever watches them is visited within some minutes' if changes else ''}")


def _read(path: Path) -> dict[str, Product]:
    """Raises HomingError with the first mistake."""
    from homing.domain.content.catalog import FILES, read_catalog
    from homing.domain.errors import HomingError

    files = [path] if path.is_file() else [found for name in FILES if (found := path / name).is_file()]
    known = {Path(name).suffix: name for name in FILES}
    if not files or files[0].suffix not in known:
        raise HomingError(f"{path} is no catalog: name a file such as products.csv, or a folder with campaigns")
    products, problems = read_catalog({known[files[0].suffix]: files[0].read_bytes()})
    if problems:
        first = problems[0]
        raise HomingError(f"{files[0]}:{first.line}: {first.message}")
    return products
