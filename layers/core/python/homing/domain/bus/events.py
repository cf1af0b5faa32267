"""What Homing tells on the bus: docs/bus.md. Every detail names people by their profile's id alone."""

from __future__ import annotations

from pydantic import Field

from homing.domain.bus.commands import Instant, Message


class ScheduleReached(Message):
    """It is the time of a flow with a schedule; it begins for everybody in the segment."""

    request_id: str = Field(description="The flow and the occurrence: the same for the same occurrence.")
    flow: str
    segment: str
    at: Instant
