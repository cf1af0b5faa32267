"""Advancing a run: what to do now, as a pure function of the flow, the run, the profile and the instant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from homing.domain.engine import Engine
from homing.domain.errors import InvalidInput
from homing.domain.flows import effects
from homing.domain.flows.compiled import CompiledFlow
from homing.domain.flows.effects import Effects
from homing.domain.flows.language import (
    AddTo,
    Call,
    End,
    Flow,
    If,
    RemoveFrom,
    Send,
    Split,
    Start,
    Until,
    Update,
    Wait,
    WaitFor,
)
from homing.domain.flows.local_waits import reached
from homing.domain.flows.run import Run, run_id
from homing.domain.flows.steps import Step, after, find, kind_of, sides, walk
from homing.domain.profiles import carts
from homing.domain.profiles.local_time import zone_of
from homing.domain.profiles.profile import Profile
from homing.domain.segments.said import portion
from homing.domain.time import format_duration, iso, parse_instant

# A flow that does so many steps without waiting is endless.
_MAX_STEPS = 500


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

    @property
    def signal(self) -> str:
        """What waiting runs know it by."""
        return f"{self.kind}:{self.name}"


def starts(flow: Flow, trigger: TriggerEvent) -> bool:
    """Whether the trigger is the one that the flow waits for."""
    if flow.on.kind != trigger.kind or trigger.data.get("news") is False:
        return False
    if trigger.kind in {"flow_requested", "price_dropped", "back_in_stock", "schedule"}:
        return flow.name == trigger.name
    return flow.on.name in {"", trigger.name}


def new_run(flow: Flow, trigger: TriggerEvent, *, revision: str, now: int, flow_version: str = "") -> Run:
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
        flow_version=flow_version,
    )


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


def refresh_cart(run: Run, profile: Profile, engine: Engine, now: int, *, held: bool = False) -> Run:
    """After a wait, or after a pause ``held`` the run, a mail shows the cart as it now is, not as it was when the flow began."""
    cart = run.data.get("cart")
    if not isinstance(cart, dict) or not (held or any(str(entry["did"]).startswith("wait") for entry in run.trace)):
        return run
    current = carts.state(profile.carts, str(cart.get("token", "")), now, engine.plan.forget_carts_after)
    if current is None or not current.items:
        return run
    fresh = {**cart, "items": list(current.items), "last_activity": iso(current.last_activity)}
    return replace(run, data={**run.data, "cart": fresh})


def moved(run: Run, old: Flow | None, new: Flow) -> str | None:
    """Where a run that stands in an older version of its flow stands in the new one: at the step with the same id, else at
    the same place when a step of that kind is there. None: nowhere."""
    step = None
    if old is not None:
        try:
            held, index = find(old.steps, run.position)
            step = held[index]
        except (IndexError, ValueError):
            return None
        if step.id:
            return next((position for position, one in walk(new.steps) if one.id == step.id), None)
    try:
        held, index = find(new.steps, run.position)
        there = held[index]
    except (IndexError, ValueError):
        return None
    return run.position if step is None or (kind_of(there) == kind_of(step) and not there.id) else None


def end(run: Run, reason: str, now: int, why: str = "") -> Run:
    """The run, ended; its version increased."""
    trace = (*run.trace, {"at": iso(now), "step": run.position, "did": "end", "why": why or reason})
    return replace(
        run, status="ended", reason=reason, ended_at=now, wake_at=None, waiting_since=None, trace=trace,
        version=run.version + 1,
    )  # fmt: skip


def advance(run: Run, compiled: CompiledFlow | None, profile: Profile, engine: Engine, now: int) -> tuple[Run, Effects]:
    """Does every step that is due at ``now``. Returns the run with its version increased, and what it asks of the world.

    The run keeps its own time: a wait of 20 h ends 20 h after the trigger, however late a function got round to it. A run
    that waits for something that has not happened comes back with the same position.
    """
    if compiled is None:
        return end(run, "flow_removed", now, "the flow was removed"), Effects()
    return _Advancing(run, compiled, profile, engine, now).go()


class _Advancing:
    """One advance, step by step."""

    def __init__(self, run: Run, compiled: CompiledFlow, profile: Profile, engine: Engine, now: int) -> None:
        self.run, self.compiled, self.profile, self.engine, self.now = run, compiled, profile, engine, now
        self.flow = compiled.flow
        self.zone = zone_of(profile, compiled.zone)
        self.effects = Effects()
        self.finished = False

    def go(self) -> tuple[Run, Effects]:
        for _ in range(_MAX_STEPS):
            if self.finished:
                return self._ended("done")
            if reason := self._settled():
                return self._ended(reason)
            try:
                steps, index = find(self.flow.steps, self.run.position)
                step = steps[index]
            except (IndexError, ValueError):
                return self._ended("flow_changed", "the flow changed and has no such step any more")
            if isinstance(step, End):
                return self._ended(step.end)
            if isinstance(step, WaitFor):
                if not self._happened(step):
                    return self._asleep(self.run)
                continue
            if isinstance(step, If | Split):
                self._part(step)
                continue
            self._do(step)
            if not self._following():
                return self._ended("done")
            if isinstance(step, Wait) and self.run.at > self.now:
                return self._asleep(replace(self.run, wake_at=self.run.at))
        return self._ended("endless")

    def _settled(self) -> str | None:
        """Why the run should end before its next step, if it should."""
        compiled, profile, now = self.compiled, self.profile, self.now
        if compiled.goal is not None and compiled.goal.check(profile, now, self.run.triggered_at)[0]:
            return "goal_met"
        if cart_gone(self.run.data, profile, self.engine, now):
            return "cart_ordered_or_emptied"
        if compiled.exit is not None and compiled.exit.check(profile, now, self.run.triggered_at)[0]:
            return "exit_when"
        return None

    def _do(self, step: Step) -> None:
        """A step with one way on."""
        run = self.run
        asked = effects.asked_by(step, run, self.flow, self.now)
        self.effects += asked
        if isinstance(step, Send):
            # By the run's own time: what somebody did after the mail was due counts, also when it left late.
            sent = {**run.sent, step.send: [asked.sends[0].send_id, run.at]}
            self._note("send", step.send)
            self.run = replace(self.run, sent=sent)
        elif isinstance(step, Wait):
            until = reached(step.wait, run.at, self.zone) if isinstance(step.wait, Until) else run.at + step.wait
            self._note("wait", _until_words(step.wait, until))
            self.run = replace(self.run, at=until)
        elif isinstance(step, Update):
            self._note("update", ", ".join(step.update) if asked else "the trigger brought nothing of it")
        elif isinstance(step, AddTo | RemoveFrom):
            self._note("add_to" if isinstance(step, AddTo) else "remove_from", _list(step))
        elif isinstance(step, Call):
            self._note("call", step.call)
        elif isinstance(step, Start):
            self._note("start", step.start)

    def _part(self, step: If | Split) -> None:
        """Takes one way, and enters it."""
        if isinstance(step, If):
            question = self.compiled.branches[self.run.position]
            t = max(self.run.at, self.profile.evaluated_at)
            side = "then" if question.holds(self.run, self.profile, t) else "else"
            self._note(side)
        else:
            # Whoever becomes one with another may stand in another arm by that one's id.
            side = _arm(step, self.profile.id)
            self._note("split", side)
            self.run = replace(self.run, arms={**self.run.arms, step.split: side})
        self.effects += Effects(chosen=True)
        self._enter(step, side)

    def _happened(self, step: WaitFor) -> bool:
        """Whether the wait is over: then the run has gone one way or the other."""
        run = self.run
        if run.waiting_since is None:
            run = self.run = replace(run, waiting_since=run.at)
            self._note("wait_for", f"at most until {iso(run.at + step.within)}")
            run = self.run
        since = run.waiting_since if run.waiting_since is not None else run.at
        until = since + step.within
        t = min(max(run.at, self.profile.evaluated_at), until)
        if any(question.holds(run, self.profile, t) for question in self.compiled.awaits[run.position]):
            # When it happened nobody tells; it was heard of now, or before the time was up.
            self.run = replace(run, at=max(run.at, min(self.now, until)), waiting_since=None)
            self.effects += Effects(chosen=True)
            self._note("then", "it happened")
            self._enter(step, "then")
            return True
        if self.now >= until:
            self.run = replace(run, at=until, waiting_since=None)
            self.effects += Effects(chosen=True)
            self._note("else", "it did not happen in time")
            self._enter(step, "else")
            return True
        self.run = replace(run, wake_at=until)
        return False

    def _enter(self, step: Step, side: str) -> None:
        """The first step of a side, or what follows the whole step."""
        if sides(step).get(side):
            self.run = replace(self.run, position=f"{self.run.position}.{side}.0")
        else:
            self.finished = not self._following()

    def _following(self) -> bool:
        following = after(self.flow.steps, self.run.position)
        if following is not None:
            self.run = replace(self.run, position=following)
        return following is not None

    def _note(self, did: str, why: str = "") -> None:
        entry = {"at": iso(self.now), "step": self.run.position, "did": did, "why": why}
        self.run = replace(self.run, trace=(*self.run.trace, entry))

    def _asleep(self, run: Run) -> tuple[Run, Effects]:
        return replace(run, version=run.version + 1), self.effects

    def _ended(self, reason: str, why: str = "") -> tuple[Run, Effects]:
        return end(self.run, reason, self.now, why), self.effects


def _arm(step: Split, profile_id: str) -> str:
    """The arm of a profile; empty for who is in none."""
    place, upper = portion(step.split, profile_id), 0.0
    for way in step.ways:
        upper += way.percent
        if place < upper:
            return way.arm
    return ""


def _list(step: AddTo | RemoveFrom) -> str:
    return step.add_to if isinstance(step, AddTo) else step.remove_from


def _until_words(wait: Any, until: int) -> str:
    return f"until {iso(until)}" if isinstance(wait, Until) else format_duration(wait)
