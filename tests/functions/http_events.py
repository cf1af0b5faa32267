"""What API Gateway's HTTP API hands to a function (payload 2.0)."""

from __future__ import annotations

import base64
from typing import Any


def http_event(
    method: str, path: str, body: bytes | str = b"", *, query: str = "", headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """Bytes are handed over in base64, text as it is."""
    encoded = isinstance(body, bytes)
    return {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers or {},
        "requestContext": {"http": {"method": method, "path": path}, "stage": "$default"},
        "body": base64.b64encode(body).decode() if isinstance(body, bytes) else body,
        "isBase64Encoded": encoded,
    }
