"""Finding the profile behind an id, through the pointers that merges leave."""

from __future__ import annotations

from collections.abc import Iterable

from homing.domain.errors import Unavailable
from homing.domain.profiles.profile import Profile
from homing.services.ports import Pointer, ProfileStore

_MAX_HOPS = 20


def load(store: ProfileStore, ids: Iterable[str]) -> dict[str, Profile | Pointer]:
    """The items of these ids and of everything that they point to."""
    items: dict[str, Profile | Pointer] = {}
    wanted = set(ids)
    for _ in range(_MAX_HOPS):
        if not wanted:
            return items
        found = store.read(wanted)
        items.update(found)
        wanted = {item.target for item in found.values() if isinstance(item, Pointer)} - items.keys()
    raise Unavailable("pointers between profiles form a chain that does not end")


def root(items: dict[str, Profile | Pointer], id: str) -> str:
    """The id at the end of the pointers; an id that holds nothing is its own root."""
    seen = {id}
    while isinstance(item := items.get(id), Pointer):
        id = item.target  # noqa: A001
        if id in seen:
            raise Unavailable("pointers between profiles form a circle")
        seen.add(id)
    return id


def resolve(store: ProfileStore, ids: Iterable[str]) -> dict[str, Profile]:
    """The profile for each id that leads to one."""
    ids = list(ids)
    items = load(store, ids)
    found = {}
    for id in ids:  # noqa: A001
        item = items.get(root(items, id))
        if isinstance(item, Profile):
            found[id] = item
    return found
