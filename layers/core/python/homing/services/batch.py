"""One attempt at folding a batch: whose each event is, what it makes of their profiles, and the writes.

Everything is read at the start. When another writer was faster somewhere, the whole attempt is made again by
:mod:`homing.services.update_profiles`. Who is whom is decided by :mod:`homing.services.whose`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from homing.domain.engine import Engine
from homing.domain.errors import Conflict, Unavailable
from homing.domain.events import names
from homing.domain.events.event import Event, IdentifierKind
from homing.domain.profiles import carts
from homing.domain.profiles.fold import is_duplicate
from homing.domain.profiles.identity import Identity
from homing.domain.profiles.profile import Profile
from homing.services.merging import announce, close_carts, close_ordered_carts, merge
from homing.services.ports import Pointer, ProfileStore
from homing.services.resolve import far
from homing.services.whose import Held, People

# Pointers that one batch brings nearer to their end; the rest waits for the next.
_SHORTENED = 100

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
    # What ``data`` says, where it was read in this process.
    event: Event | None = None


@dataclass(frozen=True, slots=True)
class Wake:
    """A profile's time has come."""

    profile_id: str
    at: int


@dataclass(frozen=True, slots=True)
class Named:
    """An event with the ids under which its person may be stored, strongest first; hashed once. The kind is None for
    the id of a profile that Homing itself named."""

    event: Event
    refs: tuple[tuple[IdentifierKind | None, str], ...]

    @property
    def ids(self) -> list[str]:
        """The ids, strongest first."""
        return [id for _, id in self.refs]  # noqa: A001


def named(event: Event, identity: Identity) -> Named:
    """The event with its ids; with none when it names nobody."""
    known: tuple[tuple[IdentifierKind | None, str], ...] = tuple(identity.keys(event.identifiers).items())
    own = event.context.get("profile_id")
    if isinstance(own, str) and own and all(own != id for _, id in known):  # noqa: A001
        known = ((None, own), *known)
    return Named(event, known)


Item = tuple[StreamItem, Named | Wake]
# What a batch counts.
_COUNTED = ("folded", "duplicates", "orphans", "merged", "woken", "profiles_written")


def nothing_counted() -> dict[str, int]:
    """The counts of a batch that begins."""
    return dict.fromkeys(_COUNTED, 0)


