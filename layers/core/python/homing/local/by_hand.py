"""One event put on the bus by hand, as a marketer does with ``FlowRequested``, and what came of it at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from homing.adapters.blob import unpack
from homing.domain.errors import InvalidInput
from homing.domain.events.event import PERSON_IDENTIFIERS
from homing.domain.flows.run import Run
from homing.domain.profiles.identity import Identity
from homing.local.host import LocalHost

_REQUESTED = "FlowRequested"
_FLOWS = "run_flows"


def publish(host: LocalHost, body: bytes) -> dict[str, Any]:
    """Puts ``{"detail-type": …, "detail": {…}}`` (and ``source``, if given) on the bus, and lets happen what is due.

    Gives ``done`` (``started``, or ``published`` where no run began), the new ``runs`` and the ``sends`` decided on.
    Raises InvalidInput with the reason for what can't be read, what nobody listens for, and requests of flows that
    started nothing.
    """
    kind, detail, source = _read(body)
    envelope = {"detail-type": kind, "detail": detail, "source": source}
    if not any(rule.pattern.matches(envelope) for rule in host.bus.rules):
        raise InvalidInput(f"no rule of the stack listens for {kind!r} from {source!r}", code="nobody_listens")
    runs, decided, said = set(_runs(host)), set(host.decisions.entries), len(_said(host))
    host.put_event(kind, detail, source)
    host.settle()
    begun = [run for id_, run in _runs(host).items() if id_ not in runs]
    if kind == _REQUESTED and not begun:
        raise _why_not(host, detail, said)
    return {
        "done": "started" if begun else "published",
        "runs": [{"run_id": run.id, "flow": run.flow, "status": run.status, "reason": run.reason} for run in begun],
        "sends": [
            {"message_id": entry.send_id, "template": entry.template, "status": entry.status, "reason": entry.reason}
            for send_id, (_, entry) in host.decisions.entries.items()
            if send_id not in decided
        ],
    }


def _read(body: bytes) -> tuple[str, dict[str, Any], str]:
    try:
        event = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"the body is not JSON: {error}", code="bad_json") from error
    kind = event.get("detail-type") if isinstance(event, dict) else None
    detail = event.get("detail") if isinstance(event, dict) else None
    if not isinstance(kind, str) or not isinstance(detail, dict):
        example = '{"detail-type": "FlowRequested", "detail": {"flow": "…", "user_id": "…"}}'
        raise InvalidInput(f"the body is an object such as {example}", code="bad_event")
    return kind, detail, str(event.get("source") or "marketing")


def _why_not(host: LocalHost, detail: Mapping[str, Any], said: int) -> InvalidInput:
    """Why a request started nothing: the function's own words, or what its silence means."""
    for _, _, facts in _said(host)[said:]:
        if "reason" in facts:
            return InvalidInput(str(facts["reason"]), code=str(facts.get("code") or facts.get("error", "failed")))
    person = {kind: str(detail[kind]) for kind in PERSON_IDENTIFIERS if detail.get(kind)}
    profile_id = detail.get("profile_id") or Identity(host.secret("keys").encode()).person(person)
    if not any(item["id"]["S"] == profile_id for item in host.items("profiles")):
        names = ", ".join(f"{kind} {value}" for kind, value in person.items()) or f"profile_id {profile_id}"
        return InvalidInput(
            f"nobody is known by {names}; a new customer is known about a second after the first event",
            code="unknown_person",
        )
    return InvalidInput("nothing started: this request_id has started the flow before", code="already_started")


def _said(host: LocalHost) -> list[tuple[str, str, dict[str, Any]]]:
    return host.telemetry[_FLOWS].lines if _FLOWS in host.telemetry else []


def _runs(host: LocalHost) -> dict[str, Run]:
    stored = (item for item in host.items("journal") if item["pk"]["S"].startswith("run#"))
    return {run.id: run for run in (Run.from_dict(unpack(item["data"]["B"])) for item in stored)}
