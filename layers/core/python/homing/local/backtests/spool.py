"""Lines in the order of a key, however many: what memory has no room for lies in temporary files, sorted, until it is merged."""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

# Bytes of lines that are sorted at a time, and sorted files that are merged at a time.
ROOM = 16 * 1024 * 1024
_FILES = 64
# Instants before 1970 sort too.
_SHIFT = 1 << 62


def instant_key(at: int, *more: str | int) -> bytes:
    """A key that sorts by an instant, then by the rest: texts as they are, numbers by their size."""
    rest = [f"{one:012d}" if isinstance(one, int) else one for one in more]
    return "\x1f".join([f"{at + _SHIFT:020d}", *rest]).encode()


def instant_of(key: bytes) -> int:
    """The instant of such a key."""
    return int(key[:20]) - _SHIFT


class Spool:
    """Takes lines (bytes without line breaks) in any order and gives them back sorted by their keys; the keys are unique and
    hold neither tabs nor line breaks."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._held: list[bytes] = []
        self._size = 0
        self._files: list[IO[bytes]] = []
        self.count = 0

    def add(self, key: bytes, line: bytes) -> None:
        """One more."""
        self.count += 1
        self._held.append(key + b"\t" + line + b"\n")
        # What a list of bytes costs besides.
        self._size += len(key) + len(line) + 64
        if self._size >= self._room:
            self._spill()

    def __iter__(self) -> Iterator[bytes]:
        """The lines, sorted."""
        for one in self.keyed():
            yield one.partition(b"\t")[2]

    def keyed(self) -> Iterator[bytes]:
        """The lines behind their keys and a tab."""
        self._held.sort()
        parts: list[Iterable[bytes]] = [*map(_lines, self._files), self._held]
        for one in parts[0] if len(parts) == 1 else heapq.merge(*parts):
            yield one[:-1]

    def save(self, path: Path) -> None:
        """Writes the lines with their keys, to be merged with those of others: :func:`merged`."""
        with path.open("wb") as file:
            for one in self.keyed():
                file.write(one + b"\n")

    def _spill(self) -> None:
        self._held.sort()
        self._write(self._held)
        self._held, self._size = [], 0
        if len(self._files) >= _FILES:
            files, self._files = self._files, []
            self._write(heapq.merge(*map(_lines, files)))
            for file in files:
                file.close()

    def _write(self, lines: Iterable[bytes]) -> None:
        # Closed, and so deleted, with the spool.
        file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        file.writelines(lines)
        self._files.append(file)


def merged(paths: Iterable[Path]) -> Iterator[bytes]:
    """The lines of saved spools in the order of their keys, without them."""
    files = [path.open("rb") for path in paths]
    try:
        for one in heapq.merge(*files):
            yield one[:-1].partition(b"\t")[2]
    finally:
        for file in files:
            file.close()


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    return iter(file)
