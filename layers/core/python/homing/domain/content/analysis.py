"""What a Liquid template reads, without rendering it; and where its syntax is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from homing.domain.attributes.names import AFFINITIES
from homing.domain.campaigns import Template
from homing.domain.content.engine import environments
from homing.domain.content.mjml import LIQUID
from homing.domain.content.source import Source
from homing.domain.errors import InvalidCampaign

# Several checks look at the same texts one after the other: so many are kept.
_KEPT = 256
_BLOCK = re.compile(r"{%-?\s*(end)?(if|unless|for|case|capture|tablerow|comment|raw|ifchanged|doc)\b")


@lru_cache(maxsize=_KEPT)
def parsed(text: str) -> Any:
    """The syntax tree of a text, for whoever only reads it: it is shared. Raises LiquidError."""
    return environments().text.from_string(text)


@lru_cache(maxsize=_KEPT)
def _read(text: str) -> Mapping[str, Any]:
    """The top-level variables that a text reads, with the paths below them."""
    return MappingProxyType(parsed(text).analyze(include_partials=False).globals)


def syntax(source: Source) -> Iterator[InvalidCampaign]:
    """The first mistake in the Liquid of a source, with its place."""
    from liquid.exceptions import LiquidError

    try:
        parsed(source.text)
    except LiquidError as error:
        message = str(error.args[0] if error.args else error)
        index = error.token.start_index if error.token is not None else -1
        opened = _never_closed(source.text)
        if opened is not None and ("end of expression" in message or index < 0):
            name, index = opened
            message = f"{{% {name} %}} is never closed by {{% end{name} %}}"
        elif index < 0 or index >= len(source.text):
            index = _same_mistake(source.text, message)
        yield source.error(message, code="liquid", index=max(index, 0))


def _same_mistake(text: str, message: str) -> int:
    """Where the first piece stands that makes this mistake all by itself; 0 when none does."""
    from liquid.exceptions import LiquidError

    for match in LIQUID.finditer(text):
        try:
            environments().text.from_string(match[0])
        except LiquidError as error:
            if error.args and str(error.args[0]) == message:
                return match.start()
    return 0


def _never_closed(text: str) -> tuple[str, int] | None:
    """Name and place of the innermost block tag that stays open."""
    stack: list[tuple[str, int]] = []
    for match in _BLOCK.finditer(text):
        if not match[1]:
            stack.append((match[2], match.start()))
        elif stack and stack[-1][0] == match[2]:
            stack.pop()
    return stack[-1] if stack else None


def roots(template: Template) -> list[str]:
    """Names of the top-level variables that any part of a template reads."""
    found: set[str] = set()
    for part in (template.subject, template.preheader, template.html, template.text):
        found.update(_read(part))
    return sorted(found)


def computed(template: Template) -> list[str]:
    """Names of the computed attributes that any part of a template reads; shares of all categories are one."""
    found: set[str] = set()
    for part in (template.subject, template.preheader, template.html, template.text):
        for variable in _read(part).get("computed", ()):
            names = [str(name) for name in variable.segments[1:3]]
            if names[:1] == ["affinity"]:
                found |= {".".join(names)} & set(AFFINITIES) if len(names) > 1 else set(AFFINITIES)
            else:
                found |= set(names[:1])
    return sorted(found)


def choices(template: Template) -> list[str]:
    """Names of the choices that any part of a template reads."""
    found: set[str] = set()
    for part in (template.subject, template.preheader, template.html, template.text):
        found |= {str(one.segments[1]) for one in _read(part).get("choice", ()) if len(one.segments) > 1}
    return sorted(found)
