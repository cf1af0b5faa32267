"""From pydantic's errors to places in a marketer's file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from homing.domain.content.suggest import did_you_mean
from homing.domain.content.yaml_source import Located, Path
from homing.domain.content.yaml_words import space_missing
from homing.domain.errors import InvalidCampaign
from homing.domain.flows.steps import LABEL, STEPS
from homing.domain.segments.language import KEYS, WRITTEN

M = TypeVar("M", bound=BaseModel)


def validate(model: type[M], located: Located, value: Any = None) -> tuple[M | None, list[InvalidCampaign]]:
    """The model of a document (``value`` replaces it, with the same places), or every mistake in it."""
    value = located.value if value is None else value
    if not isinstance(value, dict):
        kind = "empty" if value is None else "a list" if isinstance(value, list) else "a single value"
        message = (isinstance(value, str) and space_missing(value)) or f"expected keys with values, and this is {kind}"
        return None, [located.error(message, code="invalid_value")]
    try:
        return model.model_validate(value, context=WRITTEN), []
    except ValidationError as error:
        return None, list(_problems(model, located, error))


def _problems(model: type[BaseModel], located: Located, error: ValidationError) -> Iterator[InvalidCampaign]:
    for item in error.errors(include_url=False):
        path = _path(located.value, item["loc"])
        kind = item["type"]
        if kind == "extra_forbidden":
            name = str(item["loc"][-1])
            hint = did_you_mean(name, _keys(model, item["loc"], located.value))
            message = space_missing(f"{name}…") or f"unknown key {name!r}{hint}"
            yield located.error(message, code="unknown_key", path=path, key=True)
        elif kind == "missing":
            name = str(item["loc"][-1])
            place = _holder(located.value, path, item["input"])
            yield located.error(f"{name!r} is missing", code="missing_key", path=place)
        elif kind == "same_id":
            again = list(_with_id(located.value, item["ctx"]["id"]))[1:2]
            yield located.error(item["msg"], code="invalid_value", path=again[0] if again else path)
        elif kind == "at_key":
            yield located.error(item["msg"], code="invalid_value", path=(*path, item["ctx"]["key"]), key=True)
        elif kind in {"unknown_condition", "unknown_step"}:
            yield _unknown_start(located, path, item["msg"], kind)
        elif kind == "string_pattern_mismatch" and item["ctx"]["pattern"] == LABEL:
            message = f"{_shown(item['input'])} is no name: write small letters from a to z, digits, - and _"
            yield located.error(message, code="invalid_value", path=path)
        elif kind in _PLAIN:
            wanted = _PLAIN[kind].format(**item.get("ctx", {}))
            if kind == "list_type" and isinstance(item["input"], Mapping):
                dash = next((str(name) for name in item["input"] if str(name).startswith("-")), None)
                if dash is not None:
                    message = f"a space is missing after the dash: write `- {dash.lstrip('-')}: …`"
                    yield located.error(message, code="invalid_value", path=path)
                    continue
            written = (
                "nothing stands here, where" if item["input"] in (None, []) else f"{_shown(item['input'])} stands where"
            )
            yield located.error(f"{written} {wanted} should be", code="invalid_value", path=path)
        else:
            message = item["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
            if item["msg"].startswith("Input should be "):
                message = f"{_shown(item['input'])} should be {message.partition(', unable')[0]}"
                if kind == "literal_error":
                    message += _literal_hint(item)
                if item["loc"] == ("on", "kind"):
                    # What an event of one's own is called in the models; a file says which event.
                    message = message.replace("'event'", "{did: …}")
            yield located.error(message, code="invalid_value", path=path)


# What pydantic says in words of Python.
_PLAIN = {
    "int_type": "a whole number", "int_parsing": "a whole number", "int_from_float": "a whole number",
    "float_type": "a number", "float_parsing": "a number", "bool_type": "true or false", "bool_parsing": "true or false",
    "string_type": "a text", "list_type": "a list (a line with `- ` for each)", "dict_type": "keys with values",
    "model_type": "keys with values", "model_attributes_type": "keys with values",
    "too_short": "a list of at least {min_length}",
}  # fmt: skip


def _literal_hint(item: Any) -> str:
    expected = str(item.get("ctx", {}).get("expected", ""))
    words = [word.strip().strip("'") for word in expected.replace(" or ", ", ").split(",")]
    hint = did_you_mean(str(item["input"]), words)
    return hint if "did you mean" in hint else ""


def _unknown_start(located: Located, path: Path, message: str, kind: str) -> InvalidCampaign:
    """A condition or step whose telling key is not known: the likely one is named."""
    known = message.rpartition("one of ")[2].split(", ")
    value = _value(located.value, path)
    if isinstance(value, Mapping) and value:
        name = next(iter(value))
        text = f"unknown key {name!r}{did_you_mean(str(name), known)}: {message}"
        return located.error(text, code=kind, path=(*path, name), key=True)
    missing = space_missing(value) if isinstance(value, str) else None
    return located.error(missing or message, code=kind, path=path)


def _holder(value: Any, path: Path, given: Any) -> Path:
    """Where the keys stand among which one is missing: there, or above what was taken for the tag of a union."""
    for size in range(len(path), -1, -1):
        if _value(value, path[:size]) == given:
            return path[:size]
    return path


def _with_id(value: Any, label: str, path: Path = ()) -> Iterator[Path]:
    """The places of `id: label`, in the order of the file."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "id" and inner == label:
                yield (*path, key)
            yield from _with_id(inner, label, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _with_id(inner, label, (*path, index))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:39] + "…"


