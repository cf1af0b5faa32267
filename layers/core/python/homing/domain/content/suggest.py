"""Did you mean …?"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def closest(word: str, candidates: Iterable[str], *, cutoff: float = 0.7) -> str | None:
    """The candidate that somebody who wrote ``word`` probably meant; ``cutoff``: how alike they must be, up to 1."""
    by_shape = {_shape(candidate): candidate for candidate in candidates}
    found = get_close_matches(_shape(word), by_shape, n=1, cutoff=cutoff)
    return by_shape[found[0]] if found else None


def _shape(word: str) -> str:
    return word.lower().replace("_", " ").replace("-", " ").strip()


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """`` (did you mean 'x'?)``, or the few candidates there are, or nothing."""
    known = sorted(candidates)
    if best := closest(word, known):
        return f" (did you mean {best!r}?)"
    if 0 < len(known) <= 12:
        return f" (known: {', '.join(known)})"
    return ""
