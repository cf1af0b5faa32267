"""What comes into the flow inbox from the bus: triggers of profiles, as publish_changes tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homing.domain.errors import InvalidInput
from homing.domain.flows.engine import TriggerEvent
from homing.domain.time import parse_instant


def read_trigger(envelope: Mapping[str, Any]) -> TriggerEvent:
    """The trigger in an EventBridge envelope; raises InvalidInput with the field that is wrong."""
    detail = envelope["detail"]
    if not isinstance(detail, Mapping):
        raise InvalidInput("detail has to be an object", code="bad_detail", where="detail")
    try:
        return TriggerEvent(
            id=str(detail["id"]), profile_id=str(detail["profile_id"]), kind=str(detail["trigger"]),
            name=str(detail["name"]), key=str(detail["key"]), at=parse_instant(str(detail["at"])),
            data=dict(data) if isinstance(data := detail.get("data"), Mapping) else {},
        )  # fmt: skip
    except KeyError as error:
        raise InvalidInput(f"the detail lacks {error}", code="bad_detail", where="detail") from error
