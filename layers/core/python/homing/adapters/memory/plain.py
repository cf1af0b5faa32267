"""JSON as the services between which things pass keep it: what is not of JSON is found out here too."""

from __future__ import annotations

import json
from typing import Any

import orjson

# What Python's own json refuses must not slip through because a quicker one knows it.
_STRICT = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS


def kept(value: Any) -> bytes:
    """As bytes. Raises TypeError for what is not of JSON."""
    try:
        return orjson.dumps(value, option=_STRICT)
    except TypeError:
        # Numbers beyond 64 bits, keys that are no texts, halves of characters.
        return json.dumps(value).encode()


def read(data: bytes) -> Any:
    """What :func:`kept` kept."""
    try:
        return orjson.loads(data)
    except ValueError:
        return json.loads(data)


def passed(value: Any) -> Any:
    """As whoever takes it gets it."""
    return read(kept(value))
