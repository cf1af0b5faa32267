"""What a backtest tells while it runs, written down as it comes and sorted at the end: memory does not grow with it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel

from homing.local.backtests.spool import Spool, instant_key, merged
from homing.local.outputs import CallLine, Message, ProfileLine, QuarantineLine, Transition

# The files of a run, and the order of their lines: messages by decision, transitions by time, profiles by id, quarantine and
# calls by time.
NAMES = ("messages", "transitions", "profiles", "quarantine", "calls")
# Only where there is something in it.
_MAYBE = frozenset({"calls"})
_NUMBER = re.compile(r"\d+$")


class Sink(Protocol):
    """Is told what happens, once each."""

    def message(self, line: Message) -> None:
        """A send was decided for good, or still waits at the end."""

    def transition(self, line: Transition) -> None:
        """A segment was entered or left."""

    def quarantined(self, line: QuarantineLine) -> None:
        """A record could not be taken."""

    def call(self, line: CallLine) -> None:
        """A webhook would have been called."""

    def profile(self, line: ProfileLine) -> None:
        """A person at the end."""

    def alias(self, merged_id: str, profile_id: str) -> None:
        """Somebody of whom things were told turned out to be that person."""


class Nowhere:
    """For whoever wants the figures alone."""

    def message(self, line: Message) -> None:
        """Forgets it."""

    def transition(self, line: Transition) -> None:
        """Forgets it."""

    def quarantined(self, line: QuarantineLine) -> None:
        """Forgets it."""

    def call(self, line: CallLine) -> None:
        """Forgets it."""

    def profile(self, line: ProfileLine) -> None:
        """Forgets it."""

    def alias(self, merged_id: str, profile_id: str) -> None:
        """Forgets it."""


class Files:
    """The lines of each file, in temporary files."""

    def __init__(self) -> None:
        self.spools = {name: Spool() for name in NAMES}
        self._count = 0

    def message(self, line: Message) -> None:
        """By the time of the decision."""
        self._add("messages", line, line.decided_at or 0, line.message_id)

    def transition(self, line: Transition) -> None:
        """By time; of one instant by person and segment."""
        self._add("transitions", line, line.at, line.profile_id, line.segment)

    def quarantined(self, line: QuarantineLine) -> None:
        """By time and line; what has no time comes first."""
        number = _NUMBER.search(line.where)
        self._add("quarantine", line, line.at or 0, f"{int(number[0]) if number else 0:012d}")

    def call(self, line: CallLine) -> None:
        """By time."""
        self._add("calls", line, line.at or 0, line.call_id)

    def profile(self, line: ProfileLine) -> None:
        """By id."""
        self._add("profiles", line, 0, line.profile_id)

    def alias(self, merged_id: str, profile_id: str) -> None:
        """Lines keep the id that somebody had at the time."""

    def _add(self, name: str, line: BaseModel, at: int, *more: str) -> None:
        # What happened in one instant stays in its order.
        self._count += 1
        key = instant_key(at, *(one.replace("\t", " ").replace("\n", " ") for one in more), self._count)
        self.spools[name].add(key, line.model_dump_json().encode())

    def write(self, directory: Path) -> None:
        """As ``replay`` writes its files."""
        directory.mkdir(parents=True, exist_ok=True)
        for name, spool in self.spools.items():
            _write(directory / f"{name}.jsonl", spool)

    def save(self, directory: Path) -> None:
        """For :func:`join`."""
        directory.mkdir(parents=True, exist_ok=True)
        for name, spool in self.spools.items():
            spool.save(directory / f"{name}.keyed")


def join(parts: Iterable[Path], directory: Path) -> None:
    """The files of a run from those that its parts saved."""
    directory.mkdir(parents=True, exist_ok=True)
    folders = list(parts)
    for name in NAMES:
        join_file([folder / f"{name}.keyed" for folder in folders], directory / f"{name}.jsonl")


def join_file(saved: Iterable[Path], path: Path) -> None:
    """One of them."""
    _write(path, merged(saved))


def _write(path: Path, lines: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(line + b"\n" for line in lines)
        empty = not file.tell()
    if empty and path.stem in _MAYBE:
        path.unlink()
