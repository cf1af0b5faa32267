"""Flows in plain words: what starts them, what their steps do, what they ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from homing.domain.explain import words
from homing.domain.flows.language import Flow, Holdout
from homing.domain.flows.steps import (
    AddTo,
    Call,
    End,
    FromTrigger,
    HappensAny,
    HappensEntered,
    HappensEvent,
    HappensLeft,
    If,
    MessageDid,
    RemoveFrom,
    Send,
    Split,
    Start,
    Step,
    Until,
    Update,
    Wait,
    WaitFor,
)
from homing.domain.flows.trigger import Trigger
from homing.domain.segments import language as lang

_STARTS = {
    "cart_abandoned": "a cart is left behind", "browse_abandoned": "somebody looks, and leaves",
    "order_placed": "an order is placed", "birthday": "it is somebody's birthday",
    "signup_anniversary": "it is the day of their sign-up", "subscription_pending": "somebody subscribes",
    "flow_requested": "you ask for it",
}  # fmt: skip
_ENDINGS = {
    "done": "went through", "goal_met": "met the goal", "exit_when": "left by exit_when", "flow_removed": "flow removed",
    "cart_ordered_or_emptied": "cart ordered or emptied", "flow_changed": "flow changed", "endless": "endless",
    "profile_gone": "profile gone", "stopped": "stopped",
}  # fmt: skip
_NTH = {1: "the first order", 2: "the second order", 3: "the third order"}


class Words(NamedTuple):
    """What a step does, in a few words, and more about it, if there is more."""

    short: str
    more: str = ""


def starts(trigger: Trigger) -> str:
    """What starts a flow, to come after "when": ``a cart is left behind``."""
    if trigger.kind == "order_placed" and trigger.nth:
        return f"{_NTH.get(trigger.nth, f'order number {trigger.nth}')} is placed"
    if trigger.kind == "event":
        return f"somebody did {trigger.did}{words.where(trigger.where)}"
    if trigger.kind == "segment_entered":
        return f"somebody enters {trigger.segment}"
    if trigger.kind == "segment_left":
        return f"somebody leaves {trigger.segment}"
    if trigger.kind == "date_reached":
        return _date(trigger)
    if trigger.kind == "price_dropped":
        by = f" at least {words.percent(trigger.by)}" if trigger.by else ""
        return f"what somebody looked at in the last {words.duration(trigger.viewed_within)} costs{by} less"
    if trigger.kind == "back_in_stock":
        return f"what somebody looked at in the last {words.duration(trigger.viewed_within)} is there again"
    if trigger.kind == "schedule":
        return f"it is {_schedule(trigger)}, for everybody in {trigger.segment}"
    return _STARTS.get(trigger.kind, trigger.kind.replace("_", " "))


def _date(trigger: Trigger) -> str:
    if trigger.before:
        text = f"it is {words.duration(trigger.before)} before the date {trigger.trait}"
    elif trigger.after:
        text = f"it is {words.duration(trigger.after)} after the date {trigger.trait}"
    else:
        text = f"the date {trigger.trait} comes"
    return f"{text}{', each year' if trigger.yearly else ''}"


def _schedule(trigger: Trigger) -> str:
    at = f"{trigger.at:%H:%M}" if trigger.at else ""
    if trigger.weekdays:
        when = words.listed([words.weekday(day) for day in trigger.weekdays], "or")
    elif trigger.days:
        named = ["the last day" if day == -1 else f"day {day}" for day in trigger.days]
        when = f"{words.listed(named, 'or')} of the month"
    else:
        when = "a new day"
    return f"{when}, {at}" if at else when


def happens(one: Any) -> str:
    """What is waited for or asked of a message: ``they do Order Completed``, ``cart-reminder is opened``."""
    if isinstance(one, HappensAny):
        return words.listed([happens(part) for part in one.any], "or")
    if isinstance(one, HappensEvent):
        return f"they do {one.did}{words.where(one.where)}"
    if isinstance(one, HappensEntered):
        return f"they are in {one.segment}"
    if isinstance(one, HappensLeft):
        return f"they are not in {one.left}"
    if isinstance(one, MessageDid):
        return f"they buy after {one.message}" if one.was == "bought" else f"{one.message} is {one.was}"
    return str(one)


def asked(condition: Any) -> str:
    """A whole condition on one line, to come after "they": ``are in vip and did not do Order Completed``."""
    if isinstance(condition, MessageDid):
        return (
            f"bought after {condition.message}" if condition.was == "bought" else f"{condition.was} {condition.message}"
        )
    if isinstance(condition, lang.All):
        return words.listed([_part(part, lang.Any_) for part in condition.all], "and")
    if isinstance(condition, lang.Any_):
        return words.listed([_part(part, lang.All) for part in condition.any], "or")
    if isinstance(condition, lang.InSegment):
        return f"in {condition.segment}"
    if isinstance(condition, lang.OnList):
        return f"on the list {condition.list}"
    if isinstance(condition, lang.Not):
        inner = condition.not_
        if isinstance(inner, lang.InSegment | lang.OnList):
            return f"not {asked(inner)}"
        if isinstance(inner, lang.Did):
            return f"did not: {asked(inner).removeprefix('did ')}"
        return f"not ({asked(inner)})"
    return words.condition(condition)


def _part(part: lang.Condition, loose: type) -> str:
    text = asked(part)
    several = isinstance(part, loose) and len(next(iter(part.__dict__.values()))) > 1
    return f"({text})" if several else text


def step(one: Step) -> Words:
    """What a step does."""
    if isinstance(one, Send):
        return Words(f"Send {one.send}", f"with a code of {one.code}" if one.code else "")
    if isinstance(one, Wait):
        return _wait(one.wait)
    if isinstance(one, WaitFor):
        return Words(f"Wait until {happens(one.wait_for)}", f"at most {words.duration(one.within)}")
    if isinstance(one, If):
        return Words(f"{_question(one.if_)}?")
    if isinstance(one, Split):
        return Words("Part by chance", one.split)
    if isinstance(one, Update):
        return Words("Say of them", values(one.update))
    if isinstance(one, AddTo):
        return Words(f"Put on the list {one.add_to}")
    if isinstance(one, RemoveFrom):
        return Words(f"Take off the list {one.remove_from}")
    if isinstance(one, Call):
        return Words(f"Call {one.call}", values(one.data))
    if isinstance(one, Start):
        return Words(f"Start {one.start}", values(one.data))
    return Words("End", one.end if isinstance(one, End) and one.end != "ended" else "")


def _wait(wait: int | Until) -> Words:
    if not isinstance(wait, Until):
        return Words(f"Wait {words.duration(wait)}")
    days = ""
    if wait.day:
        days = f" on {wait.day}"
    elif wait.weekdays:
        days = f" on {words.listed([words.weekday(day) for day in wait.weekdays], 'or')}"
    least = f"at least {words.duration(wait.at_least)}" if wait.at_least else ""
    return Words(f"Wait until {wait.until:%H:%M}{days}", least)


def _question(condition: Any) -> str:
    text = asked(condition)
    return text[:1].upper() + text[1:]


def values(written: Mapping[str, Any]) -> str:
    """``tier is gold, last order is the trigger's order.order_id``."""
    found = []
    for name, value in written.items():
        if isinstance(value, FromTrigger):
            found.append(f"{name} is the trigger's {value.trigger}")
        else:
            found.append(f"no {name}" if value is None else f"{name} is {words.value(value)}")
    return ", ".join(found)


