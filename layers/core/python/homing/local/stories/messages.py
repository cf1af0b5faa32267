"""What a shop's SDK would post for the deeds of a story."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homing.domain.time import iso


def message(
    kind: str, names: Mapping[str, str], values: Mapping[str, Any], name: str, *, id: str, at: int
) -> dict[str, Any]:  # fmt: skip
    """A message of Segment's HTTP API: ``track`` with its name and properties, or ``identify`` with traits; ``names`` are
    the identifiers it carries."""
    found: dict[str, Any] = {"type": kind, "messageId": id, "timestamp": iso(at)}
    for identifier, field in (("user_id", "userId"), ("anonymous_id", "anonymousId")):
        if identifier in names:
            found[field] = names[identifier]
    context: dict[str, Any] = {}
    traits = {one: names[one] for one in ("email", "loyalty_id") if one in names}
    if "device_id" in names:
        context["device"] = {"id": names["device_id"]}
    if kind == "track":
        found |= {"event": name, "properties": dict(values)}
        context |= {"traits": traits} if traits else {}
    else:
        found["traits"] = {**traits, **values}
    return {**found, "context": context}
