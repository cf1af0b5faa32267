"""Where commands look for campaigns when they are not told, and where they write: one answer for all of them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, TypeVar

import click

from homing.domain.errors import HomingError, InvalidInput

_CAMPAIGNS = Path("layers/campaigns")
_Command = TypeVar("_Command")


def campaigns_option(command: _Command) -> _Command:
    """``--campaigns FOLDER``; the function gets the folder as the parameter ``campaigns``."""
    option: Any = click.option(
        "--campaigns",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        callback=lambda _context, _parameter, value: value or default_campaigns(),
        help="Folder with campaigns. [default: layers/campaigns here, or of the checkout]",
    )
    decorated: _Command = option(command)
    return decorated


def default_campaigns() -> Path:
    """``layers/campaigns`` of the working directory, else of the checkout around it, else of the one that is running.

    Raises UsageError when there is none.
    """
    from homing.local.synth import repository

    if _CAMPAIGNS.is_dir():
        return _CAMPAIGNS
    try:
        return repository() / _CAMPAIGNS
    except InvalidInput as error:
        raise click.UsageError("there is no layers/campaigns here: say --campaigns FOLDER") from error


def ready_folder(folder: Path) -> Path:
    """Makes the folder, and finds out before any work is done whether files can be written there. Raises HomingError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise HomingError(f"can't write to {folder}: {error.strerror}") from error
    return folder
