"""Starting and advancing runs: loads, asks the pure engine, hands on what it asks for, stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from homing.domain.attributes.rankings import Rankings
from homing.domain.bus.commands import COMMANDS
from homing.domain.campaigns import Campaigns
from homing.domain.engine import Engine
from homing.domain.errors import Conflict, InvalidInput, Unavailable
from homing.domain.flows.engine import TriggerEvent, starts
from homing.domain.flows.language import Flow
from homing.domain.profiles.identity import Identity
from homing.domain.time import parse_instant
from homing.services.fan_out import FanOut
from homing.services.flow_commands import FlowCommands
from homing.services.flow_messages import read_trigger
from homing.services.flow_states import FlowStates
from homing.services.ports import (
    Bus,
    Calls,
    Clock,
    FlowInbox,
    Journal,
    ListStore,
    Outbox,
    ProfileStore,
    Stream,
)
from homing.services.product_changes import ProductChanges
from homing.services.rearm import Rearm
from homing.services.resolve import resolve
from homing.services.runs import Runs, Told, names_of, there
from homing.services.visits import start_occurrence, triggers_of

COUNTS = (
    "started", "advanced", "ended", "sends", "ignored", "too_old", "not_for_them", "too_soon", "calls", "calls_dropped",
    "stopped", "parked", "accepted", "people",
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
    # Where requests are answered, and where lists of people lie.
    bus: Bus | None = None
    lists: ListStore | None = None
    # Hears of each stored advance of a run: before (None: it begins) and after.
    told: Told | None = None

    @cached_property
    def engine(self) -> Engine:
        """The compiled campaigns."""
        return Engine(self.campaigns, rankings=self.rankings)

    @cached_property
    def states(self) -> FlowStates:
        """Which flows are paused or stopped."""
        return FlowStates(self.journal, self.clock)

    @cached_property
    def runs(self) -> Runs:
        """The runs of people."""
        return Runs(
            self.campaigns, self.engine, self.profiles, self.journal, self.states, self.outbox, self.clock, self.stream,
            self.inbox, self.calls, self.told,
        )  # fmt: skip

    @cached_property
    def fan_out(self) -> FanOut:
        """Flows for many people."""
        return FanOut(
            self.campaigns, self.identity, self.journal, self.states, self.clock, self.inbox, self.bus, self.lists
        )

    def __call__(self, message: Mapping[str, Any]) -> RunResult:
        """An EventBridge envelope, ``{"wake_run": id}``, ``{"wake_job": id}``, people of a job
        (``{"visit": id, "people": [...], "at": …}``) or a stroke of the clock (``{"schedule": flow, "utc": "07:00"}``).
        Raises InvalidInput for what nobody can read."""
        counts = dict.fromkeys(COUNTS, 0)
        if "wake_run" in message:
            self.runs.wake(str(message["wake_run"]), counts)
        elif "wake_job" in message:
            self._step(str(message["wake_job"]), counts)
        elif "visit" in message:
            self._visit(message, counts)
        elif "schedule" in message:
            start_occurrence(self.fan_out, str(message["schedule"]), str(message.get("utc")), self.clock())
        elif message.get("detail-type") in COMMANDS and "detail" in message:
            self._command(message, counts)
        elif "detail" in message:
            self.trigger(read_trigger(message), counts)
        else:
            raise InvalidInput("neither a bus event nor a wake-up of a run", code="unknown_message")
        return RunResult(counts)

    def _command(self, envelope: Mapping[str, Any], counts: dict[str, int]) -> None:
        products = ProductChanges(self.campaigns, self.journal, self.states, self.clock, self.fan_out)
        FlowCommands(
            self.campaigns, self.identity, self.journal, self.states, self.clock, self.fan_out, products,
            lambda trigger: self.trigger(trigger, counts),
        )(envelope, counts)  # fmt: skip

    def _step(self, job_id: str, counts: dict[str, int]) -> None:
        """A page of a job, if its time has come and nobody else is at it."""
        job = self.journal.load_job(job_id)
        if job is None or job.state != "waiting" or job.wake_at is None or job.wake_at > self.clock():
            counts["ignored"] += 1
            return
        try:
            if job.kind == "rearm":
                Rearm(
                    self.journal, self.states, there(self.inbox, "flow inbox"), self.outbox, self.clock, self.fan_out
                )(job, counts)
            else:
                self.fan_out.step(job, counts)
        except Conflict:
            counts["ignored"] += 1

    def _visit(self, message: Mapping[str, Any], counts: dict[str, int]) -> None:
        """Some people of a job. One whose turn fails holds up none of the others."""
        job, at = self.fan_out.job(str(message["visit"])), parse_instant(str(message["at"]))
        people = [str(one) for one in message["people"]]
        found, failed = resolve(self.profiles, people), None
        counts["ignored"] += len(set(people) - found.keys())
        for asked, profile in found.items():
            try:
                for trigger in triggers_of(job, self.engine, profile, asked, at):
                    flow = self.campaigns.flows[trigger.name]
                    if word := self._late(flow, trigger, self.clock()):
                        counts[word] += 1
                    else:
                        self.runs.start(flow, trigger, profile, counts)
            except Unavailable as error:
                failed = error
        if failed is not None:
            raise failed

    def trigger(self, trigger: TriggerEvent, counts: dict[str, int]) -> dict[str, str]:
        """Starts what it starts, and wakes the runs that listened for it. Returns what became of it in each flow that it
        concerns, as one of COUNTS, or ``nobody`` where no profile has this id."""
        now = self.clock()
        wanted = [flow for flow in self.campaigns.flows.values() if starts(flow, trigger)]
        became = {flow.name: self._late(flow, trigger, now) for flow in wanted}
        for word in became.values():
            if word:
                counts[word] += 1
        open_ = [flow for flow in wanted if not became[flow.name]]
        listening = (trigger.kind, trigger.name) in self.engine.signals
        profile = resolve(self.profiles, [trigger.profile_id]).get(trigger.profile_id) if open_ or listening else None
        if profile is None:
            counts["ignored"] += len(open_)
            return became | {flow.name: "nobody" for flow in open_}
        for flow in open_:
            became[flow.name] = self.runs.start(flow, trigger, profile, counts)
        if listening:
            self.runs.signal(trigger.signal, names_of(profile, trigger), counts)
        return became

    def _late(self, flow: Flow, trigger: TriggerEvent, now: int) -> str:
        """Why a trigger starts nothing whoever it is about; empty when it may."""
        if now - trigger.at > flow.oldest:
            return "too_old"
        return "stopped" if self.states.of(flow.name).closed(trigger.at) else ""
