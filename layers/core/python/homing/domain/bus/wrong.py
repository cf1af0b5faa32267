"""What is wrong with a command on the bus, in words: the field, what stood there and what may stand there.

Answers name nobody, so of a text only its kind is told; it may be an address or a customer's number in a wrong field.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from homing.domain.events.event import PERSON_IDENTIFIERS

# What may stand in fields whose type alone does not say it.
_ALLOWED = {
    "flow": "the name of a flow: small letters from a to z, digits, - and _, at most 64",
    "request_id": "1 to 128 characters and no @: it stands in answers and logs, and names nobody",
    "list": "the name of a list, or a file as {s3: …}",
    "currency": "three capital letters, such as EUR",
}
_PERSONAL = frozenset({*PERSON_IDENTIFIERS, "profile_id"})


class Wrong(NamedTuple):
    """The message, and the field (`detail.price.now`)."""

    message: str
    where: str


def in_words(errors: list[Any], model: type[BaseModel], detail: Any) -> Wrong:
    """Of what pydantic found, the first, or what lies deepest in the same field."""
    field = errors[0]["loc"][:1]
    places = {index: _place(one, detail) for index, one in enumerate(errors) if one["loc"][:1] == field}
    index = max(places, key=lambda one: (len(places[one]), -one))
    found, place = errors[index], places[index]
    where = ".".join(("detail", *place))
    if found["type"] == "extra_forbidden":
        return Wrong(f"there is no field {place[-1]}; {_fields(model, place)}", where)
    if found["type"] == "missing":
        return Wrong(f"{'.'.join(place)} is missing: write {_allowed(place, found, model)}", where)
    if found["type"] == "value_error":
        return Wrong(str(found["msg"]).removeprefix("Value error, "), where)
    name = ".".join(place) or "detail"
    return Wrong(f"{name} is {_given(found, place)}: write {_allowed(place, found, model)}", where)


def _place(found: Any, detail: Any) -> tuple[str, ...]:
    """The path in what was sent, without the names of the models that a field may be."""
    place: list[str] = []
    value, last = detail, len(found["loc"]) - 1
    for index, part in enumerate(found["loc"]):
        if (isinstance(value, Mapping) and part in value) or (isinstance(value, list) and isinstance(part, int)):
            # A key that is an address names somebody.
            place.append("…" if "@" in str(part) else str(part))
            value = value[part]
        elif index == last and found["type"] == "missing":
            place.append(str(part))
    return tuple(place)


def _given(found: Any, place: tuple[str, ...]) -> str:
    value = found["input"]
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return "a number" if _PERSONAL & set(place) else f"{value}"
    if isinstance(value, str):
        if not value:
            return "empty"
        if found["type"] == "string_pattern_mismatch":
            return "a text of another form"
        return f"a text of {len(value):,} characters" if found["type"] == "string_too_long" else "a text"
    if isinstance(value, list | tuple):
        return f"a list of {len(value):,}" if value else "an empty list"
    return "an object"


def _allowed(place: tuple[str, ...], found: Any, model: type[BaseModel]) -> str:
    kind, context = found["type"], found.get("ctx", {})
    if place and place[-1] in _ALLOWED:
        return _ALLOWED[place[-1]]
    if kind.startswith("int_") or kind in {"greater_than_equal", "less_than_equal", "finite_number"}:
        return f"a whole number{_bounds(model, place)}"
    if kind == "string_too_long":
        return f"at most {context['max_length']:,}"
    if kind == "too_long":
        return f"at most {context['max_length']:,}"
    if kind == "string_too_short":
        return "a text that is not empty"
    if kind.startswith("bool_"):
        return "true or false"
    if kind.startswith("list_") or kind == "too_short":
        return "a list of at least one"
    if kind.startswith(("model_", "dict_")):
        inner = _model_at(model, place)
        return (
            f"an object with {', '.join(inner.model_fields)}" if inner is not None else "an object with keys and values"
        )
    if kind == "missing" and _model_at(model, place) is not None:
        return "an object"
    return "a text"


def _bounds(model: type[BaseModel], place: tuple[str, ...]) -> str:
    info = model.model_fields.get(place[-1]) if len(place) == 1 else None
    held = info.metadata if info is not None else []
    least = next((one.ge for one in held if hasattr(one, "ge")), None)
    most = next((one.le for one in held if hasattr(one, "le")), None)
    return f" from {least:,} to {most:,}" if least is not None and most is not None else ""


def _fields(model: type[BaseModel], place: tuple[str, ...]) -> str:
    inner = _model_at(model, place[:-1]) or model
    return f"a {inner.__name__} has {', '.join(inner.model_fields)}"


def _model_at(model: type[BaseModel], place: tuple[str, ...]) -> type[BaseModel] | None:
    """The model of what stands at a place; None where it is none."""
    found: type[BaseModel] | None = model
    for part in place:
        if part.isdigit():
            continue
        info = found.model_fields.get(part) if found is not None else None
        found = next(iter(_models(info.annotation)), None) if info is not None else None
    return found


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [one for argument in getattr(annotation, "__args__", ()) for one in _models(argument)]
