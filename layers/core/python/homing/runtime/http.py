"""What the functions behind the HTTP API share: read the request, ask the service, count, answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from homing.domain.errors import InvalidInput, Unavailable
from homing.runtime.observability import described, telemetry
from homing.services.http import HttpRequest, HttpResponse

Service = Callable[[HttpRequest], HttpResponse]


def answer(function: str, event: dict[str, Any], make: Callable[[], Service]) -> dict[str, Any]:
    """The answer for the gateway. What the service gives as ``counts`` and ``facts`` goes to metrics and log."""
    voice = telemetry(function)
    try:
        service = make()
        try:
            response = service(HttpRequest.from_event(event))
        except InvalidInput as error:
            response = _problem(400, error.code, error.message)
    except Unavailable as error:
        voice.error("not available", **described(error))
        response = _problem(503, "unavailable", "not stored, send it again", {"Retry-After": "5"})
    voice.count(response.counts)
    if response.facts:
        say = voice.info if response.status < 400 else voice.warning
        say("answered", status=response.status, **response.facts)
    return response.to_event()


def _problem(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> HttpResponse:
    counted = "RequestsRefused" if status < 500 else "Unavailable"
    body = {"success": False, "code": code, "message": message}
    return HttpResponse.json(status, body, headers=headers, counts={counted: 1})
