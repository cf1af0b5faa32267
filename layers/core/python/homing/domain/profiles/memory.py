"""What a profile remembers of behaviour: slots of timestamps, exactly as many as some rule needs.

"At least n within w" needs the latest n timestamps, not a counter that is wrong at the edges. A slot is a set of entries
keyed by the event's id; its union is associative, commutative and idempotent, and forgetting what can never matter
again (:func:`prune`) commutes with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from homing.domain.events import names
from homing.domain.events.event import Event
from homing.domain.profiles import bounds
from homing.domain.segments.language import Test

# An entry: (occurred, id, payload). Lists are kept latest first.
Entry = tuple[int, int, Any]

# `same: product_id` remembers at most so many different values, the most recent ones (documented in docs/segments.md).
MAX_VALUES = 200
_MAX_AHEAD = 100


def event_key(event: Event) -> int:
    """40 bits that identify the event among a person's others of its kind.

    An order is known by its number, so that the same order from the storefront and from the shop's webhook is one.
    """
    text = event.message_id
    if event.name == names.ORDER_COMPLETED and (order := event.properties.get("order_id")):
        text = f"order:{order}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=5).digest(), "big")


def look_up(properties: Mapping[str, Any], path: str) -> Any:
    """A property by name; dots reach into objects."""
    if path in properties:
        return properties[path]
    value: Any = properties
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
    except (TypeError, ValueError):
        return None


def passes(test: Test, value: Any) -> bool:
    """Whether a value passes every test asked. Missing values pass only ``exists: false``."""
    if test.exists is not None and (value is not None) != test.exists:
        return False
    if value is None:
        return test.exists is False and len(test.model_fields_set) == 1
    if test.equals is not None and not _same(value, test.equals):
        return False
    if test.in_ is not None and not any(_same(value, candidate) for candidate in test.in_):
        return False
    if test.contains is not None and not _contains(value, test.contains):
        return False
    if test.model_fields_set & {"more_than", "at_least", "less_than", "at_most"}:
        number = _number(value)
        return number is not None and not (
            (test.more_than is not None and not number > test.more_than)
            or (test.at_least is not None and not number >= test.at_least)
            or (test.less_than is not None and not number < test.less_than)
            or (test.at_most is not None and not number <= test.at_most)
        )
    return True


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    return bool(value == wanted) or str(value) == str(wanted)


def _contains(value: Any, wanted: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_same(item, wanted) for item in value)
    return isinstance(value, str) and str(wanted).casefold() in value.casefold()


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
    # Which properties an entry carries along, and for how many of the latest entries.
    payload: tuple[str, ...] = ()
    payload_keep: int = 0

    def wants(self, event: Event) -> bool:
        """Whether the event belongs here."""
        if event.name not in self.events:
            return False
        return all(passes(test, look_up(event.properties, path)) for path, test in self.where)


def slot_id(events: Iterable[str], where: Mapping[str, Test], same: str | None) -> str:
    """Stable over rule changes: the same thing to remember has the same id."""
    tests = sorted((path, test.model_dump_json(exclude_unset=True)) for path, test in where.items())
    text = repr((sorted(events), tests, same))
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


@dataclass(slots=True)
class Plan:
    """All slots that the campaigns need, by event name."""

    slots: dict[str, Slot] = field(default_factory=dict)

    def need(
        self,
        events: Iterable[str],
        *,
        where: Mapping[str, Test] | None = None,
        same: str | None = None,
        keep: int = 1,
        window: int | None = None,
        payload: tuple[str, ...] = (),
        payload_keep: int = 0,
        id: str | None = None,
    ) -> str:
        """Asks for memory; several askers of the same thing share one slot that serves them all. Returns its id."""
        events = frozenset(events)
        where = where or {}
        key = id or slot_id(events, where, same)
        held = self.slots.get(key)
        if held is not None:
            keep = max(keep, held.keep)
            window = None if window is None or held.window is None else max(window, held.window)
            payload = held.payload or payload
            payload_keep = max(payload_keep, held.payload_keep)
        self.slots[key] = Slot(key, events, tuple(sorted(where.items())), same, keep, window, payload, payload_keep)
        return key

    def by_event(self) -> dict[str, tuple[Slot, ...]]:
        """The slots that may want an event of a name."""
        index: dict[str, list[Slot]] = {}
        for slot in self.slots.values():
            for name in slot.events:
                index.setdefault(name, []).append(slot)
        return {name: tuple(slots) for name, slots in index.items()}


# What of a product the catalog does not know better.
_OWN_FIELDS = frozenset({"product_id", "variant", "price", "currency", "quantity"})


def lean(product: Mapping[str, Any], catalog: frozenset[str]) -> dict[str, Any]:
    """A product as events bring it, without what the catalog knows and need not be stored with every person."""
    if str(product.get("product_id")) in catalog:
        return {name: value for name, value in product.items() if name in _OWN_FIELDS}
    return dict(product)


def _payload(slot: Slot, event: Event, catalog: frozenset[str]) -> dict[str, Any] | None:
    if not slot.payload:
        return None
    held = {name: value for name in slot.payload if (value := look_up(event.properties, name)) is not None}
    if isinstance(products := held.get("products"), list):
        held["products"] = [lean(product, catalog) for product in products if isinstance(product, Mapping)]
    return {
        name: bounds.small(value, bounds.MAX_ORDER if name == "products" else bounds.MAX_PAYLOAD // 5)
        for name, value in lean(held, catalog).items()
    }


def remember(memory: dict[str, Any], slot: Slot, event: Event, key: int, catalog: frozenset[str] = frozenset()) -> None:
    """Adds the event to its slot (nothing happens when it is there already)."""
    entry: Entry = (event.occurred, key, _payload(slot, event, catalog))
    if slot.same is None:
        memory[slot.id] = insert(memory.get(slot.id, []), entry)
        return
    value = look_up(event.properties, slot.same)
    if value is None:
        return
    values: dict[str, list[Entry]] = memory.setdefault(slot.id, {})
    name = bounds.label(value)
    values[name] = insert(values.get(name, []), entry)


def insert(entries: list[Entry], entry: Entry) -> list[Entry]:
    """With that entry, latest first; of two with one id the earlier stays."""
    at, key, _ = entry
    for held in entries:
        if held[1] == key:
            if held[0] <= at:
                return entries
            entries = [e for e in entries if e[1] != key]
            break
    position = 0
    while position < len(entries) and (entries[position][0], entries[position][1]) > (at, key):
        position += 1
    return [*entries[:position], entry, *entries[position:]]


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
    # Entries of the near future (clocks differ) don't push out what counts now.
    kept: list[Entry] = []
    past = 0
    ahead = sum(1 for at, _, _ in entries if at > now)
    for at, key, payload in entries[max(ahead - max(slot.keep, _MAX_AHEAD), 0) :] if ahead > _MAX_AHEAD else entries:
        if at <= now:
            past += 1
            if past > slot.keep or (slot.window is not None and at + slot.window <= now):
                break
        kept.append((at, key, payload if past <= slot.payload_keep else None))
    return kept


def prune(memory: dict[str, Any], slots: Mapping[str, Slot], now: int) -> None:
    """Forgets what can't matter at ``now`` or later, and slots that nobody asks for."""
    for key in list(memory):
        slot = slots.get(key)
        if slot is None:
            del memory[key]
        elif slot.same is None:
            memory[key] = _forget(slot, memory[key], now)
            if not memory[key]:
                del memory[key]
        else:
            values = {value: kept for value, held in memory[key].items() if (kept := _forget(slot, held, now))}
            if len(values) > MAX_VALUES:
                latest = sorted(values.items(), key=lambda item: (item[1][0][0], item[0]), reverse=True)
                values = dict(latest[:MAX_VALUES])
            memory[key] = values
            if not values:
                del memory[key]
