"""The text part of a mail, made from its HTML: what somebody reads who sees no pictures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser

_TOKEN = re.compile(r"lqd\d+x")
_BLOCKS = frozenset({"p", "div", "tr", "table", "h1", "h2", "h3", "h4", "ul", "ol", "li", "br", "hr"})
_VOID = frozenset({"br", "hr", "img", "input", "meta", "link", "col", "wbr"})
_SILENT = frozenset({"head", "style", "script", "title"})


class _Reader(HTMLParser):
    """Collects text; ``<a href>label</a>`` becomes ``label: href``, pictures without a link are left out."""

    def __init__(self, tokens: Sequence[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.tokens = tokens
        self.parts: list[str] = []
        self.silent = 0
        self.links: list[tuple[str, int]] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in _SILENT:
            self.silent += 1
        hides = "display:none" in (values.get("style") or "").replace(" ", "") or values.get("aria-hidden") == "true"
        if tag not in _VOID and (self.hidden or hides):
            self.hidden += 1
        if tag in _BLOCKS:
            self.parts.append("\n\n" if tag in {"p", "h1", "h2", "h3"} else "\n")
        if tag == "a":
            self.links.append((values.get("href") or "", len(self.parts)))
        if tag == "li":
            self.parts.append("- ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self.silent -= 1
        if self.hidden and tag not in _VOID:
            self.hidden -= 1
        if tag == "a" and self.links:
            href, start = self.links.pop()
            label = " ".join("".join(self.parts[start:]).split())
            del self.parts[start:]
            # A linked picture has no label: the title beside it carries the same link.
            if self._says(label) and href:
                self.parts.append(label if label == href else f"{label}: {href}")
        if tag in {"td", "th"}:
            self.parts.append(" ")
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.silent and not self.hidden:
            self.parts.append(re.sub(r"\s+", " ", data))

    def handle_comment(self, data: str) -> None:
        # Loops may stand inside Outlook's conditional comments; outside the head they belong to the text as well.
        if not self.silent and not self.hidden:
            self.parts += [token for token in _TOKEN.findall(data) if self._liquid(token).startswith("{%")]

    def _liquid(self, token: str) -> str:
        return self.tokens[int(token[3:-1])]

    def _says(self, label: str) -> bool:
        """Whether anything is left of a label but tags that put nothing out."""
        rest = _TOKEN.sub(lambda match: "" if self._liquid(match[0]).startswith("{%") else match[0], label)
        return bool(rest.strip())


def html_to_text(document: str, tokens: Sequence[str]) -> str:
    """Plain text of HTML whose Liquid is set aside as tokens (domain.content.mjml)."""
    reader = _Reader(tokens)
    reader.feed(document)
    reader.close()
    lines = [re.sub(r"[ \t\xa0]+", " ", line).strip() for line in "".join(reader.parts).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
