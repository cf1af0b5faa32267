"""Deferred sends whose time has come go back to the outbox; unknown ones that nothing settled in a day are given up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from homing.domain.delivery.ledger import RETRY, Entry, Ledger
from homing.domain.delivery.message import SendRequest
from homing.domain.errors import Conflict, HomingError, InvalidInput
from homing.domain.flows.control import PAUSED
from homing.services.ports import Journal, Outbox, Overlap

_QUEUED = ", queued again"


@dataclass(frozen=True, slots=True)
class _Change:
    """What becomes of one ledger."""

    ledger: Ledger
    entries: Mapping[str, Entry]
    requests: Sequence[SendRequest]


@dataclass(frozen=True)
class ReleaseSends:
    """Handles some ledgers together: their reads and writes overlap, and ten of their requests make one call."""

    journal: Journal
    outbox: Outbox
    overlap: Overlap = map

    def __call__(self, profile_ids: Sequence[str], now: int, flow: str = "") -> tuple[int, HomingError | None]:
        """How many requests were queued, and the first failure of those ledgers that must wait for the next sweep. With a
        ``flow``, what its pause held goes on instead of what has come due."""
        loaded = list(self.overlap(self._load, list(dict.fromkeys(profile_ids))))
        failures = [found for found in loaded if isinstance(found, HomingError)]
        changes = [change for found in loaded if isinstance(found, Ledger) and (change := _change(found, now, flow))]
        # Requests go on the outbox before the ledger says so: after a crash in between they are asked for again, under
        # the same ids, which the ledger knows.
        queued, refused = self._queue(changes)
        saved = list(self.overlap(self._save, queued))
        failures += refused + [found for found in saved if isinstance(found, HomingError)]
        return sum(found for found in saved if isinstance(found, int)), next(iter(failures), None)

    def _load(self, profile_id: str) -> Ledger | HomingError:
        try:
            return self.journal.load_ledger(profile_id)
        except HomingError as error:
            return error

    def _queue(self, changes: list[_Change]) -> tuple[list[_Change], list[HomingError]]:
        """All at once; one by one where a request is refused for ever, so that it holds up nobody else's."""
        requests = [request for change in changes for request in change.requests]
        try:
            if requests:
                self.outbox.put(requests)
            return changes, []
        except InvalidInput as error:
            if len(changes) == 1:
                return [], [error]
        parts = [self._queue([change]) for change in changes]
        return [change for done, _ in parts for change in done], [error for _, errors in parts for error in errors]

    def _save(self, change: _Change) -> int | HomingError:
        ledger = replace(change.ledger, version=change.ledger.version + 1, entries=change.entries)
        try:
            self.journal.save_ledger(ledger, expected=change.ledger.version)
        except Conflict:
            # Somebody is at it; the next sweep sees what is left.
            return 0
        except HomingError as error:
            return error
        return len(change.requests)


def _change(ledger: Ledger, now: int, flow: str) -> _Change | None:
    """None where the index is a moment behind: somebody saw to it already."""
    requests: list[SendRequest] = []
    entries: dict[str, Entry] = dict(ledger.entries)
    # In the order of precedence: who goes first under a cap is asked first, and the others wait only once.
    for key, entry in sorted(ledger.entries.items(), key=lambda item: item[1].rank):
        if flow and (entry.flow != flow or entry.reason != PAUSED or entry.status != "deferred"):
            continue
        if not flow and (entry.wake_at is None or entry.wake_at > now):
            continue
        if entry.status == "deferred" and entry.request is not None:
            requests.append(SendRequest.from_dict(entry.request))
            entries[key] = entry.change(wake_at=now + RETRY, reason=entry.reason.removesuffix(_QUEUED) + _QUEUED)
        elif entry.request is not None:
            # Transactional mail may be repeated: nobody knows that it arrived, and it is owed.
            requests.append(SendRequest.from_dict(entry.request))
            entries[key] = entry.change(status="deferred", wake_at=now + RETRY, reason="repeated after a day")
        else:
            entries[key] = entry.change(wake_at=None)
    return None if entries == dict(ledger.entries) else _Change(ledger, entries, requests)
