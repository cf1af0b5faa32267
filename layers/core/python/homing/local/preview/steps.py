"""A flow as its mails, in the order in which somebody would get them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from homing.domain.flows.language import Flow, If, Send, Split, Step, Until, Wait, WaitFor
from homing.domain.time import format_duration

_STARTS = {
    "cart_abandoned": "a cart is left behind", "browse_abandoned": "somebody looks, and leaves",
    "order_placed": "an order is placed", "birthday": "it is somebody's birthday",
    "signup_anniversary": "it is the day of their sign-up", "subscription_pending": "somebody subscribes",
    "segment_entered": "somebody enters",
    "segment_left": "somebody leaves", "flow_requested": "you ask for it", "date_reached": "a date comes near",
    "price_dropped": "what somebody looked at costs less", "back_in_stock": "what somebody looked at is there again",
    "schedule": "the time has come, for everybody in",
}  # fmt: skip


class Stop(NamedTuple):
    """A mail on the way: its template, and when who gets it ("18h later, in vip")."""

    template: str
    when: str


def starts(flow: Flow) -> str:
    """What starts it, for people."""
    text = _STARTS.get(flow.on.kind, flow.on.kind.replace("_", " "))
    if flow.on.nth:
        text = f"order number {flow.on.nth} is placed"
    if flow.on.did:
        text = f"somebody did {flow.on.did}"
    if flow.on.trait:
        text = f"the date {flow.on.trait} comes"
    return f"{text} {flow.on.segment}" if flow.on.segment else text


def stops(flow: Flow) -> list[Stop]:
    """Each mail of the flow, each template once for each way to it."""
    return list(_walk(flow.steps, 0, ())[0])


def _walk(steps: Iterable[Step], waited: int, who: tuple[str, ...]) -> tuple[list[Stop], int]:
    """``waited``: the longest way here, in exact time; ``who``: what of, and until when."""
    found: list[Stop] = []
    for step in steps:
        if isinstance(step, Wait):
            if isinstance(step.wait, Until):
                who = (*who, _local(step.wait))
                waited += step.wait.at_least
            else:
                waited += step.wait
        elif isinstance(step, Send):
            when = f"{format_duration(waited)} later" if waited else "at once"
            found.append(Stop(step.send, ", ".join([when, *who])))
        elif isinstance(step, If | WaitFor | Split):
            ends = [waited]
            for side, label, more in _sides(step):
                below, end = _walk(side, waited + more, (*who, label))
                found += below
                ends.append(end)
            waited = max(ends)
    return found, waited


def _sides(step: If | WaitFor | Split) -> Iterator[tuple[list[Step], str, int]]:
    """Each way on, what its people have in common, and how long they waited at most."""
    if isinstance(step, Split):
        yield from ((way.then, f"{way.percent:g} % of all ({way.arm})", 0) for way in step.ways)
        return
    yes, no = _condition(step.if_ if isinstance(step, If) else step.wait_for)
    if isinstance(step, If):
        yield step.then, yes, 0
        yield step.else_, no, 0
    else:
        yield step.then, f"as soon as {yes.removeprefix('if ')}", 0
        yield step.else_, f"{no} within {format_duration(step.within)}", step.within


def _local(until: Until) -> str:
    day = f" on {until.day}" if until.day else f" on {', '.join(until.weekdays)}" if until.weekdays else ""
    return f"at {until.until:%H:%M}{day}"


def _condition(condition: Any) -> tuple[str, str]:
    asked = condition.model_dump(exclude_none=True, by_alias=True, exclude_unset=True)
    if set(asked) == {"segment"}:
        return f"in {asked['segment']}", f"not in {asked['segment']}"
    words = " and ".join(_words(asked))
    return f"if {words}", f"unless {words}"


def _words(asked: Any) -> Iterator[str]:
    for key, value in asked.items() if isinstance(asked, dict) else ():
        if isinstance(value, dict):
            yield f"{key} {', '.join(str(name) for name in value)}"
        else:
            yield f"{key} {value}" if not isinstance(value, list) else key
