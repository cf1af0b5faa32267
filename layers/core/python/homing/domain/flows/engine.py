"""Advancing a run: what to do now, as a pure function of the flow, the run, the profile and the instant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from homing.domain.delivery.message import SendRequest, send_id
from homing.domain.engine import Engine
from homing.domain.errors import InvalidInput
from homing.domain.flows.language import End, Flow, If, Send, Step, Wait
from homing.domain.flows.run import Run, run_id
from homing.domain.profiles import carts
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, format_duration, iso, parse_instant

# A flow that does so many steps without waiting is endless.
_MAX_STEPS = 500
# A trigger that arrives this late (an outage) starts nothing: nobody wants yesterday's news.
MAX_TRIGGER_AGE = 2 * DAY


@dataclass(frozen=True, slots=True)
class TriggerEvent:
    """What the bus tells about a trigger that fired for a profile."""

    id: str
    profile_id: str
    kind: str
    name: str
    key: str
    at: int
    data: dict[str, Any]


def starts(flow: Flow, trigger: TriggerEvent) -> bool:
    """Whether the trigger is the one that the flow waits for."""
    if flow.on.kind != trigger.kind or trigger.data.get("news") is False:
        return False
    if trigger.kind in {"segment_entered", "segment_left"}:
        return flow.on.segment == trigger.name
    if trigger.kind == "order_placed":
        return f"order-{flow.on.nth or 1}" == trigger.name
    if trigger.kind == "flow_requested":
        return flow.name == trigger.name
    return True


def new_run(flow: Flow, trigger: TriggerEvent, *, revision: str, now: int) -> Run:
    """The run that a trigger starts. Its id is that of every other trigger with the same once-per key."""
    key = {"customer": "", "trigger": f"{trigger.kind}:{trigger.key}"}.get(flow.once_per, trigger.key)
    return Run(
        id=run_id(flow.name, trigger.profile_id, f"{flow.once_per}:{key}"),
        flow=flow.name,
        revision=revision,
        profile_id=trigger.profile_id,
        key=key,
        trigger=trigger.kind,
        trigger_id=trigger.id,
        triggered_at=trigger.at,
        started_at=now,
        at=trigger.at,
        wake_at=now,
        data=trigger.data,
        version=1,
    )


def _find(steps: list[Step], position: str) -> tuple[list[Step], int]:
    """The list that holds the step of a position, and its index there."""
    parts = position.split(".")
    for index, side in zip(parts[:-1:2], parts[1::2], strict=True):
        step = steps[int(index)]
        if not isinstance(step, If):
            raise IndexError(position)
        steps = step.then if side == "then" else step.else_
    return steps, int(parts[-1])


def _after(steps: list[Step], position: str) -> str | None:
    """The position that follows, climbing out of finished branches; None at the end."""
    while True:
        prefix, _, last = position.rpartition(".")
        following = f"{prefix}.{int(last) + 1}" if prefix else str(int(last) + 1)
        held, index = _find(steps, following)
        if index < len(held):
            return following
        if not prefix:
            return None
        # "2.then" → the branch itself: "2"
        position = prefix.rpartition(".")[0]


def _settled(run: Run, profile: Profile, engine: Engine, now: int) -> str | None:
    """Why the run should end before its next step, if it should."""
    goal = engine.goals.get(run.flow)
    if goal is not None and goal.check(profile, now, run.triggered_at)[0]:
        return "goal_met"
    if cart_gone(run.data, profile, engine, now):
        return "cart_ordered_or_emptied"
    return None


def cart_gone(data: Any, profile: Profile, engine: Engine, now: int) -> bool:
    """Whether the cart that this is about was ordered or emptied in the meantime.

    Its key may have changed without that: by an order from before its last activity that was heard of late.
    """
    cart = data.get("cart") if isinstance(data, dict) else None
    if not isinstance(cart, dict):
        return False
    current = carts.state(profile.carts, str(cart.get("token", "")), now, engine.plan.forget_carts_after)
    if current is None or not current.items:
        return True
    try:
        return current.since >= parse_instant(str(cart.get("last_activity")))
    except InvalidInput:
        return current.key != cart.get("key")


def advance(run: Run, flow: Flow | None, profile: Profile, engine: Engine, now: int) -> tuple[Run, list[SendRequest]]:
    """Does every step that is due at ``now``. Returns the run with its version increased, and what to send.

    The run keeps its own time: a wait of 20 h ends 20 h after the trigger, however late a function got round to it.
    """
    requests: list[SendRequest] = []
    trace = list(run.trace)

    def note(step: str, did: str, why: str = "") -> None:
        trace.append({"at": iso(now), "step": step, "did": did, "why": why})

    def ended(reason: str) -> tuple[Run, list[SendRequest]]:
        done = replace(
            run, status="ended", reason=reason, ended_at=now, wake_at=None, trace=tuple(trace), version=run.version + 1
        )
        return done, requests

    if flow is None:
        note(run.position, "end", "the flow was removed")
        return ended("flow_removed")
    for _ in range(_MAX_STEPS):
        if reason := _settled(run, profile, engine, now):
            note(run.position, "end", reason)
            return ended(reason)
        try:
            steps, index = _find(flow.steps, run.position)
            step = steps[index]
        except IndexError:
            note(run.position, "end", "the flow changed and has no such step any more")
            return ended("flow_changed")
        position: str | None = run.position
        if isinstance(step, Send):
            requests.append(_request(run, flow, step, now))
            note(run.position, "send", step.send)
        elif isinstance(step, End):
            note(run.position, "end", step.end)
            return ended(step.end)
        elif isinstance(step, If):
            truth = engine.branches[flow.name, run.position].check(profile, max(run.at, profile.evaluated_at))[0]
            branch = step.then if truth else step.else_
            note(run.position, "then" if truth else "else")
            if branch:
                run = replace(run, position=f"{run.position}.{'then' if truth else 'else'}.0")
                continue
        following = _after(flow.steps, position or "0")
        if following is None:
            note(run.position, "end", "done")
            return ended("done")
        run = replace(run, position=following)
        if isinstance(step, Wait):
            run = replace(run, at=run.at + step.wait, data=run.data)
            note(position or "", "wait", format_duration(step.wait))
            if run.at > now:
                return replace(run, wake_at=run.at, trace=tuple(trace), version=run.version + 1), requests
    return ended("endless")


def _request(run: Run, flow: Flow, step: Send, now: int) -> SendRequest:
    return SendRequest(
        send_id=send_id(run.id, run.position),
        profile_id=run.profile_id,
        run_id=run.id,
        flow=flow.name,
        template=step.send,
        code=step.code or "",
        topic=flow.topic,
        trigger=run.trigger,
        triggered_at=run.triggered_at,
        decided_at=now,
        data=run.data,
        ignore_quiet_hours=flow.ignore_quiet_hours,
    )


def refresh_cart(run: Run, profile: Profile, engine: Engine, now: int) -> Run:
    """After a wait a mail shows the cart as it now is, not as it was when the flow began."""
    cart = run.data.get("cart")
    if not isinstance(cart, dict) or not any(entry["did"] == "wait" for entry in run.trace):
        return run
    current = carts.state(profile.carts, str(cart.get("token", "")), now, engine.plan.forget_carts_after)
    if current is None or not current.items:
        return run
    fresh = {**cart, "items": list(current.items), "last_activity": iso(current.last_activity)}
    return replace(run, data={**run.data, "cart": fresh})