def ids_of(item: Named | Wake) -> list[str]:
    """Under which ids its person may be stored."""
    return [item.profile_id] if isinstance(item, Wake) else item.ids


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
        owners: dict[str, str] | None = None,
    ) -> None:
        self.engine = engine
        self.profiles = profiles
        self.identity = identity
        self.items = items
        self.counts = counts
        # Sequence number → profile, of what an attempt has stored: there it belongs, though another writer may have
        # changed whose it would be now.
        self.written = written
        # Sequence number → profile, of everything that is somebody's.
        self.owners = {} if owners is None else owners
        self.asked = {i for _, item in items for i in ids_of(item)} | set(written.values())
        # Whether all that was folded so far belongs to people whom nothing else of it concerns.
        self.plain = True
        self.people = People(profiles, self.asked, merge=self._merge, doubt=self._doubt)

    def run(self, parallel: Parallel) -> tuple[bool, str | None]:
        """Folds and writes, the writes of different people by ``parallel``.

        Returns whether another writer was faster, and the lowest sequence that failed.
        """
        for record, item in self.items:
            self.fold(record, item)
        return self.write(parallel)

    def fold(self, record: StreamItem, item: Named | Wake) -> Held | None:
        """Folds one of the items, or one whose ids were asked for since (:meth:`ask`). Returns whom it changed."""
        return self._wake(record, item) if isinstance(item, Wake) else self._event(record, item)

    def ask(self, ids: Iterable[str]) -> None:
        """Reads what else is needed by now."""
        more = [id for id in ids if id not in self.asked]  # noqa: A001
        if more:
            self.asked.update(more)
            self.people.load(more)

    def write(self, parallel: Parallel) -> tuple[bool, str | None]:
        """Ends it; see :meth:`run`."""
        outcome = self._write(parallel)
        # The batch and its people know each other: parted here, they are gone at once and not when garbage is collected.
        self.people.part()
        return outcome

    def _wake(self, record: StreamItem, wake: Wake) -> Held | None:
        people = self.people
        id = people.root(wake.profile_id)  # noqa: A001
        if not people.exists(id):
            return None
        held = people.hold(id, record.sequence)
        if held.profile.wake_at is None or held.profile.wake_at > wake.at:
            return None
        self._close_ordered_carts(held.profile, wake.at)
        self.engine.settle(held.profile, wake.at)
        held.dirty = True
        self.counts["woken"] += 1
        return held

    def _event(self, record: StreamItem, item: Named) -> Held | None:
        event, people = item.event, self.people
        if not event.identifiers and not any(people.exists(people.root(i)) for i in item.ids):
            # Word of a message to somebody who was erased since: it must not bring them back.
            self.counts["orphans"] += 1
            return None
        stored = self.written.get(record.sequence)
        owner = people.owner(((None, stored), *item.refs) if stored else item.refs, event, record.sequence)
        self.owners[record.sequence] = owner
        held = people.hold(owner, record.sequence)
        if is_duplicate(held.profile, event):
            self.counts["duplicates"] += 1
            return None
        self._close_ordered_carts(held.profile, event.received)
        if (
            event.name in carts.CART_EVENTS
            and event.occurred + self.engine.campaigns.settings.cart.after <= event.received
        ):
            # So late that the cart counts as abandoned on arrival.
            tokens = carts.tokens_of(event)
            named = {*tokens, *carts.all_names(held.profile.carts, tokens[:1])}
            close_carts(self.engine, self.profiles, self.identity, held.profile, sorted(named))
        self.engine.receive(held.profile, event)
        held.dirty = True
        held.events.append(record.sequence)
        self.counts["folded"] += 1
        if event.name == names.ORDER_COMPLETED:
            for token in carts.tokens_of(event):
                held.ordered[self.identity.cart(token)] = event.occurred
                # Until it is written nobody else's cart of that name is closed.
                self.plain = False
        return held

    def _close_ordered_carts(self, profile: Profile, until: int) -> None:
        close_ordered_carts(self.engine, self.profiles, self.identity, profile, until)

    def _merge(self, winner: Held, loser: Held, at: int) -> None:
        for held in (winner, loser):
            self._close_ordered_carts(held.profile, at)
        # What the loser brought comes again too, should the winner's write fail.
        winner.first = min(winner.first, loser.first, key=_place)
        merge(self.engine, winner.profile, loser.profile, at)
        self.plain = False
        self.counts["merged"] += 1

    def _doubt(self, held: Held, mark: str, event: Event) -> None:
        self._close_ordered_carts(held.profile, event.received)
        self.engine.doubt(held.profile, mark, event.received)
        self.plain = False
        held.dirty = True

    def _write(self, parallel: Parallel) -> tuple[bool, str | None]:
        dirty = [held for held in self.people.held.values() if held.dirty or held.links or held.absorbed]
        claims = [self._repointer(old, new) for old, new in self.people.repointed()]
        outcome = parallel([*(self._writer(held) for held in dirty), *claims])
        conflict = any(isinstance(error, Conflict) for error in outcome)
        failed = [
            held.first
            for held, error in zip(dirty, outcome, strict=False)
            if error is not None and not isinstance(error, Conflict)
        ]
        if any(error is not None and not isinstance(error, Conflict) for error in outcome[len(dirty) :]):
            # A device that was not marked as shared: nobody may go on as if it were.
            failed.append(self.items[0][0].sequence)
        self.counts["profiles_written"] = sum(1 for error in outcome[: len(dirty)] if error is None)
        if not conflict and not failed:
            self._shorten(parallel)
        return conflict, min(failed, key=_place, default=None)

    def _shorten(self, parallel: Parallel) -> None:
        """Brings pointers that took more than one hop nearer to their end. When somebody else changed one meanwhile, or
        the table is busy, the next batch may do it."""
        people = self.people
        long = [pointer for pointer in far(people.stored, self.asked) if pointer.id not in people.claims]
        if long:
            parallel(
                [
                    self._repointer(pointer, Pointer(pointer.id, people.root(pointer.id), pointer.shared))
                    for pointer in long[:_SHORTENED]
                ]
            )

    def _repointer(self, old: Pointer, new: Pointer) -> Callable[[], None]:
        return lambda: self.profiles.repoint(old, new)

    def _writer(self, held: Held) -> Callable[[], None]:
        def write() -> None:
            store, profile = self.profiles, held.profile
            for cart, at in held.ordered.items():
                store.close_cart(cart, at)
            absorbed = {
                id: announce(store, id, version, profile.id, held.expected) if version else 0
                for id, version in held.absorbed.items()  # noqa: A001
            }
            if held.dirty:
                profile.version = held.expected + 1
                self.engine.finish(profile)
                store.write(profile, expected=held.expected)
                self.written.update(dict.fromkeys(held.events, profile.id))
            for id, version in absorbed.items():  # noqa: A001
                store.point(id, profile.id, expected=version, shared=self.people.claims_of(id))
            # Only now: had another writer been faster, the target might be somebody else.
            for id in sorted(held.links):  # noqa: A001
                store.point(id, profile.id, expected=0, shared=self.people.claims_of(id))

        return write


def _place(sequence: str) -> tuple[int, str]:
    """Sequence numbers are decimal numbers without leading zeros."""
    return len(sequence), sequence
