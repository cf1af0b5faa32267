"""The JSON Schema of a story, for editors that complete and underline: put together of the pieces that are read."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from homing.domain.stories.expectations import FORMS, NAMED, OF_NONE, VALUED
from homing.domain.stories.language import DEEDS, MEANWHILE, STEPS, USUAL_BEGINNING, Person, Until

_TEXT = {"type": "string", "minLength": 1}
_NAMES = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}
Schema = dict[str, Any]


def story_schema() -> Schema:
    """Of a file of ``stories/``."""
    models: list[type[BaseModel]] = [Person, *STEPS.values(), *DEEDS.values(), *(model for model, _ in FORMS.values())]
    refs, whole = models_json_schema([(model, "validation") for model in dict.fromkeys(models)], by_alias=True)
    definitions: Schema = whole["$defs"]
    del definitions["Person"]["additionalProperties"], definitions["Does"]["additionalProperties"]

    def ref(model: type[BaseModel]) -> Schema:
        return dict(refs[model, "validation"])

    moment = definitions[Until.__name__]["properties"]["until"]
    words = [*STEPS, "expect"]
    deed = {
        "description": "What somebody does, by their name in the story.",
        "type": "object", "minProperties": 1, "maxProperties": 1,
        "propertyNames": {"not": {"enum": words}},
        "additionalProperties": {"anyOf": [ref(model) for model in DEEDS.values()]},
    }  # fmt: skip
    definitions["Outage"]["properties"]["meanwhile"] = {
        "description": "What happens during it.", "type": "array", "minItems": 1,
        "items": {"anyOf": [*(ref(STEPS[word]) for word in MEANWHILE), deed]},
    }  # fmt: skip
    expect = {
        "type": "object", "properties": {"expect": {"$ref": "#/$defs/Expect"}}, "required": ["expect"],
        "additionalProperties": False,
    }  # fmt: skip
    definitions["Expect"] = _expect(ref)
    steps = [*(ref(model) for model in STEPS.values()), expect, deed]
    return {
        "title": "Story",
        "description": "A file of ``stories/``.",
        "type": "object",
        "properties": {
            "description": {**_TEXT, "description": "What it is about, in a sentence."},
            "at": {**moment, "title": "At", "description": "When it begins.", "default": USUAL_BEGINNING},
            "people": {
                "description": "Who is in it, with what is known of them.",
                "type": "object", "minProperties": 1, "propertyNames": {"not": {"enum": words}},
                "additionalProperties": {"anyOf": [ref(Person), {"type": "null"}]},
            },
            "story": {
                "description": "What happens, in order.", "type": "array", "minItems": 1, "items": {"anyOf": steps},
                "contains": {"type": "object", "required": ["expect"]},
            },
        },
        "required": ["description", "people", "story"],
        "additionalProperties": False,
        "$defs": definitions,
    }  # fmt: skip


def _expect(ref: Any) -> Schema:
    properties: Schema = {"description": {**_TEXT, "description": "What is expected, as it is told when it is not so."}}
    for word, (model, short) in FORMS.items():
        one = [
            ref(model),
            *([_TEXT] if short else []),
            *([{"const": True}] if word in OF_NONE or word == "mail" else []),
        ]
        properties[word] = {"anyOf": [*one, {"type": "array", "minItems": 1, "items": {"anyOf": one}}]}
    for word in NAMED:
        properties[word] = {"anyOf": [_NAMES, {"type": "object", "additionalProperties": _NAMES}]}
    for word in VALUED:
        values: Schema = {"type": "object", "minProperties": 1}
        if word == "consent":
            values["additionalProperties"] = {"type": "boolean"}
        properties[word] = {"type": "object", "minProperties": 1, "additionalProperties": values}
    return {"type": "object", "properties": properties, "additionalProperties": False, "minProperties": 1}
