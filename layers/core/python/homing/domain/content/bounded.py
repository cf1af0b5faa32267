"""Liquid that comes to an end: loops, text and work in filters are counted while a mail is rendered.

What is counted depends on the template and its values only, never on a clock: a mail that renders once renders on a
busy machine too. Imported by :mod:`homing.domain.content.engine` when first needed, as python-liquid is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import StringIO
from typing import Any, TextIO

from liquid import BoundTemplate, Environment, RenderContext
from liquid.exceptions import LoopIterationLimitError, OutputStreamLimitError, ResourceLimitError, UndefinedError
from liquid.output import LimitedStringIO
from liquid.token import Token
from liquid.undefined import FalsyStrictUndefined, Undefined

# Far more than a mail needs, far less than what hurts.
OUTPUT_LIMIT = 512 * 1024  # characters
LOOP_LIMIT = 5_000  # rounds of all loops together
NAMESPACE_LIMIT = 64 * 1024  # bytes, of what is assigned
# What goes through filters, in characters (or 1/16 of an element of a list), and the rounds of loops, each as much as
# a part of the template's length: it can run through no more than the whole template. All of it takes a second or two.
WORK_LIMIT = 8_000_000
_CALL, _ELEMENT, _ROUND = 64, 16, 64

_write = StringIO.write


class WorkLimitError(ResourceLimitError):
    """Filters and loops have more to do than a mail may ask for."""


class Missing(FalsyStrictUndefined):
    """May be asked whether it is there, and takes a ``default``; anything else is an error with its place."""

    force_liquid_default = True

    def __eq__(self, other: object) -> bool:
        return other is None or other is False or isinstance(other, Undefined)

    def __hash__(self) -> int:
        return 0

    def __liquid__(self) -> object:
        return None

    def __str__(self) -> str:
        raise UndefinedError(self.msg, token=self.token)


class Buffer(LimitedStringIO):
    """The library's own turns ``\\r\\n`` into ``\\n``; ``newline=""`` leaves text as it is."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit, newline="")

    def write(self, text: str) -> int:
        """Raises OutputStreamLimitError before more than the limit is held."""
        # Characters, not bytes: this is called 150 times a mail, and encoding each piece would be half of its cost.
        self.size += len(text)
        if self.size > self.limit:
            raise OutputStreamLimitError(
                f"the mail is longer than the limit of {OUTPUT_LIMIT:,} characters", token=None
            )
        return _write(self, text)


class BoundedContext(RenderContext):
    """Counts rounds and work of one part of one mail."""

    __slots__ = ("_length", "_rounds", "_work")

    def __init__(self, template: BoundTemplate, **more: Any) -> None:
        super().__init__(template, **more)
        self._rounds = 0
        self._work = 0
        self._length = len(template.nodes[0].token.source) if template.nodes else 0

    def raise_for_loop_limit(self, length: int = 1) -> None:
        """At the beginning of each loop, with the number of its rounds."""
        self._rounds += length
        limit = self.env.loop_iteration_limit
        if limit and self._rounds > limit:
            raise LoopIterationLimitError(f"loops go round more often than the limit of {limit:,}", token=None)
        self.spend(length * (self._length // _ROUND + 1), None)

    def spend(self, work: int, token: Token | None) -> None:
        """Raises WorkLimitError when it was too much."""
        self._work += work
        if self._work > WORK_LIMIT:
            raise WorkLimitError("the limit of what filters and loops may do in one mail is reached", token=token)

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        """A filter whose work is counted before it is done."""
        function = super().filter(name, token)

        def counted(left: object, *arguments: object, **named: object) -> object:
            self.spend(_CALL + _cost(name, left, arguments), token)
            return function(left, *arguments, **named)

        return counted

    def get_buffer(self, buf: TextIO | None = None) -> StringIO:
        """For ``{% capture %}`` and the like: what is left of the output."""
        carry = buf.size if isinstance(buf, LimitedStringIO) else 0
        return Buffer((self.env.output_stream_limit or OUTPUT_LIMIT) - carry)


def _cost(name: str, left: object, arguments: tuple[object, ...]) -> int:
    """At least as much as the filter reads and writes."""
    if isinstance(left, str):
        cost = len(left)
        if name == "replace" and len(arguments) > 1:
            old, new = str(arguments[0] or ""), str(arguments[1] or "")
            cost += left.count(old) * len(new)
        elif name == "strip_html":
            # Its patterns look for the end of a tag from each beginning on.
            cost += len(left) * left.count("<")
        return cost
    if isinstance(left, list | tuple | dict | range):
        cost = len(left) * _ELEMENT
        if name == "join" and cost <= WORK_LIMIT:
            separator = len(arguments[0]) if arguments and isinstance(arguments[0], str) else 1
            cost += len(left) * separator
            if isinstance(left, list | tuple):
                cost += sum(len(item) for item in left if isinstance(item, str))
        return cost
    return 0


class BoundedTemplate(BoundTemplate):
    """A template whose mails are bounded."""

    context_class = BoundedContext

    def make_globals(self, render_args: Mapping[str, object] | None = None) -> Mapping[str, object]:
        """One dict instead of the library's chain of three: every name that a template reads is looked up here."""
        return {**self.globals, **self.matter, **(render_args or {})}

    def _get_buffer(self) -> StringIO:
        return Buffer(self.env.output_stream_limit or OUTPUT_LIMIT)


class Bounded(Environment):
    """Templates of this environment come to an end."""

    template_class = BoundedTemplate
    loop_iteration_limit = LOOP_LIMIT
    output_stream_limit = OUTPUT_LIMIT
    local_namespace_limit = NAMESPACE_LIMIT
