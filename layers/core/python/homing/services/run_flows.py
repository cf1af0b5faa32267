"""Starting and advancing runs: loads, asks the pure engine, hands on what it asks for, stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from homing.domain.attributes.rankings import Rankings
from homing.domain.campaigns import Campaigns
from homing.domain.engine import Engine
from homing.domain.errors import Conflict, InvalidInput, Unavailable
from homing.domain.flows.compiled import CompiledFlow
from homing.domain.flows.effects import Effects
from homing.domain.flows.engine import TriggerEvent, advance, end, moved, new_run, refresh_cart, starts
from homing.domain.flows.language import Flow
from homing.domain.flows.run import Run
from homing.domain.flows.steps import WaitFor, find
from homing.domain.profiles.identity import Identity
from homing.domain.profiles.profile import Profile
from homing.domain.time import iso
from homing.services.flow_messages import read_trigger
from homing.services.ports import Calls, Clock, FlowInbox, Journal, Outbox, ProfileStore, Stream, StreamRecord
from homing.services.resolve import resolve

_ATTEMPTS = 5
COUNTS = (
    "started", "advanced", "ended", "sends", "ignored", "too_old", "not_for_them", "too_soon", "calls", "calls_dropped",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunResult:
    """How many runs were started, advanced, ended, and sends asked for; and why triggers started nothing."""

    counts: Mapping[str, int]


@dataclass(frozen=True)
class RunFlows:
    """Handles one message of the flow inbox."""

    campaigns: Campaigns
    identity: Identity
    profiles: ProfileStore
    journal: Journal
    outbox: Outbox
    clock: Clock
    # Thresholds of RFM scores; without them nobody has any.
    rankings: Rankings | None = None
    # Where steps that say something of a customer, start other flows or call webhooks put what they ask for. No queue of
    # calls: the shop has no webhooks any more, and what runs of older versions would call is dropped.
    stream: Stream | None = None
    inbox: FlowInbox | None = None
    calls: Calls | None = None
    # Versions of flows that this process kept or loaded.
    _kept: dict[tuple[str, str], CompiledFlow | None] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def engine(self) -> Engine:
        """The compiled campaigns."""
        return Engine(self.campaigns, rankings=self.rankings)

    def __call__(self, message: Mapping[str, Any]) -> RunResult:
        """An EventBridge envelope, or ``{"wake_run": id}``. Raises InvalidInput for what nobody can read."""
        counts = dict.fromkeys(COUNTS, 0)
        if "wake_run" in message:
            self._wake(str(message["wake_run"]), counts)
        elif "detail" in message:
            self.trigger(read_trigger(message, self.campaigns.flows, self.identity, self.clock), counts)
        else:
            raise InvalidInput("neither a bus event nor a wake-up of a run", code="unknown_message")
        return RunResult(counts)

    def trigger(self, trigger: TriggerEvent, counts: dict[str, int]) -> None:
        """Starts what it starts, and wakes the runs that listened for it."""
        now = self.clock()
        wanted = [flow for flow in self.campaigns.flows.values() if starts(flow, trigger)]
        young = [flow for flow in wanted if now - trigger.at <= flow.oldest]
        counts["too_old"] += len(wanted) - len(young)
        listening = (trigger.kind, trigger.name) in self.engine.signals
        profile = resolve(self.profiles, [trigger.profile_id]).get(trigger.profile_id) if young or listening else None
        if profile is None:
            counts["ignored"] += len(young)
            return
        # Once per customer means once under all the names that they had.
        names = list(dict.fromkeys([profile.id, trigger.profile_id, *sorted(profile.merged)]))
        for flow in young:
            self._start(flow, trigger, profile, names, counts)
        if listening:
            self._signal(trigger.signal, names, counts)

    def _start(
        self, flow: Flow, trigger: TriggerEvent, profile: Profile, names: list[str], counts: dict[str, int]
    ) -> None:
        now = self.clock()
        compiled = self.engine.flows[flow.name]
        runs = [
            new_run(
                flow,
                replace(trigger, profile_id=name),
                revision=self.campaigns.revision,
                now=now,
                flow_version=compiled.version,
            )
            for name in names
        ]
        if any(self.journal.load_run(run.id) is not None for run in runs):
            counts["ignored"] += 1
            return
        t = max(trigger.at, profile.evaluated_at)
        if compiled.only_if is not None and not compiled.only_if.check(profile, t)[0]:
            counts["not_for_them"] += 1
            return
        if compiled.watch is not None and not compiled.watch.watches(profile, str(trigger.data.get("product_id")), t):
            counts["not_for_them"] += 1
            return
        if flow.again_after is not None and not self._begin(flow, trigger, names):
            counts["too_soon"] += 1
            return
        if flow.waits():
            self._keep(compiled)
        if self._advance(runs[0], compiled, profile, counts, fresh=True):
            counts["started"] += 1

    def _begin(self, flow: Flow, trigger: TriggerEvent, names: list[str]) -> bool:
        """Notes that the flow begins for this person, unless it began too lately. The note comes before the run: a trigger
        that is told again after a crash in between finds itself there."""
        assert flow.again_after is not None
        for _ in range(_ATTEMPTS):
            agendas = [self.journal.load_agenda(name) for name in names]
            begun = [held for agenda in agendas if (held := agenda.begun.get(flow.name)) is not None]
            if any(held.trigger_id == trigger.id for held in begun):
                return True
            if any(trigger.at < held.at + flow.again_after for held in begun):
                return False
            noted = agendas[0].begin(flow.name, trigger.at, trigger.id, flow.again_after)
            try:
                self.journal.save_agenda(noted, expected=agendas[0].version)
                return True
            except Conflict:
                continue
        raise Unavailable("the agenda of this person is written too often")

    def _signal(self, signal: str, names: list[str], counts: dict[str, int]) -> None:
        """Wakes the runs of a person that listened for something; those that go on wait no longer."""
        for name in names:
            agenda = self.journal.load_agenda(name)
            listening = agenda.awaiting(signal)
            done = [run for run in listening if not self._wake(run, counts, heard=True)]
            if done:
                # Only to keep the item small: should somebody be faster, a later writer forgets them.
                try:
                    held = self.journal.load_agenda(name)
                    self.journal.save_agenda(held.done(done), expected=held.version)
                except Conflict:
                    continue

    def _wake(self, run_id: str, counts: dict[str, int], *, heard: bool = False) -> bool:
        """Advances a run whose time has come, or that ``heard`` what it waits for. Whether it still waits for it."""
        for _ in range(_ATTEMPTS):
            run = self.journal.load_run(run_id)
            due = run is not None and run.wake_at is not None and run.wake_at <= self.clock()
            waits = run is not None and run.waiting_since is not None
            if run is None or run.status != "active" or not (due or (heard and waits)):
                counts["ignored"] += 1
                return False
            profile = resolve(self.profiles, [run.profile_id]).get(run.profile_id)
            try:
                if profile is None:
                    self.journal.save_run(end(run, "profile_gone", self.clock()), expected=run.version)
                    counts["ignored"] += 1
                    return False
                compiled, run = self._version(run)
                return self._advance(run, compiled, profile, counts, fresh=False)
            except Conflict:
                continue
        raise Unavailable(f"run {run_id} is written too often")

    def _version(self, run: Run) -> tuple[CompiledFlow | None, Run]:
        """The flow that a run goes by, and the run: as it was, moved to today's version, or at a place that ends it."""
        current = self.engine.flows.get(run.flow)
        if current is None or run.flow_version in {"", current.version}:
            return current, run
        rule = current.flow.when_changed
        old = self._older(run) if rule != "end" else None
        if rule == "finish" and old is not None:
            return old, run
        flow = old.flow if old is not None else self._definition(run)
        place = None if rule == "end" else moved(run, flow, current.flow)
        # No step has this position: the run ends there with the reason flow_changed.
        note = {"at": iso(self.clock()), "step": run.position, "did": "move", "why": f"to version {current.version}"}
        since = run.waiting_since if place is not None and _is_wait_for(current.flow, place) else None
        return current, run.change(
            position=place or "moved", flow_version=current.version, waiting_since=since, trace=(*run.trace, note)
        )

    def _older(self, run: Run) -> CompiledFlow | None:
        key = run.flow, run.flow_version
        if key not in self._kept:
            flow = self._definition(run)
            try:
                self._kept[key] = None if flow is None else self.engine.older_flow(flow)
            except InvalidInput:
                # A condition reads what nobody remembers any more: it can't be judged truly.
                self._kept[key] = None
        return self._kept[key]

    def _definition(self, run: Run) -> Flow | None:
        held = self.journal.load_flow(run.flow, run.flow_version)
        return None if held is None else Flow.model_validate(held)

    def _keep(self, compiled: CompiledFlow) -> None:
        """Stores the version before a run can depend on it."""
        key = compiled.flow.name, compiled.version
        if key not in self._kept:
            written = compiled.flow.model_dump(mode="json", by_alias=True, exclude_defaults=True)
            self.journal.keep_flow(*key, written)
            self._kept[key] = compiled

    def _advance(
        self, run: Run, compiled: CompiledFlow | None, profile: Profile, counts: dict[str, int], *, fresh: bool
    ) -> bool:
        """What it asks for is handed on before the run is stored: after a crash in between it is asked for again, under
        the same ids. Returns whether the run was stored as new (``fresh``), or else whether it still waits for something.
        """
        now = self.clock()
        expected = run.version
        done, effects = advance(refresh_cart(run, profile, self.engine, now), compiled, profile, self.engine, now)
        still = done.status == "active" and done.waiting_since is not None
        if not fresh and still and (done.position, done.wake_at) == (run.position, run.wake_at):
            # Something else happened than what it waits for.
            return True
        self._hand_on(effects)
        counts["calls" if self.calls is not None else "calls_dropped"] += len(effects.calls)
        if still and compiled is not None:
            self._listen(done, compiled, now)
        if fresh:
            stored = self.journal.start_run(done)
        else:
            self.journal.save_run(done, expected=expected)
            stored = True
        counts["sends"] += len(effects.sends)
        counts["ended"] += done.status == "ended"
        counts["advanced"] += not fresh
        if still and stored:
            self._look_again(done, compiled, counts)
        return stored if fresh else still

    def _hand_on(self, effects: Effects) -> None:
        if effects.sends:
            self.outbox.put(effects.sends)
        if effects.events:
            records = [StreamRecord(event.context["profile_id"], event.to_json()) for event in effects.events]
            _there(self.stream, "stream").put(records)
        if effects.calls and self.calls is not None:
            self.calls.put(effects.calls)
        if effects.starts:
            _there(self.inbox, "flow inbox").put(effects.starts)

    def _listen(self, run: Run, compiled: CompiledFlow, now: int) -> None:
        """Notes on the agenda what the run waits for, before the run is stored as waiting."""
        steps, index = find(compiled.flow.steps, run.position)
        step = steps[index]
        assert isinstance(step, WaitFor)
        signals = {f"{signal.kind}:{signal.name}" for signal in compiled.flow.signals(step)}
        for _ in range(_ATTEMPTS):
            agenda = self.journal.load_agenda(run.profile_id)
            noted = agenda.wait(run.id, run.wake_at or now, signals, now)
            try:
                self.journal.save_agenda(noted, expected=agenda.version)
                return
            except Conflict:
                continue
        raise Unavailable("the agenda of this person is written too often")

    def _look_again(self, run: Run, compiled: CompiledFlow | None, counts: dict[str, int]) -> None:
        """What happened after the profile was read and was told before the run was stored: nobody else would notice."""
        profile = resolve(self.profiles, [run.profile_id]).get(run.profile_id)
        if compiled is None or profile is None:
            return
        t = max(run.at, profile.evaluated_at)
        if any(question.holds(run, profile, t) for question in compiled.awaits[run.position]):
            self._wake(run.id, counts, heard=True)


def _is_wait_for(flow: Flow, position: str) -> bool:
    steps, index = find(flow.steps, position)
    return isinstance(steps[index], WaitFor)


def _there(port: Any, what: str) -> Any:
    if port is None:
        raise Unavailable(f"this flow needs a {what}, and the function was given none")
    return port
