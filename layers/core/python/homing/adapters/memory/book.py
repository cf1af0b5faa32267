"""What workers know of the sending together, in memory."""

from __future__ import annotations

import json
from threading import Lock

from homing.adapters.memory.faults import Faults
from homing.domain.delivery.book import Book
from homing.domain.errors import Conflict


class MemoryBook:
    """Keeps JSON, as the table does."""

    def __init__(self) -> None:
        self.faults = Faults()
        self._lock = Lock()
        self._stored = ""
        self._version = 0
        # How often it was written: what the sharing costs.
        self.writes = 0

    def load(self) -> Book:
        """The book, or an empty one."""
        self.faults.before("load")
        return Book.from_dict(json.loads(self._stored)) if self._stored else Book()

    def save(self, book: Book, *, expected: int) -> None:
        """A conditional put."""
        self.faults.before("save")
        with self._lock:
            if self._version != expected:
                raise Conflict(f"the book is not at version {expected}")
            self._stored, self._version = json.dumps(book.to_dict()), book.version
            self.writes += 1
        self.faults.after("save")
