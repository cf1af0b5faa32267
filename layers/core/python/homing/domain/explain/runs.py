"""Why a run went the way it went: each step with its time, its rule, and the values that decided it.

A run's trace names nobody and holds no values: those are looked up in a profile, as it was at the step or as it is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from homing.domain.content.yaml_source import Located, Path
from homing.domain.delivery.message import send_id
from homing.domain.engine import Engine
from homing.domain.errors import InvalidInput
from homing.domain.explain import flow_words, words
from homing.domain.explain.reasons import Explainer, Reason
from homing.domain.flows.compiled import ByMessage, CompiledFlow
from homing.domain.flows.effects import written
from homing.domain.flows.language import Flow
from homing.domain.flows.local_waits import reached
from homing.domain.flows.paths import path_of
from homing.domain.flows.run import Run
from homing.domain.flows.steps import (
    Call,
    End,
    HappensEntered,
    HappensEvent,
    HappensLeft,
    If,
    MessageDid,
    Send,
    Single,
    Split,
    Start,
    Step,
    Until,
    Update,
    Wait,
    WaitFor,
    awaited,
    find,
)
from homing.domain.profiles.local_time import zone_of
from homing.domain.profiles.profile import Profile
from homing.domain.segments.language import Did, InSegment, Not
from homing.domain.segments.said import portion
from homing.domain.time import iso, parse_instant

# The profile as it was when an entry of the trace was written, by its place in the trace.
Seen = Callable[[int], Profile | None]


@dataclass(slots=True)
class RunStep:
    """One entry of a run's trace. ``at``: when it was decided; ``own``: by the run's own time; ``way``: what was taken;
    ``facts``: values; ``reason``: the rule as it stood then; ``until``: how long it waits."""

    position: str
    at: int
    own: int
    did: str
    words: str
    place: str = ""
    way: str = ""
    facts: list[str] = field(default_factory=list)
    reason: Reason | None = None
    until: int | None = None
    send_id: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "step": self.position, "at": iso(self.at), "own_time": iso(self.own), "did": self.did, "words": self.words,
            "where": self.place, "way": self.way or None, "facts": self.facts,
            "why": None if self.reason is None else self.reason.to_dict(),
            "until": None if self.until is None else iso(self.until), "send_id": self.send_id or None,
        }  # fmt: skip


class RunExplainer:
    """Explains one run. ``flow`` is the version that it goes by, None where nobody has it; ``located`` its file, where that
    is the version in the file."""

    def __init__(
        self, engine: Engine, explainer: Explainer, run: Run, flow: Flow | None, located: Located | None, zone: ZoneInfo
    ) -> None:
        self._explainer, self.run, self.flow, self._located, self._zone = explainer, run, flow, located, zone
        self._compiled = _compiled(engine, flow)
        self._shop = engine.campaigns.settings.time_zone
        self._own, self._since = run.triggered_at, run.triggered_at
        # Template → the id of its latest send so far, and when it was asked for.
        self._sent: dict[str, tuple[str, int]] = {}

    def steps(self, seen: Seen) -> list[RunStep]:
        """Everything that it did, in order."""
        moved = max((index for index, entry in enumerate(self.run.trace) if entry["did"] == "move"), default=-1)
        found = []
        for index, entry in enumerate(self.run.trace):
            step = None if index <= moved else self._step(str(entry["step"]))
            found.append(self._entry(entry, step, seen(index)))
        return found

    def following(self) -> str:
        """What happens next, in words; empty when it has ended."""
        run = self.run
        if run.status != "active":
            return ""
        step = self._step(run.position)
        then = flow_words.step(step).short if step is not None else "its next step"
        place = self._place(run.position) if step is not None else ""
        shown = f"{then} ({place})" if place else then
        when = words.when(run.wake_at, self._zone) if run.wake_at is not None else "now"
        if run.parked:
            return f"its flow is paused: when it goes on, {shown}"
        if isinstance(step, WaitFor) and run.waiting_since is not None:
            return f"it waits until {flow_words.happens(step.wait_for)}, at most until {when} ({place})".replace(
                " ()", ""
            )
        return f"on {when}: {shown}"

    def _entry(self, entry: Mapping[str, Any], step: Step | None, profile: Profile | None) -> RunStep:
        now, position, did = parse_instant(str(entry["at"])), str(entry["step"]), str(entry["did"])
        said = flow_words.step(step) if step is not None else None
        told = RunStep(position, now, self._own, did, said.short if said else _plain(did, str(entry["why"])))
        told.place = self._place(position) if step is not None else ""
        if said and said.more and did not in {"then", "else"}:
            told.facts.append(said.more)
        if did == "end":
            self._ended(told, step, profile, now)
        elif isinstance(step, Wait):
            zone = zone_of(profile, self._shop) if profile is not None else self._zone
            self._own = reached(step.wait, self._own, zone) if isinstance(step.wait, Until) else self._own + step.wait
            told.until = self._own
        elif isinstance(step, WaitFor):
            self._waited(told, step, profile, now)
        elif isinstance(step, If):
            told.way = flow_words.ways(step).get(did, did)
            if profile is not None:
                told.reason = self._asked(step, position, profile, self._instant(profile, now))
        elif isinstance(step, Split):
            told.way = str(entry["why"])
            told.facts.append(self._portion(step))
        elif isinstance(step, Send):
            told.send_id = send_id(self.run.id, position)
            self._sent[step.send] = told.send_id, self._own
        elif isinstance(step, Update | Call | Start):
            values = written(step.update if isinstance(step, Update) else step.data, self.run)
            told.facts = [f"{name}: {words.value(value)}" for name, value in values.items()]
        return told

    def _waited(self, told: RunStep, step: WaitFor, profile: Profile | None, now: int) -> None:
        if told.did == "wait_for":
            self._since = self._own
            told.until = self._own + step.within
            return
        until = self._since + step.within
        told.way = flow_words.ways(step)[told.did]
        t = until if told.did == "else" else min(max(self._own, now), until)
        if profile is not None:
            told.reason = self._happened(step, told.position, profile, min(t, max(self._own, now)))
        self._own = until if told.did == "else" else max(self._own, min(now, until))
        told.own = self._own

    def _ended(self, told: RunStep, step: Step | None, profile: Profile | None, now: int) -> None:
        reason, flow = self.run.reason, self.flow
        told.words, told.facts = flow_words.ending(reason), []
        if isinstance(step, End) and reason == step.end:
            return
        # The step before which it ended was never done.
        told.place = ""
        key = {"goal_met": "stop_when", "exit_when": "exit_when"}.get(reason)
        asked = getattr(flow, key) if flow is not None and key else None
        if asked is not None and profile is not None:
            told.reason = self._explainer.condition(
                asked,
                profile,
                max(self._instant(profile, now), self._own),
                self._located,
                (key or "",),
                self.run.triggered_at,
            )
        if reason == "cart_ordered_or_emptied" and isinstance(self.run.data.get("cart"), Mapping):
            told.facts = [f"it was about the cart {self.run.data['cart'].get('token') or 'without a token'}"]

    def _asked(self, step: If, position: str, profile: Profile, t: int) -> Reason:
        path = self._path(position, "if")
        if isinstance(step.if_, MessageDid):
            return self._message(step.if_, position, 0, profile, t, path)
        return self._explainer.condition(step.if_, profile, t, self._located, path)

    def _happened(self, step: WaitFor, position: str, profile: Profile, t: int) -> Reason:
        path, all_ = self._path(position, "wait_for"), awaited(step)
        several = len(all_) > 1
        parts = [
            self._one(one, position, index, profile, t, (*path, "any", index) if several else path)
            for index, one in enumerate(all_)
        ]
        if not several:
            return parts[0]
        return Reason("whichever of these comes first", any(p.holds for p in parts), self._line(path), parts=parts)

    def _one(self, one: Single, position: str, index: int, profile: Profile, t: int, path: Path) -> Reason:
        if isinstance(one, MessageDid):
            return self._message(one, position, index, profile, t, path)
        if isinstance(one, HappensEvent):
            did = Did(did=one.did, where=one.where)
            return self._explainer.condition(did, profile, t, self._located, path, self._since)
        if isinstance(one, HappensEntered):
            return self._explainer.condition(InSegment(segment=one.segment), profile, t, self._located, path)
        assert isinstance(one, HappensLeft)
        return self._explainer.condition(Not(not_=InSegment(segment=one.left)), profile, t, self._located, path)

    def _message(self, asked: MessageDid, position: str, index: int, profile: Profile, t: int, path: Path) -> Reason:
        sent = self._sent.get(asked.message)
        instants: list[int] = []
        if sent is None:
            facts = [f"this run had sent no {asked.message}"]
        else:
            question = self._question(position, index)
            instants = question.instants(*sent, profile, t) if isinstance(question, ByMessage) else []
            did = "an order" if asked.was == "bought" else asked.was
            facts = [f"{did} on {words.when(at, self._zone)}" for at in instants[:5]] or [
                f"no such thing is known of the mail that was asked for on {words.when(sent[1], self._zone)}"
            ]
        return Reason(flow_words.happens(asked), bool(instants), self._line(path), facts)

    def _question(self, position: str, index: int) -> Any:
        if self._compiled is None:
            return None
        if position in self._compiled.branches:
            return self._compiled.branches[position]
        return self._compiled.awaits[position][index]

    def _portion(self, step: Split) -> str:
        place, upper, shares = portion(step.split, self.run.profile_id), 0.0, []
        for way in step.ways:
            shares.append(f"{way.arm} from {upper:g} to {upper + way.percent:g}")
            upper += way.percent
        return f"their place under {step.split} is {place:.2f}: {', '.join(shares)}"

    def _instant(self, profile: Profile, now: int) -> int:
        """At which instant a branch was asked: a profile that is stored knows later things, too."""
        return min(max(self._own, profile.evaluated_at), max(self._own, now))

    def _step(self, position: str) -> Step | None:
        try:
            held, index = find(self.flow.steps, position) if self.flow is not None else ([], 0)
            return held[index]
        except (IndexError, ValueError):
            return None

    def _path(self, position: str, *more: str) -> Path:
        return (*path_of(self.flow, position), *more) if self.flow is not None else more

    def _place(self, position: str) -> str:
        return self._line(self._path(position))

    def _line(self, path: Path) -> str:
        return f"{self._located.file}:{self._located.place(path)[0]}" if self._located is not None else ""


def _compiled(engine: Engine, flow: Flow | None) -> CompiledFlow | None:
    if flow is None:
        return None
    current = engine.flows.get(flow.name)
    if current is not None and current.flow == flow:
        return current
    try:
        return engine.older_flow(flow)
    except InvalidInput:
        # It asks for what nobody remembers any more.
        return None


def _plain(did: str, why: str) -> str:
    """An entry of a version that is not at hand."""
    return f"{did.replace('_', ' ')}{f': {why}' if why else ''}"
