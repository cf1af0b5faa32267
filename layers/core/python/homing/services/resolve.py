"""Finding the profile behind an id, through the pointers that merges leave."""

from __future__ import annotations

from collections.abc import Iterable

from homing.domain.errors import Unavailable
from homing.domain.profiles.profile import Profile
from homing.services.ports import Pointer, ProfileStore


def load(store: ProfileStore, ids: Iterable[str]) -> dict[str, Profile | Pointer]:
    """The items of these ids and of everything that they point to.

    However long a chain: a device in a shop at which one after the other gives an address grows one, and an error here
    would hold up everybody on that shard. It ends, since no id is read twice.
    """
    items: dict[str, Profile | Pointer] = {}
    read: set[str] = set()
    wanted = set(ids)
    while wanted:
        found = store.read(wanted)
        items.update(found)
        read |= wanted
        wanted = {item.target for item in found.values() if isinstance(item, Pointer)} - read
    return items


def root(items: dict[str, Profile | Pointer], id: str) -> str:
    """The id at the end of the pointers; an id that holds nothing is its own root."""
    seen = {id}
    while isinstance(item := items.get(id), Pointer):
        id = item.target  # noqa: A001
        if id in seen:
            raise Unavailable("pointers between profiles form a circle")
        seen.add(id)
    return id


def trail(store: ProfileStore, id: str) -> tuple[list[str], Profile | None]:
    """The ids from this one to the person's profile, through every merge, and the profile if there is one."""
    items = load(store, [id])
    passed = [id]
    while isinstance(item := items.get(passed[-1]), Pointer) and item.target not in passed:
        passed.append(item.target)
    return passed, item if isinstance(item, Profile) else None


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
