"""The branches of a template: where each begins, what must hold there, and which of them a rendering takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from homing.domain.content.analysis import parsed
from homing.domain.content.checks.conditions import Atom, Conjunction, Operand, Resolve, alternatives, both, compared
from homing.domain.errors import InvalidInput

_ELSE = re.compile(r"{%-?\s*else\s*-?%}")


@dataclass(slots=True)
class Branch:
    """``index``: where its tag stands in the source; ``explicit``: its author wrote something there, it is not just what
    happens when an ``if`` does not hold. ``when``: the ways to get there, each a conjunction; empty when there is none."""

    number: int
    index: int
    label: str
    explicit: bool
    when: list[Conjunction]
    inside: int | None
    block: Any = field(repr=False, default=None)


def branches(nodes: Iterable[Any]) -> list[Branch]:
    """Every branch of a parsed template, the outer ones first."""
    walker = _Walker()
    walker.block(nodes, [()], None)
    return walker.found


@lru_cache(maxsize=256)
def branches_of(text: str) -> tuple[Branch, ...]:
    """The branches of a text; it is shared, so they are only read. Raises LiquidError."""
    return tuple(branches(parsed(text).nodes))


class Tracer:
    """A template that tells which of its branches a rendering took."""

    def __init__(self, source: str, environment: Any) -> None:
        from homing.domain.content.quick import quicken

        self._template = environment.from_string(source)
        self.branches = branches(self._template.nodes)
        self._taken: set[int] = set()
        marker = _marker()
        for branch in self.branches:
            branch.block.nodes.insert(0, marker(branch.block.token, self._taken, branch.number))
        quicken(self._template)

    def taken(self, context: Any) -> set[int]:
        """Numbers of the branches that this rendering takes; those before the place where it fails, if it fails."""
        from liquid.exceptions import LiquidError

        self._taken.clear()
        with suppress(LiquidError, InvalidInput, ArithmeticError, TypeError, ValueError):
            self._template.render(context)
        return set(self._taken)


def tag_of(source: str, branch: Branch) -> int:
    """Where the tag begins that opens a branch: python-liquid knows the place of an ``else`` by what follows it."""
    if not branch.label.startswith("else "):
        return max(source.rfind("{%", 0, branch.index + 1), 0)
    written = [match.start() for match in _ELSE.finditer(source, 0, branch.index)]
    return written[-1] if written else branch.index


@cache
def _marker() -> Any:
    """A node that puts nothing out and remembers that it was there (python-liquid is imported late)."""
    from liquid.ast import Node

    class Marker(Node):
        __slots__ = ("number", "taken")

        def __init__(self, token: Any, taken: set[int], number: int) -> None:
            super().__init__(token)
            self.taken, self.number = taken, number

        def render_to_output(self, context: Any, buffer: Any) -> int:
            self.taken.add(self.number)
            return 0

    return Marker


class _Walker:
    """Walks the syntax tree with the conditions under which each place is reached, and what assigned names stand for."""

    def __init__(self) -> None:
        self.found: list[Branch] = []
        self.names: dict[str, Operand | None] = {}
        self.loops = 0

    def block(self, nodes: Iterable[Any], when: list[Conjunction], inside: int | None) -> None:
        """Nodes one after the other."""
        for node in nodes:
            self.node(node, when, inside)

    def node(self, node: Any, when: list[Conjunction], inside: int | None) -> None:
        """One node and what is below it."""
        kind = type(node).__name__
        if kind in {"IfNode", "UnlessNode"}:
            self._if(node, when, inside)
        elif kind == "CaseNode":
            self._case(node, when, inside)
        elif kind == "ForNode":
            self._for(node, when, inside)
        elif kind == "AssignNode":
            self.names[str(node.name)] = self.resolve(node.expression)
        elif kind == "CaptureNode":
            self.names[str(node.name)] = None
            self.node(node.block, when, inside)
        else:
            for name in node.template_scope():
                self.names[str(name)] = None
            for child in _children(node):
                self.node(child, when, inside)

    def _if(self, node: Any, when: list[Conjunction], inside: int | None) -> None:
        unless = type(node).__name__ == "UnlessNode"
        word = "unless" if unless else "if"
        ways: list[tuple[Any, bool]] = [(node.condition, not unless)]
        ways += [(one.expression, True) for one in node.alternatives]
        blocks = [node.consequence, *(one.block for one in node.alternatives)]
        tokens = [node.token, *(one.expression.token for one in node.alternatives)]
        rest, names = when, dict(self.names)
        after: list[dict[str, Operand | None]] = []
        for position, ((condition, truth), block, token) in enumerate(zip(ways, blocks, tokens, strict=True)):
            here = both(rest, alternatives(condition, truth, self.resolve))
            label = f"{'elsif' if position else word} {condition}"
            self._enter(block, token, label, here, inside, explicit=True)
            after.append(self.names)
            self.names = dict(names)
            rest = both(rest, alternatives(condition, not truth, self.resolve))
        written = node.default is not None
        if not written:
            node.default = _empty(node)
        self._enter(
            node.default, node.default.token, f"else of {word} {node.condition}", rest, inside, explicit=written
        )
        self._join([*after, self.names])

    def _case(self, node: Any, when: list[Conjunction], inside: int | None) -> None:
        names = dict(self.names)
        after: list[dict[str, Operand | None]] = []
        rest, written = when, False
        for block in node.blocks:
            self.names = dict(names)
            if type(block).__name__ != "MultiExpressionBlockNode":
                written = True
                self._enter(block, block.token, f"else of case {node.expression}", rest, inside, explicit=True)
            else:
                values = list(block.expression.children())
                matches = [
                    way for value in values for way in compared(node.expression, "==", value, True, self.resolve)
                ]
                label = f"when {', '.join(str(value) for value in values)}"
                self._enter(block.block, block.token, label, both(when, matches), inside, explicit=True)
                for value in values:
                    rest = both(rest, compared(node.expression, "==", value, False, self.resolve))
            after.append(self.names)
        if not written:
            node.blocks.append(_empty(node))
            self.names = dict(names)
            label = f"else of case {node.expression}"
            self._enter(node.blocks[-1], node.token, label, rest, inside, explicit=False)
        self._join([*after, names])

    def _for(self, node: Any, when: list[Conjunction], inside: int | None) -> None:
        loop, before = node.expression, dict(self.names)
        listed = self.resolve(loop.iterable)
        size = (*listed.path, "size") if listed and not listed.plus else None
        # What the body assigns may come from the turn before.
        for name in _assigned(node.block):
            self.names[name] = None
        self.loops += 1
        item = Operand((*listed.path, -self.loops)) if listed else None
        self.names |= {str(loop.identifier): item, "forloop": None}
        some: list[Conjunction] = [(Atom(size, ">", 0, True),)] if size else [()]
        self._enter(node.block, node.token, f"for {loop}", both(when, some), inside, explicit=True)
        inner, self.names = self.names, before
        if node.default is not None:
            none: list[Conjunction] = [(Atom(size, ">", 0, False),)] if size else [()]
            self._enter(
                node.default, node.default.token, f"else of for {loop}", both(when, none), inside, explicit=True
            )
        self._join([self.names, {name: value for name, value in inner.items() if name in before}])

    def _enter(
        self, block: Any, token: Any, label: str, when: list[Conjunction], inside: int | None, *, explicit: bool
    ) -> None:
        number = len(self.found)
        self.found.append(Branch(number, max(token.start_index, 0), label, explicit, when, inside, block))
        self.block(list(block.nodes), when, number)

    def _join(self, ways: Sequence[dict[str, Operand | None]]) -> None:
        """A name stands for something certain only where all ways agree on it."""
        joined = {}
        for name in set().union(*ways):
            values = [way.get(name, _MISSING) for way in ways]
            joined[name] = (
                values[0] if all(value == values[0] for value in values) and values[0] is not _MISSING else None
            )
        self.names = joined

    @property
    def resolve(self) -> Resolve:
        """What a path stands for, by the names as they are now."""
        names = dict(self.names)
        return lambda expression: _resolve(expression, names)


_MISSING = Operand(("?",))


def _resolve(expression: Any, names: dict[str, Operand | None]) -> Operand | None:
    kind = type(expression).__name__
    if kind == "FilteredExpression":
        found = _resolve(expression.left, names)
        for one in expression.filters or ():
            if found is None:
                return None
            value = getattr(getattr(one.args[0], "value", None), "value", None) if one.args else None
            if one.name == "size" and not one.args and not found.plus:
                found = Operand((*found.path, "size"))
            elif one.name in {"plus", "minus"} and isinstance(value, int):
                found = Operand(found.path, found.plus + (value if one.name == "plus" else -value))
            else:
                return None
        return found
    if kind != "Path" or not all(isinstance(name, str | int) for name in expression.path):
        return None
    head, *rest = expression.path
    base = names.get(str(head), Operand((str(head),)))
    if base is None or (base.plus and rest):
        return None
    steps: list[str | int] = [0 if name == "first" else name for name in rest]
    return Operand((*base.path, *steps), base.plus)


def _children(node: Any) -> list[Any]:
    return list(node.children(static_context(), include_partials=False))


@cache
def static_context() -> Any:
    """What python-liquid wants to be given for listing a node's children, and does not use: no block loads another
    while rendering. Making one for each node would take longer than all the rest."""
    from liquid import Environment, RenderContext

    return RenderContext(Environment().from_string(""))


def _assigned(node: Any) -> Iterator[str]:
    if type(node).__name__ in {"AssignNode", "CaptureNode"}:
        yield str(node.name)
    for child in _children(node):
        yield from _assigned(child)


def _empty(node: Any) -> Any:
    from liquid.ast import BlockNode

    return BlockNode(node.token, [])
