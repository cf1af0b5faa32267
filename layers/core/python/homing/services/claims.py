"""The ledger's side of a send: what is known of it, its claim, its outcome.

Every step is one conditional write on the ledger of a person, so that of all who try, one goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from homing.domain.delivery.ledger import Entry, Ledger
from homing.domain.delivery.message import SendRequest
from homing.domain.errors import Conflict, Unavailable
from homing.domain.time import DAY
from homing.services.ports import Clock, Journal

KEEP_ENTRIES_FOR = 90 * DAY
# Why a send was closed in the ledger of a profile that was merged into another one: it goes on there.
MOVED = "merged"
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a send request: a ledger status, or ``duplicate``; and why."""

    status: str
    reason: str = ""
    entry: Entry | None = None
    # The pool that its discount code came from is low, or had none left for it.
    codes_low: bool = False


@dataclass(frozen=True)
class Claims:
    """Steps of a send in the ledgers. They raise Unavailable, and Conflict when somebody else wrote the ledger."""

    journal: Journal
    clock: Clock

    def already(self, request: SendRequest, ledger: Ledger, held: Entry, now: int) -> Decision | None:
        """What to answer for a send that the ledger knows; None to go on with it."""
        if held.reason == MOVED:
            raise Conflict("this profile was merged a moment ago")
        if held.status in {"sent", "dropped", "unknown"}:
            return Decision("duplicate", held.status, held)
        if held.status == "sending":
            if held.lease_until > now:
                raise Unavailable(f"send {request.send_id} is in the hands of another worker")
            # Whoever claimed it is gone, and nobody knows whether SES took it.
            return self.save(ledger, held.change(status="unknown", reason="worker_lost"), now)
        if held.not_before > now:
            return Decision("duplicate", "deferred", held)
        return None

    def claim(self, ledger: Ledger, claimed: Entry, now: int) -> Ledger:
        """Writes the claim, and goes on only when it certainly stands. Returns the ledger with it.

        When the reply to the write is lost, the ledger tells: a claim that was stored but not known to be would make the
        send unknown although SES was never called.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._write(ledger, claimed, now)
            except Unavailable:
                stored = self._reload(ledger.profile_id)
                held = stored.entries.get(claimed.send_id)
                if held is not None and held.lease == claimed.lease:
                    return stored
                if stored.version != ledger.version:
                    raise Conflict("somebody else wrote the ledger") from None
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def settle(self, ledger: Ledger, claimed: Entry, **values: Any) -> Decision:
        """Writes the outcome, unless somebody settled the claim already (an SES event can be faster than we are).
        ``ledger`` is as the claim left it; it is read again only when somebody wrote it since."""
        for attempt in range(_ATTEMPTS):
            if attempt:
                ledger = self._reload(ledger.profile_id)
            held = ledger.entries.get(claimed.send_id, claimed)
            if held.lease != claimed.lease or held.status not in {"sending", "unknown"}:
                return Decision(held.status, held.reason, held)
            try:
                return self.save(ledger, held.change(**values), self.clock())
            except Unavailable:
                continue
        raise Unavailable(f"the outcome of send {claimed.send_id} could not be stored; its SES event will settle it")

    def save(self, ledger: Ledger, entry: Entry, now: int) -> Decision:
        """Writes what became of the send."""
        self._write(ledger, entry, now)
        return Decision(entry.status, entry.reason, entry)

    def _reload(self, profile_id: str) -> Ledger:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self.journal.load_ledger(profile_id)
            except Unavailable:
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def _write(self, ledger: Ledger, entry: Entry, now: int) -> Ledger:
        recent = {
            key: held
            for key, held in ledger.entries.items()
            if held.wake_at is not None or held.at > now - KEEP_ENTRIES_FOR
        }
        # Whoever let this one go first has to know what became of it.
        written = replace(ledger, entries=recent).woken(now, behind=entry.send_id).put(entry)
        self.journal.save_ledger(written, expected=ledger.version)
        return written
