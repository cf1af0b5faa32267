"""Folding a batch of events into profiles: one read, one conditional write per person.

Every step is idempotent, so the only recovery there is, is to do it again: after a lost conditional write the batch is
read and folded once more, after a crash the stream delivers it once more, and what was folded already folds to nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from homing.domain.campaigns import Campaigns
from homing.domain.engine import Engine
from homing.domain.errors import Conflict, InvalidInput, Unavailable
from homing.domain.events import names
from homing.domain.events.event import Event, IdentifierKind
from homing.domain.events.privacy import archive_line
from homing.domain.profiles import carts
from homing.domain.profiles.fold import is_duplicate
from homing.domain.profiles.identity import Identity, normalise
from homing.domain.profiles.profile import Change, Profile
from homing.domain.time import to_datetime
from homing.services.ports import Archive, ProfileStore, Quarantine, Rejected
from homing.services.resolve import load, root

_ATTEMPTS = 6
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
class UpdateResult:
    """``failed`` is the lowest sequence number to deliver again, if any."""

    failed: str | None
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Named:
    """An event with the ids under which its person may be stored, strongest first; hashed once."""

    event: Event
    ids: list[str]


_Item = tuple[StreamItem, _Named | Wake]


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


@dataclass(frozen=True)
class UpdateProfiles:
    """Folds stream batches; see the module."""

    campaigns: Campaigns
    identity: Identity
    profiles: ProfileStore
    # None where nothing is kept, as in a backtest over what is archived already.
    archive: Archive | None
    quarantine: Quarantine
    parallel: Parallel = one_by_one

    @cached_property
    def engine(self) -> Engine:
        """The compiled campaigns."""
        return Engine(self.campaigns)

    def __call__(self, records: Sequence[StreamItem], *, batch: str) -> UpdateResult:
        """``batch`` names what is archived, so that a redelivered batch overwrites itself. Raises nothing for bad
        records (they are quarantined) and reports what must be delivered again."""
        items: list[_Item] = []
        bad: list[Rejected] = []
        for record in records:
            try:
                items.append((record, self._parse(record)))
            except InvalidInput as error:
                bad.append(Rejected(record.data, error.code, error.message, "stream", record.arrived, error.where))
        counts = {"received": len(records), "quarantined": len(bad)}
        try:
            if bad:
                self.quarantine.put(f"{_day(bad[0].at)}/{batch}", bad)
            failed = self._fold(items, counts)
            if failed is None:
                self._archive([item for _, item in items if isinstance(item, _Named)], batch)
        except Unavailable:
            failed = records[0].sequence
        return UpdateResult(failed, counts)

    def _parse(self, record: StreamItem) -> _Named | Wake:
        if record.data.startswith(b'{"wake"'):
            try:
                raw = json.loads(record.data)
                return Wake(str(raw["wake"]), int(raw["at"]))
            except (ValueError, KeyError, TypeError) as error:
                raise InvalidInput("not a wake-up", code="bad_wake") from error
        if record.data.startswith(b'{"unreadable"'):
            raise _unreadable(record.data)
        event = Event.from_json(record.data)
        ids = self._ids(event)
        if not ids:
            raise InvalidInput(
                "the event names nobody: send userId, anonymousId or an e-mail address", code="missing_identifier"
            )
        return _Named(event, ids)

    def _ids(self, event: Event) -> list[str]:
        known = list(self.identity.keys(event.identifiers).values())
        own = event.context.get("profile_id")
        return [own, *known] if isinstance(own, str) and own and own not in known else known

    def _fold(self, items: list[_Item], counts: dict[str, int]) -> str | None:
        written: dict[str, str] = {}
        for _ in range(_ATTEMPTS):
            attempt = dict.fromkeys(("folded", "duplicates", "orphans", "merged", "woken", "profiles_written"), 0)
            batch = _Batch(self, items, attempt, written)
            conflict, failed = batch.run()
            counts.update(attempt)
            if not conflict:
                return failed
        return items[0][0].sequence

    def _archive(self, items: Iterable[_Named], batch: str) -> None:
        if self.archive is None:
            return
        days: dict[str, list[dict[str, Any]]] = {}
        for item in items:
            line = archive_line(item.event, item.ids[0], self.identity)
            days.setdefault(_day(item.event.received), []).append(line)
        for day, lines in days.items():
            self.archive.put(f"events/date={day}/{batch}", lines)


def _unreadable(data: bytes) -> InvalidInput:
    """What ``receive_webhook`` found wrong with a signed delivery that it passed on to be kept."""
    try:
        label = json.loads(data)
        return InvalidInput(str(label["reason"]), code=str(label["unreadable"]), where=str(label["source"]))
    except (ValueError, KeyError, TypeError):
        return InvalidInput("not an event", code="unreadable")


class _Batch:
    """One attempt at a batch: everything read at its start."""

    def __init__(
        self, service: UpdateProfiles, items: list[_Item], counts: dict[str, int], written: dict[str, str]
    ) -> None:
        self.service = service
        self.engine = service.engine
        self._abandoned_after = service.campaigns.settings.cart.after
        self.items = items
        self.counts = counts
        # Sequence number → profile, of what an attempt has stored: there it belongs, though another writer may have
        # changed whose it would be now.
        self.written = written
        ids = {i for _, item in items for i in (item.ids if isinstance(item, _Named) else [item.profile_id])}
        ids.update(written.values())
        self.stored = load(service.profiles, ids) if ids else {}
        self.held: dict[str, _Held] = {}
        # Pointers that this batch will write: id → root.
        self.moved: dict[str, str] = {}

    def run(self) -> tuple[bool, str | None]:
        """Folds and writes. Returns whether another writer was faster, and the lowest sequence that failed."""
        for record, item in self.items:
            if isinstance(item, Wake):
                self._wake(record, item)
            else:
                self._event(record, item.event, item.ids)
        return self._write()

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
        if event.name in carts.CART_EVENTS and event.occurred + self._abandoned_after <= event.received:
            # So late that the cart counts as abandoned on arrival.
            self._close_carts(held.profile, carts.tokens_of(event)[:1])
        self.engine.receive(held.profile, event)
        held.dirty = True
        held.events.append(record.sequence)
        self.counts["folded"] += 1
        if event.name == names.ORDER_COMPLETED:
            for token in carts.tokens_of(event):
                held.ordered[self.service.identity.cart(token)] = event.occurred

    def _close_ordered_carts(self, profile: Profile, until: int) -> None:
        """Before a cart can count as abandoned: did anybody, under whatever name, order it?"""
        if profile.wake_at is None or profile.wake_at > until:
            return
        self._close_carts(profile, [token for token in carts.open_tokens(profile.carts) if token])

    def _close_carts(self, profile: Profile, tokens: Iterable[str]) -> None:
        named = {self.service.identity.cart(token): token for token in tokens}
        if named:
            for cart, at in self.service.profiles.closed_carts(named).items():
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

    def _write(self) -> tuple[bool, str | None]:
        dirty = [held for held in self.held.values() if held.dirty or held.links or held.absorbed]
        outcome = self.service.parallel([self._writer(held) for held in dirty])
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
            store, profile = self.service.profiles, held.profile
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


def _day(instant: int) -> str:
    return to_datetime(instant).date().isoformat()
