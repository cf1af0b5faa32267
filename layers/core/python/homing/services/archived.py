"""The archive read back as events: hashes stand where identifiers stood, and what names somebody is gone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from homing.domain.errors import InvalidInput
from homing.domain.events.event import PERSON_IDENTIFIERS, Event, IdentifierKind
from homing.services.ports import ArchiveReader

EVENTS = "events/"
# A message id that named somebody was archived as such a hash, and is another one than the profile remembers.
_HASHED = re.compile(r"[0-9a-f]{26}")

# Told after each object: how many of how many are read.
Tick = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Part:
    """One of ``count`` parts that people are split into, by the hash of the profile id that a line carries."""

    index: int = 0
    count: int = 1

    def has(self, profile_id: str) -> bool:
        """Whether lines with that profile id belong to this part."""
        if self.count == 1:
            return True
        digest = hashlib.blake2b(profile_id.encode(), digest_size=4).digest()
        return int.from_bytes(digest, "big") % self.count == self.index

    @classmethod
    def parse(cls, text: str) -> Part:
        """``1/8`` … ``8/8``. Raises InvalidInput."""
        index, _, count = text.partition("/")
        if index.isdigit() and count.isdigit() and 1 <= int(index) <= int(count):
            return cls(int(index) - 1, int(count))
        raise InvalidInput(f"{text!r} is no part: write 1/8 for the first of eight", code="part")


@dataclass(frozen=True, slots=True)
class Archived:
    """An archived event. ``owner``: the profile it was folded into; ``keys``: what its identifiers were hashed to."""

    event: Event
    owner: str
    keys: Mapping[IdentifierKind, str]

    @property
    def veiled(self) -> bool:
        """Whether its message id may be another one than the profile remembers."""
        return _HASHED.fullmatch(self.event.message_id) is not None


@dataclass(slots=True)
class Reading:
    """Goes through the archive, an object at a time, and counts."""

    archive: ArchiveReader
    lines: int = 0
    unreadable: int = 0

    def events(self, wanted: Callable[[str], bool], *, since: str = "", tick: Tick | None = None) -> Iterator[Archived]:
        """Events of profiles that are ``wanted``, by day and in the order of objects; ``since`` is a day (2026-03-02)."""
        for line in self.lines_of(since=since, tick=tick):
            owner = line.get("profile_id")
            if isinstance(owner, str) and not wanted(owner):
                continue
            try:
                yield read_line(line)
            except InvalidInput:
                self.unreadable += 1

    def lines_of(self, *, since: str = "", tick: Tick | None = None) -> Iterator[Mapping[str, Any]]:
        """The lines as they are stored; objects that can't be read are counted and left out."""
        keys = [key for key in self.archive.keys(EVENTS) if not since or key >= f"{EVENTS}date={since}"]
        for number, key in enumerate(keys, start=1):
            try:
                lines: Iterable[Mapping[str, Any]] = self.archive.read(key)
            except InvalidInput:
                self.unreadable += 1
                lines = ()
            for line in lines:
                self.lines += 1
                yield line
            if tick:
                tick(number, len(keys))


def read_line(line: Mapping[str, Any]) -> Archived:
    """Reads :func:`homing.domain.events.privacy.archive_line`. Raises InvalidInput."""
    try:
        event = Event.model_validate(line)
        owner = line["profile_id"]
    except (ValidationError, KeyError) as error:
        raise InvalidInput("not an archived event", code="bad_archive") from error
    if not isinstance(owner, str):
        raise InvalidInput("an archived event carries the id of a profile", code="bad_archive")
    return Archived(
        event, owner, {kind: event.identifiers[kind] for kind in PERSON_IDENTIFIERS if kind in event.identifiers}
    )
