"""Matrices at work: columns read from a person, and the row that says most about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import product
from math import isfinite
from typing import Any, NamedTuple

from homing.domain.content.choices.language import ANY, Axis, Matrix, answer, options

# Stands for every value that no row mentions.
OTHER = ("other", "")
UNKNOWN = ("none", "")
Key = tuple[str, Any]


def key(value: Any) -> Key:
    """Values that are one for a marketer have one key: 12, 12.0 and "12"; true is none of them. What is no single value
    (a list, an object) is like one that no row mentions."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, Decimal | float) and isfinite(value) and value == int(value):
        value = int(value)
    return ("text", str(value)) if isinstance(value, str | int | float | Decimal) else OTHER


class Row(NamedTuple):
    """A row: the keys that each column allows (None: any), and how many columns say something."""

    number: int
    allowed: tuple[frozenset[Key] | None, ...]
    specificity: int

    def matches(self, point: tuple[Key, ...]) -> bool:
        """Whether each column allows what it finds."""
        return all(allowed is None or held in allowed for allowed, held in zip(self.allowed, point, strict=True))


def rows(matrix: Matrix) -> list[Row]:
    """The rows as they are compared, in the order of the file."""
    found = []
    for number, cell in enumerate(matrix.rows):
        allowed = tuple(_allowed(axis, held) for axis, held in zip(matrix.by, cell.of, strict=True))
        found.append(Row(number, allowed, sum(one is not None for one in allowed)))
    return found


def _allowed(axis: Axis, held: Any) -> frozenset[Key] | None:
    if ANY in options(held):
        return None
    if axis.segment is not None:
        return frozenset(key(answer(one)) for one in options(held))
    return frozenset(key(one) for one in options(held))


def point_of(values: list[Any]) -> tuple[Key, ...]:
    """Where somebody stands, by what each column read of them."""
    return tuple(key(value) for value in values)


def best(found: list[Row], point: tuple[Key, ...]) -> list[Row]:
    """The most specific of the rows that match; more than one where they tie."""
    matching = [row for row in found if row.matches(point)]
    most = max((row.specificity for row in matching), default=0)
    return [row for row in matching if row.specificity == most]


def representatives(matrix: Matrix, found: list[Row]) -> list[list[Key]]:
    """For each column the keys that matter: those that rows mention, and one for all others. Segments know two."""
    columns: list[list[Key]] = []
    for index, axis in enumerate(matrix.by):
        if axis.segment is not None:
            columns.append([key(True), key(False)])
            continue
        mentioned: dict[Key, None] = {}
        for row in found:
            mentioned.update(dict.fromkeys(sorted(row.allowed[index] or (), key=repr)))
        columns.append([*mentioned, OTHER])
    return columns


def combinations(columns: list[list[Key]]) -> int:
    """How many points there are to look at."""
    count = 1
    for column in columns:
        count *= len(column)
    return count


def points(columns: list[list[Key]]) -> Iterator[tuple[Key, ...]]:
    """Every combination. Whoever there is stands like one of them, so what holds at all of them holds for everybody."""
    return product(*columns)


def shown(matrix: Matrix, point: tuple[Key, ...]) -> str:
    """``favourite_category Garden, vip yes``."""
    return shown_pairs(zip(matrix.by, point, strict=True))


def shown_pairs(pairs: Iterable[tuple[Axis, Key]]) -> str:
    """Columns with what they found, in words."""
    return ", ".join(f"{axis.name} {_word(held)}" for axis, held in pairs)


def _word(held: Key) -> str:
    if held == OTHER:
        return "anything else"
    if held == UNKNOWN:
        return "not known"
    return ("yes" if held[1] else "no") if held[0] == "bool" else str(held[1])
