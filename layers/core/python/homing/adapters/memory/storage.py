"""Archive and quarantine in memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from homing.adapters.memory.faults import Faults
from homing.domain.errors import Unavailable
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

    def keys(self, prefix: str) -> Iterable[str]:
        """Keys in their order."""
        self.faults.before("keys")
        return (key for key in sorted(self.objects) if key.startswith(prefix))

    def read(self, key: str) -> Iterable[dict[str, Any]]:
        """The lines of one key; Unavailable where there is none."""
        self.faults.before("read")
        if key not in self.objects:
            raise Unavailable(f"the archive has no {key}")
        return [json.loads(json.dumps(line)) for line in self.objects[key]]


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
