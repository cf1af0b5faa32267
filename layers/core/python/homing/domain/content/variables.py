"""Static analysis of what a template reads: names that don't exist, names that may be missing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from homing.domain.content.analysis import parsed
from homing.domain.content.checks.branches import static_context
from homing.domain.content.context import ALWAYS, BROUGHT, RESERVED, snake_case
from homing.domain.content.engine import environments
from homing.domain.content.scope import ANYTHING, COMMON_TRAITS, FORLOOP, OTHER_SPELLINGS, Shape, computed, variables
from homing.domain.content.source import Source
from homing.domain.content.suggest import closest, did_you_mean
from homing.domain.content.usage import Use
from homing.domain.errors import InvalidCampaign

Names = tuple[str | int, ...]
# Filters that leave a list a list of the same things.
_KEEPING = frozenset({"slice", "sort", "sort_natural", "reverse", "where", "reject", "uniq", "compact", "concat"})


def read_by(
    source: Source,
    used: Sequence[Use],
    traits: Collection[str] = (),
    staged: Collection[str] = (),
    choice: Shape | None = None,
) -> Iterator[InvalidCampaign]:
    """Mistakes in the variables and filters of one part of a template that these flows send. ``traits``: names that the
    shop's rules ask for, besides the common ones; ``staged``: attributes with stages; ``choice``: what choices give."""
    from liquid.exceptions import LiquidError

    try:
        template = parsed(source.text)
    except LiquidError:
        return
    reader = _Reader(source, used, traits)
    reader.known["computed"] = computed(staged)
    if choice is not None:
        reader.known["choice"] = choice
    reader.block(template.nodes, frozenset())
    yield from reader.problems


