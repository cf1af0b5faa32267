"""What a run asks of the world: mails, events about the customer, calls of other systems, other flows. Every one has an id
that follows from the run and the step: asking twice is asking once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from homing.domain.delivery.message import SendRequest, send_id
from homing.domain.events import names
from homing.domain.events.event import Event
from homing.domain.events.properties import look_up
from homing.domain.flows.language import AddTo, Call, Flow, FromTrigger, RemoveFrom, Send, Start, Update
from homing.domain.flows.run import Run
from homing.domain.flows.steps import Step, find
from homing.domain.time import iso, parse_instant, to_datetime

# Whose word it is: between what the customer said and what was inferred (domain.profiles.statements).
SOURCE = "flow"


@dataclass(frozen=True, slots=True)
class CallRequest:
    """One call of a webhook. ``data`` is the step's; it names nobody."""

    id: str
    webhook: str
    profile_id: str
    flow: str
    run_id: str
    step: str
    at: int
    data: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> CallRequest:
        """Reads :meth:`to_dict`."""
        return cls(**value)


# A step that asked for something: its position, the run's own time then, and how many notes the run had before it. With the
# run that is enough to ask for the same once more (:func:`again`).
Asked = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Effects:
    """In the order in which they were asked for."""

    sends: tuple[SendRequest, ...] = ()
    events: tuple[Event, ...] = ()
    calls: tuple[CallRequest, ...] = ()
    # Messages for the flow inbox.
    starts: tuple[Mapping[str, Any], ...] = ()
    steps: tuple[Asked, ...] = ()
    # Whether a way was taken by what is known of the customer: asked again, it might be another one.
    chosen: bool = False

    def __bool__(self) -> bool:
        return bool(self.sends or self.events or self.calls or self.starts)

    def __add__(self, other: Effects) -> Effects:
        return Effects(
            self.sends + other.sends, self.events + other.events, self.calls + other.calls, self.starts + other.starts,
            self.steps + other.steps, self.chosen or other.chosen,
        )  # fmt: skip


# What a run notes when a step asked for something.
_ASKED = frozenset({"send", "update", "add_to", "remove_from", "call", "start"})


def step_key(run: Run) -> str:
    """What the things that a step asks for are known by, so that asking again is asking once: its position. A run that
    moved to another version may have asked for something at that place before: then the version belongs to it."""
    before = any(note["step"] == run.position and note["did"] in _ASKED for note in run.trace)
    return f"{run.position}@{run.flow_version}" if before else run.position


def asked_by(step: Step, run: Run, flow: Flow, now: int) -> Effects:
    """What a step asks for; nothing for steps that ask for nothing."""
    steps: tuple[Asked, ...] = ((run.position, run.at, len(run.trace)),)
    if isinstance(step, Send):
        return Effects(sends=(send_request(run, flow, step, now),), steps=steps)
    if isinstance(step, Update):
        event = said(run, step, now)
        return Effects() if event is None else Effects(events=(event,), steps=steps)
    if isinstance(step, AddTo | RemoveFrom):
        return Effects(events=(listed(run, step, now),), steps=steps)
    if isinstance(step, Call):
        return Effects(calls=(call_request(run, step, now),), steps=steps)
    if isinstance(step, Start):
        return Effects(starts=(start_message(run, step),), steps=steps)
    return Effects()


def again(run: Run, flow: Flow, steps: Iterable[Asked]) -> Effects:
    """What these steps of a stored run asked for, under the same ids. ``flow`` is the version that it goes by."""
    found = Effects()
    for position, at, noted in steps:
        held, index = find(flow.steps, position)
        then = replace(run, position=position, at=at, trace=run.trace[:noted])
        found += asked_by(held[index], then, flow, parse_instant(str(run.trace[noted]["at"])))
    return found


def send_request(run: Run, flow: Flow, step: Send, now: int) -> SendRequest:
    """The mail of a step."""
    return SendRequest(
        send_id=send_id(run.id, step_key(run)),
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


def said(run: Run, step: Update, now: int) -> Event | None:
    """What a step says of the customer; None where the trigger brought nothing of it."""
    values = {name: value for name, value in written(step.update, run).items() if not _missing(step, name, value)}
    return _event(run, "identify", names.IDENTIFIED, values, now) if values else None


def listed(run: Run, step: AddTo | RemoveFrom, now: int) -> Event:
    """The customer joins or leaves a list."""
    if isinstance(step, AddTo):
        return _event(run, "track", names.LIST_JOINED, {"list": step.add_to}, now)
    return _event(run, "track", names.LIST_LEFT, {"list": step.remove_from}, now)


def call_request(run: Run, step: Call, now: int) -> CallRequest:
    """The call of a step."""
    return CallRequest(
        id=send_id(run.id, step_key(run)), webhook=step.call, profile_id=run.profile_id, flow=run.flow, run_id=run.id,
        # The run's own time, so that asking again says the same.
        step=run.position, at=min(run.at, now), data=written(step.data, run),
    )  # fmt: skip


def start_message(run: Run, step: Start) -> dict[str, Any]:
    """The ``FlowRequested`` of a step, as it would come from the bus."""
    detail = {
        "flow": step.start, "profile_id": run.profile_id, "request_id": f"{run.id}:{step_key(run)}",
        "data": written(step.data, run),
    }  # fmt: skip
    return {"detail-type": "FlowRequested", "source": SOURCE, "time": iso(run.at), "detail": detail}


def written(values: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Values with what the trigger brought filled in; None for what it did not bring."""
    return {
        name: look_up(run.data, value.trigger) if isinstance(value, FromTrigger) else value
        for name, value in values.items()
    }


def _missing(step: Update, name: str, value: Any) -> bool:
    """A trait that shall be removed is written as null; one that the trigger did not bring is left alone."""
    return value is None and isinstance(step.update[name], FromTrigger)


def _event(run: Run, kind: Any, name: str, properties: dict[str, Any], now: int) -> Event:
    moment = to_datetime(now)
    return Event(
        message_id=f"{SOURCE}:{run.id}:{step_key(run)}",
        type=kind,
        name=name,
        identifiers={},
        # The run's own time, so that asking again says the same.
        occurred_at=to_datetime(min(run.at, now)),
        received_at=moment,
        properties=properties,
        context={"profile_id": run.profile_id, "flow": run.flow},
        source=SOURCE,
    )
