"""A sparse index of wake-ups, cheap to change and cheap to ask."""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right, insort

from homing.domain.profiles.profile import WAKE_BUCKETS

Entry = tuple[int, str]


class WakeIndex:
    """Keys by instant in buckets. What is far away lies in heaps; what was asked for once lies sorted, so that a page is
    found wherever it begins. Changing is O(log n): what is no longer true stays until it is met."""

    def __init__(self, buckets: int = WAKE_BUCKETS) -> None:
        self._at: dict[str, int] = {}
        # The earliest instant, as long as it is known: a virtual clock asks after every event.
        self._next: int | None = None
        self._known = True
        self._later: list[list[Entry]] = [[] for _ in range(buckets)]
        # Everything in here is earlier than everything in the same bucket's heap.
        self._sorted: list[list[Entry]] = [[] for _ in range(buckets)]

    def set(self, key: str, bucket: int, at: int | None) -> None:
        """``key`` wakes at that instant, or not at all; a key keeps its bucket for ever."""
        held = self._at.get(key)
        if held == at:
            return
        if held is not None and held == self._next:
            self._known = False
        if at is None:
            del self._at[key]
        else:
            if self._known and (self._next is None or at < self._next):
                self._next = at
            self._at[key] = at
            entry, entries = (at, key), self._sorted[bucket]
            if not entries or entry > entries[-1]:
                heapq.heappush(self._later[bucket], entry)
            elif entries[bisect_left(entries, entry)] != entry:
                insort(entries, entry)

    def due(self, bucket: int, until: int, limit: int, after: Entry | None = None) -> list[tuple[str, int]]:
        """Keys and instants of the bucket with ``at <= until``, earliest first; only those behind ``after``."""
        self._sort(bucket, until)
        entries, found, stale = self._sorted[bucket], list[tuple[str, int]](), 0
        start = bisect_right(entries, after) if after else 0
        for at, key in _from(entries, start):
            if at > until or len(found) >= limit:
                break
            if self._at.get(key) == at:
                found.append((key, at))
            else:
                stale += 1
        if stale * 4 > len(entries):
            entries[:] = [entry for entry in entries if self._true(entry)]
        return found

    def buckets(self, until: int) -> list[int]:
        """Those in which something may be due: all others have nothing."""
        return [
            bucket
            for bucket, (entries, heap) in enumerate(zip(self._sorted, self._later, strict=True))
            if (entries and entries[0][0] <= until) or (heap and heap[0][0] <= until)
        ]

    def next(self) -> int | None:
        """The earliest instant of all buckets."""
        if self._known:
            return self._next
        earliest: int | None = None
        for entries, heap in zip(self._sorted, self._later, strict=True):
            gone = next((n for n, entry in enumerate(entries) if self._true(entry)), len(entries))
            del entries[:gone]
            while not entries and heap and not self._true(heap[0]):
                heapq.heappop(heap)
            first = entries[0] if entries else heap[0] if heap else None
            if first and (earliest is None or first[0] < earliest):
                earliest = first[0]
        self._next, self._known = earliest, True
        return earliest

    def _sort(self, bucket: int, until: int) -> None:
        entries, heap = self._sorted[bucket], self._later[bucket]
        while heap and heap[0][0] <= until:
            entry = heapq.heappop(heap)
            if self._true(entry) and (not entries or entries[-1] != entry):
                entries.append(entry)

    def _true(self, entry: Entry) -> bool:
        return self._at.get(entry[1]) == entry[0]


def _from(entries: list[Entry], start: int) -> list[Entry] | map[Entry]:
    """Without copying a million entries to look at a thousand."""
    return map(entries.__getitem__, range(start, len(entries))) if start else entries
