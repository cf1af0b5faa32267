"""Once a minute: what is due? Reads one index page per bucket and hands on; decides nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from homing.domain.delivery.ledger import RETRY, Entry
from homing.domain.delivery.message import SendRequest
from homing.domain.errors import Conflict
from homing.domain.profiles.profile import WAKE_BUCKETS
from homing.services.ports import Clock, FlowInbox, Journal, Outbox, ProfileStore, Stream, StreamRecord

# A minute's worth at most; what is left comes with the next sweep, the earliest first.
PAGE = 2_000
_QUEUED = ", queued again"


@dataclass(frozen=True, slots=True)
class WakeResult:
    """How many of what were handed on."""

    counts: Mapping[str, int]


@dataclass(frozen=True)
class WakeDue:
    """Finds due profiles, runs and deferred sends."""

    profiles: ProfileStore
    journal: Journal
    stream: Stream
    inbox: FlowInbox
    outbox: Outbox
    clock: Clock

    def __call__(self) -> WakeResult:
        """Safe to run twice at once: whoever is woken checks for himself whether it is time."""
        now = self.clock()
        counts = {"profiles": 0, "runs": 0, "sends": 0}
        for bucket in range(WAKE_BUCKETS):
            due = self.profiles.due(bucket, now, PAGE)
            if due:
                self.stream.put([_wake_up(profile_id, now) for profile_id, _ in due])
                counts["profiles"] += len(due)
            runs = []
            for item in self.journal.due(bucket, now, PAGE):
                if item.kind == "run":
                    runs.append({"wake_run": item.id})
                else:
                    counts["sends"] += self._ledger(item.id, now)
            if runs:
                self.inbox.put(runs)
                counts["runs"] += len(runs)
        return WakeResult(counts)

    def _ledger(self, profile_id: str, now: int) -> int:
        """Puts deferred sends back on the outbox, and gives up on unknown ones that nothing settled in a day."""
        ledger = self.journal.load_ledger(profile_id)
        requests: list[SendRequest] = []
        entries: dict[str, Entry] = dict(ledger.entries)
        # In the order of precedence: who goes first under a cap is asked first, and the others wait only once.
        for key, entry in sorted(ledger.entries.items(), key=lambda item: item[1].rank):
            if entry.wake_at is None or entry.wake_at > now:
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
        if entries == dict(ledger.entries):
            # The index is a moment behind: somebody saw to it already.
            return 0
        if requests:
            self.outbox.put(requests)
        try:
            self.journal.save_ledger(
                replace(ledger, version=ledger.version + 1, entries=entries), expected=ledger.version
            )
        except Conflict:
            # Somebody is at it; the next sweep sees what is left.
            return 0
        return len(requests)


def _wake_up(profile_id: str, now: int) -> StreamRecord:
    return StreamRecord(profile_id, json.dumps({"wake": profile_id, "at": now}, separators=(",", ":")).encode())
