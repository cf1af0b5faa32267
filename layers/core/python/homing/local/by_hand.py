"""One event put on the bus by hand, as a marketer does with ``FlowRequested``, and what came of it at once."""

from __future__ import annotations

from typing import Any

import orjson

from homing.adapters.blob import unpack
from homing.domain.bus.commands import ANSWERS, FlowRequested, read_command
from homing.domain.errors import InvalidInput
from homing.domain.flows.run import Run
from homing.local.host import LocalHost

_REQUESTED, _REFUSED = "FlowRequested", "FlowRequestRefused"


def publish(host: LocalHost, body: bytes) -> dict[str, Any]:
    """Puts ``{"detail-type": …, "detail": {…}}`` (and ``source``, if given) on the bus, and lets happen what is due.

    Gives ``done`` (``started``, ``accepted`` where no run began yet, or ``published`` where nobody answered), the
    ``answers`` of the stack, the new ``runs`` and the ``sends`` decided on. Raises InvalidInput with the reason for what
    can't be read, what nobody listens for, what the stack refuses, and a request for one customer that was made before.
    """
    kind, detail, source = _read(body)
    envelope = {"detail-type": kind, "detail": detail, "source": source}
    if not any(rule.pattern.matches(envelope) for rule in host.bus.rules):
        raise InvalidInput(f"no rule of the stack listens for {kind!r} from {source!r}", code="nobody_listens")
    runs, decided, told = set(_runs(host)), set(host.decisions.entries), len(host.bus.published)
    host.put_event(kind, detail, source)
    host.settle()
    begun = [run for id_, run in _runs(host).items() if id_ not in runs]
    answers = [
        {"answer": one.detail_type, **one.detail}
        for one in host.bus.published[told:]
        if one.detail_type in ANSWERS and one.source == "homing"
    ]
    for one in answers:
        if one["answer"] == _REFUSED:
            where = f" ({one['where']})" if one.get("where") else ""
            raise InvalidInput(f"{one['message']}{where}", code=str(one["reason"]))
    if kind == _REQUESTED and not begun and not _many(detail):
        raise InvalidInput("nothing started: this request_id has started the flow before", code="already_started")
    return {
        "done": "started" if begun else "accepted" if answers else "published",
        "answers": answers,
        "runs": [{"run_id": run.id, "flow": run.flow, "status": run.status, "reason": run.reason} for run in begun],
        "sends": [
            {"message_id": entry.send_id, "template": entry.template, "status": entry.status, "reason": entry.reason}
            for send_id, (_, entry) in host.decisions.entries.items()
            if send_id not in decided
        ],
    }


def _many(detail: dict[str, Any]) -> bool:
    command = read_command(_REQUESTED, detail)
    return isinstance(command, FlowRequested) and command.many


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


def _runs(host: LocalHost) -> dict[str, Run]:
    stored = (item for item in host.items("journal") if item["pk"]["S"].startswith("run#"))
    return {run.id: run for run in (Run.from_dict(unpack(item["data"]["B"])) for item in stored)}
