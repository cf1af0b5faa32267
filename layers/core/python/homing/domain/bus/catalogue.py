"""Everything on the bus as JSON Schemas: for docs/schemas/bus, and for EventBridge's schema registry."""

from __future__ import annotations

from typing import Any

from homing.domain.bus.commands import ANSWERS, COMMANDS, Message
from homing.domain.bus.events import EVENTS

SOURCE = "homing"
_DIALECT = "http://json-schema.org/draft-04/schema#"
_ENVELOPE = {
    "version": {"type": "string"},
    "id": {"type": "string"},
    "account": {"type": "string"},
    "time": {"type": "string", "format": "date-time"},
    "region": {"type": "string"},
    "resources": {"type": "array", "items": {"type": "string"}},
}


def catalogue() -> dict[str, type[Message]]:
    """The model of each detail by its detail-type: commands, answers, events."""
    return {name: model for name, (_, model) in COMMANDS.items()} | ANSWERS | EVENTS


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema (draft 4, which EventBridge's registry takes) of each event, envelope and all, by its detail-type."""
    return {name: _schema(name, model) for name, model in catalogue().items()}


def _schema(name: str, model: type[Message]) -> dict[str, Any]:
    mode = "validation" if name in COMMANDS else "serialization"
    detail: dict[str, Any] = _draft4(model.model_json_schema(by_alias=True, mode=mode))  # type: ignore[arg-type]
    definitions = detail.pop("definitions", {})
    # Commands may come from anybody.
    source: dict[str, Any] = {"type": "string"} if name in COMMANDS else {"enum": [SOURCE]}
    return {
        "$schema": _DIALECT,
        "title": name,
        "description": detail.get("description", ""),
        "type": "object",
        "required": ["source", "detail-type", "detail"],
        "x-amazon-events-detail-type": name,
        "x-amazon-events-source": SOURCE,
        "properties": {
            **_ENVELOPE,
            "source": source,
            "detail-type": {"enum": [name]},
            "detail": {"$ref": f"#/definitions/{name}"},
        },
        "definitions": {**definitions, name: detail},
    }


def _draft4(node: Any) -> Any:
    """From the dialect of pydantic: definitions elsewhere, constants as enumerations, exclusive bounds as flags."""
    if isinstance(node, list):
        return [_draft4(item) for item in node]
    if not isinstance(node, dict):
        return node.replace("#/$defs/", "#/definitions/") if isinstance(node, str) else node
    found: dict[str, Any] = {}
    for key, value in node.items():
        if key == "$defs":
            found["definitions"] = {name: _draft4(one) for name, one in value.items()}
        elif key == "const":
            found["enum"] = [value]
        elif key in {"exclusiveMinimum", "exclusiveMaximum"}:
            found[key.replace("exclusiveM", "m")] = value
            found[key] = True
        elif key != "title" or isinstance(value, dict):
            # Titles repeat names; a property may be called so, and stays.
            found[key] = _draft4(value)
    return found
