"""Joining what was folded again from the archive into what is live.

The live profile knows better wherever both know: the archive holds hashes and masks where events named somebody.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from homing.domain.profiles.memory import Entry, insert
from homing.domain.profiles.profile import Profile

_NOTHING: frozenset[int] = frozenset()


def join_memory(live: Profile, folded: Profile, veiled: AbstractSet[int] = _NOTHING) -> None:
    """Adds to ``live`` what ``folded`` remembers and how long it goes back.

    ``veiled`` are entries whose id may differ from the live one's because the message's id named somebody; they are
    told by their instant. Carts are not joined: their tokens are hashed in the archive, and no rule changes them.
    """
    for slot, held in folded.memory.items():
        if slot not in live.memory:
            live.memory[slot] = held
        elif isinstance(held, dict):
            live.memory[slot] = _join_values(live.memory[slot], held, veiled)
        else:
            live.memory[slot] = _join_entries(live.memory[slot], held, veiled)
    live.first_at = min((i for i in (live.first_at, folded.first_at) if i is not None), default=None)
    live.last_at = max((i for i in (live.last_at, folded.last_at) if i is not None), default=None)


def _join_entries(live: list[Entry], folded: list[Entry], veiled: AbstractSet[int]) -> list[Entry]:
    known = {key: (at, carried) for at, key, carried in live}
    instants = {at for at, _, _ in live}
    for at, key, carried in folded:
        if key in known:
            then, said = known[key]
            more = {**(carried or {}), **(said or {})} or None
            if then <= at and more == said:
                continue
            live = [entry for entry in live if entry[1] != key]
            live = insert(live, (min(at, then), key, more))
        elif key not in veiled or at not in instants:
            live = insert(live, (at, key, carried))
    return live


def _join_values(
    live: Mapping[str, list[Entry]], folded: Mapping[str, list[Entry]], veiled: AbstractSet[int]
) -> dict[str, list[Entry]]:
    joined = dict(live)
    # An event that is known under one value is not counted under another: the archive may have masked it.
    under = {key: value for value, entries in live.items() for _, key, _ in entries}
    for value, entries in folded.items():
        fresh = [entry for entry in entries if under.get(entry[1], value) == value]
        if fresh:
            joined[value] = _join_entries(joined.get(value, []), fresh, veiled)
    return joined


@dataclass(frozen=True, slots=True)
class Traces:
    """How events are told in memory and carts: by id, and by instant where the id may differ."""

    keys: frozenset[int]
    instants: frozenset[int] = frozenset()

    def holds(self, at: int, key: int) -> bool:
        """Whether an entry comes from one of the events."""
        return key in self.keys or at in self.instants


def part_of_memory(memory: Mapping[str, Any], traces: Traces, *, inside: bool) -> dict[str, Any]:
    """What memory holds of these events, or of all others."""

    def kept(entries: list[Entry]) -> list[Entry]:
        return [entry for entry in entries if traces.holds(entry[0], entry[1]) is inside]

    part: dict[str, Any] = {}
    for slot, held in memory.items():
        if isinstance(held, dict):
            if values := {value: of for value, entries in held.items() if (of := kept(entries))}:
                part[slot] = values
        elif entries := kept(held):
            part[slot] = entries
    return part


def part_of_carts(carts: Mapping[str, Any], traces: Traces, *, inside: bool) -> dict[str, Any]:
    """What the carts' logs hold of these events, or of all others."""
    return {
        token: part
        for token, log in carts.items()
        if (part := {key: done for key, done in log.items() if traces.holds(done[0], key) is inside})
    }
