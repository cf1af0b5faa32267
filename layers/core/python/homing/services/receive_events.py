"""Events over HTTP onto the stream."""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from homing.domain.errors import InvalidInput, Unavailable
from homing.domain.events.event import Event
from homing.domain.profiles.identity import Identity
from homing.services.http import HttpRequest, HttpResponse
from homing.services.ports import Clock, Stream, StreamRecord
from homing.sources import decode, segment_spec

# Write keys are public (browsers carry them), so any origin may post; nothing is read with them and no cookie is used.
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Content-Encoding, X-Write-Key",
    "Access-Control-Max-Age": "86400",
}
_STATUS = {"invalid_write_key": 401, "unknown_path": 404, "too_large": 413, "unsupported_encoding": 415}
_RETRY_AFTER = "5"


@dataclass(frozen=True)
class ReceiveEvents:
    """Answers 200 only when every accepted event is stored; a bad message does not cost its neighbours.

    SDKs repeat what was not answered with exactly 200 and a JSON object, and give up on a 4xx whose body has ``code``.
    """

    stream: Stream
    identity: Identity
    write_keys: frozenset[str]
    clock: Clock

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Stores the events of one request."""
        if request.method == "OPTIONS":
            return HttpResponse(204, headers=CORS)
        if request.method != "POST":
            return _refusal(405, "method_not_allowed", "events are posted")
        try:
            reading = self._read(request)
        except InvalidInput as error:
            return _refusal(_STATUS.get(error.code, 400), error.code, error.message)
        rejected = [rejection.to_dict() for rejection in reading.rejected]
        codes = Counter(rejection.code for rejection in reading.rejected)
        if not reading.events:
            code = reading.rejected[0].code
            message = f"no message was accepted; the first: {reading.rejected[0].message}"
            return _refusal(400, code, message, rejected=rejected, facts=dict(codes))
        try:
            self.stream.put([self._record(event) for event in reading.events])
        except Unavailable:
            return _refusal(
                503,
                "unavailable",
                "not stored, send it again",
                headers={"Retry-After": _RETRY_AFTER},
                count="Unavailable",
            )
        accepted = len(reading.events)
        return HttpResponse.json(
            200,
            {"success": True, "accepted": accepted, "rejected": rejected},
            headers=CORS,
            counts={"EventsReceived": accepted, "EventsRejected": len(rejected)},
            facts={"rejected": dict(codes)} if codes else {},
        )

    def _read(self, request: HttpRequest) -> segment_spec.Reading:
        call = segment_spec.call_of(request.last_segment)
        if call is None:
            raise InvalidInput(
                "post to /v1/batch, track, identify, page, screen, group, alias or import", code="unknown_path"
            )
        body = decode.inflate(request.body, request.headers.get("content-encoding", ""), segment_spec.MAX_BATCH)
        document = decode.json_object(body)
        if not self._knows(segment_spec.write_keys(request.headers, document)):
            raise InvalidInput("the write key is missing or not known", code="invalid_write_key")
        return segment_spec.read(call, document, self.clock())

    def _knows(self, keys: list[str]) -> bool:
        return any(hmac.compare_digest(key.encode(), known.encode()) for key in keys for known in self.write_keys)

    def _record(self, event: Event) -> StreamRecord:
        # A message without a person was rejected, so there is a key.
        return StreamRecord(self.identity.person(event.identifiers) or "", event.to_json())


def _refusal(
    status: int,
    code: str,
    message: str,
    *,
    rejected: list[dict[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
    facts: Mapping[str, Any] | None = None,
    count: str = "RequestsRefused",
) -> HttpResponse:
    body: dict[str, Any] = {"success": False, "code": code, "message": message}
    counts = {count: 1}
    if rejected is not None:
        body |= {"accepted": 0, "rejected": rejected}
        counts["EventsRejected"] = len(rejected)
    return HttpResponse.json(
        status, body, headers={**CORS, **(headers or {})}, counts=counts, facts={"code": code, **(facts or {})}
    )
