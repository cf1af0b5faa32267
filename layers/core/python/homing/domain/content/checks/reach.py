"""What a path can be in a mail that a flow sends, and so: which branches nobody can ever reach."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from homing.domain.campaigns import Topic
from homing.domain.content.checks.branches import Branch, branches_of, tag_of
from homing.domain.content.checks.conditions import ABSENT, Domain, Names, solve
from homing.domain.content.choices.language import Choice
from homing.domain.content.context import ALWAYS, BROUGHT, RESERVED
from homing.domain.content.scope import ANYTHING, VALUE, Shape, computed, variables
from homing.domain.content.source import Source
from homing.domain.content.usage import Use
from homing.domain.errors import InvalidCampaign
from homing.domain.flows.language import Flow
from homing.domain.segments.comparisons import Test, number_of

_COUNTED = frozenset({"size", "count", "nth", "views", "year", "years", "quantity"})
# Triggers whose lists always have something in them: nobody abandons an empty cart.
_FILLED = {
    "cart_abandoned": "cart", "browse_abandoned": "products", "price_dropped": "products", "back_in_stock": "products",
}  # fmt: skip
# What some of a trigger's mails have and others have not.
_MAYBE = {"flow_requested": frozenset({"data", "products"}), "event": frozenset({"products"})}


Reach = Callable[[Names], Domain]


def domains(
    use: Use,
    flow: Flow | None,
    topics: Mapping[str, Topic],
    staged: Collection[str] = (),
    choices: Mapping[str, Choice] | None = None,
) -> Reach:
    """What each path can be, in a mail of this flow."""
    topic = topics.get(use.topic)
    fixed: dict[Names, object] = {
        ("trigger", "kind"): use.trigger,
        ("topic", "name"): use.topic,
        ("topic", "title"): topic.title if topic else use.topic,
        ("topic", "transactional"): bool(topic and topic.transactional),
    }
    if flow is not None and flow.on.nth:
        fixed[("nth",)] = flow.on.nth
    if flow is not None and flow.on.segment:
        fixed[("segment",)] = flow.on.segment
    told: dict[Names, tuple[object, ...]] = {
        ("event", *name.split(".")): _told(test)
        for name, test in (flow.on.where.items() if flow is not None else ())
        if flow is not None and name in flow.on.brings
    }
    chosen = _chosen(choices or {})
    shapes = {**variables([use.trigger]), "computed": computed(staged)}

    def domain(path: Names) -> Domain:
        root = str(path[0])
        if path in fixed:
            return Domain((fixed[path],))
        if path in chosen:
            return Domain(chosen[path])
        if values := told.get(path):
            return Domain(values)
        if root not in RESERVED:
            return Domain()
        if root not in ALWAYS and root not in BROUGHT[use.trigger]:
            return Domain((ABSENT,))
        wanted = root in _MAYBE.get(use.trigger, ())
        absent, shape = _shape(path, shapes)
        least = None
        if path[-1] in _COUNTED and shape is VALUE:
            filled = _FILLED.get(use.trigger) == root or path[-1] not in {"size", "count"}
            least = 1 if filled and len(path) <= 3 else 0
        return Domain(absent=absent or wanted, least=least)

    return domain


def _told(test: Test) -> tuple[object, ...]:
    """What a property is that a flow waits for, where it can be but a few things."""
    values = [test.equals] if test.model_fields_set == {"equals"} else test.in_ or []
    alone = test.model_fields_set <= {"equals", "in_"}
    # 12 may be told as a text; a word is itself.
    exact = all(isinstance(one, bool) or (isinstance(one, str) and number_of(one) is None) for one in values)
    return tuple(values) if alone and exact else ()


def _chosen(choices: Mapping[str, Choice]) -> dict[Names, tuple[object, ...]]:
    """What ``choice.name`` and ``choice.name.key`` can be."""
    found: dict[Names, tuple[object, ...]] = {}
    for name, choice in choices.items():
        variants = list(choice.variants())
        found[("choice", name)] = tuple(variants)
        for key in {key for one in variants if isinstance(one, dict) for key in one}:
            values = [one.get(key, ABSENT) if isinstance(one, dict) else ABSENT for one in variants]
            found[("choice", name, key)] = tuple(values)
    return found


def _shape(path: Names, shapes: Mapping[str, Shape]) -> tuple[bool, Shape]:
    """Whether something on the way may be absent, and the shape at its end."""
    shape, absent = shapes.get(str(path[0]), ANYTHING), False
    for name in path[1:]:
        if isinstance(name, int):
            # The first of a list that may be empty: nobody knows whether it is there.
            absent = absent or name >= 0
            shape = shape.item or ANYTHING
            continue
        inner = shape.get(name)
        absent = absent or inner is None or name in shape.optional or shape.open
        shape = inner or ANYTHING
    return absent, shape


def reachable(branch: Branch, domain: Reach) -> bool:
    """Whether somebody can get there."""
    return any(solve(way, domain) is not None for way in branch.when)


Place = tuple[str, int, int]


def dead_branches(
    parts: Mapping[str, Sequence[tuple[Source, Sequence[Reach]]]],
) -> Iterator[InvalidCampaign]:
    """Branches that no mail ever takes. ``parts``: for each template its sources, with the domains of the flows that send
    it. A branch of a shared block is dead only when it is dead in every template."""
    from liquid.exceptions import LiquidError

    dead: dict[Place, InvalidCampaign] = {}
    alive: set[Place] = set()
    for sources in parts.values():
        for source, domain in sources:
            try:
                found = branches_of(source.text)
            except LiquidError:
                continue
            hidden: set[int] = set()
            for branch in found:
                index = tag_of(source.text, branch)
                place = source.place(index)
                if branch.inside in hidden:
                    hidden.add(branch.number)
                elif any(reachable(branch, one) for one in domain):
                    alive.add(place)
                elif branch.explicit:
                    hidden.add(branch.number)
                    dead[place] = source.error(_why(branch), code="dead_branch", index=index)
    yield from (problem for place, problem in dead.items() if place not in alive)


def _why(branch: Branch) -> str:
    if branch.label.startswith("else "):
        return (
            f"this else is never reached: what is asked before ({branch.label.removeprefix('else of ')}) always holds"
        )
    return f"{{% {branch.label} %}} never holds: nobody who gets this mail comes here"