def ways(one: If | WaitFor | Split) -> dict[str, str]:
    """The label of each way on, by the word of its side; of a split ``""`` for who is in no arm, if anybody is."""
    if isinstance(one, If):
        return {"then": "yes", "else": "no"}
    if isinstance(one, WaitFor):
        return {"then": "it happens", "else": f"not in {words.duration(one.within)}"}
    found = {way.arm: f"{way.arm}, {words.percent(way.percent)}" for way in one.ways}
    rest = 100 - sum(way.percent for way in one.ways)
    return found | ({"": f"the others, {words.percent(rest)}"} if rest > 1e-9 else {})


def ending(reason: str) -> str:
    """Why a run ended: ``met the goal``; what a marketer wrote is told as it was written."""
    return _ENDINGS.get(reason, reason.replace("_", " "))


def rules(flow: Flow) -> list[tuple[str, str]]:
    """What holds for the flow as a whole: what each of it is called, and what it says."""
    found = []
    if flow.only_if is not None:
        found.append(("Only if", asked(flow.only_if)))
    if flow.stop_when is not None:
        found.append(("Goal", asked(flow.stop_when)))
    if flow.exit_when is not None:
        found.append(("Exit", asked(flow.exit_when)))
    once = {"cart": "once for each cart", "order": "once for each order", "customer": "once ever"}.get(flow.once_per)
    again = f"again after {words.duration(flow.again_after)}" if flow.again_after else ""
    if once or again:
        found.append(("How often", ", ".join(part for part in (once, again) if part)))
    if flow.priority:
        found.append(("Priority", f"{flow.priority}"))
    if isinstance(flow.holdout, Holdout):
        found.append(("Held out", words.percent(flow.holdout.percent)))
    return found
