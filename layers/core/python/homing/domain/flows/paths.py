"""Every way through a flow, with what is known of a run at each step: what must be true of the person, which mails were
sent, how long it has waited. For static checks; nothing is claimed that may be otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from homing.domain.events import names
from homing.domain.flows.language import Flow
from homing.domain.flows.steps import (
    End,
    HappensEntered,
    HappensEvent,
    HappensLeft,
    If,
    MessageDid,
    Send,
    Single,
    Split,
    Step,
    Until,
    Wait,
    WaitFor,
    awaited,
    sides,
)
from homing.domain.flows.trigger import Trigger
from homing.domain.segments.language import Condition
from homing.domain.segments.logic import (
    Both,
    Formula,
    Literal,
    Reading,
    Segments,
    both,
    denied,
    either,
    happened,
    lasting,
    possible,
    reacted,
    share,
)
from homing.domain.time import DAY

Mails = frozenset[str]
# Beyond so many sets of mails only their union is kept.
_MOST = 64
# At the latest after a day or a week it is that time again; a night in autumn has an hour more.
_A_DAY, _A_WEEK = 25, 7 * 24 + 1


@dataclass(frozen=True, slots=True)
class Known:
    """``facts`` hold now, ``asked`` held at some time on the way; ``sent``: the sets of templates that a run may have sent
    until here, one for each way; ``waited``: at least and at most, in exact time; ``surely``: every run that goes on comes
    here."""

    facts: Formula = True
    asked: Formula = True
    sent: frozenset[Mails] = frozenset({frozenset()})
    waited: tuple[int, int] = (0, 0)
    surely: bool = True
    # Whether a set of mails stands for some that were sent on one way or another.
    vague: bool = False

    def learns(self, *facts: Formula) -> Known:
        """With what has just been found out."""
        return replace(self, facts=both(self.facts, *facts), asked=both(self.asked, *facts))

    def waits(self, least: int, most: int) -> Known:
        """Later: only what lasts is still known."""
        low, high = self.waited
        return replace(self, facts=lasting(self.facts), waited=(low + least, high + most))

    def sends(self, template: str) -> Known:
        """With one mail more; what became of an earlier one of the template is no longer asked about."""
        sent = frozenset(one | {template} for one in self.sent)
        return replace(self, sent=sent, facts=_without(self.facts, template))

    @property
    def ever_sent(self) -> Mails:
        """Templates of which a mail may have been sent."""
        return frozenset().union(*self.sent)


@dataclass(slots=True)
class Visit:
    """A step with what is known when a run comes to it (None: nobody comes), and on each of its ways."""

    position: str
    step: Step
    before: Known | None
    ways: dict[str, Known | None] = field(default_factory=dict)


def beginning(on: Trigger, only_if: Condition | None, segments: Segments, oldest: int) -> Formula:
    """What is true of somebody for whom the flow starts, at that instant, which is at most ``oldest`` after the trigger."""
    reading = Reading(segments)
    facts: list[Formula] = []
    if on.kind in {"segment_entered", "schedule"} and on.segment:
        facts.append(reading.segment(on.segment))
    if on.kind == "segment_left" and on.segment:
        facts.append(denied(reading.segment(on.segment)))
    if on.kind == "event" and on.did:
        for where in (on.where, {}):
            facts += [happened(on.did, where), happened(on.did, where, within=oldest)]
    if on.kind == "order_placed":
        facts.append(happened(names.ORDER_COMPLETED, {}, on.nth or 1))
        facts.append(happened(names.ORDER_COMPLETED, {}, within=oldest))
    if only_if is not None:
        facts.append(reading.of(only_if))
    return both(*facts)


def visits(flow: Flow, segments: Segments) -> list[Visit]:
    """Every step, a step before what lies below it."""
    facts = beginning(flow.on, flow.only_if, segments, flow.oldest)
    walker = _Walker(segments)
    walker.steps(flow.steps, "", Known(facts, facts))
    return walker.found


class _Walker:
    def __init__(self, segments: Segments) -> None:
        self._reading = Reading(segments)
        self.found: list[Visit] = []

    def steps(self, steps: list[Step], prefix: str, known: Known | None) -> Known | None:
        """Steps one after the other; what is known at their end, None where nobody gets there."""
        for index, step in enumerate(steps):
            visit = Visit(f"{prefix}{index}", step, known)
            self.found.append(visit)
            known = self._after(visit, step, known)
        return known

    def _after(self, visit: Visit, step: Step, known: Known | None) -> Known | None:
        if isinstance(step, If | WaitFor | Split):
            return self._part(visit, step, known)
        if known is None or isinstance(step, End):
            return None
        if isinstance(step, Wait):
            return known.waits(*lengths(step.wait))
        return known.sends(step.send) if isinstance(step, Send) else known

    def _part(self, visit: Visit, step: If | WaitFor | Split, known: Known | None) -> Known | None:
        visit.ways = dict(self._ways(step, known)) if known is not None else {}
        below, ends = sides(step), []
        taken = [side for side, way in visit.ways.items() if way is not None]
        for side in {**dict.fromkeys(visit.ways), **dict.fromkeys(below)}:
            way = visit.ways.get(side)
            if way is not None and len(taken) > 1:
                way = replace(way, surely=False)
            ends.append(self.steps(below.get(side, []), f"{visit.position}.{side}.", way))
        ended = [end for end in ends if end is not None]
        if known is None or not ended:
            return None
        if len(ended) == 1:
            # Everybody who goes on went that way.
            return replace(ended[0], surely=known.surely and len(ends) == len(ended))
        sent = frozenset(one for end in ended for one in end.sent)
        vague = any(end.vague for end in ended)
        if len(sent) > _MOST:
            sent, vague = frozenset({frozenset().union(*sent)}), True
        waited = min(end.waited[0] for end in ended), max(end.waited[1] for end in ended)
        facts = known.facts if waited == known.waited else lasting(known.facts)
        if any(template not in known.ever_sent for one in sent for template in one):
            facts = _without(facts, *(template for one in sent for template in one))
        went = either(*(end.asked for end in ended)) if len(ended) <= 4 else known.asked
        return replace(
            known, facts=facts, asked=went, sent=sent, waited=waited, vague=vague,
            surely=known.surely and len(ended) == len(ends),
        )  # fmt: skip

    def _ways(self, step: If | WaitFor | Split, known: Known) -> Iterator[tuple[str, Known | None]]:
        if isinstance(step, Split):
            start = 0.0
            for way in step.ways:
                yield way.arm, _if_possible(known, share(step.split, start, start + way.percent))
                start += way.percent
            if start < 100 - 1e-9:
                yield "", _if_possible(known, share(step.split, start, 100.0))
        elif isinstance(step, If):
            asked = self.question(step.if_)
            yield "then", _if_possible(known, asked)
            yield "else", _if_possible(known, denied(asked))
        else:
            happens = either(*(self.happens(one) for one in awaited(step)))
            later = known.waits(0, step.within)
            yield "then", _if_possible(later, happens)
            # Segments are asked once more when the time is up; an event before the wait says nothing.
            not_in = [denied(self.happens(one)) for one in awaited(step) if not isinstance(one, HappensEvent)]
            yield "else", _if_possible(known.waits(step.within, step.within), *not_in)

    def question(self, asked: Condition | MessageDid) -> Formula:
        """What a branch asks."""
        return reacted(asked.message, asked.was) if isinstance(asked, MessageDid) else self._reading.of(asked)

    def happens(self, one: Single) -> Formula:
        """What is waited for."""
        if isinstance(one, HappensEntered):
            return self._reading.segment(one.segment)
        if isinstance(one, HappensLeft):
            return denied(self._reading.segment(one.left))
        if isinstance(one, HappensEvent):
            return happened(one.did, one.where)
        return reacted(one.message, one.was)


def lengths(wait: int | Until) -> tuple[int, int]:
    """How long a wait lasts at least and at most."""
    if not isinstance(wait, Until):
        return wait, wait
    if wait.day is not None:
        return wait.at_least, wait.at_least + 365 * DAY
    longest = _A_DAY if wait.weekdays is None else _A_WEEK
    return wait.at_least, wait.at_least + longest * (DAY // 24)


def path_of(flow: Flow, position: str) -> tuple[str | int, ...]:
    """Where a step of a position stands in the flow's file."""
    path: list[str | int] = ["steps"]
    steps: list[Step] = flow.steps
    parts = position.split(".")
    for index, part in enumerate(parts):
        if index % 2 == 0:
            step = steps[int(part)]
            path.append(int(part))
            continue
        path += way_of(step, part)
        steps = sides(step)[part]
    return tuple(path)


def way_of(step: Step, side: str) -> list[str | int]:
    """Where a way of a step stands below it."""
    if isinstance(step, Split):
        return ["ways", [way.arm for way in step.ways].index(side), "then"]
    return [side]


def _if_possible(known: Known, *facts: Formula) -> Known | None:
    learnt = known.learns(*facts)
    return learnt if possible(learnt.facts) else None


def _without(formula: Formula, *templates: str) -> Formula:
    """Without what is known of the messages of these templates."""
    if isinstance(formula, Literal):
        return True if formula.key[0] == "message" and formula.key[1] in templates else formula
    if isinstance(formula, bool):
        return formula
    parts = [_without(part, *templates) for part in formula.parts]
    if isinstance(formula, Both):
        return both(*parts)
    return True if True in parts else either(*parts)


def by_position(found: list[Visit]) -> Mapping[str, Visit]:
    """Visits, to be looked up."""
    return {visit.position: visit for visit in found}
