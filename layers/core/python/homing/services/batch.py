"""One attempt at folding a batch: whose each event is, what it makes of their profiles, and the writes.

Everything is read at the start. When another writer was faster somewhere, the whole attempt is made again by
:mod:`homing.services.update_profiles`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from homing.domain.engine import Engine
from homing.domain.errors import Conflict, Unavailable
from homing.domain.events import names
from homing.domain.events.event import Event, IdentifierKind
from homing.domain.profiles import carts
from homing.domain.profiles.fold import is_duplicate
from homing.domain.profiles.identity import Identity, normalise
from homing.domain.profiles.profile import Change, Profile
from homing.services.ports import ProfileStore
from homing.services.resolve import load, root

# Two values of one of these are two customers.
_CUSTOMERS: tuple[IdentifierKind, ...] = ("user_id", "loyalty_id")


Parallel = Callable[[Sequence[Callable[[], None]]], list[Exception | None]]


def one_by_one(tasks: Sequence[Callable[[], None]]) -> list[Exception | None]:
    """Runs tasks in order; a deployed function overlaps them in threads instead."""
    outcome: list[Exception | None] = []
    for task in tasks:
        try:
            task()
            outcome.append(None)
        except (Conflict, Unavailable) as error:
            outcome.append(error)
    return outcome


@dataclass(frozen=True, slots=True)
class StreamItem:
    """A record as the stream delivers it."""

    sequence: str
    data: bytes
    arrived: int


@dataclass(frozen=True, slots=True)
class Wake:
    """A profile's time has come."""

    profile_id: str
    at: int


@dataclass(frozen=True, slots=True)
class Named:
    """An event with the ids under which its person may be stored, strongest first; hashed once."""

    event: Event
    ids: list[str]


Item = tuple[StreamItem, Named | Wake]


@dataclass(slots=True)
class _Held:
    """A profile being folded, and what was stored."""

    profile: Profile
    expected: int
    dirty: bool = False
    first: str = ""
    # Messages folded in this attempt.
    events: list[str] = field(default_factory=list)
    links: set[str] = field(default_factory=set)
    absorbed: dict[str, int] = field(default_factory=dict)
    ordered: dict[str, int] = field(default_factory=dict)


