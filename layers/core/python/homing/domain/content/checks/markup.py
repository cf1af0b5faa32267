"""What an author wrote, as it stands in the source: tags with their attributes, style sheets, and where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from homing.domain.content.mjml import LIQUID

_TAG = re.compile(r"<([a-zA-Z][\w-]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>")
_ATTRIBUTE = re.compile(r"([\w:-]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SHEET = re.compile(r"<(mj-style|style)\b([^>]*)>(.*?)</\1>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute's value and where it begins."""

    value: str
    index: int


@dataclass(frozen=True, slots=True)
class Tag:
    """An opening tag, with where it begins and ends."""

    name: str
    attributes: dict[str, Attribute]
    index: int
    end: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """The text of a ``<style>`` or ``<mj-style>`` and where it begins; ``inline``: it becomes part of the elements."""

    text: str
    index: int
    inline: bool


def masked(text: str) -> str:
    """A source of the same length in which Liquid and comments can't be mistaken for markup."""
    text = LIQUID.sub(lambda match: "\x00" * len(match[0]), text)
    return _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def tags(text: str) -> Iterator[Tag]:
    """Every opening tag; attribute values are those of ``text``, with its Liquid."""
    hidden = masked(text)
    for match in _TAG.finditer(hidden):
        attributes = {}
        for found in _ATTRIBUTE.finditer(hidden, match.start(2), match.end(2)):
            group = next((number for number in (2, 3, 4) if found[number] is not None), None)
            start, end = found.span(group) if group else (found.end(), found.end())
            attributes[found[1].lower()] = Attribute(text[start:end], start)
        yield Tag(match[1].lower(), attributes, match.start(), match.end())


def sheets(text: str) -> Iterator[Sheet]:
    """Every style sheet, its Liquid masked."""
    hidden = masked(text)
    for match in _SHEET.finditer(hidden):
        yield Sheet(match[3], match.start(3), "inline" in match[2])


def label(text: str, tag: Tag) -> str:
    """What a reader sees between a tag and its end, without markup."""
    hidden = masked(text)
    end = hidden.find(f"</{tag.name}", tag.end)
    return " ".join(re.sub(r"<[^>]*>", " ", text[tag.end : end if end >= 0 else tag.end]).split())
