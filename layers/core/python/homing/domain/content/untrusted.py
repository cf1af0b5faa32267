"""What everybody may send: a write key stands in the storefront's page, so values of events and traits are a stranger's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from homing.domain.campaigns import Brand

_BREAKS = re.compile(r"[\t-\r\x1c-\x1e\x85\u2028\u2029]+")
# Control characters, bidirectional controls, and halves of characters, which can't be encoded.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# A host and nothing else before the path: no userinfo.
_URL = re.compile(r"https?://(?P<host>[\w.-]+)(?::\d+)?(?=[/?#]|$)", re.IGNORECASE)
_AMBIGUOUS = re.compile(r"[\\\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def plain(value: Any) -> Any:
    """What people and shops sent, as one line of text, also inside lists and objects. Control characters go, and those
    that turn the writing direction round and so make a subject read as something else; line breaks become spaces."""
    if isinstance(value, str):
        return _UNSEEN.sub("", _BREAKS.sub(" ", value)).strip()
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def picture(value: Any, brand: Brand) -> str | None:
    """A picture from an event, if it lies with the shop or its CDN: a stranger's picture is a stranger's words."""
    return link(value, brand, brand.image_hosts)


def link(value: Any, brand: Brand, more: Iterable[str] = ()) -> str | None:
    """A link from an event, if it leads to the shop. Anybody who can read the storefront's page can send events; a mail
    in the shop's name must not carry their links."""
    if not isinstance(value, str):
        return None
    url = value.strip()
    match = _URL.match(url)
    # Browsers and Python disagree on what a URL with a backslash or a control character names, so none passes.
    if match is None or _AMBIGUOUS.search(url):
        return None
    host = match["host"].lower()
    home = (urlsplit(brand.website).hostname or "").lower().removeprefix("www.")
    for allowed in (home, *brand.link_hosts, *more):
        if allowed and (host == allowed or host.endswith(f".{allowed}")):
            return url
    return None
