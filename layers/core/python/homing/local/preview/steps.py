"""A flow as its mails, in the order in which somebody would get them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from homing.domain.flows.language import Flow, If, Send, Step, Wait
from homing.domain.time import format_duration

_STARTS = {
    "cart_abandoned": "a cart is left behind", "browse_abandoned": "somebody looks, and leaves",
    "order_placed": "an order is placed", "birthday": "it is somebody's birthday",
    "signup_anniversary": "it is the day of their sign-up", "subscription_pending": "somebody subscribes",
    "segment_entered": "somebody enters",
    "segment_left": "somebody leaves", "flow_requested": "you ask for it",
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
    return f"{text} {flow.on.segment}" if flow.on.segment else text


def stops(flow: Flow) -> list[Stop]:
    """Each mail of the flow, each template once for each way to it."""
    return list(_walk(flow.steps, 0, ())[0])


def _walk(steps: Iterable[Step], waited: int, who: tuple[str, ...]) -> tuple[list[Stop], int]:
    found: list[Stop] = []
    for step in steps:
        if isinstance(step, Wait):
            waited += step.wait
        elif isinstance(step, Send):
            when = f"{format_duration(waited)} later" if waited else "at once"
            found.append(Stop(step.send, ", ".join([when, *who])))
        elif isinstance(step, If):
            yes, no = _condition(step.if_)
            then, after_then = _walk(step.then, waited, (*who, yes))
            other, after_else = _walk(step.else_, waited, (*who, no))
            found += [*then, *other]
            waited = max(after_then, after_else)
    return found, waited


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
