"""A batch that stays open, for a process that is the only writer of its tables, as a backtest is.

How events are batched decides nothing (:mod:`homing.domain.engine`), so people who keep coming need not be brought into
their stored form with every single event: they are written when there is something to tell of them, and before anybody
else looks.
"""

from __future__ import annotations

from collections import Counter

from homing.domain.errors import InvalidInput
from homing.services.batch import Batch, StreamItem, ids_of, nothing_counted, one_by_one
from homing.services.update_profiles import UpdateProfiles, rejected

# So many people at most are held.
_PEOPLE = 200


class OpenBatch:
    """Folds records one by one. What it comes to is added to ``counts``, by the names of ``UpdateResult.counts``."""

    def __init__(self, update: UpdateProfiles, counts: Counter[str]) -> None:
        self._counts = counts
        # When the first of the people who are held has to be looked at again; what is stored of them does not say.
        self.wake_at: int | None = None
        self._update = update
        self._batch: Batch | None = None

    def fold(self, record: StreamItem) -> str | None:
        """Folds a record, and writes at once what others have to know of. Returns the profile that its event is of; bad
        records are quarantined."""
        self._counts["received"] += 1
        try:
            item = self._update.parse(record)
        except InvalidInput as error:
            self._update.keep([rejected(record, error)], record.sequence)
            self._counts["quarantined"] += 1
            return None
        batch = self._batch
        if batch is None:
            update, items = self._update, [(record, item)]
            batch = self._batch = Batch(
                update.engine, update.profiles, update.identity, items, counts=nothing_counted(), written={}
            )
        else:
            batch.ask(ids_of(item))
        whose = batch.fold(record, item)
        if whose is not None:
            profile = whose.profile
            if profile.wake_at is not None and (self.wake_at is None or profile.wake_at < self.wake_at):
                self.wake_at = profile.wake_at
            if profile.changes:
                batch.plain = False
        owner = batch.owners.get(record.sequence)
        if not batch.plain or len(batch.people.held) >= _PEOPLE:
            self.write()
        return owner

    def write(self) -> bool:
        """Writes everybody who is held. Whether there was anybody."""
        batch, self._batch, self.wake_at = self._batch, None, None
        if batch is None:
            return False
        conflict, failed = batch.write(one_by_one)
        if conflict or failed is not None:
            raise RuntimeError("somebody else wrote to tables that have only one writer")
        self._counts.update(batch.counts)
        return True