class _Reader:
    """Walks the syntax tree with what is known at each place: assigned names, and what an ``if`` has asked for."""

    def __init__(self, source: Source, used: Sequence[Use], traits: Collection[str]) -> None:
        self.source = source
        self.used = used
        self.variables = variables(use.trigger for use in used)
        self.traits = frozenset({*COMMON_TRAITS, *OTHER_SPELLINGS, *traits})
        self.doubted: set[str] = set()
        self.known: dict[str, Shape] = {}
        self.problems: list[InvalidCampaign] = []

    def block(self, nodes: Iterable[Any], asked: frozenset[Names]) -> None:
        """Nodes one after the other; ``asked`` are the paths that are certainly there."""
        for node in nodes:
            self.node(node, asked)

    def node(self, node: Any, asked: frozenset[Names]) -> None:
        """One node and what is below it."""
        kind = type(node).__name__
        if kind in {"IfNode", "UnlessNode"}:
            self._choice(node, asked)
        elif kind == "ForNode":
            self._loop(node, asked)
        elif kind == "AssignNode":
            self.expression(node.expression, asked)
            self.known[str(node.name)] = self._shape_of(node.expression)
        elif kind == "CaptureNode":
            self.known[str(node.name)] = ANYTHING
            self.node(node.block, asked)
        else:
            for expression in node.expressions():
                self.expression(expression, asked)
                if kind in {"OutputNode", "EchoNode"}:
                    self._fallback(expression)
            for name in node.template_scope():
                self.known[str(name)] = ANYTHING
            self.block(self._children(node), asked)

    def _choice(self, node: Any, asked: frozenset[Names]) -> None:
        within = asked | self._asks(node.condition, asked)
        if type(node).__name__ == "IfNode":
            self.node(node.consequence, within)
            outside = asked
        else:
            self.node(node.consequence, asked)
            outside = within
        for alternative in node.alternatives:
            self.node(alternative.block, outside | self._asks(alternative.expression, asked))
        if node.default:
            self.node(node.default, outside)

    def _loop(self, node: Any, asked: frozenset[Names]) -> None:
        loop = node.expression
        for expression in loop.children():
            self.expression(expression, asked)
        before = dict(self.known)
        shape = self._shape_of(loop.iterable)
        self.known[str(loop.identifier)] = shape.item or ANYTHING
        self.known["forloop"] = FORLOOP
        # Each turn is another thing: what was asked of a name of the same spelling outside says nothing here.
        self.node(node.block, frozenset(path for path in asked if path[0] != str(loop.identifier)))
        self.known = before
        if node.default:
            self.node(node.default, asked)

    @staticmethod
    def _children(node: Any) -> list[Any]:
        return list(node.children(static_context(), include_partials=False))

    def _asks(self, condition: Any, asked: frozenset[Names]) -> frozenset[Names]:
        """Paths that a condition asks for: reading them there is fine, and so it is where the condition holds."""
        paths = frozenset(_names(path) for path in _paths(condition))
        self.expression(condition, asked | paths)
        return paths

    def expression(self, expression: Any, asked: frozenset[Names]) -> None:
        """Every path and filter of an expression."""
        filters = getattr(expression, "filters", None) or []
        defaulted = bool(filters) and any(one.name == "default" for one in filters[:1])
        for one in filters:
            if one.name not in environments().text.filters:
                hint = did_you_mean(one.name, environments().text.filters)
                self._say(f"there is no filter {one.name!r}{hint}", "unknown_filter", one.token.start_index)
        left = getattr(expression, "left", None) if filters else None
        for path in _paths(expression):
            certain = asked | ({_names(path)} if defaulted and left is path else frozenset())
            self.path(_names(path), path.token.start_index, certain)

    def _fallback(self, expression: Any) -> None:
        """A fallback that says nothing leaves a gap in the sentence. What is assigned may be asked for later."""
        filters = getattr(expression, "filters", None) or []
        if [one.name for one in filters] != ["default"] or len(filters[0].args) != 1:
            return
        literal = filters[0].args[0].value
        if type(literal).__name__ == "StringLiteral" and not literal.value.strip():
            shown = ".".join(map(str, _names(expression.left))) if _is_path(expression.left) else "it"
            message = (
                f"the fallback is empty, so there is a gap without {shown}: write words, or ask with {{% if {shown} %}}"
            )
            self._say(message, "empty_fallback", filters[0].token.start_index)

    def path(self, names: Names, index: int, asked: frozenset[Names]) -> None:
        """One path, such as ``cart.items.first.price``."""
        root = str(names[0])
        shape = self.known.get(root)
        if shape is None:
            if root not in RESERVED:
                self._trait(names, index, asked)
                return
            self._brought(root, index, asked=_certain(names[:1], asked))
            shape = self.variables[root]
        for position, name in enumerate(names[1:], 1):
            shown = ".".join(str(one) for one in names[: position + 1])
            if isinstance(name, int) or not str(name):
                shape = shape.item or ANYTHING
                continue
            inner = shape.get(str(name))
            if inner is None:
                hint = did_you_mean(str(name), shape.attributes)
                self._say(f"there is no {shown}{hint}", "unknown_attribute", index)
                return
            if names[:2] == ("profile", "traits") and position == 2:
                self._doubt(str(name), index, names, asked, {})
            open_trait = shape.open and names[0] in {"profile", "computed"} and shape is not ANYTHING
            if (name in shape.optional or open_trait) and not _certain(names[: position + 1], asked):
                self._say(f"{shown} may be missing: ask with {{% if {shown} %}}", "may_be_missing", index)
                return
            shape = inner

    def _trait(self, names: Names, index: int, asked: frozenset[Names]) -> None:
        root = str(names[0])
        if _certain(names, asked) or _certain(names[:1], asked):
            self._doubt(root, index, names, asked, {*RESERVED, *self.known})
            return
        meant = closest(root, {*RESERVED, *self.known})
        if meant:
            self._say(f"nothing is called {root!r} (did you mean {meant!r}?)", "unknown_variable", index)
        else:
            shown = ".".join(str(name) for name in names)
            hint = did_you_mean(root, COMMON_TRAITS) if root not in COMMON_TRAITS else ""
            message = f"not everybody has the trait {shown!r}{hint}: use `| default:` or {{% if {shown} %}}"
            self._say(message, "may_be_missing", index)

    def _doubt(
        self, name: str, index: int, names: Names, asked: frozenset[Names], others: Iterable[str]
    ) -> None:  # fmt: skip
        """A trait that is asked for never fails, so a slip of the pen in it would never show."""
        if not _certain(names, asked) or name in self.doubted or {name, snake_case(name)} & self.traits:
            return
        # Closer than elsewhere: shops have traits of their own, and most are nobody's slip.
        if meant := closest(name, {*self.traits, *others}, cutoff=0.8):
            self.doubted.add(name)
            self._say(f"{name!r} may be misspelt (did you mean {meant!r}?)", "may_be_misspelt", index)

    def _brought(self, root: str, index: int, *, asked: bool) -> None:
        # A template of several flows may ask which of them sends it.
        if root in ALWAYS or (asked and any(root in BROUGHT[use.trigger] for use in self.used)):
            return
        for use in self.used:
            if root not in BROUGHT[use.trigger]:
                brings = ", ".join(sorted(BROUGHT[use.trigger])) or "nothing"
                message = f"{use.flow} starts on {use.trigger}, which brings {brings} and no {root!r}"
                self._say(message, "wrong_trigger", index)

    def _shape_of(self, expression: Any) -> Shape:
        filters = getattr(expression, "filters", None) or []
        if any(one.name not in _KEEPING for one in filters):
            return ANYTHING
        path = expression
        while not _is_path(path) and hasattr(path, "left"):
            path = path.left
        if not _is_path(path):
            return ANYTHING
        names = _names(path)
        shape: Shape | None = self.known.get(str(names[0])) or self.variables.get(str(names[0]), ANYTHING)
        for name in names[1:]:
            if shape is None:
                return ANYTHING
            shape = (shape.item or ANYTHING) if isinstance(name, int) else shape.get(str(name))
        return shape or ANYTHING

    def _say(self, message: str, code: str, index: int) -> None:
        self.problems.append(self.source.error(message, code=code, index=index))


def _certain(names: Names, asked: frozenset[Names]) -> bool:
    """Whether a path was asked for, or something inside it."""
    return any(path[: len(names)] == names for path in asked)


def _is_path(expression: Any) -> bool:
    return type(expression).__name__ == "Path"


def _paths(expression: Any) -> Iterator[Any]:
    if _is_path(expression):
        yield expression
    for child in expression.children():
        yield from _paths(child)


def _names(path: Any) -> Names:
    """Literal names and indexes; an index that is itself a variable counts as any element."""
    return tuple(name if isinstance(name, str | int) else 0 for name in path.path)
