"""A flow ready to decide: its conditions as rules, with the memory that they need."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from homing.domain.events import names
from homing.domain.events.event import Event
from homing.domain.flows.language import BY_PEOPLE, REACTIONS, Flow, If, MessageDid, WaitFor, version
from homing.domain.flows.run import Run
from homing.domain.flows.steps import HappensEntered, HappensLeft, Single, awaited, walk
from homing.domain.flows.trigger import PRODUCT_KINDS
from homing.domain.profiles import bounds
from homing.domain.profiles.memory import MAX_VALUES, Plan
from homing.domain.profiles.profile import Profile
from homing.domain.recommend.recommender import product_ids
from homing.domain.segments.compiler import Compiler
from homing.domain.segments.language import Did, InSegment, Not
from homing.domain.segments.rules import Rule
from homing.domain.time import DAY

# What a message did is asked by the message's id, for so long: shared with the attributes made of mail events.
_REACTIONS_KEPT = 90 * DAY
_ORDERS_KEPT, _OF_AN_ORDER = 20, 20


class Question(Protocol):
    """What a branch or a waiting step asks."""

    def holds(self, run: Run, profile: Profile, t: int) -> bool:
        """The answer at ``t``, for this run."""


@dataclass(frozen=True, slots=True)
class ByRule:
    """A condition of the rule language. ``fresh``: behaviour counts from when the run began to wait for it."""

    rule: Rule
    fresh: bool = False

    def holds(self, run: Run, profile: Profile, t: int) -> bool:
        """As the rule says."""
        return self.rule.check(profile, t, run.waiting_since if self.fresh else None)[0]


@dataclass(frozen=True, slots=True)
class ByMessage:
    """What became of the latest message of a template that this run sent. No message: no."""

    template: str
    was: str
    slot: str

    def holds(self, run: Run, profile: Profile, t: int) -> bool:
        """By the send's own id; an order counts when it came after the mail was asked for."""
        sent = run.sent.get(self.template)
        return sent is not None and bool(self.instants(sent[0], sent[1], profile, t))

    def instants(self, send_id: str, asked_at: int, profile: Profile, t: int) -> list[int]:
        """When it did so, as far as is remembered, the latest first."""
        held = profile.memory.get(self.slot) or {}
        if self.was == "bought":
            return [at for at, _, _ in held if asked_at < at <= t]
        key = hashlib.blake2b(bounds.label(send_id).encode(), digest_size=5).hexdigest()
        return [at for at, _, _ in held.get(key, ()) if at <= t]


@dataclass(frozen=True, slots=True)
class Watch:
    """Who looked at a product lately and has not bought it since."""

    within: int
    viewed: str
    bought: str

    def watches(self, profile: Profile, product: str, t: int) -> bool:
        """Whether they do at ``t``."""
        views = (profile.memory.get(self.viewed) or {}).get(bounds.label(product), ())
        seen = max((at for at, _, _ in views if t - self.within < at <= t), default=None)
        orders = profile.memory.get(self.bought) or ()
        return seen is not None and not any(
            seen <= at <= t and bounds.label(product) in (carried or {}).get("p", ()) for at, _, carried in orders
        )


@dataclass(frozen=True)
class CompiledFlow:
    """``branches`` and ``awaits`` by the positions of their steps."""

    flow: Flow
    version: str
    goal: Rule | None
    exit: Rule | None
    only_if: Rule | None
    branches: Mapping[str, Question]
    awaits: Mapping[str, tuple[Question, ...]]
    watch: Watch | None
    # The shop's zone, for people of whom none is known.
    zone: str

    @classmethod
    def of(cls, flow: Flow, compiler: Compiler, plan: Plan, zone: str) -> CompiledFlow:
        """Asks the plan for memory; raises InvalidInput where that is refused or a condition names what is not there."""
        branches: dict[str, Question] = {}
        awaits: dict[str, tuple[Question, ...]] = {}
        for position, step in walk(flow.steps):
            if isinstance(step, If):
                asked = step.if_
                if isinstance(asked, MessageDid):
                    branches[position] = _message(asked, plan)
                else:
                    branches[position] = ByRule(compiler.compile(asked))
            elif isinstance(step, WaitFor):
                awaits[position] = tuple(_awaited(one, compiler, plan) for one in awaited(step))
        return cls(
            flow=flow,
            version=version(flow),
            goal=None if flow.stop_when is None else compiler.compile(flow.stop_when),
            exit=None if flow.exit_when is None else compiler.compile(flow.exit_when),
            only_if=None if flow.only_if is None else compiler.compile(flow.only_if),
            branches=branches,
            awaits=awaits,
            watch=_watch(flow, plan) if flow.on.kind in PRODUCT_KINDS else None,
            zone=zone,
        )


def _message(asked: MessageDid, plan: Plan) -> ByMessage:
    event = REACTIONS[asked.was]
    if asked.was == "bought":
        return ByMessage(asked.message, asked.was, plan.need({event}, keep=10, window=_REACTIONS_KEPT))
    slot = plan.need(
        {event}, where=BY_PEOPLE if asked.was in {"opened", "clicked"} else {}, same="send_id", window=_REACTIONS_KEPT,
        keep_values=MAX_VALUES, hashed=True,
    )  # fmt: skip
    return ByMessage(asked.message, asked.was, slot)


def _awaited(one: Single, compiler: Compiler, plan: Plan) -> Question:
    if isinstance(one, MessageDid):
        return _message(one, plan)
    if isinstance(one, HappensEntered):
        return ByRule(compiler.compile(InSegment(segment=one.segment)))
    if isinstance(one, HappensLeft):
        return ByRule(compiler.compile(Not(not_=InSegment(segment=one.left))))
    return ByRule(compiler.compile(Did(did=one.did, where=one.where)), fresh=True)


def _watch(flow: Flow, plan: Plan) -> Watch:
    within = flow.on.viewed_within
    viewed = plan.need({names.PRODUCT_VIEWED}, same="product_id", window=within, keep_values=MAX_VALUES)
    bought = plan.need({names.ORDER_COMPLETED}, id="w.bought", keep=_ORDERS_KEPT, window=within, take=_bought)
    return Watch(within, viewed, bought)


def _bought(event: Event) -> dict[str, Any] | None:
    found = list(dict.fromkeys(bounds.label(one) for one in product_ids(event.properties)))[:_OF_AN_ORDER]
    return {"p": found} if found else None


def longest_watch(flows: Iterable[Flow]) -> int | None:
    """How far back any flow looks for people who looked at a product; None where none does."""
    return max((flow.on.viewed_within for flow in flows if flow.on.kind in PRODUCT_KINDS), default=None)
