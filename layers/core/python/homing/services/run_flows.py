"""Starting and advancing runs: loads, asks the pure engine, puts sends on the outbox, stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from homing.domain.attributes.rankings import Rankings
from homing.domain.campaigns import Campaigns
from homing.domain.engine import Engine
from homing.domain.errors import Conflict, InvalidInput, Unavailable
from homing.domain.events.event import PERSON_IDENTIFIERS
from homing.domain.flows.engine import MAX_TRIGGER_AGE, TriggerEvent, advance, new_run, refresh_cart, starts
from homing.domain.flows.run import Run
from homing.domain.profiles.identity import Identity
from homing.domain.profiles.profile import Profile
from homing.domain.time import parse_instant
from homing.services.ports import Clock, Journal, Outbox, ProfileStore
from homing.services.resolve import resolve

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class RunResult:
    """How many runs were started, advanced, ended, and sends asked for."""

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

    @cached_property
    def engine(self) -> Engine:
        """The compiled campaigns."""
        return Engine(self.campaigns, rankings=self.rankings)

    def __call__(self, message: Mapping[str, Any]) -> RunResult:
        """An EventBridge envelope, or ``{"wake_run": id}``. Raises InvalidInput for what nobody can read."""
        counts = {"started": 0, "advanced": 0, "ended": 0, "sends": 0, "ignored": 0}
        if "wake_run" in message:
            self._wake(str(message["wake_run"]), counts)
        elif "detail" in message:
            self._trigger(self._read(message), counts)
        else:
            raise InvalidInput("neither a bus event nor a wake-up of a run", code="unknown_message")
        return RunResult(counts)

    def _read(self, envelope: Mapping[str, Any]) -> TriggerEvent:
        detail = envelope["detail"]
        if not isinstance(detail, Mapping):
            raise InvalidInput("detail has to be an object", code="bad_detail", where="detail")
        if envelope.get("detail-type") == "FlowRequested":
            return self._requested(envelope, detail)
        try:
            return TriggerEvent(
                id=str(detail["id"]), profile_id=str(detail["profile_id"]), kind=str(detail["trigger"]),
                name=str(detail["name"]), key=str(detail["key"]), at=parse_instant(str(detail["at"])),
                data=dict(data) if isinstance(data := detail.get("data"), Mapping) else {},
            )  # fmt: skip
        except KeyError as error:
            raise InvalidInput(f"the detail lacks {error}", code="bad_detail", where="detail") from error

    def _requested(self, envelope: Mapping[str, Any], detail: Mapping[str, Any]) -> TriggerEvent:
        """A marketer's ``FlowRequested``: ``{"flow": …, "user_id" | "email" | "profile_id": …, "data": {…}}``."""
        name = str(detail.get("flow", ""))
        flow = self.campaigns.flows.get(name)
        if flow is None or flow.on.kind != "flow_requested":
            able = sorted(f.name for f in self.campaigns.flows.values() if f.on.kind == "flow_requested")
            raise InvalidInput(
                f"no flow {name!r} can be requested; these can: {', '.join(able) or 'none'}", code="unknown_flow",
                where="detail.flow",
            )  # fmt: skip
        person = {kind: str(detail[kind]) for kind in PERSON_IDENTIFIERS if detail.get(kind)}
        profile_id = detail.get("profile_id") or self.identity.person(person)
        if not profile_id:
            raise InvalidInput(
                "name the customer by user_id, email or profile_id", code="missing_person", where="detail"
            )
        request = str(detail.get("request_id") or envelope.get("id") or "")
        at = parse_instant(str(envelope["time"])) if envelope.get("time") else self.clock()
        data = detail.get("data") if isinstance(detail.get("data"), Mapping) else {}
        return TriggerEvent(request, str(profile_id), "flow_requested", name, request, at, {"data": dict(data or {})})

    def _trigger(self, trigger: TriggerEvent, counts: dict[str, int]) -> None:
        now = self.clock()
        if now - trigger.at > MAX_TRIGGER_AGE:
            counts["ignored"] += 1
            return
        wanted = [flow for flow in self.campaigns.flows.values() if starts(flow, trigger)]
        profile = resolve(self.profiles, [trigger.profile_id]).get(trigger.profile_id) if wanted else None
        if profile is None:
            counts["ignored"] += len(wanted)
            return
        # Once per customer means once under all the names that they had.
        names = dict.fromkeys([profile.id, trigger.profile_id, *sorted(profile.merged)])
        for flow in wanted:
            runs = [
                new_run(flow, replace(trigger, profile_id=name), revision=self.campaigns.revision, now=now)
                for name in names
            ]
            if any(self.journal.load_run(run.id) is not None for run in runs):
                counts["ignored"] += 1
            elif self._advance(runs[0], profile, counts, fresh=True):
                counts["started"] += 1

    def _wake(self, run_id: str, counts: dict[str, int]) -> None:
        for _ in range(_ATTEMPTS):
            run = self.journal.load_run(run_id)
            if run is None or run.status != "active" or run.wake_at is None or run.wake_at > self.clock():
                counts["ignored"] += 1
                return
            profile = resolve(self.profiles, [run.profile_id]).get(run.profile_id)
            try:
                if profile is None:
                    self._end_without_profile(run, counts)
                elif self._advance(run, profile, counts, fresh=False):
                    counts["advanced"] += 1
                return
            except Conflict:
                continue
        raise Unavailable(f"run {run_id} is written too often")

    def _end_without_profile(self, run: Run, counts: dict[str, int]) -> None:
        gone = run.change(
            status="ended", reason="profile_gone", ended_at=self.clock(), wake_at=None, version=run.version + 1
        )
        self.journal.save_run(gone, expected=run.version)
        counts["ignored"] += 1

    def _advance(self, run: Run, profile: Profile, counts: dict[str, int], *, fresh: bool) -> bool:
        """Sends go on the outbox before the run is stored: after a crash in between they are asked for again, under
        the same ids, which the ledger knows."""
        now = self.clock()
        flow = self.campaigns.flows.get(run.flow)
        done, requests = advance(refresh_cart(run, profile, self.engine, now), flow, profile, self.engine, now)
        if requests:
            self.outbox.put(requests)
        if fresh:
            stored = self.journal.start_run(done)
        else:
            self.journal.save_run(done, expected=run.version)
            stored = True
        counts["sends"] += len(requests)
        counts["ended"] += done.status == "ended"
        return stored
