"""What people ask of flows on the bus: start one for somebody or for many, pause, resume, stop; products that changed.

Whatever was understood is answered on the bus, and so is what can't be done, with the reason. No answer names anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from homing.domain.bus.commands import (
    COMMANDS,
    FlowRequestAccepted,
    FlowRequested,
    FlowRequestRefused,
    Kind,
    ListFile,
    Message,
    ProductChanged,
    read_command,
)
from homing.domain.campaigns import Campaigns
from homing.domain.errors import Conflict, InvalidInput, Unavailable
from homing.domain.flows.control import Given, Order
from homing.domain.flows.engine import TriggerEvent
from homing.domain.flows.job import PER_MINUTE, Job, job_id
from homing.domain.flows.language import Flow
from homing.domain.profiles.identity import Identity
from homing.domain.segments.language import OnList
from homing.domain.time import iso, parse_instant
from homing.services import rearm
from homing.services.fan_out import FanOut
from homing.services.flow_states import FlowStates
from homing.services.ports import Clock, Journal
from homing.services.product_changes import ProductChanges

_ATTEMPTS = 8
# Why a request for one customer started nothing.
_REFUSALS = {
    "nobody": (
        "unknown_person",
        "nobody is known by that; a new customer is known about a second after the first event",
    ),
    "not_for_them": ("not_for_them", "the flow is not for them: its only_if does not hold"),
    "too_soon": ("too_soon", "their last run of this flow began less than its again_after ago"),
    "too_old": ("too_old", "the request is older than the flow's max_age"),
    "stopped": ("flow_stopped", "the flow is stopped: resume it first"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked what, and when. ``told``: it came over the bus, so there is somebody to answer."""

    kind: Kind
    request_id: str
    flow: str
    at: int
    source: str
    told: bool


