"""What a backtest plays: a recording, an archive, or one part of either; each gone through line by line, in order of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import orjson

from homing.domain.errors import InvalidInput
from homing.domain.events.event import Event
from homing.domain.time import parse_instant
from homing.local.backtests.spool import Spool, instant_key, instant_of
from homing.local.outputs import QuarantineLine
from homing.local.recording import AFTERWARDS, Recorded
from homing.services.archived import Reading, read_line
from homing.services.ports import ArchiveReader
from homing.sources.segment_spec import read_message


class Source(Protocol):
    """History. ``archived``: its lines are archived events, where ids stand in place of identifiers; else they are Segment
    messages."""

    @property
    def archived(self) -> bool:
        """Which of the two."""

    @property
    def count(self) -> int:
        """How many lines."""

    @property
    def broken(self) -> Sequence[QuarantineLine]:
        """Lines that have no place in it."""

    def __iter__(self) -> Iterator[Recorded]:
        """The lines, in order of time."""


def event_of(recorded: Recorded, *, archived: bool) -> Event:
    """A line as an event. Raises InvalidInput for what the API would refuse."""
    if archived:
        return archived_event(recorded.message)
    # Received when it happened: the sender's clock needs no correction.
    return read_message({k: v for k, v in recorded.message.items() if k != "sentAt"}, received=recorded.at)


def archived_event(line: dict[str, Any]) -> Event:
    """An archived line as an event. One that names nobody but a profile, as events of mails do, is that profile's."""
    found = read_line(line)
    if found.event.identifiers:
        return found.event
    return found.event.model_copy(update={"context": {**found.event.context, "profile_id": found.owner}})


@dataclass(slots=True)
class ArchiveSource:
    """An archive by the time of arrival. Its objects are read once and sorted in temporary files."""

    count: int = 0
    begins: int = 0
    ends: int = 0
    unreadable: int = 0
    archived: bool = True
    broken: Sequence[QuarantineLine] = ()
    _spool: Spool = field(default_factory=Spool)

    @classmethod
    def read(cls, archive: ArchiveReader, *, since: str = "") -> ArchiveSource:
        """``since`` is a day (2026-03-02). Raises InvalidInput when there is nothing."""
        found = cls()
        reading = Reading(archive)
        for line in reading.lines_of(since=since):
            stated = line.get("received_at")
            if not isinstance(stated, str):
                found.unreadable += 1
                continue
            try:
                at = parse_instant(stated)
            except InvalidInput:
                found.unreadable += 1
                continue
            found._add(line, at)
        # Whole objects that are none of the archive's.
        found.unreadable += reading.unreadable
        if not found.count:
            raise InvalidInput("the archive holds no events" + (f" since {since}" if since else ""), code="no_events")
        return found

    def _add(self, line: Any, at: int) -> None:
        self.begins = min(at, self.begins) if self.count else at
        self.ends = max(at, self.ends) if self.count else at
        self.count += 1
        # Whatever the objects of the archive are called and however they were batched: the same order. What a retry
        # archived once more comes twice, and is told by its message id.
        self._spool.add(
            instant_key(at, str(line.get("message_id", "")).replace("\t", " "), self.count), orjson.dumps(line)
        )

    def __iter__(self) -> Iterator[Recorded]:
        """The lines by their arrival."""
        for number, keyed in enumerate(self._spool.keyed(), start=1):
            key, _, raw = keyed.partition(b"\t")
            yield Recorded(instant_of(key), number, orjson.loads(raw), len(raw))

    def end(self, until: int | None = None) -> int:
        """As that of a recording."""
        return self.ends + AFTERWARDS if until is None else until


@dataclass(slots=True)
class PartSource:
    """One part of a history that was divided: a file of lines behind their instant and number."""

    path: Path
    archived: bool
    count: int
    broken: Sequence[QuarantineLine] = ()

    def __iter__(self) -> Iterator[Recorded]:
        """The lines as they stand there, in order of time."""
        with self.path.open("rb") as file:
            for line in file:
                key, _, raw = line.partition(b"\t")
                number = int(key.rpartition(b"\x1f")[2])
                yield Recorded(instant_of(key), number, orjson.loads(raw), len(raw))
