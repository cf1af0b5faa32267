"""The runs of one person: started, woken, moved on, and kept where they are while their flow is paused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from homing.domain.campaigns import Campaigns
from homing.domain.engine import Engine
from homing.domain.errors import Conflict, Unavailable
from homing.domain.flows.compiled import CompiledFlow
from homing.domain.flows.effects import Asked, Effects, again
from homing.domain.flows.engine import TriggerEvent, advance, end, new_run, refresh_cart
from homing.domain.flows.language import Flow
from homing.domain.flows.run import Run
from homing.domain.flows.steps import WaitFor, find
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, MINUTE
from homing.services.flow_states import FlowStates
from homing.services.flow_versions import FlowVersions
from homing.services.ports import Calls, Clock, FlowInbox, Journal, Outbox, ProfileStore, Stream, StreamRecord
from homing.services.resolve import resolve

_ATTEMPTS = 5
# Queues tell a trigger again within hours, and people put back what lay in a dead-letter queue within days.
_TOLD_AGAIN = 3 * DAY
# Flows that start each other so often within minutes go round in a circle.
_DEEPEST, _AT_ONCE = 20, 10 * MINUTE

Told = Callable[[Run | None, Run], None]


@dataclass(frozen=True)
class Runs:
    """Loads, asks the pure engine, hands on what it asks for, stores. Counts what happens under the words of COUNTS
    (services.run_flows)."""

    campaigns: Campaigns
    engine: Engine
    profiles: ProfileStore
    journal: Journal
    states: FlowStates
    outbox: Outbox
    clock: Clock
    stream: Stream | None = None
    inbox: FlowInbox | None = None
    calls: Calls | None = None
    # Hears of each stored advance: the run before (None: it begins) and after.
    told: Told | None = None

    @cached_property
    def versions(self) -> FlowVersions:
        """Versions of flows that runs go by."""
        return FlowVersions(self.engine, self.journal, self.clock)

    def start(self, flow: Flow, trigger: TriggerEvent, profile: Profile, counts: dict[str, int]) -> str:
        """Starts the flow for somebody, unless it has begun, is not for them, or began too lately. Returns which, as counted."""
        word = self._start(flow, trigger, profile, counts)
        counts[word] += 1
        return word

    def _start(self, flow: Flow, trigger: TriggerEvent, profile: Profile, counts: dict[str, int]) -> str:
        now = self.clock()
        compiled = self.engine.flows[flow.name]
        t = max(trigger.at, profile.evaluated_at)
        if compiled.watch is not None and not compiled.watch.watches(profile, str(trigger.data.get("product_id")), t):
            return "not_for_them"
        # Once per customer means once under all the names that they had.
        names = names_of(profile, trigger)
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
        for held in (self.journal.load_run(run.id) for run in runs):
            if held is not None:
                self._told_again(held, trigger, now)
                return "ignored"
        if compiled.only_if is not None and not compiled.only_if.check(profile, t)[0]:
            return "not_for_them"
        if self._goes_round(trigger, now):
            return "ignored"
        if flow.again_after is not None and not self._begin(flow, trigger, names):
            return "too_soon"
        self.versions.keep(compiled)
        if self.states.of(flow.name).paused:
            return "started" if self._start_parked(runs[0], counts) else "ignored"
        return "started" if self._advance(runs[0], compiled, profile, counts, fresh=True) else "ignored"

    def _goes_round(self, trigger: TriggerEvent, now: int) -> bool:
        """Whether a long row of flows started each other with no wait in between. `homing check` refuses such campaigns;
        this is for those that nobody checked. A start names the run that asked for it, so one read tells in the usual case.
        """
        asked = trigger.id
        for _ in range(_DEEPEST):
            starter, of_a_run, _ = asked.partition(":")
            if trigger.kind != "flow_requested" or not of_a_run:
                return False
            run = self.journal.load_run(starter)
            if run is None or now - run.started_at > _AT_ONCE:
                return False
            asked = run.trigger_id
        return True

    def _told_again(self, held: Run, trigger: TriggerEvent, now: int) -> None:
        """Hands on once more what the run asked for when it began: whoever stored it may have got no further. Who was told the
        same much later only repeats themselves."""
        if held.begun and held.trigger_id == trigger.id and now - held.started_at < _TOLD_AGAIN:
            self._hand_on_again(held, held.begun)

    def _hand_on_again(self, run: Run, steps: Iterable[Asked]) -> None:
        flow = self.versions.definition(run)
        if flow is not None:
            self._hand_on(again(run, flow, steps))

    def _start_parked(self, run: Run, counts: dict[str, int]) -> bool:
        """Of a flow that is paused: it waits at its first step, as old as its trigger."""
        parked = run.change(parked=True, wake_at=min(run.triggered_at, self.clock()))
        if not self.journal.start_run(parked):
            return False
        self._tell(None, parked)
        counts["parked"] += 1
        if not self.states.now(run.flow).paused:
            # Whoever wakes what the pause held may have looked before it was there.
            self.wake(run.id, counts)
        return True

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

    def signal(self, signal: str, names: list[str], counts: dict[str, int]) -> None:
        """Wakes the runs of a person that listened for something; those that go on wait no longer."""
        for name in names:
            agenda = self.journal.load_agenda(name)
            listening = agenda.awaiting(signal)
            done = [run for run in listening if not self.wake(run, counts, heard=True)]
            if done:
                # Only to keep the item small: should somebody be faster, a later writer forgets them.
                try:
                    held = self.journal.load_agenda(name)
                    self.journal.save_agenda(held.done(done), expected=held.version)
                except Conflict:
                    continue

    def wake(self, run_id: str, counts: dict[str, int], *, heard: bool = False) -> bool:
        """Advances a run whose time has come, or that ``heard`` what it waits for. Whether it still waits for it."""
        for _ in range(_ATTEMPTS):
            run = self.journal.load_run(run_id)
            if run is not None and run.owed is not None:
                try:
                    return self._pay(run, run.owed, counts)
                except Conflict:
                    continue
            due = run is not None and run.wake_at is not None and run.wake_at <= self.clock()
            waits = run is not None and run.waiting_since is not None
            if run is None or run.status != "active" or not (due or (heard and waits)):
                counts["ignored"] += 1
                return False
            try:
                state = self.states.of(run.flow)
                if state.ended(run.started_at):
                    return self._end(run, "stopped", counts, "the flow was stopped")
                if state.paused:
                    if not run.parked and not self._park(run, counts):
                        continue
                    return run.waiting_since is not None
                if run.parked and self._held_too_long(run):
                    return self._end(run, "too_old", counts, "the flow was paused for too long")
                profile = resolve(self.profiles, [run.profile_id]).get(run.profile_id)
                if profile is None:
                    gone = end(run, "profile_gone", self.clock())
                    self.journal.save_run(gone, expected=run.version)
                    self._tell(run, gone)
                    counts["ignored"] += 1
                    return False
                if run.parked:
                    run = replace(
                        refresh_cart(run, profile, self.engine, self.clock(), held=True), parked=False, wake_at=None
                    )
                compiled, run = self.versions.of(run)
                return self._advance(run, compiled, profile, counts, fresh=False)
            except Conflict:
                continue
        raise Unavailable(f"run {run_id} is written too often")

    def _pay(self, run: Run, owed: Mapping[str, Any], counts: dict[str, int]) -> bool:
        """Goes on behind somebody who stored which way the run goes, and got no further. Whether it waits for something: then
        the next sweep wakes it, and it listens."""
        self._hand_on_again(run, owed["steps"])
        waits = owed["status"] == "active" and run.waiting_since is not None
        wake_at = self.clock() if waits else owed["wake_at"]
        paid = run.change(owed=None, status=owed["status"], wake_at=wake_at, version=run.version + 1)
        self.journal.save_run(paid, expected=run.version)
        counts["advanced"] += 1
        counts["ended"] += paid.status == "ended"
        return waits

    def _end(self, run: Run, reason: str, counts: dict[str, int], why: str) -> bool:
        ended = end(run, reason, self.clock(), why)
        self.journal.save_run(ended, expected=run.version)
        self._tell(run, ended)
        counts["ended"] += 1
        return False

    def _park(self, run: Run, counts: dict[str, int]) -> bool:
        """Leaves the run where it is until its flow goes on. False when that happened in the meantime."""
        due = min(run.wake_at if run.wake_at is not None else self.clock(), self.clock())
        parked = run.change(parked=True, wake_at=due, version=run.version + 1)
        self.journal.save_run(parked, expected=run.version)
        counts["parked"] += 1
        # Whoever wakes what the pause held may have looked before it was there.
        return self.states.now(run.flow).paused

    def _held_too_long(self, run: Run) -> bool:
        """Whether what was due when the flow was paused is by now what a trigger of that age would be: too old."""
        flow = self.campaigns.flows.get(run.flow)
        return flow is not None and run.wake_at is not None and self.clock() - run.wake_at > flow.oldest

    def _advance(
        self, run: Run, compiled: CompiledFlow | None, profile: Profile, counts: dict[str, int], *, fresh: bool
    ) -> bool:
        """Returns whether the run was stored as new (``fresh``), or else whether it still waits for something.

        What it asks for is handed on under ids that follow from run and step, so that twice is once. But who asks again, after
        a crash or beside somebody slow, may know more: the customer became one with another, something happened that sends the
        run another way. So a run that begins is stored first (who is told the same again finds it, and hands on again), and
        one that takes a way stores that it did, with what it owes. Else handing on comes first, and one write does.
        """
        now = self.clock()
        expected = run.version
        done, effects = advance(refresh_cart(run, profile, self.engine, now), compiled, profile, self.engine, now)
        still = done.status == "active" and done.waiting_since is not None
        if not fresh and still and (done.position, done.wake_at) == (run.position, run.wake_at):
            # Something else happened than what it waits for.
            return True
        if fresh:
            if still and compiled is not None:
                self._listen(done, compiled, now)
            stored = self.journal.start_run(done.change(begun=effects.steps))
            if stored:
                self._hand_on(effects)
        else:
            if effects and effects.chosen:
                owed = {"steps": effects.steps, "status": done.status, "wake_at": done.wake_at}
                due = run.wake_at if run.wake_at is not None else now
                self.journal.save_run(done.change(status="active", wake_at=due, owed=owed), expected=expected)
                expected, done = done.version, done.change(version=done.version + 1)
            self._hand_on(effects)
            if still and compiled is not None:
                self._listen(done, compiled, now)
            self.journal.save_run(done, expected=expected)
            stored = True
        counts["calls" if self.calls is not None else "calls_dropped"] += len(effects.calls)
        counts["sends"] += len(effects.sends)
        counts["ended"] += done.status == "ended"
        counts["advanced"] += not fresh
        if stored:
            self._tell(None if fresh else run, done)
        if still and stored:
            self._look_again(done, compiled, counts)
        return stored if fresh else still

    def _tell(self, before: Run | None, after: Run) -> None:
        if self.told is not None:
            self.told(before, after)

    def _hand_on(self, effects: Effects) -> None:
        if effects.sends:
            self.outbox.put(effects.sends)
        if effects.events:
            records = [StreamRecord(event.context["profile_id"], event.to_json()) for event in effects.events]
            there(self.stream, "stream").put(records)
        if effects.calls and self.calls is not None:
            self.calls.put(effects.calls)
        if effects.starts:
            there(self.inbox, "flow inbox").put(effects.starts)

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
            self.wake(run.id, counts, heard=True)


def names_of(profile: Profile, trigger: TriggerEvent) -> list[str]:
    """The ids under which somebody may have begun a flow."""
    return list(dict.fromkeys([profile.id, trigger.profile_id, *sorted(profile.merged)]))


def there(port: Any, what: str) -> Any:
    if port is None:
        raise Unavailable(f"this flow needs a {what}, and the function was given none")
    return port
