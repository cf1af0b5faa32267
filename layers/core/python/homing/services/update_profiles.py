"""Folding a batch of events into profiles: one read, one conditional write per person.

Every step is idempotent, so the only recovery there is, is to do it again: after a lost conditional write the batch is
read and folded once more, after a crash the stream delivers it once more, and what was folded already folds to nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from homing.domain.attributes.rankings import Rankings
from homing.domain.campaigns import Campaigns
from homing.domain.engine import Engine
from homing.domain.errors import InvalidInput, Unavailable
from homing.domain.events.event import Event
from homing.domain.events.privacy import archive_line
from homing.domain.profiles.identity import Identity
from homing.domain.time import to_datetime
from homing.services.batch import Batch, Item, Named, Parallel, StreamItem, Wake, named, nothing_counted, one_by_one
from homing.services.ports import Archive, ProfileStore, Quarantine, Rejected

__all__ = ["StreamItem", "UpdateProfiles", "UpdateResult", "Wake", "one_by_one"]

_ATTEMPTS = 6


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """``failed`` is the lowest sequence number to deliver again, if any; ``owners`` the profile that each event is of, by
    sequence number."""

    failed: str | None
    counts: Mapping[str, int]
    owners: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class UpdateProfiles:
    """Folds stream batches; see the module."""

    campaigns: Campaigns
    identity: Identity
    profiles: ProfileStore
    # None where nothing is kept, as in a backtest over what is archived already.
    archive: Archive | None
    quarantine: Quarantine
    parallel: Parallel = one_by_one
    # Thresholds of RFM scores; without them nobody has any.
    rankings: Rankings | None = None

    @cached_property
    def engine(self) -> Engine:
        """The compiled campaigns."""
        return Engine(self.campaigns, rankings=self.rankings)

    def __call__(self, records: Sequence[StreamItem], *, batch: str) -> UpdateResult:
        """``batch`` names what is archived, so that a redelivered batch overwrites itself. Raises nothing for bad
        records (they are quarantined) and reports what must be delivered again."""
        items: list[Item] = []
        bad: list[Rejected] = []
        for record in records:
            try:
                items.append((record, self.parse(record)))
            except InvalidInput as error:
                bad.append(rejected(record, error))
        counts = {"received": len(records), "quarantined": len(bad)}
        owners: dict[str, str] = {}
        try:
            if bad:
                self.keep(bad, batch)
            failed = self._fold(items, counts, owners)
            if failed is None:
                self._archive(items, owners, batch)
        except Unavailable:
            failed = records[0].sequence
        return UpdateResult(failed, counts, owners)

    def keep(self, bad: Sequence[Rejected], batch: str) -> None:
        """Puts bad records of a batch into quarantine. Raises Unavailable."""
        self.quarantine.put(f"{_day(bad[0].at)}/{batch}", bad)

    def parse(self, record: StreamItem) -> Named | Wake:
        """What a record says. Raises InvalidInput."""
        if record.event is None and record.data.startswith(b'{"wake"'):
            try:
                raw = json.loads(record.data)
                return Wake(str(raw["wake"]), int(raw["at"]))
            except (ValueError, KeyError, TypeError) as error:
                raise InvalidInput("not a wake-up", code="bad_wake") from error
        if record.event is None and record.data.startswith(b'{"unreadable"'):
            raise _unreadable(record.data)
        event = record.event or Event.from_json(record.data)
        item = named(event, self.identity)
        if not item.refs:
            raise InvalidInput(
                "the event names nobody: send userId, anonymousId or an e-mail address", code="missing_identifier"
            )
        return item

    def _fold(self, items: list[Item], counts: dict[str, int], owners: dict[str, str]) -> str | None:
        written: dict[str, str] = {}
        for _ in range(_ATTEMPTS):
            attempt = nothing_counted()
            owners.clear()
            batch = Batch(
                self.engine, self.profiles, self.identity, items, counts=attempt, written=written, owners=owners
            )
            conflict, failed = batch.run(self.parallel)
            counts.update(attempt)
            if not conflict:
                return failed
        return items[0][0].sequence

    def _archive(self, items: Iterable[Item], owners: Mapping[str, str], batch: str) -> None:
        """Archives the events, each under the profile that it was folded into: who that is by now, pointers tell."""
        if self.archive is None:
            return
        days: dict[str, list[dict[str, Any]]] = {}
        for record, item in items:
            if isinstance(item, Named):
                line = archive_line(item.event, owners.get(record.sequence, item.ids[0]), self.identity)
                days.setdefault(_day(item.event.received), []).append(line)
        for day, lines in days.items():
            self.archive.put(f"events/date={day}/{batch}", lines)


def rejected(record: StreamItem, error: InvalidInput) -> Rejected:
    """A bad record as quarantine keeps it."""
    data = record.event.to_json() if record.event is not None else record.data
    return Rejected(data, error.code, error.message, "stream", record.arrived, error.where)


def _unreadable(data: bytes) -> InvalidInput:
    """What ``receive_webhook`` found wrong with a signed delivery that it passed on to be kept."""
    try:
        label = json.loads(data)
        return InvalidInput(str(label["reason"]), code=str(label["unreadable"]), where=str(label["source"]))
    except (ValueError, KeyError, TypeError):
        return InvalidInput("not an event", code="unreadable")


def _day(instant: int) -> str:
    return to_datetime(instant).date().isoformat()
