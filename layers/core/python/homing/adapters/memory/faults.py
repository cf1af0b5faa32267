"""Failures to come, planned by a test; and the places where they can strike: every method of every port."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

from homing.domain.errors import HomingError, Unavailable

Effect = Literal["read", "write", "put", "send"]


@dataclass(frozen=True, slots=True)
class Site:
    """A method of a port (services.ports, services.codes, services.sending_rate) that calls out. ``read`` changes
    nothing, ``write`` changes an item, ``put`` hands a batch on to a queue, ``send`` is SES.

    ``consistent``: a read whose staleness no conditional write would find, so that the port asks for it strongly
    consistent. ``aside`` says why it is not on the way from a trigger to SES.
    """

    port: str
    method: str
    effect: Effect
    consistent: bool = False
    aside: str = ""

    @property
    def name(self) -> str:
        """``Journal.save_run``."""
        return f"{self.port}.{self.method}"


_RANKING = "thresholds of RFM scores, counted at night"
_FREED = "what a dropped send gives back: tests of discount codes"
_COMMANDS = "flows for many people, paused, stopped: tests of commands"
_REBUILD = "read back for rebuilds and audits"

# The fault matrix (tests/faults) strikes each; its test fails for a port's method that is not registered here.
SITES: tuple[Site, ...] = (
    Site("Stream", "put", "put"),
    Site("ProfileStore", "read", "read"),
    Site("ProfileStore", "write", "write"),
    Site("ProfileStore", "point", "write"),
    Site("ProfileStore", "repoint", "write"),
    Site("ProfileStore", "due", "read"),
    Site("ProfileStore", "close_cart", "write"),
    Site("ProfileStore", "closed_carts", "read", consistent=True),
    Site("ProfileStore", "stop", "write"),
    Site("ProfileStore", "stops", "read", consistent=True),
    Site("Journal", "start_run", "write"),
    Site("Journal", "load_run", "read"),
    Site("Journal", "save_run", "write"),
    Site("Journal", "load_agenda", "read", consistent=True),
    Site("Journal", "save_agenda", "write"),
    Site("Journal", "keep_flow", "write"),
    Site("Journal", "load_flow", "read", consistent=True),
    Site("Journal", "load_ledger", "read"),
    Site("Journal", "save_ledger", "write"),
    Site("Journal", "due", "read"),
    Site("Journal", "load_controls", "read", consistent=True),
    Site("Journal", "save_controls", "write", aside=_COMMANDS),
    Site("Journal", "load_job", "read", aside=_COMMANDS),
    Site("Journal", "save_job", "write", aside=_COMMANDS),
    Site("Journal", "hold", "write", aside=_COMMANDS),
    Site("Journal", "parked", "read", aside=_COMMANDS),
    Site("Journal", "members_after", "read", aside=_COMMANDS),
    Site("Journal", "set_member", "write"),
    Site("Journal", "members", "read", aside="read by people's tools only"),
    Site("Journal", "first_members", "read", aside=_RANKING),
    Site("Bus", "put", "put"),
    Site("ProgressStore", "load", "read"),
    Site("ProgressStore", "save", "write"),
    Site("RankingStore", "load", "read", aside=_RANKING),
    Site("RankingStore", "save", "write", aside=_RANKING),
    Site("FlowInbox", "put", "put"),
    Site("Outbox", "put", "put"),
    Site("Calls", "put", "put"),
    Site("Caller", "post", "write"),
    Site("Mailer", "send", "send"),
    Site("Archive", "put", "write"),
    Site("ArchiveReader", "keys", "read", aside=_REBUILD),
    Site("ArchiveReader", "read", "read", aside=_REBUILD),
    Site("ListStore", "read", "read", aside=_COMMANDS),
    Site("Quarantine", "put", "write"),
    Site("BookStore", "load", "read"),
    Site("BookStore", "save", "write"),
    Site("CodeStore", "load_grant", "read"),
    Site("CodeStore", "save_grant", "write"),
    Site("CodeStore", "pool", "read"),
    Site("CodeStore", "claim", "write"),
    Site("CodeStore", "passed", "write"),
    Site("CodeStore", "free", "write", aside=_FREED),
    Site("CodeStore", "put_back", "write", aside=_FREED),
    Site("CodeStore", "add", "write", aside="imported by people"),
    Site("CodeStore", "grants", "read", aside="read for reports"),
)


@dataclass(frozen=True, slots=True)
class _Fault:
    error: HomingError
    after: bool


class Faults:
    """A queue of failures for each operation of a fake. ``after=True`` lets the effect happen and loses the reply."""

    def __init__(self) -> None:
        self._planned: dict[str, deque[_Fault]] = {}

    def plan(self, operation: str, *, times: int = 1, after: bool = False, error: HomingError | None = None) -> None:
        """The next ``times`` calls of ``operation`` fail, with Unavailable unless another error is given."""
        fault = _Fault(error or Unavailable(f"{operation}: planned failure"), after)
        self._planned.setdefault(operation, deque()).extend([fault] * times)

    def before(self, operation: str) -> None:
        """Raises when the next failure of the operation comes before its effect."""
        if self._planned:
            self._raise(operation, after=False)

    def after(self, operation: str) -> None:
        """Raises when the next failure of the operation comes after its effect."""
        if self._planned:
            self._raise(operation, after=True)

    def _raise(self, operation: str, *, after: bool) -> None:
        waiting = self._planned.get(operation)
        if waiting and waiting[0].after is after:
            raise waiting.popleft().error
