"""Contrast of text against what lies behind it, as WCAG 2.2 measures it (success criterion 1.4.3, level AA)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from homing.domain.content.checks.page import Element, Page

# Least contrast of text, and of large text: 24 px, or 18.66 px (14 pt) in bold.
LEAST, LEAST_LARGE = 4.5, 3.0
LARGE, LARGE_BOLD = 24.0, 18.66
_BOLD = 700

Colour = tuple[float, float, float, float]
_NAMES = {
    "black": "#000", "white": "#fff", "red": "#f00", "green": "#008000", "blue": "#00f", "gray": "#808080",
    "grey": "#808080", "silver": "#c0c0c0", "yellow": "#ff0", "orange": "#ffa500", "purple": "#800080",
    "navy": "#000080", "teal": "#008080", "maroon": "#800000", "olive": "#808000", "lime": "#0f0", "aqua": "#0ff",
    "pink": "#ffc0cb", "lightgray": "#d3d3d3", "lightgrey": "#d3d3d3", "darkgray": "#a9a9a9", "darkgrey": "#a9a9a9",
    "whitesmoke": "#f5f5f5", "gold": "#ffd700", "tomato": "#ff6347", "crimson": "#dc143c",
}  # fmt: skip
_FUNCTION = re.compile(r"rgba?\(\s*([\d.]+)[\s,]+([\d.]+)[\s,]+([\d.]+)(?:[\s,/]+([\d.]+%?))?\s*\)")
# What a browser shows where nothing is said: canvas and text in light and in dark mode.
_CANVAS: dict[bool, tuple[Colour, Colour]] = {
    False: ((255, 255, 255, 1), (0, 0, 0, 1)), True: ((18, 18, 18, 1), (255, 255, 255, 1)),
}  # fmt: skip
# Nobody reads these: dots between links, and the blanks that fill up a preheader.
_INVISIBLE = "·|•\u034f\u200c\xa0 "
_HIDDEN = frozenset({"head", "style", "script", "title", "#document"})


class Weak(NamedTuple):
    """Text that is hard to read: its words, both colours, contrast (1 to 21) and what it should be at least."""

    text: str
    colour: str
    background: str
    ratio: float
    least: float
    dark: bool


class _Look(NamedTuple):
    """What an element hands down. ``background`` None: a picture, of which nobody knows what it shows."""

    colour: Colour
    background: Colour | None
    size: float
    weight: int


def weak_text(page: Page) -> Iterator[Weak]:
    """Each pair of colours whose contrast is too weak, once for each size of text; in dark mode too where the mail says
    how it looks there."""
    for dark in (False, True) if page.dark else (False,):
        styles = page.styles(dark=dark)
        canvas, text = _CANVAS[dark]
        seen: set[tuple[str, str, float]] = set()
        for words, look in _texts(page.root, _Look(text, canvas, 16.0, 400), styles):
            if look.background is None:
                continue
            large = look.size >= LARGE or (look.size >= LARGE_BOLD and look.weight >= _BOLD)
            least = LEAST_LARGE if large else LEAST
            colour = over(look.colour, look.background)
            ratio = contrast(colour, look.background)
            key = (shown(colour), shown(look.background), least)
            if ratio < least and key not in seen:
                seen.add(key)
                yield Weak(words, key[0], key[1], ratio, least, dark)


def contrast(one: Colour, other: Colour) -> float:
    """(L1 + 0.05) / (L2 + 0.05) of the lighter to the darker: 1 to 21.

    https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
    """
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: Colour) -> float:
    """Relative luminance, 0 (black) to 1 (white): the linear sRGB channels weighted 0.2126, 0.7152, 0.0722.

    https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
    """

    def linear(channel: float) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)

    return 0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2])


@lru_cache(maxsize=512)
def parse_colour(text: str) -> Colour | None:
    """Channels 0 to 255 and alpha 0 to 1; None for what is not understood."""
    text = text.strip().lower()
    text = _NAMES.get(text, text)
    if text == "transparent":
        return (0, 0, 0, 0)
    if re.fullmatch(r"#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})", text):
        digits = text[1:] if len(text) > 5 else "".join(2 * digit for digit in text[1:])
        parts = [int(digits[at : at + 2], 16) for at in range(0, len(digits), 2)]
        return (parts[0], parts[1], parts[2], parts[3] / 255 if len(parts) > 3 else 1)
    if match := _FUNCTION.fullmatch(text):
        alpha = match[4] or "1"
        share = float(alpha[:-1]) / 100 if alpha.endswith("%") else float(alpha)
        return (float(match[1]), float(match[2]), float(match[3]), share)
    return None


def over(colour: Colour, below: Colour) -> Colour:
    """A colour that lets something through, on an opaque one."""
    alpha = colour[3]
    red, green, blue = (alpha * top + (1 - alpha) * bottom for top, bottom in zip(colour[:3], below[:3], strict=True))
    return (red, green, blue, 1)


def shown(colour: Colour) -> str:
    """``#rrggbb``."""
    return "#" + "".join(f"{round(channel):02x}" for channel in colour[:3])


def _texts(element: Element, above: _Look, styles: Mapping[int, Mapping[str, str]]) -> Iterator[tuple[str, _Look]]:
    style = styles[id(element)]
    if style.get("display", "").startswith("none") or style.get("visibility") == "hidden":
        return
    look = _look(style, above)
    if style.get("opacity") == "0":
        return
    for child in element.children:
        if isinstance(child, Element):
            yield from _texts(child, look, styles)
        elif element.tag not in _HIDDEN and look.size and (words := " ".join(child.split()).strip(_INVISIBLE)):
            yield words, look


def _look(style: Mapping[str, str], above: _Look) -> _Look:
    colour = parse_colour(style.get("color", "")) or above.colour
    background = above.background
    if style.get("background-image", "none") != "none":
        background = None
    elif (own := parse_colour(style.get("background-color", ""))) and own[3] > 0:
        background = over(own, background) if background is not None else (own if own[3] == 1 else None)
    size = _size(style.get("font-size", ""), above.size)
    weight = {"bold": 700, "normal": 400, "bolder": 700}.get(style.get("font-weight", ""), above.weight)
    if style.get("font-weight", "").isdigit():
        weight = int(style["font-weight"])
    return _Look(colour, background, size, weight)


def _size(text: str, above: float) -> float:
    match = re.fullmatch(r"([\d.]+)(px|pt|em|rem|%)?", text.strip())
    if match is None:
        return above
    unit = {"px": 1.0, "pt": 4 / 3, "em": above, "rem": 16.0, "%": above / 100, None: 1.0}[match[2]]
    return float(match[1]) * unit
