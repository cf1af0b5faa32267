"""What a profile remembers of behaviour: slots of timestamps, exactly as many as some rule needs.

"At least n within w" needs the latest n timestamps, not a counter that is wrong at the edges. A slot is a set of entries
keyed by the event's id; its union is associative, commutative and idempotent, and forgetting what can never matter
again (:func:`prune`) commutes with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from homing.domain.events import names
from homing.domain.events.event import Event
from homing.domain.events.properties import look_up, property_of
from homing.domain.profiles import bounds
from homing.domain.segments.comparisons import Test, passes

# An entry: (occurred, id, payload). Lists are kept latest first.
Entry = tuple[int, int, Any]

# Bounds of what one slot remembers, the most recent; docs/segments.md says which rules feel them.
MAX_VALUES = 200
MAX_ENTRIES = 1_000
MAX_STEPS = 100
_MAX_AHEAD = 100
_KEY = itemgetter(1)


_ORDERS = frozenset({names.ORDER_COMPLETED, names.ORDER_CANCELLED})


def event_key(event: Event) -> int:
    """40 bits that identify the event among a person's others of its kind.

    An order is known by its number, so that the same order from the storefront and from the shop's webhook is one, and
    its cancellation can be told by it.
    """
    text = event.message_id
    if event.name in _ORDERS and (order := event.properties.get("order_id")):
        text = f"order:{order}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=5).digest(), "big")


# What an entry carries besides time and id, taken from the event; None when the event does not belong in the slot.
Take = Callable[[Event], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Slot:
    """One thing to remember: which events, which of their entries, how many and how long."""

    id: str
    events: frozenset[str]
    where: tuple[tuple[str, Test], ...] = ()
    same: str | None = None
    keep: int = 1
    # Microseconds after which an entry can't matter any more; None keeps it for ever.
    window: int | None = None
    # Properties that each entry carries along.
    values: tuple[str, ...] = ()
    # Properties of any form that the latest few entries carry along.
    payload: tuple[str, ...] = ()
    payload_keep: int = 0
    # Somebody named each property that is carried, so the catalog's word for the product does not do instead.
    as_told: bool = False
    # Only what happened in ``[from, to)``; None is open.
    between: tuple[int | None, int | None] | None = None
    # The earliest entries instead of the latest.
    earliest: bool = False
    # How many different values of ``same``, the most recent.
    keep_values: int = MAX_VALUES
    # Values of ``same`` are kept as short hashes: long ones that nobody reads.
    hashed: bool = False
    take: Take | None = None

    def wants(self, event: Event) -> bool:
        """Whether the event belongs here."""
        if event.name not in self.events:
            return False
        if self.between is not None:
            start, end = self.between
            if (start is not None and event.occurred < start) or (end is not None and event.occurred >= end):
                return False
        return all(passes(test, property_of(event, path)) for path, test in self.where)

    def value_of(self, event: Event) -> str | None:
        """Under which value of ``same`` the event is kept; None without the property."""
        value = property_of(event, self.same) if self.same is not None else None
        if value is None:
            return None
        text = bounds.label(value)
        return hashlib.blake2b(text.encode(), digest_size=5).hexdigest() if self.hashed else text


def slot_id(
    events: Iterable[str],
    where: Mapping[str, Test],
    same: str | None,
    between: tuple[int | None, int | None] | None = None,
    *,
    earliest: bool = False,
    hashed: bool = False,
) -> str:
    """Stable over rule changes: the same thing to remember has the same id."""
    tests = sorted((path, test.model_dump_json(exclude_unset=True)) for path, test in where.items())
    key: tuple[Any, ...] = (sorted(events), tests, same)
    if between is not None or earliest or hashed:
        key = (*key, between, earliest, hashed)
    return hashlib.blake2b(repr(key).encode(), digest_size=4).hexdigest()


@dataclass(slots=True)
class Plan:
    """All slots that the campaigns need."""

    slots: dict[str, Slot] = field(default_factory=dict)

    def need(
        self,
        events: Iterable[str],
        *,
        where: Mapping[str, Test] | None = None,
        same: str | None = None,
        keep: int = 1,
        window: int | None = None,
        values: tuple[str, ...] = (),
        payload: tuple[str, ...] = (),
        payload_keep: int = 0,
        as_told: bool = False,
        between: tuple[int | None, int | None] | None = None,
        earliest: bool = False,
        keep_values: int = MAX_VALUES,
        hashed: bool = False,
        take: Take | None = None,
        id: str | None = None,
    ) -> str:
        """Asks for memory; several askers of the same thing share one slot that serves them all. Returns its id.

        ``take`` goes with an ``id`` of its own.
        """
        events = frozenset(events)
        where = where or {}
        key = id or slot_id(events, where, same, between, earliest=earliest, hashed=hashed)
        keep, keep_values = min(keep, MAX_ENTRIES), min(keep_values, MAX_ENTRIES)
        held = self.slots.get(key)
        if held is not None:
            keep = max(keep, held.keep)
            keep_values = max(keep_values, held.keep_values)
            window = None if window is None or held.window is None else max(window, held.window)
            values = tuple(dict.fromkeys(held.values + values))
            payload = tuple(dict.fromkeys(held.payload + payload))
            payload_keep = max(payload_keep, held.payload_keep)
            as_told = as_told or held.as_told
        self.slots[key] = Slot(
            key, events, tuple(sorted(where.items(), key=lambda item: item[0])), same, keep, window, values, payload,
            payload_keep, as_told, between, earliest, keep_values, hashed, take,
        )  # fmt: skip
        return key

    def by_event(self) -> dict[str, Wanting]:
        """The slots that may want an event of a name."""
        index: dict[str, list[Slot]] = {}
        for slot in self.slots.values():
            for name in slot.events:
                index.setdefault(name, []).append(slot)
        return {name: Wanting.of(slots) for name, slots in index.items()}


@dataclass(frozen=True, slots=True)
class Wanting:
    """The slots that may want an event of one name: those that ask for one value of a property stand under it, so that
    a thousand rules about a thousand categories cost an event only those of its own category."""

    always: tuple[Slot, ...]
    by_value: tuple[tuple[str, Mapping[str, tuple[Slot, ...]]], ...]

    @classmethod
    def of(cls, slots: Iterable[Slot]) -> Wanting:
        """Sorts slots under the first property of which they accept only certain values."""
        always: list[Slot] = []
        keyed: dict[str, dict[str, list[Slot]]] = {}
        for slot in slots:
            path, accepted = next(((p, a) for p, test in slot.where if (a := _accepted(test))), ("", ()))
            if not accepted:
                always.append(slot)
            for text in set(accepted):
                keyed.setdefault(path, {}).setdefault(text, []).append(slot)
        by_value = {p: {text: tuple(found) for text, found in texts.items()} for p, texts in keyed.items()}
        return cls(tuple(always), tuple(sorted(by_value.items(), key=lambda item: item[0])))

    def slots(self, event: Event) -> list[Slot]:
        """Those that want the event."""
        found = [slot for slot in self.always if slot.wants(event)]
        for path, texts in self.by_value:
            value = property_of(event, path)
            if value is not None and (under := texts.get(str(value))):
                found += [slot for slot in under if slot.wants(event)]
        return found


def _accepted(test: Test) -> tuple[str, ...]:
    """The texts of the only values that can pass; () where there may be others."""
    wanted = [test.equals] if test.equals is not None else test.in_
    if not wanted or any(isinstance(value, bool | float) for value in wanted):
        # 1.0 and 1 are equal, but not as text.
        return ()
    return tuple(str(value) for value in wanted)


# What of a product the catalog does not know better.
_OWN_FIELDS = frozenset({"product_id", "variant", "price", "currency", "quantity"})


def lean(product: Mapping[str, Any], catalog: frozenset[str]) -> dict[str, Any]:
    """A product as events bring it, without what the catalog knows and need not be stored with every person."""
    if str(product.get("product_id")) in catalog:
        return {name: value for name, value in product.items() if name in _OWN_FIELDS}
    return dict(product)


def _carried(slot: Slot, event: Event, catalog: frozenset[str]) -> dict[str, Any] | None:
    """What an entry carries along; None where that is nothing."""
    if slot.take is not None:
        return slot.take(event)
    if not slot.payload and not slot.values:
        return None
    held = {name: value for name in slot.payload if (value := look_up(event.properties, name)) is not None}
    if isinstance(products := held.get("products"), list):
        held["products"] = [lean(product, catalog) for product in products if isinstance(product, Mapping)]
    carried = {
        name: bounds.small(value, bounds.MAX_ORDER if name == "products" else bounds.MAX_PAYLOAD // 5)
        for name, value in (held if slot.as_told else lean(held, catalog)).items()
    }
    for name in slot.values:
        value = property_of(event, name)
        if value is not None:
            carried[name] = (
                bounds.label(value) if isinstance(value, str) else bounds.small(value, bounds.MAX_PAYLOAD // 5)
            )
    return carried or None


def remember(memory: dict[str, Any], slot: Slot, event: Event, key: int, catalog: frozenset[str] = frozenset()) -> bool:
    """Adds the event to its slot (nothing happens when it is there already). Whether it belongs there."""
    carried = _carried(slot, event, catalog)
    if carried is None and slot.take is not None:
        return False
    entry: Entry = (event.occurred, key, carried)
    if slot.same is None:
        memory[slot.id] = insert(memory.get(slot.id, []), entry)
        return True
    name = slot.value_of(event)
    if name is None:
        return False
    values: dict[str, list[Entry]] = memory.setdefault(slot.id, {})
    values[name] = insert(values.get(name, []), entry)
    return True


def insert(entries: list[Entry], entry: Entry) -> list[Entry]:
    """With that entry, latest first; of two with one id the earlier stays, at one instant the one that says more."""
    at, key, carried = entry
    # Nearly always it is new.
    if key in map(_KEY, entries):
        held = next(held for held in entries if held[1] == key)
        if held[0] < at or (held[0] == at and (held[2] == carried or _says(held[2]) >= _says(carried))):
            return entries
        entries = [e for e in entries if e[1] != key]
    position = 0
    while position < len(entries) and (entries[position][0], entries[position][1]) > (at, key):
        position += 1
    return [*entries[:position], entry, *entries[position:]]


def _says(carried: dict[str, Any] | None) -> tuple[int, str]:
    return (-1, "") if carried is None else (len(carried), repr(carried))


def join(left: Any, right: Any) -> Any:
    """The union of what two halves remember in one slot."""
    if isinstance(left, dict):
        joined = dict(left)
        for value, entries in right.items():
            joined[value] = join(joined[value], entries) if value in joined else entries
        return joined
    for entry in right:
        left = insert(left, entry)
    return left


def _forget(slot: Slot, entries: list[Entry], now: int) -> list[Entry]:
    if slot.earliest:
        return entries if len(entries) <= slot.keep else entries[-slot.keep :]
    if (
        entries
        and entries[0][0] <= now
        and len(entries) <= slot.keep
        and (not slot.payload or len(entries) <= slot.payload_keep)
        and (slot.window is None or entries[-1][0] + slot.window > now)
    ):
        # The usual case: nothing ahead, nothing too much.
        return entries
    # Entries of the near future (clocks differ) don't push out what counts now.
    kept: list[Entry] = []
    past = 0
    ahead = sum(1 for at, _, _ in entries if at > now)
    for at, key, payload in entries[max(ahead - max(slot.keep, _MAX_AHEAD), 0) :] if ahead > _MAX_AHEAD else entries:
        if at <= now:
            past += 1
            if past > slot.keep or (slot.window is not None and at + slot.window <= now):
                break
        kept.append((at, key, payload if past <= slot.payload_keep else _bare(slot, payload)))
    return kept


def _bare(slot: Slot, payload: dict[str, Any] | None) -> dict[str, Any] | None:
    """What entries that are not among the latest few still carry."""
    if payload is None or slot.take is not None:
        return payload
    if not slot.values:
        return None
    return {name: payload[name] for name in slot.values if name in payload} or None


def prune(memory: dict[str, Any], slots: Mapping[str, Slot], now: int) -> set[str]:
    """Forgets what can't matter at ``now`` or later, and slots that nobody asks for. Returns the slots that were full, so
    that what still mattered may have had to go."""
    full: set[str] = set()
    for key in list(memory):
        slot = slots.get(key)
        if slot is None:
            del memory[key]
        elif slot.same is None:
            held = memory[key]
            count = len(held)
            if (
                0 < count <= slot.keep
                and not slot.payload
                and (slot.earliest or (held[0][0] <= now and (slot.window is None or held[-1][0] + slot.window > now)))
            ):
                # The usual case: see _forget.
                continue
            if count > slot.keep >= MAX_STEPS:
                full.add(key)
            # Lists that stay as they are stay the same: what was made of one is known by it.
            if (kept := _forget(slot, held, now)) is not held:
                memory[key] = kept
            if not kept:
                del memory[key]
        else:
            if slot.keep >= MAX_STEPS and any(len(held) > slot.keep for held in memory[key].values()):
                full.add(key)
            values = {value: kept for value, held in memory[key].items() if (kept := _forget(slot, held, now))}
            if len(values) > slot.keep_values:
                full.add(key)
                values = _latest_values(slot, values, now)
            memory[key] = values
            if not values:
                del memory[key]
    return full


def _latest_values(slot: Slot, values: dict[str, list[Entry]], now: int) -> dict[str, list[Entry]]:
    """The values that came last by now, and those that are still to come."""
    came = {value: next((at for at, _, _ in held if at <= now), None) for value, held in values.items()}
    past = sorted(((at, value) for value, at in came.items() if at is not None), reverse=True)[: slot.keep_values]
    ahead = sorted(((held[0][0], value) for value, held in values.items() if held[0][0] > now), reverse=True)
    kept = {value for _, value in past} | {value for _, value in ahead[:_MAX_AHEAD]}
    return {value: held for value, held in values.items() if value in kept}
