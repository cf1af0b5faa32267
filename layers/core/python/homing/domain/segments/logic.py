"""Whether conditions can hold together, and whether one says what others say already: for static checks.

A condition becomes a formula over literals. Only what is certain is found out: ``possible`` may say yes of what nobody will
ever be, and never says no of what somebody can be. All of it is about one instant.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from homing.domain.segments import language as lang
from homing.domain.segments.comparisons import Test, passes

# Beyond so many alternatives nothing is claimed.
_MOST = 200
_EVER = float("inf")
_DATES = {"within_last", "within_next", "since", "before", "anniversary"}


class Literal(NamedTuple):
    """``kind``: "least" (``asked`` is a number and a window, and more of it says less of it), "value" (``asked`` is a test of
    what ``key`` names) or "opaque"; ``lasts``: once it is so, it stays so."""

    kind: str
    key: tuple[Any, ...]
    asked: Any
    truth: bool
    lasts: bool = False

    @property
    def denied(self) -> Literal:
        """The opposite."""
        return self._replace(truth=not self.truth, lasts=self.lasts and self.kind == "value")


class Both(NamedTuple):
    """All of them hold."""

    parts: tuple[Any, ...]


class Either(NamedTuple):
    """At least one holds."""

    parts: tuple[Any, ...]


# True and False are formulas too.
Formula = Literal | Both | Either | bool
Segments = Mapping[str, lang.Segment]


def both(*parts: Formula) -> Formula:
    """All of them."""
    kept = [part for part in parts if part is not True]
    return False if False in kept else Both(tuple(kept)) if kept else True


def either(*parts: Formula) -> Formula:
    """At least one of them."""
    kept = [part for part in parts if part is not False]
    return True if True in kept else Either(tuple(kept)) if kept else False


def denied(formula: Formula) -> Formula:
    """The opposite."""
    if isinstance(formula, bool):
        return not formula
    if isinstance(formula, Literal):
        return formula.denied
    parts = [denied(part) for part in formula.parts]
    return either(*parts) if isinstance(formula, Both) else both(*parts)


class Reading:
    """Reads conditions of one shop. ``fresh``: behaviour without a window counts from now on, so that nothing of it has
    happened yet, as in the goal of a flow that just starts."""

    def __init__(self, segments: Segments, *, fresh: bool = False) -> None:
        self._segments = segments
        self._fresh = fresh

    def of(self, asked: lang.Condition, inside: tuple[str, ...] = ()) -> Formula:
        """The formula of a condition; segments are what their files say, and themselves."""
        if isinstance(asked, lang.All):
            return both(*(self.of(part, inside) for part in asked.all))
        if isinstance(asked, lang.Any_):
            return either(*(self.of(part, inside) for part in asked.any))
        if isinstance(asked, lang.Not):
            return denied(self.of(asked.not_, inside))
        if isinstance(asked, lang.InSegment):
            return self.segment(asked.segment, inside)
        return self._simple(asked)

    def segment(self, name: str, inside: tuple[str, ...] = ()) -> Formula:
        """Being in a segment."""
        found = self._segments.get(name)
        if found is None or name in inside:
            return Literal("opaque", ("segment", name), None, True)
        return self.of(found.when, (*inside, name))

    def _simple(self, asked: lang.Condition) -> Formula:
        if isinstance(asked, lang.Did | lang.DidNot):
            return self._did(asked)
        if isinstance(asked, lang.Trait):
            return both(*(_value(("trait", name), test) for name, test in asked.trait.items()))
        if isinstance(asked, lang.Computed):
            return both(*(_value(("computed", name), test) for name, test in asked.computed.items()))
        if isinstance(asked, lang.KnownFor):
            return Literal("least", ("known_for",), (asked.known_for.at_least, 0), True, lasts=True)
        if isinstance(asked, lang.Share):
            part = asked.share
            start, end = (0, part.percent) if part.percent is not None else (part.from_ or 0, part.to or 100)
            return share(part.of, start, end)
        if isinstance(asked, lang.OnList):
            return Literal("opaque", ("list", asked.list), None, True)
        if self._fresh and isinstance(asked, lang.Sequence | lang.First | lang.Last) and asked.within is None:
            return False
        return Literal("opaque", (type(asked).__name__, _text(asked)), None, True)

    def _did(self, asked: lang.Did | lang.DidNot) -> Formula:
        if isinstance(asked, lang.DidNot):
            once = lang.Did(
                did=asked.did_not, where=asked.where, within=asked.within, between=asked.between, during=asked.during
            )
            return denied(self._did(once))
        plain = asked.distinct is None and all(getattr(asked, name) is None for name in lang.AMOUNTS)
        if self._fresh and asked.within is None and (plain or asked.distinct is not None):
            times = asked.times if plain else asked.distinct
            assert times is not None
            least = times.at_least if times.exactly is None else times.exactly
            return not least
        if not plain or asked.same is not None:
            return Literal("opaque", ("did", _text(asked)), None, True)
        key = ("did", asked.did, _tests(asked.where), _text(asked.between), _text(asked.during))
        return _counted(key, asked.times, asked.within)


def _counted(key: tuple[Any, ...], times: lang.Times, within: int | None) -> Formula:
    """So often: at least a number, and not one more than at most."""
    low = times.exactly if times.exactly is not None else times.at_least
    high = times.exactly if times.exactly is not None else times.at_most
    window, parts = (_EVER if within is None else within), []
    if low:
        parts.append(Literal("least", key, (low, window), True, lasts=within is None))
    if high is not None:
        parts.append(Literal("least", key, (high + 1, window), False))
    return both(*parts)


def happened(did: str, where: Mapping[str, Test], times: int = 1, within: int | None = None) -> Formula:
    """They did an event, ever or so lately."""
    window = _EVER if within is None else within
    return Literal("least", ("did", did, _tests(where), "", ""), (times, window), True, lasts=within is None)


def share(of: str, start: float, end: float) -> Formula:
    """Belonging to a part of everybody; splits part people by the same numbers."""
    test = Test.model_validate({"at_least": start, "less_than": end})
    return Literal("value", ("share", of), test, True, lasts=True)


def reacted(template: str, was: str) -> Formula:
    """The latest message of a template was opened, clicked …"""
    return Literal("opaque", ("message", template, was), None, True, lasts=True)


def _value(key: tuple[Any, ...], test: Test) -> Formula:
    if _DATES & test.model_fields_set:
        return Literal("opaque", (*key, _text(test)), None, True)
    return Literal("value", key, test, True)


def _text(asked: Any) -> str:
    return (
        ""
        if asked is None
        else json.dumps(asked.model_dump(mode="json", by_alias=True, exclude_unset=True), sort_keys=True)
    )


def _tests(where: Mapping[str, Test]) -> str:
    return json.dumps({name: _text(test) for name, test in where.items()}, sort_keys=True)


def lasting(formula: Formula) -> Formula:
    """What stays true of it as time goes by."""
    if isinstance(formula, Both):
        return both(*(lasting(part) for part in formula.parts))
    if isinstance(formula, Either):
        parts = [lasting(part) for part in formula.parts]
        return True if True in parts else either(*parts)
    return formula if isinstance(formula, bool) or formula.lasts else True


def known(formula: Formula, key: tuple[Any, ...], answer: Callable[[Any], bool]) -> Formula:
    """The formula when what ``key`` names is known: ``answer`` says how a test of it comes out (None for a list)."""
    if isinstance(formula, Both | Either):
        parts = [known(part, key, answer) for part in formula.parts]
        return both(*parts) if isinstance(formula, Both) else either(*parts)
    if isinstance(formula, Literal) and formula.key == key and formula.kind != "least":
        return answer(formula.asked) == formula.truth
    return formula


def literals(formula: Formula) -> Iterator[Literal]:
    """Every literal in it."""
    if isinstance(formula, Literal):
        yield formula
    elif not isinstance(formula, bool):
        for part in formula.parts:
            yield from literals(part)


def possible(*formulas: Formula) -> bool:
    """Whether somebody can be like all of this at one instant. No is certain; yes means: perhaps."""
    return seen_possible(*formulas) is not False


def seen_possible(*formulas: Formula) -> bool | None:
    """The same, with None where there were too many alternatives to look through."""
    try:
        return any(_together(one) for one in _alternatives(both(*formulas)))
    except _TooManyError:
        return None


def implied(formula: Formula, *facts: Formula) -> bool:
    """Whether it certainly holds where these do."""
    return not possible(*facts, denied(formula))


class _TooManyError(Exception):
    """Nobody looks through so many alternatives."""


def _alternatives(formula: Formula) -> list[tuple[Literal, ...]]:
    if isinstance(formula, bool):
        return [()] if formula else []
    if isinstance(formula, Literal):
        return [(formula,)]
    if isinstance(formula, Either):
        found = [one for part in formula.parts for one in _alternatives(part)]
    else:
        found = [()]
        for part in formula.parts:
            more = _alternatives(part)
            if len(found) * len(more) > 4 * _MOST:
                raise _TooManyError
            found = [joined for one in found for other in more if _together(joined := (*one, *other))]
    if len(found) > _MOST:
        raise _TooManyError
    return found


def _together(all_of: Iterable[Literal]) -> bool:
    by_key: dict[tuple[str, tuple[Any, ...]], list[Literal]] = {}
    for literal in all_of:
        by_key.setdefault((literal.kind, literal.key), []).append(literal)
    return all(_fit(kind, found) for (kind, _), found in by_key.items() if len(found) > 1 or kind == "value")


def _fit(kind: str, found: list[Literal]) -> bool:
    if kind == "value":
        tests = [(literal.asked, literal.truth) for literal in found]
        return any(
            all(passes(test, value) == truth for test, truth in tests) for value in candidates(t for t, _ in tests)
        )
    if kind == "least":
        # At least three within a week says: at least two within a month.
        yes = [literal.asked for literal in found if literal.truth]
        no = [literal.asked for literal in found if not literal.truth]
        return not any(had >= least and window <= wide for had, window in yes for least, wide in no)
    return len({literal.truth for literal in found}) == 1


def candidates(tests: Iterable[Test]) -> list[Any]:
    """One value of each kind that tests can tell apart, nothing among them."""
    values: list[Any] = [None, "something else"]
    numbers: set[float] = set()
    texts: list[Any] = []
    for test in tests:
        values += [] if test.equals is None else [test.equals]
        values += test.in_ or []
        texts += [] if test.contains is None else [test.contains]
        numbers |= {
            bound
            for name in ("more_than", "at_least", "less_than", "at_most")
            if (bound := getattr(test, name)) is not None
        }
    numbers |= {float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)}
    ordered = sorted(numbers)
    values += [number + by for number in ordered for by in (-1, 0, 1)]
    values += [(low + high) / 2 for low, high in pairwise(ordered)]
    if texts:
        values += [*texts, list(texts), " ".join(map(str, texts)), *([text] for text in texts)]
        values += [[*texts, value] for value in values if isinstance(value, str)]
    return [*values, True, False]
