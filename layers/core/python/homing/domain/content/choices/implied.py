"""Whether one condition follows from another by its form alone: enough to find rules that nobody ever reaches.

Sound, not complete: what is called implied is; much that is implied in fact is not found.
"""

from __future__ import annotations

from collections.abc import Sequence

from homing.domain.segments import language as lang
from homing.domain.segments.comparisons import Test, passes

_TIMED = frozenset({"within_last", "within_next", "since", "before", "anniversary"})


def implies(given: lang.Condition, then: lang.Condition) -> bool:
    """Whether everybody of whom ``given`` holds is one of whom ``then`` holds."""
    if given == then:
        return True
    if isinstance(then, lang.All):
        return all(implies(given, part) for part in then.all)
    if isinstance(given, lang.Any_):
        return all(implies(part, then) for part in given.any)
    if isinstance(then, lang.Any_) and any(implies(given, part) for part in then.any):
        return True
    if isinstance(given, lang.All) and any(implies(part, then) for part in given.all):
        return True
    if isinstance(given, lang.Not) and isinstance(then, lang.Not):
        return implies(then.not_, given.not_)
    if isinstance(given, lang.Trait) and isinstance(then, lang.Trait):
        return all(name in given.trait and _test(given.trait[name], test) for name, test in then.trait.items())
    if isinstance(given, lang.Computed) and isinstance(then, lang.Computed):
        return all(name in given.computed and _test(given.computed[name], test) for name, test in then.computed.items())
    return isinstance(given, lang.Did) and isinstance(then, lang.Did) and _did(given, then)


def decided(known: Sequence[tuple[lang.Condition, bool]], asked: lang.Condition) -> bool | None:
    """What conditions whose answers are known say about another one; None where they leave it open."""
    for condition, holds in known:
        if holds and implies(condition, asked):
            return True
        if not holds and implies(asked, condition):
            return False
        if holds and isinstance(asked, lang.Not) and implies(condition, asked.not_):
            return False
        if not holds and isinstance(asked, lang.Not) and implies(asked.not_, condition):
            return True
    return None


def _test(given: Test, then: Test) -> bool:
    """``given`` allows no value that ``then`` does not."""
    if given == then:
        return True
    if (given.model_fields_set | then.model_fields_set) & _TIMED:
        return False
    if given.equals is not None:
        return passes(then, given.equals)
    if given.in_:
        return all(passes(then, one) for one in given.in_)
    asked = then.model_fields_set
    if asked <= {"exists"}:
        return then.exists is True and given.exists is not False
    if not asked <= {"more_than", "at_least", "less_than", "at_most"}:
        return False
    return all(_bound(given, name, getattr(then, name)) for name in asked)


def _bound(given: Test, name: str, bound: float) -> bool:
    """Whether what ``given`` asks of a number keeps it on this side of a bound."""
    if name in {"more_than", "at_least"}:
        if given.more_than is not None and given.more_than >= bound:
            return True
        return given.at_least is not None and (
            given.at_least > bound or (name == "at_least" and given.at_least == bound)
        )
    if given.less_than is not None and given.less_than <= bound:
        return True
    return given.at_most is not None and (given.at_most < bound or (name == "at_most" and given.at_most == bound))


def _did(given: lang.Did, then: lang.Did) -> bool:
    """The same event, no seldomer, within no longer a time; nothing is said of sums, upper bounds and times of day."""
    if any(getattr(given, name) != getattr(then, name) for name in ("did", "where", "same", "between")):
        return False
    for one in (given, then):
        if one.during is not None or one.distinct is not None or any(getattr(one, name) for name in lang.AMOUNTS):
            return False
    if then.times.exactly is not None or then.times.at_most is not None:
        return False
    least = given.times.exactly if given.times.exactly is not None else given.times.at_least or 0
    return least >= (then.times.at_least or 0) and (
        then.within is None or (given.within is not None and given.within <= then.within)
    )
