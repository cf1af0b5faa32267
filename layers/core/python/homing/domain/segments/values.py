"""What every model of the language is made of: strict objects, scalars, durations."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationInfo, WithJsonSchema

from homing.domain.errors import InvalidInput
from homing.domain.time import parse_duration

Scalar = str | int | float | bool

# Validation context of what people wrote: a bare number has no unit there. Bundles and code count microseconds.
WRITTEN: dict[str, bool] = {"written": True}


def _duration(value: Any, info: ValidationInfo) -> Any:
    """Text is read; a mistake in it becomes one of the field, so that it keeps its place."""
    if info.context and info.context.get("written") and isinstance(value, int | float):
        if isinstance(value, bool):
            raise ValueError(f"{str(value).lower()} is not a duration: write 30m, 20h or 3d")
        raise ValueError(f"{value} what? write {value}m, {value}h or {value}d")
    if value is None:
        raise ValueError("nothing stands here: write 30m, 20h or 3d")
    try:
        return parse_duration(value) if isinstance(value, str) else value
    except InvalidInput as error:
        raise ValueError(error.message) from error


Duration = Annotated[
    int,
    BeforeValidator(_duration),
    WithJsonSchema({
        "type": "string",
        "pattern": r"^(\d+(\.\d+)?\s*(s|min|m|h|d|w))+$",
        "description": "An exact duration: 30m, 20h, 3d, 2w, 1d12h.",
    }),
]  # fmt: skip


class Model(BaseModel):
    """Strict about keys: a misspelt one is an error, not a silent default."""

    # Built when first used: most functions read the bundle long after they were imported, and some never do.
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)
