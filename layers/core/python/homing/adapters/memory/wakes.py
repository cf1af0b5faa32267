"""A sparse index of wake-ups, cheap to change and cheap to ask."""

from __future__ import annotations

import heapq

from homing.domain.profiles.profile import WAKE_BUCKETS


class WakeIndex:
    """Keys by instant in buckets. Changing is O(log n): what is no longer true stays in the heap until it surfaces."""

    def __init__(self) -> None:
        self._at: dict[str, int] = {}
        self._heaps: list[list[tuple[int, str]]] = [[] for _ in range(WAKE_BUCKETS)]

    def set(self, key: str, bucket: int, at: int | None) -> None:
        """``key`` wakes at that instant, or not at all; a key keeps its bucket for ever."""
        if at is None:
            self._at.pop(key, None)
        elif self._at.get(key) != at:
            self._at[key] = at
            heapq.heappush(self._heaps[bucket], (at, key))

    def due(self, bucket: int, until: int, limit: int) -> list[tuple[str, int]]:
        """Keys and instants of the bucket with ``at <= until``, earliest first."""
        heap, found = self._heaps[bucket], list[tuple[int, str]]()
        while heap and heap[0][0] <= until and len(found) < limit:
            entry = heapq.heappop(heap)
            if self._at.get(entry[1]) == entry[0] and (not found or found[-1] != entry):
                found.append(entry)
        for entry in found:
            heapq.heappush(heap, entry)
        return [(key, at) for at, key in found]

    def next(self) -> int | None:
        """The earliest instant of all buckets."""
        earliest: int | None = None
        for heap in self._heaps:
            while heap and self._at.get(heap[0][1]) != heap[0][0]:
                heapq.heappop(heap)
            if heap and (earliest is None or heap[0][0] < earliest):
                earliest = heap[0][0]
        return earliest
