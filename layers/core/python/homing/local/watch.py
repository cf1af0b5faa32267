"""Keeps every decision to send that was ever stored: ledgers forget theirs after 90 days, reports do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from homing.adapters.blob import unpack
from homing.domain.delivery.ledger import Entry, Ledger
from homing.local.wire import Params

_LEDGER = "ledger#"


@dataclass(slots=True)
class DecisionWatch:
    """Reads along as ledgers are written; ``entries`` has the latest state of each send, with its profile id.

    ``told`` is called with every state of a send that differs from the one before.
    """

    entries: dict[str, tuple[str, Entry]] = field(default_factory=dict)
    told: Callable[[str, Entry], None] | None = None

    def __call__(self, service: str, operation: str, params: Params) -> None:
        """One successful call of a function."""
        if service != "dynamodb" or operation != "PutItem":
            return
        item = params["Item"]
        if item.get("pk", {}).get("S", "").startswith(_LEDGER):
            ledger = Ledger.from_dict(unpack(item["data"]["B"]))
            for entry in ledger.entries.values():
                known = (ledger.profile_id, entry)
                if self.entries.get(entry.send_id) != known:
                    self.entries[entry.send_id] = known
                    if self.told:
                        self.told(*known)
