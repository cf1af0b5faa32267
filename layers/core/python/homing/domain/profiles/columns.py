"""What a profile remembers, column by column, as format 2 of :mod:`homing.domain.profiles.codec` writes it.

Most of a busy profile are instants and ids of events, and both are noise to a compressor. So every event is written once,
however many slots and carts remember it, in one table from the latest to the first: instants as differences in the largest
unit that they share, ids as five raw bytes behind the compressed text. Slots and carts hold places in that table, again as
differences, which are mostly 1. What entries carry along stands in columns where they all carry the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate, repeat
from math import gcd
from operator import sub
from typing import Any

KEY_BYTES = 5
_KEYS = 1 << 8 * KEY_BYTES

# The pseudo token of domain.profiles.carts under which orders and the tokens that they name stand.
ORDERS = "*"

# An instant and an id.
Pair = tuple[int, int]


def to_deltas(instants: list[int], now: int) -> list[int]:
    """Instants from the latest on, as [unit in µs, how long before ``now`` the first was in µs, differences in units]; the
    empty list for none."""
    if not instants:
        return []
    steps = list(map(sub, instants, instants[1:]))
    unit = gcd(*steps) or 1
    return [unit, now - instants[0], *(steps if unit == 1 else [step // unit for step in steps])]


def from_deltas(deltas: list[int], now: int) -> list[int]:
    """Reads :func:`to_deltas`."""
    if not deltas:
        return []
    unit = -deltas[0]
    return list(accumulate([step * unit for step in deltas[2:]], initial=now - deltas[1]))


def size(table: list[Any]) -> int:
    """Bytes of the ids that belong to a :meth:`Writer.table`."""
    return max(len(table[0]) - 1, 0) * KEY_BYTES


class Writer:
    """Collects the events of a profile, then writes what refers to them."""

    def __init__(self, memory: Mapping[str, Any], carts: Mapping[str, Mapping[int, list[Any]]]) -> None:
        found: set[Pair] = set()
        for held in memory.values():
            for entries in held.values() if isinstance(held, dict) else (held,):
                found.update([(at, key) for at, key, _ in entries])
        for log in carts.values():
            found.update([(operation[0], key) for key, operation in log.items()])
        self._carts = carts
        self._pairs = sorted(found, reverse=True)
        self._place = {pair: place for place, pair in enumerate(self._pairs)}

    def table(self, now: int) -> list[Any]:
        """[instants, ids that need more than five bytes by place (as text)]: the second only where there are some."""
        instants = to_deltas([at for at, _ in self._pairs], now)
        odd = {str(place): str(key) for place, (_, key) in enumerate(self._pairs) if not 0 <= key < _KEYS}
        return [instants, odd] if odd else [instants]

    def keys(self) -> bytes:
        """The ids, five bytes each."""
        return b"".join([(key % _KEYS).to_bytes(KEY_BYTES, "big") for _, key in self._pairs])

    def slot(self, held: Any) -> Any:
        """A slot: a place or some; [places, names, columns …] or [places, null, payloads] with payloads; an object of
        such where values are told apart."""
        if isinstance(held, dict):
            return {value: self._list(entries) for value, entries in held.items()}
        return self._list(held)

    def _list(self, held: list[Any]) -> Any:
        if len(held) == 1:
            at, key, payload = held[0]
            place = self._place[at, key]
            return place if payload is None else [[place], None, [payload]]
        places = self._places([(at, key) for at, key, _ in held])
        carried = len(held)
        while carried and held[carried - 1][2] is None:
            carried -= 1
        return [places, *_columns([entry[2] for entry in held[:carried]])] if carried else places

    def carts(self) -> list[Any]:
        """[operations by token], or [operations, tokens without any, tokens that are named but not there] where there are
        such besides the usual: the tokens that orders name are there, without operations."""
        held = {token: self._cart(log) for token, log in self._carts.items() if log}
        empty = {token for token, log in self._carts.items() if not log}
        named = _named(self._carts)
        explicit, absent = empty - named, named - self._carts.keys()
        return [held, sorted(explicit), sorted(absent)] if explicit or absent else [held]

    def _cart(self, log: Mapping[int, list[Any]]) -> list[Any]:
        """A cart's operations: places, then what each says besides."""
        ordered = sorted([(operation[0], key) for key, operation in log.items()], reverse=True)
        return [self._places(ordered), *[log[key][1:] for _, key in ordered]]

    def _places(self, pairs: list[Pair]) -> list[int]:
        places = [self._place[pair] for pair in pairs]
        return [*places[:1], *map(sub, places[1:], places)]


