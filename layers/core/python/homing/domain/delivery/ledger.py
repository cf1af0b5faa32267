"""What was sent to one person: the one item that a send is claimed in.

Claiming a send, reserving its place under the frequency caps and remembering that it must not be sent again are one
conditional write on this item, so two workers can never both pass the cap.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from homing.domain.time import MINUTE

# A send that the queue has is looked at again after this long, in case the queue lost it.
RETRY = 30 * MINUTE

SendStatus = Literal["deferred", "sending", "sent", "unknown", "dropped"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One send. ``sending`` is a claim with a lease: whoever holds it calls SES; a lease that ran out means that
    nobody knows whether SES took the message (``unknown``), and it is not repeated."""

    send_id: str
    status: SendStatus
    topic: str
    flow: str
    template: str
    at: int
    run_id: str = ""
    reason: str = ""
    lease_until: int = 0
    lease: str = ""
    decided_at: int = 0
    sent_at: int = 0
    attempts: int = 0
    provider_id: str = ""
    counts: bool = True
    # Kept while deferred, so that the request can be put on the outbox again.
    request: Mapping[str, Any] | None = None
    # A deferred send must not leave before this instant; ``wake_at`` is when the sweep looks at it (again).
    not_before: int = 0
    wake_at: int | None = None
    # What was chosen for this person, and the branch that chose it.
    variant: str = ""
    because: str = ""
    # The discount code that it carries.
    code: str = ""
    # Its place among those that wait under a cap, and when it is given up (0: by the settings).
    priority: int = 0
    expires_at: int = 0
    # The send that it lets go first; what becomes of that one wakes it.
    behind: str = ""
    # What the decision rests on, in a few words for `homing explain`.
    values: Mapping[str, Any] | None = None

    @property
    def rank(self) -> tuple[int, int, str]:
        """The order of precedence, the first to go first."""
        return -self.priority, self.decided_at, self.send_id

    def change(self, **values: Any) -> Entry:
        """A copy with those fields changed."""
        return replace(self, **values)


@dataclass(frozen=True, slots=True)
class Ledger:
    """A person's sends, by send id."""

    profile_id: str
    version: int = 0
    entries: Mapping[str, Entry] = field(default_factory=dict)

    @property
    def wake_at(self) -> int | None:
        """When the earliest deferred or unsettled send wants attention."""
        return min((e.wake_at for e in self.entries.values() if e.wake_at is not None), default=None)

    def put(self, entry: Entry) -> Ledger:
        """With that entry, one version on."""
        return Ledger(self.profile_id, self.version + 1, {**self.entries, entry.send_id: entry})

    def woken(self, now: int, *, behind: str = "", ids: Collection[str] = ()) -> Ledger:
        """Those that wait behind a send, and those of ``ids``, are looked at again at ``now``."""
        found = {
            key: entry.change(
                not_before=min(entry.not_before, now), wake_at=min(now, now if entry.wake_at is None else entry.wake_at),
                behind="",
            )
            for key, entry in self.entries.items()
            if entry.status == "deferred" and (key in ids or (behind and entry.behind == behind))
        }  # fmt: skip
        return replace(self, entries={**self.entries, **found}) if found else self

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Ledger:
        """Reads :meth:`to_dict`."""
        entries = {key: Entry(**entry) for key, entry in value.get("entries", {}).items()}
        return cls(value["profile_id"], value.get("version", 0), entries)
