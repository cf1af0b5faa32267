"""Which flows are paused or stopped, as one process knows it: read again after some seconds, never once for each message."""

from __future__ import annotations

from homing.domain.flows.control import Controls, FlowState
from homing.domain.time import SECOND
from homing.services.ports import Clock, Journal

# A mail that should not leave leaves no longer than this after its flow was paused.
KEEP = 10 * SECOND


class FlowStates:
    """One for each process. Raises Unavailable when nobody can tell: then nothing is started and nothing sent."""

    def __init__(self, journal: Journal, clock: Clock, keep: int = KEEP) -> None:
        self._journal, self._clock, self._keep = journal, clock, keep
        self._known = Controls()
        self._until = 0

    def of(self, flow: str) -> FlowState:
        """As it was some seconds ago at most; a pause or a stop is looked at again before anybody acts on it."""
        if self._clock() >= self._until or self._known.of(flow).state != "running":
            return self.now(flow)
        return self._known.of(flow)

    def now(self, flow: str) -> FlowState:
        """As it is."""
        self.learn(self._journal.load_controls())
        return self._known.of(flow)

    def learn(self, controls: Controls) -> None:
        """What somebody just read or wrote."""
        self._known, self._until = controls, self._clock() + self._keep
