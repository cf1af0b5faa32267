"""A rendered mail as a tree of elements with the styles that they end up with: as much of CSS as mails use.

Selectors of tags, classes, ids, descendants and children count; rules with others are passed over. Of media queries,
``prefers-color-scheme: dark`` counts in dark mode, and those about widths never do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser
from typing import NamedTuple

VOID = frozenset({"br", "hr", "img", "input", "meta", "link", "col", "wbr", "area", "base", "source"})
_AT = re.compile(r"\s*@([\w-]+)([^{;]*)([{;])")
_RULE = re.compile(r"\s*([^{}]+)\{([^{}]*)\}")
_COMPOUND = re.compile(r"(?:\*|[a-zA-Z][\w-]*)?(?:[.#][\w-]+|:root)*$")


@dataclass(slots=True)
class Element:
    """An element; ``children`` are elements and texts."""

    tag: str
    attributes: dict[str, str]
    parent: Element | None = None
    children: list[Element | str] = field(default_factory=list)
    classes: frozenset[str] = frozenset()

    def walk(self) -> Iterator[Element]:
        """This element and all below it."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting += [child for child in reversed(element.children) if isinstance(child, Element)]

    @property
    def text(self) -> str:
        """Its words, with single blanks."""
        return " ".join("".join(self._texts()).split())

    def _texts(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            elif child.tag not in {"style", "script", "title"}:
                yield from child._texts()


class Compound(NamedTuple):
    """Part of a selector without combinators: ``td.line`` has a tag and a class."""

    tag: str
    classes: frozenset[str]
    id: str

    @property
    def name(self) -> str:
        """One of the names without which no element fits: ``.line``, ``#top``, ``td``; empty where any may."""
        return f".{min(self.classes)}" if self.classes else f"#{self.id}" if self.id else self.tag


@dataclass(frozen=True, slots=True)
class Rule:
    """One selector with its declarations; ``steps`` from the right, each a combinator and a compound."""

    steps: Steps
    specificity: tuple[int, int, int]
    declarations: tuple[tuple[str, str, bool], ...]
    dark: bool

    def matches(self, element: Element) -> bool:
        """Whether it speaks of this element."""
        return _matches(self.steps, element)


Steps = tuple[tuple[str, Compound], ...]


@dataclass(slots=True)
class Page:
    """A document with its rules."""

    root: Element
    rules: list[Rule]

    @property
    def dark(self) -> bool:
        """Whether it says how it looks in dark mode."""
        return any(rule.dark for rule in self.rules)

    def styles(self, *, dark: bool) -> dict[int, dict[str, str]]:
        """For each element (by ``id``) its own declarations, after the cascade; nothing is inherited here."""
        spoken: dict[str, list[tuple[int, Rule]]] = {}
        for position, rule in enumerate(rule for rule in self.rules if dark or not rule.dark):
            spoken.setdefault(rule.steps[0][1].name, []).append((position, rule))
        found: dict[int, dict[str, str]] = {}
        for element in self.root.walk():
            won: dict[str, tuple[tuple[int, int, int, int, int], str]] = {}
            if colour := element.attributes.get("bgcolor"):
                won["background-color"] = ((0, 0, 0, 0, -1), colour)
            for position, rule in _candidates(element, spoken):
                if rule.matches(element):
                    _put(won, rule.declarations, (0, *rule.specificity, position))
            if style := element.attributes.get("style"):
                _put(won, declarations(style), (1, 0, 0, 0, 0))
            found[id(element)] = {name: value for name, (_, value) in won.items()}
        return found


def _candidates(element: Element, spoken: Mapping[str, list[tuple[int, Rule]]]) -> Iterator[tuple[int, Rule]]:
    """The rules that may speak of an element, with their places."""
    names = ("", element.tag, f"#{element.attributes.get('id')}", *(f".{name}" for name in element.classes))
    return (one for name in names for one in spoken.get(name, ()))


def _put(
    won: dict[str, tuple[tuple[int, int, int, int, int], str]],
    declared: tuple[tuple[str, str, bool], ...],
    weight: tuple[int, int, int, int, int],
) -> None:
    for name, value, important in declared:
        rank = (weight[0] + 2 * important, *weight[1:])
        if name not in won or rank >= won[name][0]:
            won[name] = (rank, value)


def parse(document: str) -> Page:
    """The tree of a document."""
    reader = _Reader()
    reader.feed(document)
    reader.close()
    return Page(reader.root, [rule for sheet in reader.sheets for rule in _sheet(sheet)])


@lru_cache(maxsize=64)
def _sheet(sheet: str) -> tuple[Rule, ...]:
    """Its rules; the mails of a template have the same sheets."""
    return tuple(rule for media, text in blocks(sheet) for rule in _rules(media, text))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.here = Element("#document", {})
        self.sheets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        element = Element(tag, attributes, self.here, classes=frozenset(attributes.get("class", "").split()))
        self.here.children.append(element)
        if tag not in VOID:
            self.here = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        element: Element | None = self.here
        while element is not None and element.tag != tag:
            element = element.parent
        if element is not None and element.parent is not None:
            self.here = element.parent

    def handle_data(self, data: str) -> None:
        if self.here.tag == "style":
            self.sheets.append(data)
        self.here.children.append(data)


def blocks(sheet: str) -> Iterator[tuple[str, str]]:
    """The rules of a style sheet outside of at-rules (with an empty condition), and those inside each: condition
    (``@media …``) and text."""
    sheet = re.sub(r"/\*.*?\*/", lambda match: " " * len(match[0]), sheet, flags=re.DOTALL)
    position, plain = 0, []
    while position < len(sheet):
        if match := _AT.match(sheet, position):
            position = match.end()
            if match[3] == "{":
                start, depth = position, 1
                while depth and position < len(sheet):
                    depth += {"{": 1, "}": -1}.get(sheet[position], 0)
                    position += 1
                yield f"@{match[1]}{match[2]}".strip(), sheet[start : position - 1]
        elif rule := _RULE.match(sheet, position):
            plain.append(rule[0])
            position = rule.end()
        else:
            break
    yield "", "".join(plain)


def _rules(media: str, text: str) -> Iterator[Rule]:
    dark = bool(re.search(r"prefers-color-scheme\s*:\s*dark", media))
    if media and not dark and not re.fullmatch(r"@media\s+(?:only\s+)?(?:screen|all)", media):
        return
    for selectors, body in _RULE.findall(text):
        declared = declarations(body)
        for selector in selectors.split(","):
            if read := _steps(selector):
                yield Rule(*read, declared, dark)


@lru_cache(maxsize=1_024)
def declarations(text: str) -> tuple[tuple[str, str, bool], ...]:
    """Name, value and whether it is ``!important``; the ``background`` shorthand counts as its colour."""
    found = []
    for part in text.split(";"):
        name, colon, value = part.partition(":")
        if colon:
            important = "!important" in value
            name, value = name.strip().lower(), value.replace("!important", "").strip()
            if name == "background":
                name = "background-image" if "url(" in value or "gradient(" in value else "background-color"
            found.append((name, value, important))
    return tuple(found)


def _steps(selector: str) -> tuple[Steps, tuple[int, int, int]] | None:
    """From the right, each combinator and compound; and the selector's specificity. None when it has other parts."""
    steps: list[tuple[str, Compound]] = []
    ids = classes = tags = 0
    combinator = " "
    for word in selector.replace(">", " > ").split():
        if word == ">":
            combinator = ">"
            continue
        if not _COMPOUND.match(word):
            return None
        parts = re.findall(r"([.#:]?)([\w*-]+)", word)
        named = frozenset(name for kind, name in parts if kind == ".")
        tag = next((name for kind, name in parts if not kind and name != "*"), "")
        root = any(kind == ":" for kind, _ in parts)
        steps.append(
            (combinator, Compound("html" if root else tag, named, next((n for k, n in parts if k == "#"), "")))
        )
        ids, classes, tags = ids + ("#" in word), classes + len(named) + root, tags + bool(tag)
        combinator = " "
    return (tuple(reversed(steps)), (ids, classes, tags)) if steps else None


def _matches(steps: Steps, element: Element) -> bool:
    (combinator, compound), rest = steps[0], steps[1:]
    if not _fits(compound, element):
        return False
    if not rest:
        return True
    above = element.parent
    while above is not None:
        if _matches(rest, above):
            return True
        if combinator == ">":
            return False
        above = above.parent
    return False


def _fits(compound: Compound, element: Element) -> bool:
    if compound.classes and not compound.classes <= element.classes:
        return False
    if compound.tag and compound.tag != element.tag:
        return False
    return not compound.id or element.attributes.get("id") == compound.id
