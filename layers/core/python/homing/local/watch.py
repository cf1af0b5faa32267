"""Keeps every decision to send that was ever stored: ledgers forget theirs after 90 days, reports do not."""

from __future__ import annotations

from dataclasses import dataclass, field

from homing.adapters.blob import unpack
from homing.domain.delivery.ledger import Entry, Ledger
from homing.local.wire import Params

_LEDGER = "ledger#"


@dataclass(slots=True)
class DecisionWatch:
    """Reads along as ledgers are written; ``entries`` has the latest state of each send, with its profile id."""

    entries: dict[str, tuple[str, Entry]] = field(default_factory=dict)

    def __call__(self, service: str, operation: str, params: Params) -> None:
        """One successful call of a function."""
        if service != "dynamodb" or operation != "PutItem":
            return
        item = params["Item"]
        if item.get("pk", {}).get("S", "").startswith(_LEDGER):
            ledger = Ledger.from_dict(unpack(item["data"]["B"]))
            for entry in ledger.entries.values():
                self.entries[entry.send_id] = (ledger.profile_id, entry)
