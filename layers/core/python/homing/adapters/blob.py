"""JSON in a compressed blob: what the journal keeps that DynamoDB need not see."""

from __future__ import annotations

from typing import Any

import orjson
import zstandard


def pack(value: Any) -> bytes:
    """Plain JSON types as bytes. A compressor for each call: they must not be shared by threads."""
    return zstandard.compress(orjson.dumps(value), 3)


def unpack(data: bytes) -> Any:
    """Reads :func:`pack`."""
    return orjson.loads(zstandard.decompress(data))
