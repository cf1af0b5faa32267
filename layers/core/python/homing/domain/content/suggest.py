"""Did you mean …?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

_SHOWN = 10


def closest(word: str, candidates: Iterable[str], *, cutoff: float = 0.7) -> str | None:
    """The candidate that somebody who wrote ``word`` probably meant; ``cutoff``: how alike they must be, up to 1."""
    by_shape = {_shape(candidate): candidate for candidate in candidates}
    found = get_close_matches(_shape(word), by_shape, n=1, cutoff=cutoff)
    return by_shape[found[0]] if found else None


def slip(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that ``word`` is a slip of the pen for: another case or spacing, a letter or two. Names of events that
    share a word (`Order Delivered`, `Email Delivered`) are as alike for :func:`closest`, and are no slips."""
    found = [(off, candidate) for candidate in candidates if (off := _off(_shape(word), _shape(candidate))) is not None]
    return min(found)[1] if found else None


def slip_or_known(word: str, known: Mapping[str, int], whose: str) -> str:
    """`` (did you mean 'x'?)`` where it is a slip, else what there is, the most frequent first: `` (whose has a, b and c)``."""
    if meant := slip(word, known):
        return f" (did you mean {meant!r}?)"
    names = sorted(known, key=lambda name: (-known[name], name))
    if not names:
        return ""
    shown, more = names[:_SHOWN], len(names) - _SHOWN
    last = f"{more} more" if more > 0 else shown.pop()
    return f" ({whose} has {', '.join(shown)}{' and ' if shown else ''}{last})"


def _off(one: str, other: str) -> int | None:
    """How many letters differ; None where that is too much to be a slip."""
    mine, theirs = one.split(), other.split()
    if "".join(mine) == "".join(theirs):
        return 0
    pairs = list(zip(mine, theirs, strict=True)) if len(mine) == len(theirs) else [("".join(mine), "".join(theirs))]
    off = 0
    for a, b in pairs:
        longest, far = max(len(a), len(b)), _distance(a, b)
        # In a short word two letters make another word (signed up, signed in), in front of any they do (viewed, reviewed).
        prefixed = far == 2 and (a.endswith(b) or b.endswith(a))
        if prefixed or far > (2 if longest > 5 else 1 if longest > 2 else 0):
            return None
        off += far
    return off if off <= 2 else None


def _distance(one: str, other: str) -> int:
    """Letters to put in, leave out, exchange or turn round (optimal string alignment), to make one of the other."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        last, row, earlier = row, [i], before
        for j, b in enumerate(other, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        before = last
    return row[-1]


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
