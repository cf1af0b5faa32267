"""Making one profile of two, and what must be known before a cart counts as abandoned: shared by everybody who writes
profiles."""

from __future__ import annotations

from collections.abc import Iterable

from homing.domain.engine import Engine
from homing.domain.profiles import carts
from homing.domain.profiles.identity import Identity
from homing.domain.profiles.profile import Change, Profile
from homing.services.ports import ProfileStore


def merge(engine: Engine, winner: Profile, loser: Profile, at: int) -> None:
    """Adds the loser to the winner; the loser's item is to become a pointer."""
    data = {"from": loser.id, "segments": sorted(loser.segments)}
    engine.absorb(winner, loser, at)
    winner.changes.append(Change("profile_merged", loser.id, at, loser.id, data))


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
