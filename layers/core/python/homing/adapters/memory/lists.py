"""Lists of people in memory."""

from __future__ import annotations

from homing.adapters.memory.faults import Faults
from homing.domain.errors import InvalidInput


class MemoryLists:
    """Files by the names that requests call them."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.faults = Faults()
        self.files = files or {}

    def read(self, name: str, offset: int, size: int) -> bytes:
        """A part of a file."""
        self.faults.before("read")
        if name not in self.files:
            raise InvalidInput(f"there is no list {name}", code="list_unreadable")
        return self.files[name][offset : offset + size]
