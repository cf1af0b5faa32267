"""A history divided by people into parts that can be played one by one or side by side (:mod:`homing.domain.circles`)."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import orjson

from homing.domain.circles import Circles, alike, carts_of, divide, people_of
from homing.domain.errors import InvalidInput
from homing.domain.profiles.identity import ArchiveIdentity, Identity
from homing.local.backtests.sources import PartSource, Source, event_of
from homing.local.backtests.spool import Spool, instant_key

# Lines that name nobody are nobody's: the first part tells what is wrong with them.
_NOBODY = -1
_NUMBERS = 64 * 1024
_OPEN = 256

Tick = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Division:
    """The files of the parts, and how many circles of people there are."""

    parts: tuple[PartSource, ...]
    circles: int


def divided(
    source: Source, secret: bytes, parts: int, directory: Path, *, end: int | None = None, tick: Tick | None = None
) -> Division:
    """Writes the lines of each part, up to ``end``, into a file of the directory. The history is gone through twice: to find
    out who belongs together, and to write."""
    identity = ArchiveIdentity(secret) if source.archived else Identity(secret)
    circles = Circles()
    filled = Spool()
    # A number for each line, which leads to its circle: on disk, as there may be many.
    with tempfile.TemporaryFile() as numbers:
        told = array("q")
        for count, recorded in enumerate(source, start=1):
            if end is not None and recorded.at > end:
                break
            number = _NOBODY
            try:
                event = event_of(recorded, archived=source.archived)
            except InvalidInput:
                people = []
            else:
                owner = recorded.message.get("profile_id") if source.archived else None
                people = [*people_of(event, identity), *([owner] if isinstance(owner, str) else [])]
            if people:
                number = circles.meet(people)
                circles.weigh(number)
                for cart in carts_of(event, identity):
                    filled.add(f"{cart}\x1f{count:012d}".encode(), b"%d" % number)
            told.append(number)
            if len(told) == _NUMBERS:
                told.tofile(numbers)
                told = array("q")
            if tick and count % 1_000 == 0:
                tick(count)
        told.tofile(numbers)
        for one, other in alike(_carts(filled)):
            circles.join(one, other)
        weights = circles.weights()
        of_circle = divide(weights, parts)
        counts = [0] * parts
        paths = [directory / f"part-{index + 1}.lines" for index in range(parts)]
        files = _Files(paths)
        for recorded, number in zip(source, _numbers(numbers), strict=False):
            part = 0 if number == _NOBODY else of_circle[circles.root(number)]
            key = instant_key(recorded.at, recorded.line)
            files.write(part, key + b"\t" + orjson.dumps(recorded.message) + b"\n")
            counts[part] += 1
        files.close()
    sources = [PartSource(path, source.archived, count) for path, count in zip(paths, counts, strict=True)]
    return Division(tuple(sources), len(weights))


def _carts(filled: Spool) -> Iterator[tuple[str, int]]:
    for keyed in filled.keyed():
        key, _, number = keyed.partition(b"\t")
        yield key.partition(b"\x1f")[0].decode(), int(number)


def _numbers(file: IO[bytes]) -> Iterator[int]:
    file.seek(0)
    while chunk := file.read(8 * _NUMBERS):
        yield from array("q", chunk)


class _Files:
    """Many files, of which a few are open: the system allows only so many."""

    def __init__(self, paths: list[Path]) -> None:
        self._paths = paths
        self._open: dict[int, IO[bytes]] = {}
        for path in paths:
            path.write_bytes(b"")

    def write(self, index: int, line: bytes) -> None:
        file = self._open.get(index)
        if file is None:
            if len(self._open) >= _OPEN:
                self.close()
            file = self._open[index] = self._paths[index].open("ab")
        file.write(line)

    def close(self) -> None:
        for file in self._open.values():
            file.close()
        self._open = {}
