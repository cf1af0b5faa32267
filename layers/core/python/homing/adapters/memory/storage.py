"""Archive and quarantine in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from homing.adapters.memory.faults import Faults
from homing.services.ports import Rejected


class MemoryArchive:
    """JSON lines by key."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.objects: dict[str, list[dict[str, Any]]] = {}

    def put(self, key: str, lines: Sequence[Mapping[str, Any]]) -> None:
        """The same key overwrites."""
        self.faults.before("put")
        self.objects[key] = [json.loads(json.dumps(line)) for line in lines]
        self.faults.after("put")


class MemoryQuarantine:
    """Rejected records by key."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.objects: dict[str, list[Rejected]] = {}

    @property
    def records(self) -> list[Rejected]:
        """All of them, whatever the key."""
        return [record for records in self.objects.values() for record in records]

    def put(self, key: str, records: Sequence[Rejected]) -> None:
        """The same key overwrites."""
        self.faults.before("put")
        self.objects[key] = list(records)
        self.faults.after("put")
