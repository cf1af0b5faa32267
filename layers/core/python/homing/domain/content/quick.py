"""Shorter ways through a parsed template, to the same text.

Nearly all that mails ask for is a name in a plain dict, a text, or whether something is there. The library's nodes stay as
it has parsed them; those of the commonest classes get subclasses that look for the common case first, and leave the rest
(and every error) to the library.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, TextIO

from liquid import BoundTemplate, RenderContext, escape
from liquid.ast import BlockNode, Node
from liquid.builtin.expressions import BooleanExpression, Path
from liquid.builtin.output import OutputNode
from liquid.expression import Expression
from liquid.stringify import to_liquid_string

_NOT_FOUND: Any = object()
# Nothing is there: the library would make a value of it that is as good as false, and tells where it was missed.
_MISSING: Any = object()
_OF_ALL = frozenset({"size", "first", "last"})
# Of these it is known what they are worth: only false and nothing are as good as not there.
_PLAIN = frozenset({str, int, float, bool, dict, list, Decimal, type(None)})


def _found(path: list[Any], context: RenderContext) -> Any:
    """What dicts hold under a path of names; ``_MISSING`` where one of them is not there, ``_NOT_FOUND`` where something
    else is asked."""
    try:
        found = context.scope[path[0]]
        for name in path[1:]:
            # A key that is there is what the library would find, whatever its name.
            if found.__class__ is not dict or name.__class__ is not str:
                return _NOT_FOUND
            found = found[name]
    except KeyError as error:
        # "size", "first" and "last" need not be there.
        return _MISSING if error.args[0] not in _OF_ALL else _NOT_FOUND
    except TypeError:
        return _NOT_FOUND
    return found


class _Path(Path):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        found = _found(self.path, context)
        return super().evaluate(context) if found is _NOT_FOUND or found is _MISSING else found


class _Boolean(BooleanExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> bool:
        asked = self.expression
        if asked.__class__ is _Path:
            found = _found(asked.path, context)
            if found is _MISSING:
                return False
            if found.__class__ in _PLAIN:
                return found is not None and found is not False
        return super().evaluate(context)


class _Output(OutputNode):
    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        said = self.expression.evaluate(context)
        if said.__class__ is str:
            return buffer.write(escape(said) if context.autoescape else said)
        return buffer.write(to_liquid_string(said, context.autoescape))


class _Block(BlockNode):
    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        if context.disabled_tags or (self.blank and context.env.suppress_blank_control_flow_blocks):
            return super().render_to_output(context, buffer)
        written = 0
        for node in self.nodes:
            written += node.render_to_output(context, buffer)
        return written


_QUICK: dict[type, type] = {
    BlockNode: _Block, OutputNode: _Output, BooleanExpression: _Boolean, Path: _Path,
}  # fmt: skip


def quicken(template: BoundTemplate) -> BoundTemplate:
    """The template itself, once its nodes are changed."""
    context = RenderContext(template)
    waiting: list[Node | Expression] = list(template.nodes)
    while waiting:
        node = waiting.pop()
        waiting += _parts(node, context)
        quick = _QUICK.get(node.__class__)
        if quick is not None:
            node.__class__ = quick
    return template


def _parts(node: Node | Expression, context: RenderContext) -> Iterable[Node | Expression]:
    if isinstance(node, Expression):
        return node.children()
    return [*node.children(context, include_partials=False), *node.expressions()]
