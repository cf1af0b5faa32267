"""Making one profile of two, and what must be known before a cart counts as abandoned: shared by everybody who writes
profiles."""

from __future__ import annotations

from collections.abc import Iterable

from homing.domain.engine import Engine
from homing.domain.errors import Conflict
from homing.domain.profiles import carts, people
from homing.domain.profiles.identity import Identity
from homing.domain.profiles.profile import Change, Profile
from homing.services.ports import Pointer, ProfileStore


def merge(engine: Engine, winner: Profile, loser: Profile, at: int) -> None:
    """Adds the loser to the winner; the loser's item is to become a pointer."""
    data = {"from": loser.id, "segments": sorted(loser.segments)}
    engine.absorb(winner, loser, at)
    winner.changes.append(Change("profile_merged", loser.id, at, loser.id, data))


def announce(store: ProfileStore, loser: str, version: int, winner: str, expected: int) -> int:
    """Writes down that a stored profile is being merged into ``winner`` (which is at version ``expected``), before that
    one is written with what it knew; returns the loser's version then.

    Otherwise somebody could change it between the two writes so that it may not be merged any more, and what it knew
    would be both people's. Whoever meets a profile that is moving finishes the merge, or, when the winner has changed
    since, decides anew. Raises Conflict when it is not at ``version``.
    """
    item = store.read([loser]).get(loser)
    if isinstance(item, Pointer) and item.target == winner:
        return version
    if not isinstance(item, Profile) or item.version != version:
        raise Conflict(f"profile {loser} is not at version {version}")
    mark = people.moving_mark(winner, expected)
    if item.moving == {mark}:
        return version
    item.moving, item.changes = {mark}, []
    item.version = version + 1
    store.write(item, expected=version)
    return version + 1


def close_ordered_carts(engine: Engine, store: ProfileStore, identity: Identity, profile: Profile, until: int) -> None:
    """Before a cart can count as abandoned: did anybody, under whatever name, order it?"""
    if profile.wake_at is not None and profile.wake_at <= until:
        tokens = carts.open_tokens(profile.carts)
        close_carts(engine, store, identity, profile, carts.all_names(profile.carts, tokens))


def close_carts(
    engine: Engine, store: ProfileStore, identity: Identity, profile: Profile, tokens: Iterable[str]
) -> None:
    """Closes those of the carts that were ordered."""
    named = {identity.cart(token): token for token in tokens}
    if named:
        for cart, at in store.closed_carts(named).items():
            engine.close_cart(profile, named[cart], at)
