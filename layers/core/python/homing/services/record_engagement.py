"""What SES tells afterwards: suppress, settle, remember."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from homing.domain.delivery.ledger import Entry
from homing.domain.delivery.message import Stop
from homing.domain.errors import Conflict, InvalidInput, Unavailable
from homing.domain.profiles.identity import Identity, normalise
from homing.services.ports import Clock, Journal, ProfileStore, Stream, StreamRecord
from homing.services.sending_rate import Reckoning
from homing.sources import ses

_ATTEMPTS = 6
_UNSETTLED = frozenset({"sending", "unknown", "deferred"})


@dataclass(frozen=True)
class RecordEngagement:
    """Every step may be done twice, so the whole invocation is repeated after a failure.

    First the address is suppressed, so that the next send already knows; then the send is settled; then the event goes
    to the profile.
    """

    stream: Stream
    identity: Identity
    profiles: ProfileStore
    journal: Journal
    clock: Clock
    reckoning: Reckoning | None = None

    def __call__(self, invocation: Mapping[str, Any]) -> Mapping[str, int]:
        """Counts of what was done. Raises Unavailable to be invoked again, and InvalidInput after everything that
        could be understood is done: the invocation then ends in the dead-letter queue."""
        counts: Counter[str] = Counter()
        invalid: InvalidInput | None = None
        puts: list[StreamRecord] = []
        bad: list[ses.Engagement] = []
        for record in ses.records(invocation):
            try:
                engagement = ses.read(record, self.clock())
            except InvalidInput as error:
                invalid = error
                continue
            counts[engagement.metric] += 1
            self._suppress(engagement, counts)
            self._settle(engagement, counts)
            bad += [engagement] if engagement.why and engagement.send_id else []
            puts += [StreamRecord(engagement.profile_id, event.to_json()) for event in engagement.events]
        if puts:
            self.stream.put(puts)
        # Last, because it is the one thing that a second try could do twice.
        for engagement in bad:
            self._reckon(engagement, counts)
        if invalid is not None:
            raise invalid
        return counts

    def _suppress(self, engagement: ses.Engagement, counts: Counter[str]) -> None:
        for address in engagement.suppress:
            key = self.identity.key("email", normalise("email", address))
            self.profiles.stop(Stop(id=key, suppressed=engagement.why, at=self.clock()))
            counts["AddressesSuppressed"] += 1

    def _reckon(self, engagement: ses.Engagement, counts: Counter[str]) -> None:
        held = self.journal.load_ledger(engagement.profile_id).entries.get(engagement.send_id)
        if self.reckoning is None or held is None or not engagement.why:
            return
        stopped = self.reckoning.heard(held.topic, engagement.why, f"{engagement.send_id}:{engagement.why}")
        counts["SendingStopped"] += len(stopped)

    def _settle(self, engagement: ses.Engagement, counts: Counter[str]) -> None:
        if not (engagement.profile_id and engagement.send_id):
            return
        for _ in range(_ATTEMPTS):
            ledger = self.journal.load_ledger(engagement.profile_id)
            held = ledger.entries.get(engagement.send_id)
            settled = _settled(held, engagement) if held else None
            if held is None or settled is None:
                return
            try:
                self.journal.save_ledger(ledger.put(settled), expected=ledger.version)
            except Conflict:
                continue
            if held.status != settled.status:
                counts["SendsSettled"] += 1
            return
        raise Unavailable(f"the ledger of send {engagement.send_id} is written too often")


def _settled(entry: Entry, engagement: ses.Engagement) -> Entry | None:
    """The entry with what SES says of it; None when that is known."""
    done: dict[str, Any] = {"wake_at": None, "request": None, "lease_until": 0, "provider_id": engagement.provider_id}
    if engagement.outcome == "dropped":
        if entry.status == "dropped":
            return None
        # Accepted and then thrown away by SES: nobody got it, so it takes no place under the caps either.
        return entry.change(status="dropped", reason=engagement.reason, **done)
    if entry.status not in _UNSETTLED:
        return None
    # Also one that was believed not to have left: SES has it, so it must not leave again.
    return entry.change(status="sent", reason="", sent_at=engagement.sent_at, **done)
