"""Pictures inside the page: product pictures as data URIs, in the report and within its mails."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping

_SRC = re.compile(r'(<img\b[^>]*?\ssrc=")([^"]+)(")', re.IGNORECASE)
_TYPES = ((b"\x89PNG", "image/png"), (b"\xff\xd8", "image/jpeg"), (b"RIFF", "image/webp"), (b"<svg", "image/svg+xml"))


def data_uri(body: bytes) -> str:
    """A picture as a ``data:`` URI; its type is told by its first bytes."""
    kind = next((kind for start, kind in _TYPES if body.startswith(start)), "application/octet-stream")
    return f"data:{kind};base64,{base64.b64encode(body).decode()}"


def embed(mail: str, pictures: Mapping[str, bytes]) -> str:
    """A mail's HTML with the pictures of these addresses inside; others keep their address."""

    def inside(match: re.Match[str]) -> str:
        body = pictures.get(html.unescape(match[2]))
        return f"{match[1]}{data_uri(body)}{match[3]}" if body is not None else match[0]

    return _SRC.sub(inside, mail)


def frame(mail: str, title: str, *, thumbnail: bool = False) -> str:
    """A mail in a frame of its own: no scripts, and links that lead nowhere. A thumbnail can't be scrolled or focused."""
    base = '<base target="_blank">'
    head = re.search(r"<head[^>]*>", mail, re.IGNORECASE)
    body = mail[: head.end()] + base + mail[head.end() :] if head else base + mail
    still = ' tabindex="-1" scrolling="no"' if thumbnail else ""
    return (
        f'<div class="view"><iframe sandbox=""{still} title="{html.escape(title, quote=True)}"'
        f' srcdoc="{html.escape(body, quote=True)}"></iframe></div>'
    )
