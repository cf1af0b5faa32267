"""How ``replay`` and ``backtest`` begin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from homing.cli.folders import ready_folder
from homing.domain.errors import InvalidInput
from homing.domain.time import parse_instant

if TYPE_CHECKING:
    from homing.local.recording import Recording


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
