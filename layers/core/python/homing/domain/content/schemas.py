"""JSON Schemas of the files that marketers write, for editors that complete and underline."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel

from homing.domain.attributes.language import StagedAttribute
from homing.domain.campaigns import Product, Settings
from homing.domain.codes.language import DiscountCode
from homing.domain.content.choices.language import Choice
from homing.domain.content.template_source import FrontMatter
from homing.domain.flows.language import Flow, Trigger, TriggerKind
from homing.domain.flows.trigger import ARGUMENTS, NEEDED, SEGMENT_KINDS
from homing.domain.segments.language import Segment
from homing.domain.stories.schema import story_schema
from homing.domain.time import format_duration

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TIME = r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$"
_SCALAR = {"type": ["string", "number", "boolean"]}
_NAMES = {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]*$"}


def schemas() -> dict[str, dict[str, Any]]:
    """Schema by the name of its file (without ``.json``), with the short forms that the languages allow."""
    models: dict[str, type[BaseModel]] = {
        "segment": Segment,
        "attribute": StagedAttribute,
        "choice": Choice,
        "code": DiscountCode,
        "flow": Flow,
        "settings": Settings,
        "template": FrontMatter,
        "product": Product,
    }
    found = {name: _schema(name, model.model_json_schema(by_alias=True)) for name, model in models.items()}
    return {**found, "story": {"$schema": _DIALECT, **_written(story_schema())}}


def _schema(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    definitions = schema.get("$defs", {})
    if "Test" in definitions:
        definitions["Test"] = {"anyOf": [_SCALAR, definitions["Test"]]}
    if "Times" in definitions:
        definitions["Times"] = {"anyOf": [{"type": "integer", "minimum": 0}, definitions["Times"]]}
    if "Trigger" in definitions:
        definitions["Trigger"] = _trigger()
    if name in {"segment", "attribute", "choice", "code", "flow"}:
        # The file's name says it.
        schema["required"] = [key for key in schema["required"] if key != "name"]
    if name == "segment":
        _listed(schema, "when")
    if name == "choice":
        _listed(definitions["Line"], "when")
        _listed(definitions["Tree"], "if")
        # A row of the matrix is a list: a value for each column, then the variant.
        definitions["Cell"] = {"type": "array", "minItems": 2}
    if name == "attribute":
        _listed(definitions["Stage"], "when", "keep_while")
    return {"$schema": _DIALECT, **_written(schema)}


def _listed(schema: dict[str, Any], *names: str) -> None:
    """Where one condition stands, a list of them may."""
    for name in names:
        one = schema["properties"][name]
        schema["properties"][name] = {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


def _written(node: Any) -> Any:
    """As people write it: times of day without seconds, defaults of durations not in microseconds."""
    if isinstance(node, list):
        return [_written(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("format") == "time":
        node = {**{key: value for key, value in node.items() if key != "format"}, "pattern": _TIME}
    if node.get("type") == "string" and isinstance(node.get("default"), int):
        node = {**node, "default": format_duration(node["default"])}
    return {key: _written(value) for key, value in node.items()}


def _trigger() -> dict[str, Any]:
    """``on: birthday``, ``on: {order_placed: {nth: 1}}``, ``on: {segment_entered: vip}``."""
    whole = Trigger.model_json_schema(by_alias=True)["properties"]
    keyed = {kind: _form(whole, ARGUMENTS[kind], NEEDED.get(kind)) for kind in ARGUMENTS if kind != "event"}
    keyed |= {kind: {"anyOf": [_NAMES, keyed[kind]]} for kind in SEGMENT_KINDS}
    kinds = [kind for kind in get_args(TriggerKind) if kind not in NEEDED]
    return {
        "description": "What starts the flow.",
        "anyOf": [
            {"type": "string", "enum": kinds},
            *(
                {"type": "object", "properties": {kind: form}, "required": [kind], "additionalProperties": False}
                for kind, form in keyed.items()
            ),
            _form(whole, ARGUMENTS["event"], NEEDED["event"]),
        ],
    }


def _form(whole: dict[str, Any], names: frozenset[str], needed: tuple[str, str] | None) -> dict[str, Any]:
    """What may stand below one kind of trigger."""
    return {
        "type": "object",
        "properties": {name: whole[name] for name in sorted(names)},
        "required": [needed[0]] if needed else [],
        "additionalProperties": False,
    }
