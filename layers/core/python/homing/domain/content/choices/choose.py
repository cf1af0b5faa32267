"""Choices compiled: which variant somebody gets at an instant, and why. Pure; the engine keeps the memory for them.

The reason is kept with the message, outside of the one table with personal data: it repeats what the marketer wrote and
what was computed, and never the value of a trait that the marketer did not write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from homing.domain.content.choices import matrix as cells
from homing.domain.content.choices.language import Axis, Choice, Tree, label
from homing.domain.profiles.profile import Profile
from homing.domain.segments import language as lang
from homing.domain.segments.rules import Rule

if TYPE_CHECKING:
    from homing.domain.attributes.attribute import Attribute
    from homing.domain.attributes.registry import Attributes

Compile = Callable[[lang.Condition], Rule]
Value = str | dict[str, Any]
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Chosen:
    """``value`` is what the template reads, ``variant`` its name in reports, ``because`` the branch and what it saw."""

    value: Value
    variant: str
    because: str


@dataclass(frozen=True, slots=True)
class _Asked:
    """A condition that can be asked, and told: with what was computed of the person, where it asks for that."""

    rule: Rule
    asked: lang.Condition
    computed: tuple[tuple[str, Attribute], ...]

    def holds(self, profile: Profile, t: int) -> bool:
        return self.rule.check(profile, t)[0]

    def told(self, profile: Profile, t: int) -> str:
        from homing.domain.explain import words

        said = words.condition(self.asked)
        values = [f"{name} is {words.value(attribute.value(profile, t))}" for name, attribute in self.computed]
        return f"{said} ({', '.join(values)})" if values else said


class CompiledChoice:
    """One choice, ready to ask."""

    def __init__(self, choice: Choice, compile: Compile, attributes: Attributes) -> None:
        self.choice = choice
        self._attributes = attributes
        self._compile = compile
        self._choose: Callable[[Profile, int], tuple[Value, str]]
        if choice.matrix is not None:
            self._rows = cells.rows(choice.matrix)
            self._columns = [self._column(axis) for axis in choice.matrix.by]
            self._choose = self._by_matrix
        elif choice.rules is not None:
            self._lines = [(self._asked(line.when), line.give) for line in choice.rules]
            self._choose = self._by_rules
        else:
            assert choice.tree is not None
            self._nodes = {id(node): self._asked(node.if_) for node in _nodes(choice.tree)}
            self._choose = self._by_tree

    def choose(self, profile: Profile, t: int) -> Chosen:
        """Exactly one variant, whoever it is."""
        value, because = self._choose(profile, t)
        return Chosen(value, label(value), because[:_LONGEST])

    def _by_matrix(self, profile: Profile, t: int) -> tuple[Value, str]:
        matrix = self.choice.matrix
        assert matrix is not None
        point = cells.point_of([column(profile, t) for column in self._columns])
        found = cells.best(self._rows, point)
        if not found:
            return self.choice.default, "no row matches: the default"
        row = found[0]
        said = [
            (axis, held)
            for axis, held, allowed in zip(matrix.by, point, row.allowed, strict=True)
            if allowed is not None
        ]
        told = cells.shown_pairs(said) if said else "whoever it is"
        return matrix.rows[row.number].give, f"row {row.number + 1}: {told}"

    def _by_rules(self, profile: Profile, t: int) -> tuple[Value, str]:
        for number, (asked, give) in enumerate(self._lines, 1):
            if asked.holds(profile, t):
                return give, f"rule {number}: {asked.told(profile, t)}"
        return self.choice.default, "no rule holds: the default"

    def _by_tree(self, profile: Profile, t: int) -> tuple[Value, str]:
        branch: Any = self.choice.tree
        way: list[str] = []
        while isinstance(branch, Tree):
            asked = self._nodes[id(branch)]
            holds = asked.holds(profile, t)
            way.append(f"{asked.told(profile, t)}: {'yes' if holds else 'no'}")
            branch = branch.then if holds else branch.else_
        if branch is None:
            return self.choice.default, f"{'; '.join(way)}; the default"
        return branch, "; ".join(way)

    def _asked(self, condition: lang.Condition) -> _Asked:
        names = dict.fromkeys(_computed(condition))
        return _Asked(self._compile(condition), condition, tuple((name, self._attributes.get(name)) for name in names))

    def _column(self, axis: Axis) -> Callable[[Profile, int], Any]:
        if axis.segment is not None:
            rule = self._compile(lang.InSegment(segment=axis.segment))
            return lambda profile, t: rule.check(profile, t)[0]
        if axis.computed is not None:
            return self._attributes.get(axis.computed).value
        trait = axis.trait or ""
        return lambda profile, _: profile.trait(trait)


def _nodes(tree: Tree) -> Iterator[Tree]:
    yield tree
    for branch in (tree.then, tree.else_):
        if isinstance(branch, Tree):
            yield from _nodes(branch)


def _computed(condition: lang.Condition) -> Iterable[str]:
    """Names of the computed attributes that a condition asks for itself, not by way of segments."""
    if isinstance(condition, lang.Computed):
        yield from condition.computed
    elif isinstance(condition, lang.Not):
        yield from _computed(condition.not_)
    elif isinstance(condition, lang.All | lang.Any_):
        for part in condition.all if isinstance(condition, lang.All) else condition.any:
            yield from _computed(part)
