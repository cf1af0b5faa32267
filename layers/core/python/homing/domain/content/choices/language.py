"""What a marketer writes in ``choices/*.yaml``, as models: a matrix, a list of rules or a tree, and a default."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from homing.domain.segments.language import Condition, Model, Scalar

# More combinations than this can't be looked through by a person, nor checked while they type.
MAX_COMBINATIONS = 50_000
ANY = "*"
_KINDS = ("matrix", "rules", "tree")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def _variant(value: Any) -> Any:
    """Texts, and values by name; both are data, so Liquid in them would be mailed as it stands."""
    if isinstance(value, dict):
        if not value:
            raise ValueError("a variant says something: a text, or values by name")
        for name, held in value.items():
            if not _NAME.fullmatch(str(name)):
                raise ValueError(f"{name!r} is not a name for a value: small letters, digits and _")
            if isinstance(held, dict | list) or held is None:
                raise ValueError(f"{name!r} should be one text, number, true or false")
    elif isinstance(value, bool | int | float):
        value = str(value).lower()
    elif not isinstance(value, str) or not value.strip():
        raise ValueError("a variant is a text, or values by name")
    for held in value.values() if isinstance(value, dict) else (value,):
        if isinstance(held, str) and ("{{" in held or "{%" in held):
            raise ValueError("Liquid is not read in a choice: ask {% if choice.… == %} in the template instead")
    return value


_VALUE = {"type": ["string", "number", "boolean"]}
Variant = Annotated[
    str | dict[str, Scalar],
    BeforeValidator(_variant),
    WithJsonSchema({"anyOf": [_VALUE, {"type": "object", "minProperties": 1, "additionalProperties": _VALUE}]}),
]


class Axis(Model):
    """What a column asks of somebody: a trait's value, a computed attribute's, or whether they are in a segment."""

    trait: str | None = Field(None, min_length=1)
    computed: str | None = Field(None, min_length=1)
    segment: str | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Axis:
        if len(self.model_fields_set) != 1:
            raise ValueError("a column asks one thing: trait, computed or segment")
        return self

    @property
    def name(self) -> str:
        """What it asks for: ``country``, ``favourite_category``, ``vip``."""
        return self.trait or self.computed or self.segment or ""


class Cell(Model):
    """A row of the matrix: for each column a value, several, ``*`` for any, or nothing for "not known"."""

    of: list[Scalar | list[Scalar] | None]
    give: Variant

    @model_validator(mode="before")
    @classmethod
    def _row(cls, value: Any) -> Any:
        if isinstance(value, list):
            if len(value) < 2:
                raise ValueError("a row holds a value for each column, then the variant")
            return {"of": value[:-1], "give": value[-1]}
        return value


class Matrix(Model):
    """Attributes as columns. Of the rows that match, the one that says something in most columns counts."""

    by: list[Axis] = Field(min_length=1, max_length=8)
    rows: list[Cell] = Field(min_length=1, max_length=500)

    @model_validator(mode="after")
    def _fits(self) -> Matrix:
        names = [repr(axis) for axis in self.by]
        if len(set(names)) != len(names):
            raise ValueError("two columns ask the same")
        for number, row in enumerate(self.rows, 1):
            if len(row.of) != len(self.by):
                raise ValueError(f"row {number} has {len(row.of)} values for {len(self.by)} columns")
            for axis, held in zip(self.by, row.of, strict=True):
                if axis.segment is not None and not all(one in _ANSWERS or one == ANY for one in options(held)):
                    raise ValueError(f"row {number}: {axis.name} is a segment, so it is yes, no or *")
        return self


# In a segment, or not, as people write it.
_ANSWERS: dict[Any, bool] = {True: True, False: False, "yes": True, "no": False}


class Line(Model):
    """A rule of the list: who, and what they get."""

    when: Condition
    give: Variant

    @model_validator(mode="before")
    @classmethod
    def _list_means_all(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("when"), list):
            return {**value, "when": {"all": value["when"]}}
        return value


def _branch(value: Any) -> Any:
    """A tree below, or a variant; what is neither is told as a mistake in a variant."""
    if isinstance(value, Tree) or (isinstance(value, dict) and "if" in value):
        return value
    return _variant(value)


class Tree(Model):
    """A question, and what follows from yes and no: a variant or a further question. Without ``else``: the default."""

    if_: Condition = Field(alias="if")
    then: Annotated[Tree | str | dict[str, Scalar], BeforeValidator(_branch)]
    else_: Annotated[Tree | str | dict[str, Scalar] | None, BeforeValidator(lambda v: v and _branch(v))] = Field(
        None, alias="else"
    )

    @model_validator(mode="before")
    @classmethod
    def _list_means_all(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("if"), list):
            return {**value, "if": {"all": value["if"]}}
        return value


class Choice(Model):
    """A file of ``choices/``: exactly one of ``matrix``, ``rules`` and ``tree``; ``default`` for everybody else."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)
    description: str = ""
    matrix: Matrix | None = None
    rules: list[Line] | None = Field(None, min_length=1, max_length=200)
    tree: Tree | None = None
    default: Variant

    @model_validator(mode="after")
    def _one_kind(self) -> Choice:
        said = [kind for kind in _KINDS if getattr(self, kind) is not None]
        if len(said) != 1:
            raise ValueError(
                "a choice has one of matrix, rules and tree" + (f", not {' and '.join(said)}" if said else "")
            )
        return self

    def variants(self) -> Iterator[str | dict[str, Scalar]]:
        """Every variant that somebody may get, in the order of the file, the default last; the same one once."""
        found: list[str | dict[str, Scalar]] = []
        if self.matrix is not None:
            found += [row.give for row in self.matrix.rows]
        found += [line.give for line in self.rules or ()]
        if self.tree is not None:
            found += leaves(self.tree)
        found.append(self.default)
        for index, variant in enumerate(found):
            if variant not in found[:index]:
                yield variant


def leaves(tree: Tree) -> list[str | dict[str, Scalar]]:
    """The variants of a tree, from left to right."""
    found: list[str | dict[str, Scalar]] = []
    for branch in (tree.then, tree.else_):
        if isinstance(branch, Tree):
            found += leaves(branch)
        elif branch is not None:
            found.append(branch)
    return found


def options(held: Any) -> list[Any]:
    """What one column of a row allows, as a list."""
    return held if isinstance(held, list) else [held]


def answer(held: Any) -> bool:
    """``yes`` and ``no`` of a column that asks for a segment."""
    return _ANSWERS[held]


def label(variant: str | dict[str, Scalar]) -> str:
    """What a variant is called in reports: the text itself, its ``name``, its ``block``, or all it says."""
    if isinstance(variant, str):
        return variant
    return str(variant.get("name") or variant.get("block") or ", ".join(f"{k}={v}" for k, v in variant.items()))
