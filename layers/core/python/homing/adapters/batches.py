"""Cutting a list into calls that respect a service's limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def batches(items: Sequence[Item], *, count: int, size: int, of: Callable[[Item], int]) -> Iterator[list[Item]]:
    """The items in order, in batches of at most ``count`` items and ``size`` bytes. An item that is larger by itself
    comes alone: the service says what it thinks of it."""
    batch: list[Item] = []
    total = 0
    for item in items:
        weight = of(item)
        if batch and (len(batch) == count or total + weight > size):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += weight
    if batch:
        yield batch
