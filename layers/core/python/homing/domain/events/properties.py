"""What rules may ask of an event: its properties, and of its context what is worth a name of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from homing.domain.events.event import Event

_CONTEXT = "context."
_TABLET = re.compile(r"ipad|tablet|kindle|silk|playbook|android(?!.*mobi)", re.IGNORECASE)
_MOBILE = re.compile(r"mobi|iphone|ipod|android|blackberry|phone", re.IGNORECASE)
_DEVICES = {
    "mobile": "mobile", "phone": "mobile", "smartphone": "mobile", "ios": "mobile", "android": "mobile",
    "tablet": "tablet", "desktop": "desktop", "web": "desktop", "pc": "desktop",
}  # fmt: skip


def look_up(properties: Mapping[str, Any], path: str) -> Any:
    """A property by name; dots reach into objects."""
    if path in properties:
        return properties[path]
    if "." not in path:
        return None
    value: Any = properties
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def nested(found: Mapping[str, Any]) -> dict[str, Any]:
    """What was looked up, where it stood: ``{"answer.score": 7}`` is ``{"answer": {"score": 7}}``."""
    whole: dict[str, Any] = {}
    for name in sorted(found, key=lambda name: name.count(".")):
        *path, last = name.split(".")
        place = whole
        for part in path:
            # A copy: what was found belongs to somebody else.
            held = place.get(part)
            place[part] = dict(held) if isinstance(held, Mapping) else {}
            place = place[part]
        place[last] = found[name]
    return whole


def property_of(event: Event, path: str) -> Any:
    """A property, or with ``context.`` before it something of the context; ``context.device`` and ``context.country``
    are read from wherever senders put them."""
    if not path.startswith(_CONTEXT):
        return look_up(event.properties, path)
    name = path[len(_CONTEXT) :]
    if name == "device":
        return device_of(event.context)
    if name == "country":
        return country_of(event.context)
    return look_up(event.context, name)


def device_of(context: Mapping[str, Any]) -> str | None:
    """``mobile``, ``tablet`` or ``desktop``: as stated, else by the user agent; None where nothing tells."""
    stated = context.get("device")
    if isinstance(stated, Mapping):
        stated = stated.get("type")
    if isinstance(stated, str) and (known := _DEVICES.get(stated.strip().lower())):
        return known
    agent = context.get("userAgent")
    if not isinstance(agent, str) or not agent:
        return None
    if _TABLET.search(agent):
        return "tablet"
    return "mobile" if _MOBILE.search(agent) else "desktop"


def country_of(context: Mapping[str, Any]) -> str | None:
    """The country that the sender noted: ``location.country`` or ``country``."""
    for path in ("location.country", "country"):
        if isinstance(value := look_up(context, path), str) and value:
            return value
    return None
