"""How wide a text will be, near enough to lay boxes out: nobody asks a font here, so it is told a little too wide."""

from __future__ import annotations

_NARROW = frozenset("iljtfr.,:;'|!()[]·-’ I")
_WIDE = frozenset("mwMW%@…&")
_EM = {"narrow": 0.36, "wide": 0.92, "upper": 0.69, "other": 0.57}


def width(text: str, size: float) -> float:
    """The width of a line of that font size, in pixels."""
    return size * sum(_em(letter) for letter in text)


def _em(letter: str) -> float:
    if letter in _NARROW:
        return _EM["narrow"]
    if letter in _WIDE or ord(letter) > 0x2E80:
        return _EM["wide"]
    return _EM["upper"] if letter.isupper() else _EM["other"]


def wrapped(text: str, size: float, room: float, most: int) -> list[str]:
    """At most so many lines that fit; what is left over ends in ``…``."""
    lines: list[str] = []
    for word in _pieces(text, size, room):
        if lines and width(f"{lines[-1]} {word}", size) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], cut(" ".join(lines[most - 1 :]), size, room)]


def cut(text: str, size: float, room: float) -> str:
    """As much of a line as fits, with ``…`` where something is missing."""
    if width(text, size) <= room:
        return text
    while text and width(f"{text}…", size) > room:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _pieces(text: str, size: float, room: float) -> list[str]:
    """Words; one that no line has room for is broken behind a hyphen, or anywhere."""
    found = []
    for word in text.split(" "):
        while width(word, size) > room:
            fits = max(1, next(n for n in range(len(word), 0, -1) if n == 1 or width(word[:n], size) <= room))
            at = word.rfind("-", 1, fits) + 1 or word.rfind("_", 1, fits) + 1 or fits
            found.append(word[:at])
            word = word[at:]
        found.append(word)
    return found
