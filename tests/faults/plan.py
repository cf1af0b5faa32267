"""What goes wrong where: kinds of faults, the sites that functions call, and which kinds fit which site."""

from __future__ import annotations

from dataclasses import dataclass

from homing.adapters.memory.faults import SITES, Site
from homing.domain.time import DAY, MINUTE, SECOND

FOR_EVER = 1_000_000
# Somebody mends what fails for ever, a day after it began.
MENDED_AFTER = DAY
SKEW = 5 * MINUTE
# A worker that stands still so long has lost every lease and every message that it held.
PAUSE = 10 * MINUTE
# AWS refuses a request that was signed more than five minutes ago: a call of SES can be under way no longer than that.
IN_FLIGHT = 4 * MINUTE
TIMEOUT = 20 * SECOND

ERROR, LOST, TIMED_OUT, THROTTLED = "error before", "reply lost", "time-out, lands late", "throttle"
PARTIAL, TWICE, REORDERED = "partial batch", "duplicate delivery", "reorder"
DIES_BEFORE, DIES_AFTER, STALE, ZOMBIE = "crash before", "crash after", "stale read", "zombie lease"
FAST, SLOW = "clock 5 min fast", "clock 5 min slow"
NEVER_TOOK, REFUSED = "reply lost, not taken", "message refused"
LATE_ANSWER = "slow answer"

KINDS = (
    ERROR, LOST, TIMED_OUT, THROTTLED, PARTIAL, TWICE, REORDERED, DIES_BEFORE, DIES_AFTER, STALE, FAST, SLOW, ZOMBIE,
    NEVER_TOOK, REFUSED, LATE_ANSWER,
)  # fmt: skip
TIMES = {"once": 1, "twice": 2, "for ever": FOR_EVER}

_ALWAYS = (ERROR, TIMED_OUT, THROTTLED, DIES_BEFORE, DIES_AFTER, FAST, SLOW, ZOMBIE, LATE_ANSWER)
_MORE = {
    "read": (STALE,),
    "write": (LOST,),
    "put": (LOST, PARTIAL, TWICE, REORDERED),
    "send": (LOST, NEVER_TOOK, REFUSED),
}

# Which function calls which ports, as runtime/wiring.py gives them out.
CALLERS: dict[str, tuple[str, ...]] = {
    "receive_events": ("Stream.put",),
    "update_profiles": (
        "ProfileStore.read", "ProfileStore.write", "ProfileStore.point", "ProfileStore.repoint",
        "ProfileStore.close_cart", "ProfileStore.closed_carts", "Archive.put", "Quarantine.put",
    ),
    "publish_changes": ("Bus.put", "Journal.set_member"),
    "wake_due": (
        "ProfileStore.due", "Journal.due", "Journal.load_ledger", "Journal.save_ledger", "Stream.put", "FlowInbox.put",
        "Outbox.put", "ProgressStore.load", "ProgressStore.save",
    ),
    "run_flows": (
        "ProfileStore.read", "Journal.load_run", "Journal.start_run", "Journal.save_run", "Journal.keep_flow", "Outbox.put",
        "Journal.load_controls", "Journal.load_agenda", "Journal.save_agenda", "Journal.load_flow", "Stream.put",
        "FlowInbox.put", "Calls.put",
    ),
    "call_webhooks": ("ProfileStore.read", "Caller.post"),
    "send_email": (
        "ProfileStore.read", "ProfileStore.stops", "ProfileStore.closed_carts", "Journal.load_ledger",
        "Journal.save_ledger", "Mailer.send", "CodeStore.load_grant", "CodeStore.save_grant", "CodeStore.pool",
        "CodeStore.claim", "CodeStore.passed", "BookStore.load", "BookStore.save", "Journal.load_controls",
    ),
    "record_engagement": (
        "ProfileStore.stop", "Journal.load_ledger", "Journal.save_ledger", "Stream.put", "BookStore.load", "BookStore.save",
    ),
    "manage_preferences": ("ProfileStore.read", "ProfileStore.stops", "ProfileStore.stop", "Stream.put"),
}  # fmt: skip
BY_NAME = {site.name: site for site in SITES}


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind at one site of one function: from its call number ``first`` (0 is the first), ``times`` times."""

    function: str
    site: str
    kind: str
    times: int
    first: int = 0

    @property
    def place(self) -> str:
        """``run_flows: Journal.start_run``."""
        return f"{self.function}: {self.site}"

    def __str__(self) -> str:
        how = next((name for name, times in TIMES.items() if times == self.times), f"{self.times} times")
        return f"{self.place}, {self.kind}, {how}"


def fits(function: str, site: Site) -> tuple[str, ...]:
    """The kinds of faults that can happen there."""
    kinds = set(_ALWAYS + _MORE[site.effect])
    if site.consistent or (function in {"send_email", "call_webhooks"} and site.method == "read"):
        # Read strongly consistent, and nothing written afterwards would find out: that the adapters ask for it is
        # tested with them (tests/adapters).
        kinds.discard(STALE)
    return tuple(kind for kind in KINDS if kind in kinds)


def cells() -> list[Fault]:
    """The whole matrix, in a fixed order; ``first`` is still 0."""
    return [
        Fault(function, name, kind, times)
        for function, names in CALLERS.items()
        for name in names
        for kind in fits(function, BY_NAME[name])
        for times in TIMES.values()
    ]