@dataclass(frozen=True)
class FlowCommands:
    """``start`` tells what became of a trigger, by flow, as :meth:`RunFlows.trigger` does."""

    campaigns: Campaigns
    identity: Identity
    journal: Journal
    states: FlowStates
    clock: Clock
    fan_out: FanOut
    products: ProductChanges
    start: Callable[[TriggerEvent], Mapping[str, str]]
    _by_list: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    def __call__(self, envelope: Mapping[str, Any], counts: dict[str, int]) -> None:
        """Carries out a command, and answers. Raises InvalidInput, after the answer, for what nobody can carry out."""
        asked = self._asked(envelope)
        try:
            command = read_command(str(envelope["detail-type"]), envelope["detail"])
            answer = self._carry_out(command, asked)
        except InvalidInput as error:
            answer = self._refusal(asked, error.code, error.message, error.where)
            self._answer(asked, answer)
            raise
        counts["accepted"] += asked.told and isinstance(answer, FlowRequestAccepted)
        if answer is not None:
            self._answer(asked, answer)

    def _asked(self, envelope: Mapping[str, Any]) -> Asked:
        detail = envelope["detail"]
        kind, _ = COMMANDS[str(envelope["detail-type"])]
        named = detail.get("request_id") if isinstance(detail, Mapping) else None
        flow = detail.get("flow") if isinstance(detail, Mapping) else None
        return Asked(
            kind=kind,
            # One that names somebody stands nowhere.
            request_id=str(named if named and "@" not in str(named) else envelope.get("id") or "")[:128],
            flow=flow if isinstance(flow, str) and flow in self.campaigns.flows else "",
            at=parse_instant(str(envelope["time"])) if envelope.get("time") else self.clock(),
            source=str(envelope.get("source") or ""),
            told=bool(envelope.get("id")),
        )

    def _carry_out(self, command: Message, asked: Asked) -> Message | None:
        if isinstance(command, FlowRequested):
            flow = self._requestable(command.flow)
            return self._many(command, flow, asked) if command.many else self._one(command, flow, asked)
        if isinstance(command, ProductChanged):
            flows = self.products(command, asked.at)
            asked = replace(asked, flow=flows[0] if flows else "")
            # Nobody hears of what concerns nobody: shops tell all that changes.
            return self._accepted(asked) if flows else None
        if not asked.flow:
            raise InvalidInput(f"there is no flow {command.flow!r}", code="unknown_flow", where="detail.flow")  # type: ignore[attr-defined]
        return self._order(command, asked)

    def _requestable(self, name: str) -> Flow:
        flow = self.campaigns.flows.get(name)
        if flow is None or flow.on.kind != "flow_requested":
            able = sorted(f.name for f in self.campaigns.flows.values() if f.on.kind == "flow_requested")
            raise InvalidInput(
                f"no flow {name!r} can be requested; these can: {', '.join(able) or 'none'}", code="unknown_flow",
                where="detail.flow",
            )  # fmt: skip
        return flow

    # Starting

    def _one(self, command: FlowRequested, flow: Flow, asked: Asked) -> Message:
        profile_id = command.profile_id or self.identity.person(command.person)
        if not profile_id:
            raise InvalidInput(
                "name the customer by user_id, email or profile_id", code="missing_person", where="detail"
            )
        data = {"data": dict(command.data)}
        request = asked.request_id
        trigger = TriggerEvent(request, profile_id, "flow_requested", flow.name, request, asked.at, data)
        became = self.start(trigger).get(flow.name, "")
        if became in _REFUSALS:
            # No mistake of whoever wrote it: counted as what it is.
            return self._refusal(asked, *_REFUSALS[became])
        return self._accepted(asked, people=1)

    def _many(self, command: FlowRequested, flow: Flow, asked: Asked) -> Message:
        if not asked.request_id:
            raise InvalidInput("a request for many people needs a request_id", code="bad_request", where="detail")
        if self.states.of(flow.name).closed(asked.at):
            raise InvalidInput(_REFUSALS["stopped"][1], code="flow_stopped", where="detail.flow")
        if self.clock() - asked.at > flow.oldest:
            raise InvalidInput(_REFUSALS["too_old"][1], code="too_old", where="detail")
        job = Job(
            id=job_id(flow.name, asked.request_id), kind="start", flows=(flow.name,), request_id=asked.request_id,
            asked_at=asked.at, of=self._whom(command), data={"data": dict(command.data)},
            per_minute=command.per_minute or PER_MINUTE, wake_at=self.clock(),
        )  # fmt: skip
        self.fan_out.begin(job)
        return self._accepted(asked)

    def _whom(self, command: FlowRequested) -> dict[str, Any]:
        segments = self.campaigns.segments
        if command.segment:
            if command.segment not in segments:
                there = ", ".join(sorted(segments)[:20]) or "none"
                raise InvalidInput(
                    f"there is no segment {command.segment!r}; there are: {there}", code="unknown_segment",
                    where="detail.segment",
                )  # fmt: skip
            return {"segment": command.segment}
        if isinstance(command.list, ListFile):
            try:
                self.fan_out.shape(command.list.s3)
            except InvalidInput as error:
                raise InvalidInput(error.message, code=error.code, where="detail.list.s3") from error
            return {"list": command.list.s3}
        return {"segment": self._segment_of(str(command.list))}

    def _segment_of(self, name: str) -> str:
        """The segment that is just this list: the members of a list are known where a segment asks for them."""
        if not self._by_list:
            rules = self.campaigns.segments.items()
            self._by_list.update({one.when.list: key for key, one in rules if isinstance(one.when, OnList)})
        if name not in self._by_list:
            raise InvalidInput(
                f"no segment is the list {name!r}: write one with `when: {{list: {name}}}`, or put the file into the bucket "
                "for lists and name it as list.s3",
                code="unknown_list", where="detail.list",
            )  # fmt: skip
        return self._by_list[name]

    # Pausing, resuming, stopping

    def _order(self, command: Any, asked: Asked) -> Message:
        order = cast(Order, asked.kind)
        by = command.by or asked.source
        given = Given(order, asked.flow, asked.request_id, asked.at, by[:100], command.reason or "")
        controls = self.journal.load_controls()
        for _ in range(_ATTEMPTS):
            if controls.heard(given):
                break
            changed = controls.carry_out(given, self.clock())
            try:
                self.journal.save_controls(changed, expected=controls.version)
                controls = changed
                break
            except Conflict:
                controls = self.journal.load_controls()
        else:
            raise Unavailable("the states of flows are written too often")
        self.states.learn(controls)
        if order != "pause":
            # Heard again after a crash it is begun again: it is the same job.
            self.fan_out.begin(
                Job(
                    id=job_id(asked.flow, f"{order}:{asked.request_id}"), kind="rearm", flows=(asked.flow,),
                    request_id=asked.request_id, asked_at=self.clock(), data={"order": order},
                    per_minute=rearm.PER_MINUTE, wake_at=self.clock(),
                )
            )  # fmt: skip
        return self._accepted(asked, state=controls.of(asked.flow).state)

    # Answers

    def _accepted(self, asked: Asked, **more: Any) -> FlowRequestAccepted:
        return FlowRequestAccepted(
            request_id=asked.request_id, flow=asked.flow, kind=asked.kind, at=iso(self.clock()), **more
        )

    def _refusal(self, asked: Asked, reason: str, message: str, where: str = "") -> FlowRequestRefused:
        return FlowRequestRefused(
            request_id=asked.request_id, flow=asked.flow, kind=asked.kind, at=iso(self.clock()), reason=reason,
            message=message, where=where,
        )  # fmt: skip

    def _answer(self, asked: Asked, answer: Message) -> None:
        if asked.told:
            self.fan_out.tell(answer)
