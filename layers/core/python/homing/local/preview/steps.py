"""A flow as its mails, in the order in which somebody would get them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from homing.domain.explain import flow_words, words
from homing.domain.flows.language import End, Flow, If, Send, Split, Step, Until, Wait, WaitFor
from homing.domain.time import format_duration


class Stop(NamedTuple):
    """A mail on the way: its template, and when who gets it ("18h later, in vip")."""

    template: str
    when: str


class _Way(NamedTuple):
    """``waited``: the longest way here, in exact time; ``who``: what of, and until when."""

    waited: int = 0
    who: tuple[str, ...] = ()


def starts(flow: Flow) -> str:
    """What starts it, for people."""
    return flow_words.starts(flow.on)


def stops(flow: Flow) -> list[Stop]:
    """Each mail of the flow, each template once for each way to it."""
    return list(_walk(flow.steps, _Way())[0])


def _walk(steps: Iterable[Step], way: _Way | None) -> tuple[list[Stop], _Way | None]:
    """The mails, and how the runs come out of the steps; None: none does."""
    found: list[Stop] = []
    for step in steps:
        if way is None or isinstance(step, End):
            return found, None
        if isinstance(step, Wait):
            if isinstance(step.wait, Until):
                way = _Way(way.waited + step.wait.at_least, (*way.who, _local(step.wait)))
            else:
                way = _Way(way.waited + step.wait, way.who)
        elif isinstance(step, Send):
            when = f"{format_duration(way.waited)} later" if way.waited else "at once"
            found.append(Stop(step.send, ", ".join([when, *way.who])))
        elif isinstance(step, If | WaitFor | Split):
            below, way = _part(step, way)
            found += below
    return found, way


def _part(step: If | WaitFor | Split, way: _Way) -> tuple[list[Stop], _Way | None]:
    found, ends = [], []
    for side, label, more in _sides(step):
        below, end = _walk(side, _Way(way.waited + more, (*way.who, label)))
        found += below
        if end is not None:
            ends.append(end)
    if not ends:
        return found, None
    # Where all others have ended, those who go on still have something in common.
    return found, ends[0] if len(ends) == 1 else _Way(max(end.waited for end in ends), way.who)


def _sides(step: If | WaitFor | Split) -> Iterator[tuple[list[Step], str, int]]:
    """Each way on, what its people have in common, and how long they waited at most."""
    if isinstance(step, Split):
        yield from ((way.then, f"{words.percent(way.percent)} of all ({way.arm})", 0) for way in step.ways)
        if (rest := 100 - sum(way.percent for way in step.ways)) > 1e-9:
            yield [], f"the other {words.percent(rest)}", 0
    elif isinstance(step, If):
        asked = flow_words.asked(step.if_)
        plain = asked.startswith(("in ", "on the list ")) and " and " not in asked and " or " not in asked
        yield step.then, asked if plain else f"if {asked}", 0
        yield step.else_, f"not {asked}" if plain else f"unless {asked}", 0
    else:
        happens = flow_words.happens(step.wait_for)
        yield step.then, f"as soon as {happens}", 0
        yield step.else_, f"unless {happens} within {words.duration(step.within)}", step.within


def _local(until: Until) -> str:
    day = f" on {until.day}" if until.day else ""
    if until.weekdays:
        day = f" on {words.listed([words.weekday(one) for one in until.weekdays], 'or')}"
    return f"at {until.until:%H:%M}{day}"
