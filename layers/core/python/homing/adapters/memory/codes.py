"""Discount codes in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Any

from homing.adapters.memory.faults import Faults
from homing.domain.codes.grant import Grant, Pool
from homing.domain.errors import Conflict

_MADE_UP = "\x1f"


class MemoryCodes:
    """``endless`` makes codes up when a pool is empty: a backtest shall not end for want of them."""

    def __init__(self, *, endless: bool = False) -> None:
        self.faults = Faults()
        self._endless = endless
        self._lock = Lock()
        self._grants: dict[tuple[str, str], Grant] = {}
        # By pool: the texts, the owners by number, the next number, what was given back.
        self._texts: dict[str, list[str]] = {}
        self._owners: dict[str, dict[int, str]] = {}
        self._next: dict[str, int] = {}
        self._returned: dict[str, set[int]] = {}

    def load_grant(self, name: str, key: str) -> Grant | None:
        """The grant as last stored."""
        self.faults.before("load_grant")
        return self._grants.get((name, key))

    def save_grant(self, name: str, grant: Grant, *, expected: int) -> None:
        """A conditional put."""
        self.faults.before("save_grant")
        with self._lock:
            stored = self._grants.get((name, grant.key))
            if (stored.version if stored else 0) != expected:
                raise Conflict(f"the grant {grant.key} is not at version {expected}")
            self._grants[name, grant.key] = grant
        self.faults.after("save_grant")

    def grants(self, name: str) -> Iterable[Grant]:
        """All of a name."""
        return [grant for (held, _), grant in self._grants.items() if held == name]

    def pool(self, name: str) -> Pool:
        """How far it is drawn."""
        self.faults.before("pool")
        with self._lock:
            texts, first = self._texts.setdefault(name, []), self._next.get(name, 1)
            if self._endless and first > len(texts):
                texts.append(f"{_MADE_UP}{first}")
            return Pool(len(texts), first, frozenset(self._returned.get(name, ())))

    def add(self, name: str, texts: Sequence[str]) -> int:
        """Appends those that are new."""
        with self._lock:
            held = self._texts.setdefault(name, [])
            fresh = [text for text in dict.fromkeys(texts) if text not in set(held)]
            held += fresh
            return len(fresh)

    def claim(self, name: str, number: int, owner: str) -> str | None:
        """Takes it unless somebody else has it."""
        self.faults.before("claim")
        with self._lock:
            owners = self._owners.setdefault(name, {})
            text = self._texts[name][number - 1] if owners.setdefault(number, owner) == owner else None
            if text is not None and self._endless and text.startswith(_MADE_UP):
                # By whom it is for: the same in a shop that is played in parts, where nobody counts all.
                digest = hashlib.blake2b(owner.encode(), digest_size=4).hexdigest().upper()
                text = f"{name.upper()}-{digest}"
        self.faults.after("claim")
        return text

    def free(self, name: str, number: int, owner: str) -> None:
        """Gives it up."""
        self.faults.before("free")
        with self._lock:
            owners = self._owners.setdefault(name, {})
            if owners.get(number) == owner:
                del owners[number]
        self.faults.after("free")

    def passed(self, name: str, number: int) -> None:
        """Nobody needs to try it."""
        self.faults.before("passed")
        with self._lock:
            self._returned.setdefault(name, set()).discard(number)
            self._next[name] = max(self._next.get(name, 1), number + 1)
        self.faults.after("passed")

    def put_back(self, name: str, number: int) -> None:
        """It may be tried again."""
        self.faults.before("put_back")
        with self._lock:
            self._returned.setdefault(name, set()).add(number)
        self.faults.after("put_back")

    def to_json(self) -> str:
        """Everything, for a file."""
        return json.dumps(
            {
                "texts": self._texts,
                "owners": {name: list(held.items()) for name, held in self._owners.items()},
                "next": self._next,
                "returned": {name: sorted(held) for name, held in self._returned.items()},
                "grants": [[name, grant.to_dict()] for (name, _), grant in self._grants.items()],
            },
            indent=1,
        )

    @classmethod
    def from_json(cls, text: str) -> MemoryCodes:
        """Reads :meth:`to_json`."""
        value: dict[str, Any] = json.loads(text)
        codes = cls()
        codes._texts = value["texts"]
        codes._owners = {name: dict(map(tuple, held)) for name, held in value["owners"].items()}
        codes._next = value["next"]
        codes._returned = {name: set(held) for name, held in value["returned"].items()}
        for name, held in value["grants"]:
            grant = Grant.from_dict(held)
            codes._grants[name, grant.key] = grant
        return codes
