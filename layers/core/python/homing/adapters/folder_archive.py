"""An archive copied to this machine (``aws s3 sync s3://BUCKET/events FOLDER/events``): JSON lines, gzipped or not."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from homing.domain.errors import InvalidInput

_SUFFIXES = (".jsonl.gz", ".jsonl")


class FolderArchive:
    """Keys are paths below the folder, without the suffix."""

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder)
        if not self._folder.is_dir():
            raise InvalidInput(f"{folder} is not a folder", code="missing_folder")

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys under ``prefix``, in their order."""
        found = set()
        for file in self._folder.rglob("*"):
            name = file.relative_to(self._folder).as_posix()
            if file.is_file() and name.startswith(prefix) and (suffix := _suffix(name)):
                found.add(name.removesuffix(suffix))
        yield from sorted(found)

    def read(self, key: str) -> list[dict[str, Any]]:
        """The lines of one key. Raises InvalidInput, with the key, where they are not JSON lines."""
        packed = self._folder / f"{key}{_SUFFIXES[0]}"
        try:
            data = gzip.decompress(packed.read_bytes()) if packed.is_file() else self._plain(key).read_bytes()
            return [json.loads(line) for line in data.splitlines() if line]
        except (ValueError, OSError, EOFError) as error:
            raise InvalidInput("the file holds no JSON lines", code="bad_archive", where=key) from error

    def put(self, key: str, lines: Sequence[Mapping[str, Any]]) -> None:
        """Stores JSON lines under ``key`` + ``.jsonl``; the same key overwrites."""
        file = self._plain(key)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    def _plain(self, key: str) -> Path:
        return self._folder / f"{key}{_SUFFIXES[1]}"


def _suffix(name: str) -> str | None:
    return next((suffix for suffix in _SUFFIXES if name.endswith(suffix)), None)
