"""What runs of flows did at each step, counted while they do it: no run has to be kept for it."""

from __future__ import annotations

from homing.domain.campaigns import Campaigns
from homing.domain.delivery.message import send_id
from homing.domain.flows.passage import FlowNumbers, Passage
from homing.domain.flows.run import Run
from homing.local.flows.counting import Counting


class StepCounting:
    """Hears of each stored advance of a run, and what became of each send."""

    def __init__(self, campaigns: Campaigns) -> None:
        self._counting = Counting(campaigns)
        # Sends that were asked for and not decided for good yet: of which flow and step.
        self._asked: dict[str, tuple[str, str]] = {}

    def told(self, before: Run | None, after: Run) -> None:
        """A run went on; ``before`` None: it began."""
        passage = Passage.of(before, after)
        self._counting.passed(passage)
        numbers = self._counting.found.get(after.flow)
        if numbers is None or passage.version not in {"", numbers.version}:
            return
        for one in passage.steps:
            step, _, did = one.partition(":")
            if did == "send":
                self._asked[send_id(after.id, step)] = (after.flow, step)

    def decided(self, sent: str, status: str) -> None:
        """What became of a send, for good or at the end."""
        if (asked := self._asked.pop(sent, None)) is not None:
            self._counting.found[asked[0]].add_mail(asked[1], status)

    @property
    def numbers(self) -> dict[str, FlowNumbers]:
        """By flow."""
        return self._counting.found
