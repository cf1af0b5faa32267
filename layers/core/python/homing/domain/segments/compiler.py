"""From conditions to rules: asks the plan for the memory that they need, and inlines other segments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from homing.domain.errors import InvalidInput
from homing.domain.profiles.local_time import ZONE_INPUTS
from homing.domain.profiles.memory import MAX_ENTRIES, MAX_STEPS, MAX_VALUES, Plan
from homing.domain.segments import language as lang
from homing.domain.segments.behaviour import (
    AmountRule,
    Bounds,
    ChosenRule,
    Count,
    DidRule,
    DistinctRule,
    DuringRule,
    RateRule,
    SameRule,
)
from homing.domain.segments.comparisons import Test
from homing.domain.segments.rules import FIRST, ID, NOW, AllOf, AnyOf, NotRule, Rule
from homing.domain.segments.said import ComputedRule, DateRule, KnownForRule, ListRule, NowRule, ShareRule, TraitRule
from homing.domain.segments.sequences import Ending, SequenceRule, Step
from homing.domain.segments.when import Between

if TYPE_CHECKING:
    from homing.domain.attributes.registry import Attributes

_DATES = ("within_last", "within_next", "since", "before", "anniversary")
Span = tuple[int | None, int | None]


class Compiler:
    """Compiles conditions for one shop: ``zone`` is its time zone, ``attributes`` what it computes."""

    def __init__(
        self,
        segments: Mapping[str, lang.Segment],
        plan: Plan,
        *,
        zone: str = "UTC",
        attributes: Attributes | None = None,
    ) -> None:
        self._segments = segments
        self._plan = plan
        self._zone = zone
        self._attributes = attributes
        self._open: list[str] = []
        self._done: dict[str, Rule] = {}
        self._makers: dict[type, Callable[[Any], Rule]] = {
            lang.All: lambda c: self._combine(AllOf, c.all),
            lang.Any_: lambda c: self._combine(AnyOf, c.any),
            lang.Not: self._not,
            lang.Did: self._did,
            lang.DidNot: self._did_not,
            lang.First: lambda c: self._chosen(c, c.first, earliest=True),
            lang.Last: lambda c: self._chosen(c, c.last, earliest=False),
            lang.Sequence: self._sequence,
            lang.Rate: self._rate,
            lang.Trait: self._trait,
            lang.Computed: self._computed,
            lang.KnownFor: lambda c: KnownForRule(c.known_for.at_least, frozenset({FIRST})),
            lang.Now: lambda c: NowRule(c.now, c.now.between, self._zone, frozenset({NOW}) | ZONE_INPUTS),
            lang.InSegment: lambda c: self.segment(c.segment),
            lang.OnList: lambda c: ListRule(c.list, frozenset({f"*list:{c.list}"})),
            lang.Share: self._share,
        }

    def segment(self, name: str) -> Rule:
        """The rule of a segment; raises InvalidInput for an unknown one and for a circle of references."""
        if name in self._done:
            return self._done[name]
        if name not in self._segments:
            raise InvalidInput(f"there is no segment {name!r}", code="unknown_segment")
        if name in self._open:
            circle = " → ".join([*self._open[self._open.index(name) :], name])
            raise InvalidInput(f"segments refer to each other in a circle: {circle}", code="segment_cycle")
        self._open.append(name)
        try:
            rule = self._done[name] = self.compile(self._segments[name].when)
        finally:
            self._open.pop()
        return rule

    def compile(self, condition: lang.Condition) -> Rule:
        """The rule of a condition."""
        return self._makers[type(condition)](condition)

    def _combine(self, kind: type[AllOf] | type[AnyOf], conditions: Iterable[lang.Condition]) -> Rule:
        return self._all(kind, [self.compile(condition) for condition in conditions])

    def _all(self, kind: type[AllOf] | type[AnyOf], parts: list[Rule]) -> Rule:
        if len(parts) == 1:
            return parts[0]
        return kind(tuple(parts), frozenset().union(*(part.reads for part in parts)))

    def _not(self, condition: lang.Not) -> Rule:
        part = self.compile(condition.not_)
        return NotRule(part, part.reads)

    def _span(self, between: Between | None) -> Span | None:
        return None if between is None else between.instants(ZoneInfo(self._zone))

    def _did(self, condition: lang.Did) -> Rule:
        amounts = [(name, amount) for name in lang.AMOUNTS if (amount := getattr(condition, name)) is not None]
        asked = condition.distinct or condition.times
        low, high = (
            (asked.exactly, asked.exactly) if asked.exactly is not None else (asked.at_least or 0, asked.at_most)
        )
        # One more than the upper bound tells "at most two" from "three".
        needed = max(low, 1) if high is None else high + 1
        same = condition.distinct.of if condition.distinct else condition.same
        during = condition.during
        slot = self._plan.need(
            {condition.did},
            where=condition.where,
            same=same,
            keep=MAX_ENTRIES if amounts or during else 1 if condition.distinct else needed,
            keep_values=needed if condition.distinct else MAX_VALUES,
            window=condition.within,
            values=tuple(amount.of for _, amount in amounts),
            between=self._span(condition.between),
        )
        reads = frozenset({slot}) | (ZONE_INPUTS if during else frozenset())
        if amounts:
            name, amount = amounts[0]
            bounds = Bounds.of(amount)
            return AmountRule(slot, amount.of, name, bounds, condition.within, during, self._zone, reads)  # type: ignore[arg-type]
        if condition.distinct:
            return DistinctRule(slot, Count(low, high, condition.within), reads)
        if same is not None:
            return SameRule(slot, Count(max(low, 1), high, condition.within), reads)
        if during is not None:
            return DuringRule(slot, Count(low, high, condition.within), during, self._zone, reads)
        return DidRule(slot, Count(low, high, condition.within), reads)

    def _did_not(self, condition: lang.DidNot) -> Rule:
        done = lang.Did(
            did=condition.did_not, where=condition.where, within=condition.within, between=condition.between,
            during=condition.during,
        )  # fmt: skip
        return self._not(lang.Not(not_=done))

    def _chosen(self, condition: lang.First | lang.Last, event: str, *, earliest: bool) -> Rule:
        slot = self._plan.need({event}, where=condition.where, values=tuple(condition.having), earliest=earliest)
        ago = condition.ago or lang.Ago(at_least=0)
        ends = [end for end in (condition.within, ago.less_than) if end is not None]
        return ChosenRule(
            slot,
            earliest,
            ago.at_least or 0,
            min(ends, default=None),
            self._span(condition.between) or (None, None),
            tuple(condition.having.items()),
            frozenset({slot}),
        )

    def _sequence(self, condition: lang.Sequence) -> Rule:
        def remember(event: str, where: Mapping[str, Test], same: str | None) -> str:
            return self._plan.need({event}, where=where, same=same, keep=MAX_STEPS, window=condition.within)

        steps: list[Step] = []
        ending: Ending | None = None
        for step in condition.sequence:
            if isinstance(step, lang.DidNotStep):
                ending = Ending(remember(step.did_not, step.where, None), step.within)
            else:
                slot = remember(step.did, step.where, condition.same)
                steps.append(Step(slot, ending.slot if ending else None, step.within))
                ending = None
        reads = {step.slot for step in steps} | {step.unless for step in steps if step.unless}
        if ending is not None:
            reads.add(ending.slot)
        return SequenceRule(tuple(steps), ending, condition.same is not None, condition.within, frozenset(reads))

    def _rate(self, condition: lang.Rate) -> Rule:
        def remember(event: str, where: Mapping[str, Test]) -> str:
            return self._plan.need(
                {event}, where=where, same=condition.by, hashed=True, keep_values=MAX_ENTRIES, window=condition.within
            )

        slot, of = remember(condition.rate, condition.where), remember(condition.of, {})
        bounds = Bounds.of(condition)
        return RateRule(slot, of, bounds, condition.among, condition.within, frozenset({slot, of}))

    def _trait(self, condition: lang.Trait) -> Rule:
        plain: list[tuple[str, Test]] = []
        dates: list[Rule] = []
        for name, test in condition.trait.items():
            if test.asks_of_dates():
                dates.append(DateRule(name, test, self._zone, _trait_inputs([name]) | ZONE_INPUTS))
            asked = {key: value for key, value in test if key in test.model_fields_set and key not in _DATES}
            if asked:
                plain.append((name, Test.model_validate(asked)))
        rules: list[Rule] = [TraitRule(tuple(plain), _trait_inputs(name for name, _ in plain))] if plain else []
        return self._all(AllOf, rules + dates)

    def _computed(self, condition: lang.Computed) -> Rule:
        rules: list[Rule] = []
        for name, test in condition.computed.items():
            if self._attributes is None:
                raise InvalidInput(f"nothing is computed here, so {name!r} is not known", code="unknown_attribute")
            attribute = self._attributes.get(name)
            rules.append(ComputedRule(attribute, test, attribute.reads))
        return self._all(AllOf, rules)

    def _share(self, condition: lang.Share) -> Rule:
        share = condition.share
        start, end = (0.0, share.percent) if share.percent is not None else (share.from_ or 0.0, share.to)
        return ShareRule(share.of, start, 100.0 if end is None else end, frozenset({ID}))


def _trait_inputs(traits: Iterable[str]) -> frozenset[str]:
    """A trait by its name; what is inside an object changes with the object."""
    return frozenset(f"trait:{part}" for name in traits for part in {name, name.split(".")[0]})
