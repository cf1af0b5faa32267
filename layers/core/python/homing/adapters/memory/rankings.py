"""Thresholds of RFM scores in memory."""

from __future__ import annotations

import json
from collections.abc import Sequence

from homing.adapters.memory.faults import Faults
from homing.domain.attributes.rankings import Thresholds
from homing.domain.errors import Conflict


class MemoryRankings:
    """Keeps JSON, as the table does."""

    def __init__(self) -> None:
        self.faults = Faults()
        self._version = 0
        self._held = "[]"

    def load(self) -> tuple[int, list[Thresholds]]:
        """What was saved last."""
        self.faults.before("load")
        return self._version, [Thresholds.from_dict(one) for one in json.loads(self._held)]

    def save(self, known: Sequence[Thresholds], *, expected: int) -> None:
        """A conditional put."""
        self.faults.before("save")
        if self._version != expected:
            raise Conflict(f"the rankings are not at version {expected}")
        self._version, self._held = expected + 1, json.dumps([one.to_dict() for one in known])
        self.faults.after("save")