class Batch:
    """One attempt at a batch: everything read at its start."""

    def __init__(
        self,
        engine: Engine,
        profiles: ProfileStore,
        identity: Identity,
        items: list[Item],
        *,
        counts: dict[str, int],
        written: dict[str, str],
    ) -> None:
        self.engine = engine
        self.profiles = profiles
        self.identity = identity
        self.items = items
        self.counts = counts
        # Sequence number → profile, of what an attempt has stored: there it belongs, though another writer may have
        # changed whose it would be now.
        self.written = written
        ids = {i for _, item in items for i in (item.ids if isinstance(item, Named) else [item.profile_id])}
        ids.update(written.values())
        self.stored = load(profiles, ids) if ids else {}
        self.held: dict[str, _Held] = {}
        # Pointers that this batch will write: id → root.
        self.moved: dict[str, str] = {}

    def run(self, parallel: Parallel) -> tuple[bool, str | None]:
        """Folds and writes, the writes of different people by ``parallel``.

        Returns whether another writer was faster, and the lowest sequence that failed.
        """
        for record, item in self.items:
            if isinstance(item, Wake):
                self._wake(record, item)
            else:
                self._event(record, item.event, item.ids)
        return self._write(parallel)

    def _root(self, id: str) -> str:
        id = root(self.stored, id)  # noqa: A001
        while id in self.moved:
            id = self.moved[id]  # noqa: A001
        return id

    def _hold(self, id: str, record: StreamItem) -> _Held:
        if id not in self.held:
            item = self.stored.get(id)
            profile = item if isinstance(item, Profile) else Profile(id)
            profile.changes = []
            self.held[id] = _Held(profile, profile.version, first=record.sequence)
        return self.held[id]

    def _exists(self, id: str) -> bool:
        return id in self.held or isinstance(self.stored.get(id), Profile)

    def _wake(self, record: StreamItem, wake: Wake) -> None:
        id = self._root(wake.profile_id)  # noqa: A001
        if not self._exists(id):
            return
        held = self._hold(id, record)
        if held.profile.wake_at is None or held.profile.wake_at > wake.at:
            return
        self._close_ordered_carts(held.profile, wake.at)
        self.engine.settle(held.profile, wake.at)
        held.dirty = True
        self.counts["woken"] += 1

    def _event(self, record: StreamItem, event: Event, ids: list[str]) -> None:
        if not event.identifiers and not any(self._exists(self._root(i)) for i in ids):
            # Word of a message to somebody who was erased since: it must not bring them back.
            self.counts["orphans"] += 1
            return
        if stored := self.written.get(record.sequence):
            ids = [stored, *ids]
        owner = self._owner(ids, record, event)
        held = self._hold(owner, record)
        if is_duplicate(held.profile, event):
            self.counts["duplicates"] += 1
            return
        self._close_ordered_carts(held.profile, event.received)
        if (
            event.name in carts.CART_EVENTS
            and event.occurred + self.engine.campaigns.settings.cart.after <= event.received
        ):
            # So late that the cart counts as abandoned on arrival.
            self._close_carts(held.profile, carts.tokens_of(event)[:1])
        self.engine.receive(held.profile, event)
        held.dirty = True
        held.events.append(record.sequence)
        self.counts["folded"] += 1
        if event.name == names.ORDER_COMPLETED:
            for token in carts.tokens_of(event):
                held.ordered[self.identity.cart(token)] = event.occurred

    def _close_ordered_carts(self, profile: Profile, until: int) -> None:
        """Before a cart can count as abandoned: did anybody, under whatever name, order it?"""
        if profile.wake_at is None or profile.wake_at > until:
            return
        self._close_carts(profile, [token for token in carts.open_tokens(profile.carts) if token])

    def _close_carts(self, profile: Profile, tokens: Iterable[str]) -> None:
        named = {self.identity.cart(token): token for token in tokens}
        if named:
            for cart, at in self.profiles.closed_carts(named).items():
                self.engine.close_cart(profile, named[cart], at)

    def _owner(self, ids: list[str], record: StreamItem, event: Event) -> str:
        """Whose event it is; merges what the event shows to be one person."""
        roots = list(dict.fromkeys(self._root(i) for i in ids))
        existing = [r for r in roots if self._exists(r)]
        if not existing:
            owner = roots[0]
        else:
            owner = existing[0]
            if roots[0] != owner and not _compatible(self._hold(owner, record).profile, event):
                # The strongest identifier is new, and the others belong to somebody else: a shared device.
                owner = roots[0]
        held = self._hold(owner, record)
        for other in roots:
            if other == owner:
                continue
            if not self._exists(other):
                self.moved[other] = owner
                held.links.add(other)
            elif _compatible(self._hold(other, record).profile, event, held.profile):
                self._merge(held, self.held[other], event)
        return owner

    def _merge(self, winner: _Held, loser: _Held, event: Event) -> None:
        segments = sorted(loser.profile.segments)
        for held in (winner, loser):
            self._close_ordered_carts(held.profile, event.received)
        # What the loser brought comes again too, should the winner's write fail.
        winner.first = min(winner.first, loser.first, key=_place)
        self.engine.absorb(winner.profile, loser.profile, event.received)
        data = {"from": loser.profile.id, "segments": segments}
        winner.profile.changes.append(
            Change("profile_merged", loser.profile.id, event.received, loser.profile.id, data)
        )
        winner.absorbed[loser.profile.id] = loser.expected
        winner.absorbed.update(loser.absorbed)
        winner.links |= loser.links
        winner.events += loser.events
        winner.ordered.update(loser.ordered)
        winner.dirty = True
        self.moved[loser.profile.id] = winner.profile.id
        del self.held[loser.profile.id]
        self.counts["merged"] += 1

    def _write(self, parallel: Parallel) -> tuple[bool, str | None]:
        dirty = [held for held in self.held.values() if held.dirty or held.links or held.absorbed]
        outcome = parallel([self._writer(held) for held in dirty])
        conflict = any(isinstance(error, Conflict) for error in outcome)
        failed = [
            held.first
            for held, error in zip(dirty, outcome, strict=True)
            if error is not None and not isinstance(error, Conflict)
        ]
        self.counts["profiles_written"] = sum(1 for error in outcome if error is None)
        return conflict, min(failed, key=_place, default=None)

    def _writer(self, held: _Held) -> Callable[[], None]:
        def write() -> None:
            store, profile = self.profiles, held.profile
            for cart, at in held.ordered.items():
                store.close_cart(cart, at)
            if held.dirty:
                profile.version = held.expected + 1
                self.engine.finish(profile)
                store.write(profile, expected=held.expected)
                self.written.update(dict.fromkeys(held.events, profile.id))
            for id, version in held.absorbed.items():  # noqa: A001
                store.point(id, profile.id, expected=version)
            # Only now: had another writer been faster, the target might be somebody else.
            for id in sorted(held.links):  # noqa: A001
                store.point(id, profile.id, expected=0)

        return write


def _compatible(profile: Profile, event: Event, owner: Profile | None = None) -> bool:
    """Whether a profile can be the event's person: two different customers are never made one by a shared device or a
    borrowed address. Customers are told apart by user_id and loyalty_id."""
    for kind in _CUSTOMERS:
        theirs = profile.identifiers.get(kind, set())
        ours = set(owner.identifiers.get(kind, set())) if owner else set()
        if value := event.identifiers.get(kind):
            ours.add(normalise(kind, value))
        if theirs and ours and not theirs & ours:
            return False
    return True


def _place(sequence: str) -> tuple[int, str]:
    """Sequence numbers are decimal numbers without leading zeros."""
    return len(sequence), sequence