def _value(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _path(value: Any, loc: tuple[str | int, ...]) -> Path:
    """Pydantic's location without what is not in the file: union tags, models' own names for short forms."""
    path: list[str | int] = []
    for step, following in zip(loc, (*loc[1:], None)[: len(loc)], strict=True):
        if step in _TELLING and following is not None and isinstance(value, Mapping) and following in value:
            # The tag of a union, not a key: `did` before `within` in {did: …, within: …}.
            continue
        if _leads(value, step):
            path.append(step)
            value = value[step]
        elif isinstance(value, Mapping) and len(value) == 1:
            # `on: {order_placed: {nth: 1}}` is read as {kind: order_placed, nth: 1}.
            ((only, inner),) = value.items()
            if isinstance(inner, Mapping) and step in inner:
                path += [only, step]
                value = inner[step]
    return tuple(path)


# Tags of unions that are keys as well.
_TELLING = frozenset({*KEYS, *STEPS, "any", "until", "message", "left", "trigger"})


def _leads(value: Any, step: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(step, int) and 0 <= step < len(value)
    return isinstance(value, Mapping) and step in value


def _keys(model: type[BaseModel], loc: tuple[str | int, ...], value: Any) -> set[str]:
    """The keys that may stand beside the last one of a location, found by walking the models and what is written."""
    found: list[Any] = [model]
    for step, following in pairwise(loc):
        tag = step in _TELLING and isinstance(value, Mapping) and following in value
        inner = [] if tag else [inner for one in found for inner in _step(one, step)]
        # A union's tag leads nowhere, but tells which of the models is meant: the one with a field of that name.
        tagged = [one for one in found if _has(one, step)]
        found = inner or tagged or found
        if not tag and _leads(value, step):
            value = value[step]
    return {
        info.alias or name
        for one in found
        if isinstance(one, type) and issubclass(one, BaseModel)
        for name, info in one.model_fields.items()
    }


def _step(model: Any, step: str | int) -> list[Any]:
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return []
    # Models are built when first used; until then their fields name each other by text.
    model.model_rebuild()
    for name, info in model.model_fields.items():
        if step in {name, info.alias}:
            return _models(info.annotation)
    return []


def _has(model: type[BaseModel], name: str | int) -> bool:
    return any(name in {field, info.alias} for field, info in model.model_fields.items())


def _models(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]
