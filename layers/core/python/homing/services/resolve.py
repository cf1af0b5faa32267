"""Finding the profile behind an id, through the pointers that merges leave.

An id is made of an identifier, so it is asked for in two roles: as a profile (:func:`root`: where did this person's
profile go?) and, made of a weak identifier, as a device (``shared``: is it one person's at all?).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from homing.domain.errors import Unavailable
from homing.domain.profiles.identity import shared_id
from homing.domain.profiles.people import FOR_GOOD, read_moving
from homing.domain.profiles.profile import Profile
from homing.services.ports import Pointer, ProfileStore

Items = Mapping[str, Profile | Pointer]


def load(store: ProfileStore, ids: Iterable[str], *, claims: bool = False) -> dict[str, Profile | Pointer]:
    """The items of these ids and of everything that they point to; with ``claims``, also of everybody who was seen
    with those of the ids that are devices, and what belongs to nobody on them.

    However long a chain: an error here would hold up everybody on that shard. It ends, since no id is read twice, and
    it is walked once: whoever folds events shortens what took more than one hop.
    """
    items: dict[str, Profile | Pointer] = {}
    asked = set(ids)
    read: set[str] = set()
    wanted = set(asked)
    while wanted:
        found = store.read(wanted)
        items.update(found)
        read |= wanted
        wanted = {item.target for item in found.values() if isinstance(item, Pointer)}
        wanted |= {moving[0] for i in found.values() if isinstance(i, Profile) and (moving := read_moving(i))}
        if claims:
            for item in found.values():
                if item.shared and item.id in asked:
                    wanted |= {*item.shared, shared_id(item.id)} - {FOR_GOOD}
        wanted -= read
    return items


def root(items: Items, id: str) -> str:
    """The id at the end of the pointers; an id that holds nothing is its own root."""
    seen = {id}
    while isinstance(item := items.get(id), Pointer):
        id = item.target  # noqa: A001
        if id in seen:
            raise Unavailable("pointers between profiles form a circle")
        seen.add(id)
    return id


def far(items: Items, ids: Iterable[str]) -> list[Pointer]:
    """The pointers on the way from these ids that are more than one hop from the end, each once."""
    found: dict[str, Pointer] = {}
    for id in ids:  # noqa: A001
        end = root(items, id)
        while isinstance(item := items.get(id), Pointer) and item.target != end and id not in found:
            found[id] = item
            id = item.target  # noqa: A001
    return list(found.values())


def trail(store: ProfileStore, id: str) -> tuple[list[str], Profile | None]:
    """The ids under which this person may have been written to, the profile's own last, and the profile if there is one.

    For an id that is the profile's own there is no way to it, so nothing else is told. For one that has moved, it is
    everything the profile knows to have been merged: a chain that was shortened does not show who was in between.
    """
    items = load(store, [id])
    end = root(items, id)
    item = items.get(end)
    passed = [id]
    while isinstance(step := items.get(passed[-1]), Pointer):
        passed.append(step.target)
    if not isinstance(item, Profile):
        return passed, None
    if len(passed) > 1:
        passed[-1:] = [*sorted(item.merged - set(passed)), end]
    return passed, item


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
