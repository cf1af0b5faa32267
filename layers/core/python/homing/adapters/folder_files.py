"""Files of a job in a folder: what :class:`homing.adapters.s3_files.S3Files` is, without a bucket."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from homing.domain.errors import InvalidInput


class FolderFiles:
    """Names are paths below the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, path: Path) -> None:
        """Stores a file; one of the same name is replaced."""
        target = self._folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)

    def get(self, name: str, path: Path) -> None:
        """Writes a stored file to a path. Raises InvalidInput when there is none."""
        try:
            shutil.copyfile(self._folder / name, path)
        except FileNotFoundError as error:
            raise InvalidInput(f"there is no {name}", code="no_file", where=name) from error

    def names(self, prefix: str) -> Iterator[str]:
        """The names that begin so, in their order."""
        files = (path.relative_to(self._folder).as_posix() for path in self._folder.rglob("*") if path.is_file())
        yield from sorted(name for name in files if name.startswith(prefix))
