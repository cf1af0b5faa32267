"""Whether text can be read on its ground, as WCAG 2.2 counts it."""

from __future__ import annotations

import re

# Success criterion 1.4.3 for text of ordinary size; 1.4.11 asks for 3 of what is not text.
TEXT, PARTS = 4.5, 3.0
_BLACK, _WHITE = "#000000", "#ffffff"


def _channels(colour: str) -> tuple[float, float, float] | None:
    if not re.fullmatch(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})", colour.strip()):
        return None
    digits = colour.strip()[1:]
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    red, green, blue = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue


def _luminance(channels: tuple[float, float, float]) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """From 1 to 21, of two colours as ``#rgb`` or ``#rrggbb``; of any other spelling nothing is known: 1."""
    first, second = _channels(one), _channels(other)
    if first is None or second is None:
        return 1.0
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def readable(wanted: str, ground: str, otherwise: str, *, least: float = TEXT) -> str:
    """The wanted colour where it can be read on its ground, else the other one, else black or white."""
    for colour in (wanted, otherwise):
        if contrast(colour, ground) >= least:
            return colour
    return max((_BLACK, _WHITE), key=lambda colour: contrast(colour, ground))
