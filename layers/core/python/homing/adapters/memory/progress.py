"""How far the sweeps have come, in memory."""

from __future__ import annotations

import json
from threading import Lock

from homing.adapters.memory.faults import Faults
from homing.domain.errors import Conflict
from homing.domain.progress import Progress


class MemoryProgress:
    """Keeps JSON, as the table does."""

    def __init__(self) -> None:
        self.faults = Faults()
        self._lock = Lock()
        self._stored = ""
        self._version = 0

    def load(self) -> Progress:
        """The progress, or none yet."""
        self.faults.before("load")
        return Progress.from_dict(json.loads(self._stored)) if self._stored else Progress()

    def save(self, progress: Progress, *, expected: int) -> None:
        """A conditional put."""
        self.faults.before("save")
        with self._lock:
            if self._version != expected:
                raise Conflict(f"the progress of sweeps is not at version {expected}")
            self._stored, self._version = json.dumps(progress.to_dict()), progress.version
        self.faults.after("save")
