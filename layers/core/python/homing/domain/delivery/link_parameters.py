"""Parameters that links to the shop carry, such as ``utm_campaign``, so that the shop's own statistics see the mail.

They are added to what was rendered: to links that lead to the shop's hosts and to no others, never to the pages of
unsubscription. What a link has already stays as it is, so a link says otherwise by saying it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from html import escape, unescape
from urllib.parse import parse_qsl, quote_plus, urlsplit

from homing.domain.campaigns import Brand
from homing.domain.content.untrusted import link

_HREF = re.compile(r"""(<(?:a|area)\b[^>]*?\shref\s*=\s*)(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_URL = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
# What ends a sentence, not an address.
_AFTER = ".,;:!?)]}…"


def filled_in(parameters: Mapping[str, str], words: Mapping[str, str]) -> dict[str, str]:
    """``{flow}`` and the like replaced; a parameter whose value came out empty is left out."""
    filled = {name: value.format_map(words) for name, value in parameters.items()}
    return {name: value for name, value in filled.items() if value}


def with_parameters(url: str, parameters: Mapping[str, str]) -> str:
    """The link with those of the parameters that it lacks; its own, its fragment and their spelling stay."""
    address, hash_, fragment = url.partition("#")
    query = urlsplit(address).query
    held = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
    more = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in parameters.items() if name not in held)
    if not more:
        return url
    if "?" not in address:
        joint = "?"
    else:
        joint = "" if address.endswith(("?", "&")) else "&"
    return f"{address}{joint}{more}{hash_}{fragment}"


def in_html(html: str, parameters: Mapping[str, str], brand: Brand, keep: Collection[str]) -> str:
    """The HTML part with its links completed; ``keep`` are addresses that stay as they are."""

    def complete(match: re.Match[str]) -> str:
        double = match[2] is not None
        url = unescape(match[2] if double else match[3])
        if url in keep or link(url, brand) is None:
            return match[0]
        done = with_parameters(url, parameters)
        if done == url:
            return match[0]
        return f'{match[1]}"{escape(done)}"'

    return _HREF.sub(complete, html) if parameters else html


def in_text(text: str, parameters: Mapping[str, str], brand: Brand, keep: Collection[str]) -> str:
    """The text part, likewise."""

    def complete(match: re.Match[str]) -> str:
        url = match[0].rstrip(_AFTER)
        if url in keep or link(url, brand) is None:
            return match[0]
        return with_parameters(url, parameters) + match[0][len(url) :]

    return _URL.sub(complete, text) if parameters else text
