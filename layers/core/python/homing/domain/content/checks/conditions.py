"""Conditions of Liquid as questions about single values, and values that answer them as wished.

A condition becomes a list of alternatives, each a conjunction of atoms about one path; per path a handful of candidate
values decides whether all of its atoms can hold together. The same answer says that a branch is dead (no values) and
whom to make up for it (the values).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final, NamedTuple

Names = tuple[str | int, ...]
# Alternatives are bounded: a condition that has more is answered with "may be".
MOST = 32


class _Absent:
    """A value that is not there."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT: Final = _Absent()


class Atom(NamedTuple):
    """``op`` of a path and a literal shall come out as ``truth``; ``there`` asks for the path alone."""

    path: Names
    op: str
    value: Any
    truth: bool

    def holds(self, value: Any) -> bool:
        """Whether this value answers as wished, by Liquid's rules, which refuse to order a text and a number."""
        if self.op[0] in "<>" and value is not ABSENT and not _numbers(value, self.value):
            return False
        return _answer(self.op, value, self.value) == self.truth


class Domain(NamedTuple):
    """What a path can be. ``fixed``: these values only; ``least``: whole numbers from here on."""

    fixed: tuple[Any, ...] | None = None
    absent: bool = True
    least: int | None = None
    natural: tuple[Any, ...] = ()


class Operand(NamedTuple):
    """A path, and what is added to its value (``assign more = cart.items.size | minus: 1``)."""

    path: Names
    plus: int = 0


Conjunction = tuple[Atom, ...]
Resolve = Callable[[Any], Operand | None]

_MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_OPERATORS = {
    "EqExpression": "==", "NeExpression": "!=", "LtExpression": "<", "LeExpression": "<=", "GtExpression": ">",
    "GeExpression": ">=",
}  # fmt: skip


class _Unknown:
    """An operand of which nothing is known before rendering."""


def _answer(op: str, value: Any, other: Any) -> bool:
    if op == "there":
        return value is not ABSENT and value is not None and value is not False
    if op in {"==", "!="}:
        same = (value is ABSENT and other is False) or (
            value is not ABSENT and _same_kind(value, other) and value == other
        )
        return same == (op == "==")
    if not _numbers(value, other):
        return False
    return bool({"<": value < other, "<=": value <= other, ">": value > other, ">=": value >= other}[op])


def _numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float | Decimal) and not isinstance(value, bool) for value in values)


def _same_kind(one: Any, other: Any) -> bool:
    return isinstance(one, bool) == isinstance(other, bool)


def alternatives(expression: Any, truth: bool, resolve: Resolve) -> list[Conjunction]:
    """The ways in which a condition comes out as ``truth``; an empty list when there is none, ``[()]`` when nothing can
    be said."""
    kind = type(expression).__name__
    if kind == "BooleanExpression":
        return alternatives(expression.expression, truth, resolve)
    if kind == "LogicalNotExpression":
        return alternatives(expression.right, not truth, resolve)
    if kind in {"LogicalAndExpression", "LogicalOrExpression"}:
        left = alternatives(expression.left, truth, resolve)
        right = alternatives(expression.right, truth, resolve)
        return both(left, right) if (kind == "LogicalAndExpression") == truth else [*left, *right]
    if kind in _OPERATORS:
        return compared(expression.left, _OPERATORS[kind], expression.right, truth, resolve)
    if kind == "ContainsExpression":
        found, value = resolve(expression.left), _literal(expression.right)
        if found is None or value is _Unknown or found.plus:
            return [()]
        return [(Atom((*found.path, f"contains {value}"), "there", None, truth),)]
    value = _literal(expression)
    if value is not _Unknown:
        return [()] if _answer("there", value, None) == truth else []
    found = resolve(expression)
    return [()] if found is None or found.plus else [(Atom(found.path, "there", None, truth),)]


def compared(left: Any, op: str, right: Any, truth: bool, resolve: Resolve) -> list[Conjunction]:
    """The ways in which a comparison of two expressions comes out as ``truth``."""
    value, other = _literal(left), _literal(right)
    if value is not _Unknown and other is not _Unknown:
        return [()] if _answer(op, value, other) == truth else []
    if value is not _Unknown:
        left, op, other = right, _MIRRORED[op], value
    found = resolve(left)
    if found is None or other is _Unknown:
        return [()]
    if other is None:
        return [(Atom(found.path, "there", None, truth == (op == "!=")),)] if op in {"==", "!="} else [()]
    if found.plus:
        if not _numbers(other):
            return [()]
        other -= found.plus
    return [(Atom(found.path, op, other, truth),)]


def _literal(expression: Any) -> Any:
    """The value of a literal; :class:`_Unknown` for anything else (``empty`` and ``blank`` too: they are about text)."""
    kind = type(expression).__name__
    if kind == "Nil":
        return None
    return expression.value if kind.endswith("Literal") and hasattr(expression, "value") else _Unknown


def both(left: Sequence[Conjunction], right: Sequence[Conjunction]) -> list[Conjunction]:
    """Alternatives of which one of each side holds, at most :data:`MOST`; beyond that the right side is not asked."""
    if len(left) * len(right) > MOST:
        return list(left)
    return [(*one, *other) for one in left for other in right]


def solve(conjunction: Iterable[Atom], domain: Callable[[Names], Domain]) -> dict[Names, Any] | None:
    """Values for the paths under which all atoms hold; None when there are none."""
    by_path: dict[Names, list[Atom]] = {}
    for atom in conjunction:
        by_path.setdefault(atom.path, []).append(atom)
    values: dict[Names, Any] = {}
    for path, atoms in by_path.items():
        for value in _candidates(atoms, domain(path)):
            if all(atom.holds(value) for atom in atoms):
                values[path] = value
                break
        else:
            return None
    return values


def _candidates(atoms: Sequence[Atom], domain: Domain) -> Iterator[Any]:
    """One value of each kind that the atoms can tell apart: what they compare with, and what lies between and beside."""
    if domain.fixed is not None:
        yield from domain.fixed
        return
    literals = [atom.value for atom in atoms if atom.op != "there"]
    numbers = sorted({value for value in literals if _numbers(value)})
    every: list[Any] = list(domain.natural)
    every += literals
    for number in numbers:
        every += [number + 1, number - 1]
    if domain.least is None:
        every += [(low + high) / 2 for low, high in pairwise(numbers)]
        if not numbers:
            every.append("something else")
    else:
        every += range(domain.least, domain.least + 4)
        every = [value for value in every if isinstance(value, int) and value >= domain.least]
    yield from every
    if domain.absent:
        yield ABSENT
    if domain.least is None:
        yield from (True, False)
