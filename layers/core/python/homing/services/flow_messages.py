"""What comes into the flow inbox: triggers of profiles as the bus tells them, and what marketers ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homing.domain.errors import InvalidInput
from homing.domain.events.event import PERSON_IDENTIFIERS
from homing.domain.flows.engine import TriggerEvent
from homing.domain.flows.language import Flow
from homing.domain.profiles.identity import Identity
from homing.domain.time import parse_instant
from homing.services.ports import Clock


def read_trigger(
    envelope: Mapping[str, Any], flows: Mapping[str, Flow], identity: Identity, clock: Clock
) -> TriggerEvent:
    """The trigger in an EventBridge envelope; raises InvalidInput with the field that is wrong."""
    detail = envelope["detail"]
    if not isinstance(detail, Mapping):
        raise InvalidInput("detail has to be an object", code="bad_detail", where="detail")
    if envelope.get("detail-type") == "FlowRequested":
        return requested(envelope, detail, flows, identity, clock)
    try:
        return TriggerEvent(
            id=str(detail["id"]), profile_id=str(detail["profile_id"]), kind=str(detail["trigger"]),
            name=str(detail["name"]), key=str(detail["key"]), at=parse_instant(str(detail["at"])),
            data=dict(data) if isinstance(data := detail.get("data"), Mapping) else {},
        )  # fmt: skip
    except KeyError as error:
        raise InvalidInput(f"the detail lacks {error}", code="bad_detail", where="detail") from error


def requested(
    envelope: Mapping[str, Any], detail: Mapping[str, Any], flows: Mapping[str, Flow], identity: Identity, clock: Clock
) -> TriggerEvent:
    """A marketer's ``FlowRequested``: ``{"flow": …, "user_id" | "email" | "profile_id": …, "data": {…}}``."""
    name = str(detail.get("flow", ""))
    flow = flows.get(name)
    if flow is None or flow.on.kind != "flow_requested":
        able = sorted(f.name for f in flows.values() if f.on.kind == "flow_requested")
        raise InvalidInput(
            f"no flow {name!r} can be requested; these can: {', '.join(able) or 'none'}", code="unknown_flow",
            where="detail.flow",
        )  # fmt: skip
    person = {kind: str(detail[kind]) for kind in PERSON_IDENTIFIERS if detail.get(kind)}
    profile_id = detail.get("profile_id") or identity.person(person)
    if not profile_id:
        raise InvalidInput("name the customer by user_id, email or profile_id", code="missing_person", where="detail")
    request = str(detail.get("request_id") or envelope.get("id") or "")
    at = parse_instant(str(envelope["time"])) if envelope.get("time") else clock()
    data = detail.get("data") if isinstance(detail.get("data"), Mapping) else {}
    return TriggerEvent(request, str(profile_id), "flow_requested", name, request, at, {"data": dict(data or {})})
