"""The member index in order: the same for the table and for its fake."""

from __future__ import annotations

from collections.abc import Iterable

from homing.services.ports import FirstMembers

# Who left leaves a mark for a while. Of a segment that people only pass through, so many marks are read for each
# member that is asked for, and no more.
_MARKS = 8


def first(index: Iterable[tuple[str, bool]], limit: int) -> FirstMembers:
    """The first members of (id, is a member) in the order of ids; stops reading as soon as it knows."""
    ids: list[str] = []
    below = ""
    for examined, (id_, member) in enumerate(index):
        if (member and len(ids) == limit) or examined >= limit * (1 + _MARKS):
            return FirstMembers(ids, below)
        below = id_
        if member:
            ids.append(id_)
    return FirstMembers(ids, None)
