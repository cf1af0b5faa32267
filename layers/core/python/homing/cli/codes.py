"""``homing codes``: discount codes imported, verified and counted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from homing.cli.folders import campaigns_option

if TYPE_CHECKING:
    from homing.adapters.memory import MemoryCodes
    from homing.domain.campaigns import Campaigns
    from homing.domain.codes.language import DiscountCode
    from homing.services.codes import CodeStore

_Command = TypeVar("_Command", bound=Callable[..., Any])
_SLICE = 500


@click.group("codes")
def command() -> None:
    """Discount codes: import a pool, verify one that was minted, count what they cost.

    A stage keeps them in its journal table. --local FILE is a pool of this machine instead, to try things out.
    """


def _place(command: _Command) -> _Command:
    """``--stage NAME`` or ``--local FILE``."""
    stage = click.option("--stage", help="A deployed stage: prod. Uses your AWS credentials and region.")
    local = click.option("--local", type=click.Path(dir_okay=False, path_type=Path), help="A file of this machine.")
    return stage(local(command))


@command.command("import")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_place
@campaigns_option
def import_(name: str, file: Path, stage: str | None, local: Path | None, campaigns: Path) -> None:
    """Put the codes of FILE, one a line (or the first column of a CSV), into the pool NAME.

    Codes that are there already are left alone, so an import can be repeated or continued.
    """
    from homing.domain.errors import InvalidInput

    code = _code(_published(campaigns), name)
    if not code.pool:
        raise InvalidInput(f"{name} is minted: nothing is to be imported", code="no_pool")
    texts = [text for line in file.read_text(encoding="utf-8-sig").splitlines() if (text := _first(line))]
    added = 0
    with _Store(stage, local) as store:
        with click.progressbar(length=len(texts), label=f"importing into {name}") as bar:
            for start in range(0, len(texts), _SLICE):
                added += store.add(name, texts[start : start + _SLICE])
                bar.update(min(_SLICE, len(texts) - start))
        left = store.pool(name).left
    click.echo(f"{name}: {added:,} new of {len(texts):,}, {left:,} left to draw")


@command.command("verify")
@click.argument("name")
@click.argument("text")
@click.option("--secret-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The keys secret.")
@click.option("--stage", help="Take the keys secret of a deployed stage.")
@click.option("--profile", help="The customer's profile id: is it theirs?")
@click.option("--flow", help="The flow that granted it; goes with --profile.")
@campaigns_option
def verify(
    name: str,
    text: str,
    secret_file: Path | None,
    stage: str | None,
    profile: str | None,
    flow: str | None,
    campaigns: Path,
) -> None:
    """Tell whether the code TEXT was minted as NAME, and until when it is valid. With --secret-file nobody is asked.

    Exits 1 when it is forged, somebody else's, or no longer valid.
    """
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    from homing.domain.codes.minting import Mint
    from homing.domain.errors import InvalidInput

    published = _published(campaigns)
    code = _code(published, name)
    if code.minted is None:
        raise InvalidInput(f"{name} is a pool: the shop knows its codes", code="no_mint")
    if (profile is None) != (flow is None):
        raise click.UsageError("--profile and --flow go together")
    if profile and code.once_per == "run":
        raise click.UsageError(f"{name} is minted for each run, so a profile alone does not tell whose it is")
    key = f"{flow}#{profile}" if profile else None
    claims = Mint(_secret(secret_file, stage)).verify(name, code.minted.prefix, text, key=key)
    today = datetime.now(UTC).astimezone(ZoneInfo(published.settings.time_zone)).date()
    click.echo(f"{claims.text}: minted for {name}, valid through {claims.last_day.isoformat()}")
    if claims.last_day < today:
        click.echo("it is no longer valid", err=True)
        raise SystemExit(1)


@command.command("report")
@click.argument("name", required=False)
@_place
@campaigns_option
@click.option("--orders", type=click.Path(exists=True, path_type=Path),
              help="Orders that say `coupon`: a file of events, one a line, or a folder with the archive.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def report(
    name: str | None, stage: str | None, local: Path | None, campaigns: Path, orders: Path | None, as_json: bool
) -> None:
    """How many codes were issued, redeemed, expired, what the open ones would cost, and what the pools have left.

    Exits 1 when a pool is low.
    """
    from homing.domain.codes.report import coupons_of, liability

    published = _published(campaigns)
    chosen = [_code(published, name)] if name else [code for _, code in sorted(published.codes.items())]
    coupons = coupons_of(_lines(orders)) if orders else frozenset()
    now = time.time_ns() // 1_000
    with _Store(stage, local) as store:
        found = [liability(code, store.grants(code.name), store.pool(code.name), coupons, now) for code in chosen]
    if as_json:
        click.echo(json.dumps([one.to_dict() for one in found], indent=2))
    else:
        currency = published.settings.currency
        for one in found:
            owed = "" if one.owed is None else f" ({one.owed} {currency} at most)"
            left = "" if one.left is None else f"; {one.left:,} left{', which is low' if one.low else ''}"
            click.echo(
                f"{one.name}: {one.issued:,} issued, {one.redeemed:,} redeemed, {one.expired:,} expired, "
                f"{one.open:,} open{owed}{left}"
            )
    if any(one.low for one in found):
        raise SystemExit(1)


class _Store:
    """The codes of a stage, or of a file, which is written again at the end."""

    def __init__(self, stage: str | None, local: Path | None) -> None:
        if (stage is None) == (local is None):
            raise click.UsageError("say --stage NAME or --local FILE")
        self._stage, self._local = stage, local
        self._memory: MemoryCodes | None = None

    def __enter__(self) -> CodeStore:
        from homing.adapters.dynamodb_codes import DynamoCodes
        from homing.adapters.memory import MemoryCodes
        from homing.cli.deployed import find_stage
        from homing.runtime import parts

        if self._stage is not None:
            return DynamoCodes(parts.client("dynamodb"), find_stage(self._stage).journal_table)
        assert self._local is not None
        there = self._local.exists()
        self._memory = MemoryCodes.from_json(self._local.read_text(encoding="utf-8")) if there else MemoryCodes()
        return self._memory

    def __exit__(self, *_: object) -> None:
        if self._memory is not None and self._local is not None:
            self._local.parent.mkdir(parents=True, exist_ok=True)
            self._local.write_text(self._memory.to_json(), encoding="utf-8")


def _published(folder: Path) -> Campaigns:
    from homing.adapters.files import publish_folder

    return publish_folder(folder)


def _code(campaigns: Campaigns, name: str) -> DiscountCode:
    from homing.domain.content.suggest import did_you_mean
    from homing.domain.errors import InvalidInput

    if name not in campaigns.codes:
        hint = did_you_mean(name, campaigns.codes)
        raise InvalidInput(f"there is no discount code {name!r} in codes/{hint}", code="unknown_code")
    return campaigns.codes[name]


def _secret(file: Path | None, stage: str | None) -> bytes:
    if (file is None) == (stage is None):
        raise click.UsageError("say --secret-file FILE or --stage NAME")
    if file is not None:
        return file.read_text(encoding="utf-8").strip().encode()
    from homing.cli.deployed import find_stage
    from homing.runtime import parts

    return parts.secret(find_stage(stage or "").keys_secret)().encode()


def _first(line: str) -> str:
    return line.split(",")[0].split(";")[0].strip().strip('"')


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Events of a file, or of everything under a folder, gzipped or not."""
    import gzip

    files: Iterable[Path] = [path] if path.is_file() else sorted(path.rglob("*.jsonl*"))
    for file in files:
        data = file.read_bytes()
        text = (gzip.decompress(data) if file.suffix == ".gz" else data).decode("utf-8")
        yield from (json.loads(line) for line in text.splitlines() if line.strip())
