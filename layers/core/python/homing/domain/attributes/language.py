"""Staged attributes: what a marketer writes in ``attributes/*.yaml``, as models."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from homing.domain.segments.language import Condition
from homing.domain.segments.values import Duration, Model

_NAME = r"^[a-z0-9][a-z0-9_-]*$"


class Stage(Model):
    """One stage: who enters it, and how long they stay although they would no longer enter."""

    name: str = Field(pattern=_NAME, max_length=64)
    description: str = ""
    when: Condition
    # They stay while `when` or this holds, and in any case until they have been here for keep_for.
    keep_while: Condition | None = None
    keep_for: Duration | None = Field(None, gt=0)

    @model_validator(mode="before")
    @classmethod
    def _list_means_all(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {
            key: {"all": held} if key in {"when", "keep_while"} and isinstance(held, list) else held
            for key, held in value.items()
        }


class StagedAttribute(Model):
    """A file of ``attributes/``: stages, of which the first in the file's order that holds is somebody's."""

    name: str = Field(pattern=_NAME, max_length=64)
    description: str = ""
    stages: list[Stage] = Field(min_length=1, max_length=50)

    @model_validator(mode="after")
    def _names_differ(self) -> StagedAttribute:
        names = [stage.name for stage in self.stages]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two stages are called {name!r}")
        return self
