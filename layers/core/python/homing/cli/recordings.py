"""The files of events that commands are given, and how ``replay`` and ``backtest`` begin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from homing.cli.folders import ready_folder
from homing.domain.errors import InvalidInput
from homing.domain.time import parse_instant

if TYPE_CHECKING:
    from homing.local.recording import Recording


class RecordingFile(click.Path):
    """A file of JSON lines. A folder is refused with what to give; ``instead``: what the command takes folders by."""

    def __init__(self, instead: str = "") -> None:
        super().__init__(exists=True, path_type=Path)
        self.instead = instead

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path. Fails where there is no file."""
        path = super().convert(value, param, ctx)
        if isinstance(path, Path) and path.is_dir():
            inside = path / "events.jsonl"
            meant = f" ({inside}?)" if inside.is_file() else ""
            more = f", or {self.instead}" if self.instead else ""
            self.fail(f"{value} is a folder: give a file of JSON lines{meant}{more}", param, ctx)
        return path


def open_recording(events: Path, until: str | None, out: Path | None) -> tuple[Recording, int]:
    """The recording and the instant to stop at, with the output folder ready. Raises click.UsageError."""
    from homing.local.recording import read_recording

    try:
        recording = read_recording(events)
        end = recording.end(parse_instant(until) if until else None)
    except InvalidInput as error:
        raise click.UsageError(str(error)) from error
    if out is not None:
        ready_folder(out)
    return recording, end
