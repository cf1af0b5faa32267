"""Lines of a history that could not be taken: how many, and which come first and why."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from homing.local.outputs import QuarantineLine

# So many are told one by one.
FIRST = 5
# Lines of these have a number that somebody can look up; an archive's are many objects'.
_NUMBERED = frozenset({"file", "http"})
_NUMBER = re.compile(r"(\d+)$")


class Refused(NamedTuple):
    """A line of a recording by its number, and what is wrong with it."""

    line: int
    reason: str


@dataclass(slots=True)
class Refusals:
    """``number`` of lines, and the first of them by their numbers."""

    number: int = 0
    first: list[Refused] = field(default_factory=list)

    @classmethod
    def of(cls, lines: Iterable[QuarantineLine]) -> Refusals:
        """Those among lines of a quarantine that are lines of a history; records of the stream are not."""
        found = cls()
        for line in lines:
            found.add(line)
        return found

    def add(self, line: QuarantineLine) -> None:
        """One more, unless it is no line of a history."""
        if line.source == "archive":
            self.number += 1
        elif line.source in _NUMBERED and (at := _NUMBER.search(line.where)):
            self.refuse(int(at[1]), line.reason)

    def refuse(self, line: int, reason: str) -> None:
        """A line of a recording, by its number."""
        self.number += 1
        self.first = sorted([*self.first, Refused(line, reason)])[:FIRST]

    def join(self, other: Refusals) -> None:
        """Those of another part of the same history."""
        self.number += other.number
        self.first = sorted([*self.first, *other.first])[:FIRST]

    @property
    def told(self) -> list[str]:
        """``line 3: the line is not JSON``, and how many more there are."""
        lines = [f"line {one.line:,}: {one.reason}" for one in self.first]
        more = self.number - len(lines)
        return [*lines, f"and {more:,} more"] if lines and more else lines

    @property
    def words(self) -> str:
        """A sentence; empty where there are none."""
        if not self.number:
            return ""
        told = f": {'; '.join(self.told)}" if self.first else ""
        return f"{self.number:,} {'line was' if self.number == 1 else 'lines were'} left out{told}."
