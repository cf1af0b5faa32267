"""What can be wrong with discount codes: who grants them, and who shows them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from homing.domain.campaigns import Template
from homing.domain.content.suggest import did_you_mean
from homing.domain.content.yaml_source import Located, Path
from homing.domain.errors import InvalidCampaign

# A template that asks whether there is a code may be sent without one.
_ASKS = re.compile(r"{%-?\s*(?:if|elsif|unless)\s+code\b")


def unknown_codes(flows: Mapping[str, Located], codes: Mapping[str, Any]) -> Iterator[InvalidCampaign]:
    """Steps that grant a code which there is not."""
    for located in flows.values():
        for _, code, path in _sends(located.value):
            if code is not None and code not in codes:
                hint = did_you_mean(code, codes)
                yield located.error(
                    f"there is no discount code {code!r}{hint}", code="unknown_code", path=(*path, "code")
                )


def unknown_segments(codes: Mapping[str, Located], segments: Collection[str]) -> Iterator[InvalidCampaign]:
    """Codes that are for a segment which there is not."""
    for located in codes.values():
        name = located.value.get("only_for") if isinstance(located.value, Mapping) else None
        if isinstance(name, str) and name not in segments:
            message = f"there is no segment {name!r}{did_you_mean(name, segments)}"
            yield located.error(message, code="unknown_segment", path=("only_for",))


def misused_codes(
    flows: Mapping[str, Located], codes: Mapping[str, Located], templates: Mapping[str, Template]
) -> Iterator[InvalidCampaign]:
    """Templates that show a code which is not granted, codes that are granted and not shown, and codes of nobody."""
    granted: set[str] = set()
    for located in flows.values():
        for name, code, path in _sends(located.value):
            granted.add(code or "")
            template = templates.get(name)
            if template is None:
                continue
            reads = "code" in template.variables
            asks = any(_ASKS.search(part) for part in (template.subject, template.html, template.text))
            if reads and code is None and not asks:
                message = f"{name} shows a discount code, and this step grants none: write `code:` beneath `send:`"
                yield located.error(message, code="code_not_granted", path=path)
            if code is not None and not reads:
                message = f"each of these mails draws a code of {code!r}, and {name} does not show it"
                yield located.error(message, code="unread_code", path=(*path, "code"))
    for name, located in codes.items():
        if name not in granted:
            yield located.error(f"no flow grants {name!r}", code="unused_code")


def code_of(steps: Any, template: str) -> str | None:
    """The code that comes with a template in a flow's steps as written, if any."""
    return next((code for name, code, _ in _sends(steps) if name == template and code), None)


def _sends(value: Any, path: Path = ()) -> Iterator[tuple[str, str | None, Path]]:
    """Template, code and path of each step that sends."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _sends(item, (*path, index))
    elif isinstance(value, Mapping):
        if isinstance(value.get("send"), str):
            code = value.get("code")
            yield value["send"], code if isinstance(code, str) else None, path
        for key in ("steps", "then", "else", "ways"):
            if key in value:
                yield from _sends(value[key], (*path, key))
