"""From the bytes of a request to a JSON object, whatever the content type says, within bounds."""

from __future__ import annotations

import json
import zlib
from typing import Any

import orjson

from homing.domain.errors import InvalidInput

MAX_DEPTH = 32
_NESTED = (dict, list)
_GZIP, _GZIP_MAGIC = 16 + zlib.MAX_WBITS, b"\x1f\x8b"
# What is left of it where a gateway took the bytes for UTF-8 (HTTP APIs do so for Content-Type application/json).
_DAMAGED = b"\x1f\xef\xbf\xbd"


def inflate(body: bytes, encoding: str, limit: int) -> bytes:
    """Undoes Content-Encoding; never holds more than ``limit`` bytes, so a small bomb stays small.

    Raises InvalidInput: ``too_large``, ``bad_encoding``, ``gzip_damaged``, ``unsupported_encoding``.
    """
    encoding = encoding.strip().lower()
    if body.startswith(_DAMAGED):
        raise InvalidInput(
            "the gateway took the compressed body for text and damaged it: switch compression off in the SDK, "
            "or send it with Content-Type application/octet-stream",
            code="gzip_damaged",
        )
    if encoding in {"", "identity"} or (encoding.endswith("gzip") and not body.startswith(_GZIP_MAGIC)):
        # Some proxies undo the compression and leave the header.
        return _within(body, limit)
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise InvalidInput(
            f"Content-Encoding {encoding[:40]!r} is not spoken here: use gzip", code="unsupported_encoding"
        )
    _within(body, limit)
    stream = zlib.decompressobj(_GZIP if encoding.endswith("gzip") else zlib.MAX_WBITS)
    try:
        plain = stream.decompress(body, limit + 1)
    except zlib.error as error:
        raise InvalidInput(f"the body is not {encoding}", code="bad_encoding") from error
    if len(plain) <= limit and not stream.eof:
        raise InvalidInput(f"the {encoding} body ends too early", code="bad_encoding")
    return _within(plain, limit)


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise InvalidInput(f"a request has at most {limit:,} bytes", code="too_large")
    return body


def json_object(body: bytes) -> dict[str, Any]:
    """Parses a JSON object; raises InvalidInput, ``bad_json``."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = _lenient(body)
    if not isinstance(value, dict):
        raise InvalidInput("the body is a JSON object", code="bad_json")
    return value


def _lenient(body: bytes) -> Any:
    # Real senders write what the standard forbids: Python's json module writes NaN, and browsers cut emoji in half,
    # which leaves a lone surrogate. One such text must not cost the other events of its batch.
    try:
        text = body.decode("utf-8", "replace")
        value = json.loads(text, parse_constant=lambda _: None)
        plain = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return orjson.loads(plain)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("the body is not JSON", code="bad_json") from error


def too_deep(value: Any, depth: int = MAX_DEPTH) -> bool:
    """Whether objects and lists are nested deeper than any honest event."""
    if not isinstance(value, _NESTED):
        return False
    if depth == 0:
        return True
    # A plain loop: every message passes here, and most of what is in it is no object.
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, _NESTED) and too_deep(item, depth - 1):
            return True
    return False
