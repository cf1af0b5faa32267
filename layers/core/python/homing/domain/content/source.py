"""A template's source: its own file with layout and blocks put in, each character knowing where it came from."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from homing.domain.content.choices.included import NOTHING, chosen_blocks
from homing.domain.content.suggest import did_you_mean
from homing.domain.errors import InvalidCampaign, InvalidInput

_INCLUDE = re.compile(
    r"""<mj-include(?P<attributes>(?:\s+[\w-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(?:/>|>\s*</mj-include>)"""
)
_ATTRIBUTE = re.compile(r"""(?P<name>[\w-]+)\s*=\s*(["'])(?P<value>.*?)\2""", re.DOTALL)
_ATTRIBUTES = ("path", "for", "else")
LAYOUT = "blocks/layout.mjml"


@dataclass(slots=True)
class Source:
    """Text assembled of several files. ``pieces``: where in the text a piece starts, its file and its offset there."""

    text: str = ""
    pieces: list[tuple[int, str, int]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)

    def add(self, text: str, file: str, offset: int) -> None:
        """Appends a piece of a file."""
        if text:
            self.pieces.append((len(self.text), file, offset))
            self.text += text

    def place(self, index: int) -> tuple[str, int, int]:
        """File, line and column (from 1) of a character."""
        position = max(bisect_right(self.pieces, index, key=lambda piece: piece[0]) - 1, 0)
        if not self.pieces:
            return "", 1, 1
        start, file, offset = self.pieces[position]
        whole = self.files[file]
        there = min(offset + index - start, len(whole))
        return file, whole.count("\n", 0, there) + 1, there - (whole.rfind("\n", 0, there) + 1) + 1

    def error(self, message: str, *, code: str, index: int) -> InvalidCampaign:
        """A mistake at a character."""
        file, line, column = self.place(index)
        return InvalidCampaign(message, code=code, file=file or "?", line=line, column=column)


def decode(files: Mapping[str, bytes], file: str) -> str:
    """A file as text. Raises InvalidCampaign."""
    try:
        return files[file].decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise InvalidCampaign("the file is not UTF-8 text: save it as UTF-8", code="encoding", file=file) from error


def assemble(files: Mapping[str, bytes], file: str, *, start: int, layout: str | None) -> Source:
    """The template from character ``start`` of its file, in its layout, with every ``<mj-include>`` put in.

    A layout is a block with ``<mj-include path="content" />`` where the template goes. Raises InvalidCampaign for a
    block that is missing or includes itself.
    """
    source = Source()
    content = (file, start)
    first = (layout, 0) if layout else content
    _put(source, files, first, content if layout else None, ())
    return source


def _put(
    source: Source, files: Mapping[str, bytes], what: tuple[str, int], content: tuple[str, int] | None,
    above: tuple[str, ...],
) -> None:  # fmt: skip
    file, position = what
    text = source.files.setdefault(file, decode(files, file))
    for match in _INCLUDE.finditer(text, position):
        source.add(text[position : match.start()], file, position)
        position = match.end()
        include = _include(file, text, match)
        if include["path"][0] == "content" and content is not None and "for" not in include:
            _put(source, files, content, None, (*above, file))
            continue
        for before, name, there in _branches(files, file, text, include):
            source.add(before, file, match.start())
            if name in {"", NOTHING}:
                continue
            block = _block(files, file, text, there, name)
            if block in (*above, file):
                raise _at(file, text, there, f"{name!r} includes itself", "include_cycle")
            _put(source, files, (block, 0), content, (*above, file))
    source.add(text[position:], file, position)


def _include(file: str, text: str, match: re.Match[str]) -> dict[str, tuple[str, int]]:
    """The attributes of an include, each with the place of its value."""
    found: dict[str, tuple[str, int]] = {}
    start = match.start("attributes")
    for attribute in _ATTRIBUTE.finditer(match["attributes"]):
        name, where = attribute["name"], start + attribute.start()
        if name not in _ATTRIBUTES:
            hint = did_you_mean(name, _ATTRIBUTES)
            raise _at(file, text, where, f"<mj-include> has no attribute {name!r}{hint}", "mjml")
        found[name] = attribute["value"], start + attribute.start("value")
    if "path" not in found:
        raise _at(file, text, match.start(), "<mj-include> says which block: path", "mjml")
    if "else" in found and "for" not in found:
        raise _at(file, text, found["else"][1], "else needs for: the segment whose members get the other block", "mjml")
    return found


def _branches(
    files: Mapping[str, bytes], file: str, text: str, include: Mapping[str, tuple[str, int]]
) -> Iterator[tuple[str, str, int]]:
    """Liquid, the block that comes after it (or none), and the place that asks for it.

    ``for="vip" else="other"``: members of the segment get the one, all others the other, or nothing.
    """

    def of(attribute: str) -> Iterator[tuple[str, str, int]]:
        wanted, where = include[attribute]
        yield from ((before, name, where) for before, name in _wanted(files, file, text, where, wanted))

    if "for" not in include:
        yield from of("path")
        return
    segment, where = include["for"]
    known = [key.removeprefix("segments/").removesuffix(".yaml") for key in files if key.startswith("segments/")]
    if segment not in known:
        raise _at(
            file, text, where, f"there is no segment {segment!r}{did_you_mean(segment, known)}", "unknown_segment"
        )
    yield f'{{% if profile.segments contains "{segment}" %}}', "", where
    yield from of("path")
    if "else" in include:
        yield "{% else %}", "", where
        yield from of("else")
    yield "{% endif %}", "", where


def _wanted(files: Mapping[str, bytes], file: str, text: str, where: int, wanted: str) -> list[tuple[str, str]]:
    """The block to put in, or those of a choice; each with the Liquid that stands before it. A last one ends the choice."""
    try:
        chosen = chosen_blocks(files, wanted)
    except InvalidInput as error:
        raise _at(file, text, where, error.message, "unknown_block") from error
    if chosen is None:
        return [("", wanted)]
    branches = [(f"{{% {'elsif' if index else 'if'} {test} %}}", name) for index, (test, name) in enumerate(chosen)]
    return [*branches, ("{% endif %}", "")]


def _block(files: Mapping[str, bytes], file: str, text: str, where: int, wanted: str) -> str:
    """The file that an include names: ``header`` and ``blocks/header.mjml`` are the same."""
    name = wanted.removeprefix("./").removeprefix("../")
    for candidate in (name, f"blocks/{name}", f"blocks/{name}.mjml"):
        if candidate in files and candidate.startswith("blocks/"):
            return candidate
    known = [key.removeprefix("blocks/").removesuffix(".mjml") for key in files if key.startswith("blocks/")]
    raise _at(file, text, where, f"there is no block {wanted!r}{did_you_mean(name, known)}", "unknown_block")


def _at(file: str, text: str, index: int, message: str, code: str) -> InvalidCampaign:
    line = text.count("\n", 0, index) + 1
    column = index - (text.rfind("\n", 0, index) + 1) + 1
    return InvalidCampaign(message, code=code, file=file, line=line, column=column)