class Reader:
    """Reads what a :class:`Writer` wrote."""

    def __init__(self, table: list[Any], now: int, raw: bytes) -> None:
        read = int.from_bytes
        keys = [read(raw[i : i + KEY_BYTES], "big") for i in range(0, len(raw), KEY_BYTES)]
        if len(table) > 1:
            for place, key in table[1].items():
                keys[int(place)] = int(key)
        # Entries without payload, which slots share.
        self._entries = list(zip(from_deltas(table[0], now), keys, repeat(None)))

    def slot(self, held: Any) -> Any:
        """Reads :meth:`Writer.slot`."""
        if type(held) is dict:
            entries = self._entries
            return {
                value: [entries[place]] if type(place) is int else self._list(place) for value, place in held.items()
            }
        return self._list(held)

    def _list(self, held: Any) -> list[Any]:
        entries = self._entries
        if type(held) is int:
            return [entries[held]]
        if not held or type(held[0]) is int:
            return [entries[place] for place in accumulate(held)]
        places, names, *columns = held
        bare = [entries[place] for place in accumulate(places)]
        rows = _rows(names, columns)
        # Only the first ones carry something.
        return [(at, key, row) for (at, key, _), row in zip(bare, rows, strict=False)] + bare[len(rows) :]

    def carts(self, held: list[Any]) -> dict[str, dict[int, list[Any]]]:
        """Reads :meth:`Writer.carts`."""
        carts = {token: self._cart(operations) for token, operations in held[0].items()}
        explicit, absent = held[1:] or ((), ())
        for token in sorted(_named(carts).union(explicit).difference(absent)):
            carts.setdefault(token, {})
        return carts

    def _cart(self, held: list[Any]) -> dict[int, list[Any]]:
        entries = [self._entries[place] for place in accumulate(held[0])]
        return {key: [at, *said] for (at, key, _), said in zip(entries, held[1:], strict=True)}


def _named(carts: Mapping[str, Mapping[int, list[Any]]]) -> set[str]:
    if ORDERS not in carts:
        return set()
    return {token for operation in carts[ORDERS].values() for token in operation[1]}


def _columns(payloads: list[Any]) -> list[Any]:
    """[names, a column for each] when several carry the same names, else [null, payloads]."""
    first = payloads[0]
    if len(payloads) > 1 and first:
        names = first.keys()
        if all(payload is not None and payload.keys() == names for payload in payloads):
            return [list(names), *[_scaled([payload[name] for payload in payloads]) for name in names]]
    return [None, payloads]


def _scaled(column: list[Any]) -> Any:
    """Whole numbers that share a factor, such as cents in millionths, as {factor: numbers}."""
    if type(column[0]) is int and all(type(value) is int for value in column):
        factor = gcd(*column)
        if factor > 1:
            return {str(factor): [value // factor for value in column]}
    return column


def _unscaled(column: Any) -> list[Any]:
    if type(column) is dict:
        ((factor, numbers),) = column.items()
        by = int(factor)
        return [number * by for number in numbers]
    found: list[Any] = column
    return found


def _rows(names: list[str] | None, columns: list[Any]) -> list[Any]:
    if names is None:
        whole: list[Any] = columns[0]
        return whole
    columns = [_unscaled(column) for column in columns]
    if len(names) == 1:
        return [{names[0]: value} for value in columns[0]]
    return [dict(zip(names, values, strict=False)) for values in zip(*columns, strict=True)]
