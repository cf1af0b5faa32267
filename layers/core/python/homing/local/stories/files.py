"""Stories on disk: files and folders of them, each with the campaigns that it is told about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from homing.adapters.files import read_folder
from homing.domain.campaigns import Campaigns
from homing.domain.content.codes import CODES
from homing.domain.content.publish import bundle, read
from homing.domain.errors import InvalidCampaign, InvalidInput
from homing.domain.stories.check import Known, wrong_names
from homing.domain.stories.read import read_story
from homing.local.stories.player import Played, play


class Told(NamedTuple):
    """A story file. ``problems``: what is wrong with it, warnings too; ``played``: None when it could not be played."""

    file: Path
    problems: list[InvalidCampaign]
    played: Played | None

    @property
    def held(self) -> bool:
        """Whether all was as expected, and something was."""
        return self.played is not None and self.played.checks > 0 and not self.played.failures


def story_files(paths: Iterable[Path]) -> list[Path]:
    """The story files among files and folders; a campaigns folder stands for its ``stories``. Raises InvalidInput where
    there are none."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            folder = path / "stories" if (path / "stories").is_dir() else path
            inside = sorted(
                file for file in folder.iterdir() if file.suffix == ".yaml" and not file.name.startswith(".")
            )
            if not inside:
                raise InvalidInput(f"there are no stories (.yaml files) in {folder}", code="missing_file")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise InvalidInput(f"there is no story {path}", code="missing_file")
    return list(dict.fromkeys(found))


def own_campaigns(file: Path) -> Path | None:
    """The campaigns folder that a story lies in: the one whose ``stories`` it is among."""
    folder = file.resolve().parent
    return folder.parent if folder.name == "stories" and (folder.parent / "settings.yaml").is_file() else None


@cache
def campaigns_of(folder: Path) -> tuple[Campaigns, Known]:
    """Campaigns that can be played, and what they have names for. Raises InvalidCampaign, InvalidInput."""
    files = read_folder(folder)
    sources = read(files)
    campaigns = bundle(files, sources)
    if campaigns is None:
        first = sources.problems[0]
        file = str(folder / first.file)
        raise InvalidCampaign(first.message, code=first.code, file=file, line=first.line, column=first.column)
    return campaigns, Known.of(sources)


def tell(files: Iterable[Path], campaigns: Path | None, usual: Path) -> Iterator[Told]:
    """Plays each file: with ``campaigns``, else those that it lies in, else the usual ones."""
    for file in files:
        folder = campaigns or own_campaigns(file) or usual
        bundled, known = campaigns_of(folder.resolve())
        story, problems = read_story(file.read_bytes(), str(file))
        if story is None:
            yield Told(file, problems, None)
            continue
        problems = [*problems, *wrong_names(story, known)]
        wrong = any(CODES[problem.code].severity == "error" for problem in problems)
        yield Told(file, problems, None if wrong else play(story, bundled, known))
