"""Flows that start each other, or themselves, again and again: by `start`, by what they say of people, by lists, by mails.

Told is only what goes round for everybody: every step of the circle is one that no run gets past.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from homing.domain.content.yaml_source import Located
from homing.domain.errors import InvalidCampaign
from homing.domain.events import names
from homing.domain.explain import words
from homing.domain.flows.language import Flow
from homing.domain.flows.paths import path_of, visits
from homing.domain.flows.steps import AddTo, FromTrigger, RemoveFrom, Send, Start, Update
from homing.domain.segments.comparisons import Test, passes
from homing.domain.segments.language import Segment
from homing.domain.segments.logic import Formula, Reading, candidates, denied, known, literals, possible

_MAILED = frozenset({names.EMAIL_SENT, names.EMAIL_DELIVERED})
# Circles of more flows than this are looked for by nobody.
_LONGEST = 6


class _Change(NamedTuple):
    """What a step says of somebody, as a fact that segments ask for: a trait's value, or being on a list."""

    key: tuple[str, str]
    value: Any


@dataclass(frozen=True)
class _Edge:
    """From a step of one flow to the flow that it starts. ``flips``: the segment that it makes somebody enter (True) or
    leave."""

    source: str
    target: str
    position: str
    waited: int
    flips: tuple[str, bool] | None = None


def in_circles(
    flows: Mapping[str, Flow], places: Mapping[str, Located], segments: Mapping[str, Segment]
) -> Iterator[InvalidCampaign]:
    """Each circle once, at the step that closes it."""
    turns = {name: flow for name, flow in flows.items() if flow.once_per != "customer" and flow.again_after is None}
    edges, flips = _edges(turns, segments)
    told: set[frozenset[tuple[str, str]]] = set()
    for start in sorted(turns):
        for circle in _circles(start, edges):
            key = frozenset((edge.source, edge.position) for edge in circle)
            if key in told or not _turns(circle, flips):
                continue
            told.add(key)
            waited = sum(edge.waited for edge in circle)
            around = [turns[edge.source] for edge in circle]
            last = circle[-1]
            shown = " → ".join([start, *(edge.target for edge in circle)])
            place = path_of(turns[last.source], last.position)
            if waited == 0:
                message = f"this goes round at once and without end: {shown}"
                yield places[last.source].error(message, code="endless", path=place)
            elif all(flow.stop_when is None and flow.exit_when is None for flow in around):
                message = (
                    f"this goes round every {words.duration(waited)} for ever: {shown}; say `again_after`, `stop_when` or "
                    "`run_once_per: customer` if it shall end"
                )
                yield places[last.source].error(message, code="goes_round", path=place)


def _edges(
    flows: Mapping[str, Flow], segments: Mapping[str, Segment]
) -> tuple[dict[str, list[_Edge]], dict[str, set[tuple[str, bool]]]]:
    """What each flow surely starts, and which segments it may move people into or out of."""
    reading = Reading(segments)
    formulas = {name: reading.segment(name) for name in segments}
    edges: dict[str, list[_Edge]] = {name: [] for name in flows}
    flips: dict[str, set[tuple[str, bool]]] = {name: set() for name in flows}
    for name, flow in flows.items():
        for visit in visits(flow, segments):
            if visit.before is None:
                continue
            step, waited = visit.step, visit.before.waited[0]
            changes = _changes(step)
            for segment, formula in formulas.items():
                flips[name] |= {
                    (segment, into) for change in changes for into in (True, False) if _moves(formula, change, into)
                }
            if not visit.before.surely:
                continue
            for other in flows.values():
                if other.only_if is not None:
                    continue
                moved = (other.on.segment or "", other.on.kind == "segment_entered")
                if other.on.kind in {"segment_entered", "segment_left"} and moved[0] in formulas:
                    if any(_moves(formulas[moved[0]], change, moved[1]) for change in changes):
                        edges[name].append(_Edge(name, other.name, visit.position, waited, moved))
                elif _starts(step, other):
                    edges[name].append(_Edge(name, other.name, visit.position, waited))
    return edges, flips


def _changes(step: Any) -> list[_Change]:
    if isinstance(step, AddTo):
        return [_Change(("list", step.add_to), True)]
    if isinstance(step, RemoveFrom):
        return [_Change(("list", step.remove_from), False)]
    if isinstance(step, Update):
        return [
            _Change(("trait", name), value) for name, value in step.update.items() if not isinstance(value, FromTrigger)
        ]
    return []


def _moves(formula: Formula, change: _Change, into: bool) -> bool:
    """Whether the change decides it: with it everybody is in (or out), or with it somebody can be, and without it nobody."""
    tests = [one.asked for one in literals(formula) if one.key == change.key and one.kind != "least"]
    if not tests:
        return False
    wanted = formula if into else denied(formula)
    if not possible(_with(wanted, change.key, change.value)):
        return False
    if not possible(_with(denied(wanted), change.key, change.value)):
        return True
    others = [not change.value] if change.key[0] == "list" else candidates(tests)
    return any(not possible(_with(wanted, change.key, other)) for other in others)


def _with(formula: Formula, key: tuple[str, str], value: Any) -> Formula:
    answer: Callable[[Any], bool] = (lambda _: bool(value)) if key[0] == "list" else lambda test: passes(test, value)
    return known(formula, key, answer)


def _starts(step: Any, other: Flow) -> bool:
    """Whether a step surely starts a flow."""
    if isinstance(step, Start):
        return other.on.kind == "flow_requested" and other.name == step.start
    if other.on.kind != "event":
        return False
    where = other.on.where
    if isinstance(step, AddTo):
        return other.on.did == names.LIST_JOINED and _like(where, {"list": step.add_to})
    if isinstance(step, RemoveFrom):
        return other.on.did == names.LIST_LEFT and _like(where, {"list": step.remove_from})
    if isinstance(step, Update):
        plain = {name: value for name, value in step.update.items() if not isinstance(value, FromTrigger)}
        return bool(plain) and other.on.did == names.IDENTIFIED and _like(where, plain)
    return isinstance(step, Send) and other.on.did in _MAILED and _like(where, {"template": step.send})


def _like(where: Mapping[str, Test], properties: Mapping[str, Any]) -> bool:
    return all(name in properties and passes(test, properties[name]) for name, test in where.items())


def _circles(start: str, edges: Mapping[str, list[_Edge]]) -> Iterator[list[_Edge]]:
    """Ways back to a flow over flows that come after it in the alphabet, so that each circle is found once."""
    waiting: list[list[_Edge]] = [[edge] for edge in edges.get(start, ())]
    while waiting:
        way = waiting.pop()
        last = way[-1].target
        if last == start:
            yield way
        elif last > start and len(way) < _LONGEST and all(edge.source != last for edge in way):
            waiting += [[*way, edge] for edge in edges.get(last, ())]


def _turns(circle: list[_Edge], flips: Mapping[str, set[tuple[str, bool]]]) -> bool:
    """Who enters a segment again and again has to leave it in between: some flow of the circle must see to that."""
    moved = set().union(*(flips[edge.source] for edge in circle))
    return all(edge.flips is None or (edge.flips[0], not edge.flips[1]) in moved for edge in circle)
