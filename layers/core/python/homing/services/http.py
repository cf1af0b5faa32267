"""A request and its answer, apart from the gateway that brings them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

from homing.domain.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """Header names are in lower case; ``body`` is what came over the wire, byte for byte."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> HttpRequest:
        """Reads the invocation of an API Gateway HTTP API or a function URL (payload 2.0), and of a REST API (1.0)."""
        http = event.get("requestContext", {}).get("http", {})
        headers = {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}
        if "rawQueryString" in event:
            query = dict(parse_qsl(event["rawQueryString"], keep_blank_values=True))
        else:
            query = dict(event.get("queryStringParameters") or {})
        body = event.get("body") or ""
        try:
            raw = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
        except (binascii.Error, ValueError) as error:
            raise InvalidInput("the body is not base64", code="bad_body") from error
        return cls(
            method=str(http.get("method") or event.get("httpMethod") or "GET").upper(),
            path=str(event.get("rawPath") or event.get("path") or "/"),
            headers=headers,
            query=query,
            body=raw,
        )

    @property
    def last_segment(self) -> str:
        """The last part of the path: ``batch`` of ``/v1/batch/``."""
        return self.path.rstrip("/").rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer. ``counts`` (metric name → number) and ``facts`` (for the log) are not sent and name nobody."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def json(
        cls,
        status: int,
        value: Mapping[str, Any],
        *,
        headers: Mapping[str, str] | None = None,
        counts: Mapping[str, int] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> HttpResponse:
        """A JSON object as the answer."""
        typed = {"Content-Type": "application/json", "Cache-Control": "no-store", **(headers or {})}
        return cls(status, orjson.dumps(value).decode(), typed, counts or {}, facts or {})

    def to_event(self) -> dict[str, Any]:
        """What Lambda returns to the gateway."""
        return {"statusCode": self.status, "headers": dict(self.headers), "body": self.body, "isBase64Encoded": False}
