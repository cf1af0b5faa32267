"""YAML that remembers where everything stood.

Read as YAML 1.2 means it: only ``true`` and ``false`` are booleans, so ``on:`` stays a key, ``NO`` stays Norway and
``21:00`` stays a time of day. Duplicate keys and aliases are mistakes here, with the place where they stand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from homing.domain.content.yaml_words import NAMED, in_words
from homing.domain.errors import InvalidCampaign

Path = tuple[str | int, ...]

_SIGNS = re.compile(r"(?:^|[\s\[{,])[&*!]|[?\t]|^---|[|>]\S*#|:\s+[}\],]", re.MULTILINE)
_INT = re.compile(r"[-+]?[0-9]+$")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$")


@dataclass(slots=True)
class Located:
    """A YAML document as plain values, with the place of each key and value."""

    file: str
    value: Any = None
    # Path → line and column (from 1) of the value there, and of the key that names it.
    values: dict[Path, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def error(self, message: str, *, code: str, path: Sequence[str | int] = (), key: bool = False) -> InvalidCampaign:
        """A mistake at that path, or at the nearest place above it that is known."""
        line, column = self.place(path, key=key)
        return InvalidCampaign(message, code=code, file=self.file, line=line, column=column)

    def place(self, path: Sequence[str | int] = (), *, key: bool = False) -> tuple[int, int]:
        """Line and column of the value (or of the key) at a path."""
        steps = tuple(path)
        if key and steps in self.keys:
            return self.keys[steps]
        while steps and steps not in self.values:
            steps = steps[:-1]
        return self.values.get(steps, (1, 1))

    def at(self, path: Sequence[str | int]) -> Any:
        """The value at a path that is there."""
        value = self.value
        for step in path:
            value = value[step]
        return value

    def part(self, path: Sequence[str | int]) -> Located:
        """What stands at a path as a document of its own, with its places."""
        steps = tuple(path)
        size = len(steps)
        values = {place[size:]: at for place, at in self.values.items() if place[:size] == steps}
        keys = {place[size:]: at for place, at in self.keys.items() if place[:size] == steps and len(place) > size}
        return Located(self.file, self.at(steps), values, keys)


@cache
def _loader() -> Any:
    """PyYAML's loader that composes nodes and refuses aliases, anchors and tags (imported late: it is not in the deployed
    layer)."""
    import yaml

    class Loader(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]
            # *alias, &anchor, !tag: a text that begins so would vanish.
            if isinstance(event, yaml.AliasEvent) or event.anchor or getattr(event, "tag", None):
                raise yaml.MarkedYAMLError(context=NAMED, context_mark=event.start_mark, problem_mark=event.start_mark)
            return super().compose_node(parent, index)

    return Loader


def parse_yaml(data: bytes | str, file: str, *, first_line: int = 1) -> Located:
    """The document with its places; ``first_line`` is where it starts in the file. Raises InvalidCampaign."""
    import yaml

    located = Located(file)
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidCampaign("the file is not UTF-8 text: save it as UTF-8", code="encoding", file=file) from error
    text = text.removeprefix("\ufeff")
    try:
        node = _node(text)
    except yaml.YAMLError as error:
        told = in_words(error, text)
        place = told.line + first_line, told.column + 1
        raise InvalidCampaign(told.message, code="yaml", file=file, line=place[0], column=place[1]) from error
    if node is not None:
        located.value = _construct(node, (), located, first_line)
    return located


def _node(text: str) -> Any:
    import yaml

    # libyaml is some ten times as fast, and says less of what is wrong: the loader in Python has the last word. It also
    # knows what libyaml lets pass or forgets: tabs, and what begins with a sign of its own.
    if (quick := getattr(yaml, "CSafeLoader", None)) is not None and not _SIGNS.search(text):
        loader = quick(text)
        try:
            return loader.get_single_node()
        except yaml.YAMLError:
            pass
        finally:
            loader.dispose()
    loader = _loader()(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _construct(node: Any, path: Path, located: Located, first_line: int) -> Any:
    import yaml

    located.values[path] = (node.start_mark.line + first_line, node.start_mark.column + 1)
    if isinstance(node, yaml.MappingNode):
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            place = (key_node.start_mark.line + first_line, key_node.start_mark.column + 1)
            if not isinstance(key_node, yaml.ScalarNode):
                message = "a key is a word: a text with braces or brackets needs quotes"
                raise InvalidCampaign(message, code="yaml", file=located.file, line=place[0], column=place[1])
            key = str(key_node.value)
            if key in result:
                raise InvalidCampaign(
                    f"{key!r} stands here twice",
                    code="duplicate_key",
                    file=located.file,
                    line=place[0],
                    column=place[1],
                )
            located.keys[(*path, key)] = place
            result[key] = _construct(value_node, (*path, key), located, first_line)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_construct(item, (*path, index), located, first_line) for index, item in enumerate(node.value)]
    return _scalar(node)


def _scalar(node: Any) -> str | int | float | bool | None:
    """YAML 1.2's core schema; quoted text stays text."""
    text = str(node.value)
    # Of plain text libyaml says "".
    if node.style:
        return text
    if text in {"", "~", "null", "Null", "NULL"}:
        return None
    if text in {"true", "True", "TRUE"}:
        return True
    if text in {"false", "False", "FALSE"}:
        return False
    if _INT.match(text) and len(text) < 20:
        # 0123 and +49 are post codes and dialling codes, which lose their meaning as numbers.
        return int(text) if not re.match(r"[-+]?0\d|\+", text) else text
    if _FLOAT.match(text):
        return float(text)
    return text
