"""What a job is to one of its people, and the jobs that the clock begins."""

from __future__ import annotations

from collections.abc import Iterable

from homing.domain.bus.events import ScheduleReached
from homing.domain.engine import Engine
from homing.domain.flows import schedule
from homing.domain.flows.engine import TriggerEvent
from homing.domain.flows.job import Job, job_id
from homing.domain.flows.products import Changed, trigger_for
from homing.domain.profiles.profile import Profile
from homing.domain.time import iso, zone
from homing.services.fan_out import FanOut


def triggers_of(job: Job, engine: Engine, profile: Profile, asked: str, at: int) -> Iterable[TriggerEvent]:
    """The triggers of a job for somebody, at the instant at which they were handed on; ``asked``: the id that the job knows
    them by. A flow that is no longer there starts nothing."""
    if job.kind == "products":
        changes = [Changed.from_dict(value) for value in job.changes]
        found = (
            trigger_for(job.id, engine.flows[name], changes, profile, at) for name in job.flows if name in engine.flows
        )
        return [trigger for trigger in found if trigger is not None]
    flow = engine.campaigns.flows.get(job.flow)
    if flow is None or flow.on.kind != job.trigger:
        return []
    return [TriggerEvent(job.request_id, asked, job.trigger, job.flow, job.request_id, at, dict(job.data))]


def start_occurrence(fan_out: FanOut, name: str, utc: str, now: int) -> None:
    """Begins the job of a schedule whose time has come: once, however often the clock strikes, and not at a stroke that is for
    the other half of the year."""
    settings = fan_out.campaigns.settings
    flow = fan_out.campaigns.flows.get(name)
    if flow is None or flow.on.kind != "schedule" or not flow.on.segment:
        return
    at = schedule.occurrence(flow.on, flow.on.at or settings.celebrate_at, zone(settings.time_zone), now)
    if at is None or schedule.stroke(at) != utc or fan_out.states.of(name).closed(at):
        return
    request_id = f"{name}@{iso(at)}"
    job = Job(
        id=job_id(name, request_id), kind="start", flows=(name,), request_id=request_id, asked_at=at,
        of={"segment": flow.on.segment}, trigger="schedule", data={"segment": flow.on.segment}, wake_at=min(at, now),
    )  # fmt: skip
    # Told before it begins: who comes after a crash tells it again.
    fan_out.tell(ScheduleReached(request_id=request_id, flow=name, segment=flow.on.segment, at=iso(at)))
    fan_out.begin(job)
