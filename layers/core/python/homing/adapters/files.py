"""Campaign folders and bundles on disk."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from homing.domain.campaigns import Campaigns
from homing.domain.errors import InvalidCampaign, InvalidInput


def read_folder(path: Path | str) -> dict[str, bytes]:
    """The files of a campaigns folder by their paths in it, hidden ones left out. Raises InvalidInput."""
    # The functions read bundles only; they need not load the publisher for it.
    from homing.domain.content.publish import FOLDERS

    root = Path(path)
    if not root.is_dir():
        raise InvalidInput(f"{root} is not a folder", code="missing_folder")
    files = [root / "settings.yaml", *(file for folder in FOLDERS for file in sorted((root / folder).rglob("*")))]
    return {
        file.relative_to(root).as_posix(): file.read_bytes()
        for file in files
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(root).parts)
    }


def publish_folder(path: Path | str) -> Campaigns:
    """The campaigns of a folder. Raises InvalidCampaign for the first mistake, with the folder in its place: commands that read
    two of them tell which is wrong; InvalidInput when there is no such folder."""
    from homing.domain.content.publish import publish

    try:
        return publish(read_folder(path))
    except InvalidCampaign as error:
        file = str(Path(path) / error.file)
        raise InvalidCampaign(
            error.message, code=error.code, file=file, line=error.line, column=error.column
        ) from error


def campaigns_at(path: Path) -> Campaigns:
    """Those of a folder, or of a bundle that was written. Raises as these do."""
    return publish_folder(path) if path.is_dir() else load_bundle(path)


def read_stories(path: Path | str) -> dict[str, bytes]:
    """The stories of a campaigns folder by their paths in it: they lie with the campaigns and are no part of the bundle."""
    root = Path(path)
    return {
        file.relative_to(root).as_posix(): file.read_bytes()
        for file in sorted((root / "stories").glob("*"))
        if file.is_file() and not file.name.startswith(".")
    }


def write_bundle(campaigns: Campaigns, path: Path | str) -> None:
    """Writes the bundle; the same campaigns give the same bytes."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(campaigns.model_dump_json(by_alias=True, exclude_unset=True) + "\n", encoding="utf-8")


def load_bundle(path: Path | str) -> Campaigns:
    """Reads :func:`write_bundle`. Raises InvalidInput when there is none, or the file is something else."""
    source = Path(path)
    if not source.is_file():
        raise InvalidInput(f"there is no bundle at {source}: publish the campaigns first", code="missing_bundle")
    try:
        return Campaigns.model_validate_json(source.read_bytes())
    except ValidationError as error:
        raise InvalidInput(f"{source} is no bundle: write one with `homing publish`", code="bad_bundle") from error
