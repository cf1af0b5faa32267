"""The page's own picture: how long it took from trigger to mail, on one scale for all flows."""

from __future__ import annotations

from collections.abc import Mapping

from homing.local.backtests.spoken import lasting
from homing.local.report.text import count, esc, share

_HOUR, _DAY = 60, 24 * 60
# Upper ends of the buckets in minutes, each about twice as long as the one before it; behind the last comes "longer".
EDGES = (
    1, 5, 15, 30, _HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR, 16 * _HOUR, _DAY, 2 * _DAY, 4 * _DAY, 7 * _DAY, 14 * _DAY, 28 * _DAY,
)  # fmt: skip
# Marks of the scale: the bucket behind which they stand, and their words.
_MARKS = ((1, "1 min"), (5, "1 h"), (10, "1 day"), (13, "1 week"))


def buckets(minutes: Mapping[int, int]) -> list[int]:
    """How many mails took so long; one number more than there are edges."""
    found = [0] * (len(EDGES) + 1)
    for waited, number in minutes.items():
        place = next((index for index, edge in enumerate(EDGES) if waited < edge), len(EDGES))
        found[place] += number
    return found


def lateness(minutes: Mapping[int, int], place: int, label: str) -> str:
    """One row: a bar for each bucket, as high as its share of the fullest."""
    found = buckets(minutes)
    top, total = max([*found, 1]), sum(found)
    bars = []
    for index, number in enumerate(found):
        if number:
            tall = max(4, 100 * number / top)
            words = f"{span(index)}: {count(number, 'mail')}, {share(number, total)}"
            bars.append(
                f'<rect class="fill-{place}" x="{index + 0.06:.2f}" y="{100 - tall:.1f}" width="0.88" height="{tall:.1f}">'
                f"<title>{esc(words)}</title></rect>"
            )
    return (
        f'<svg class="late" viewBox="0 0 {len(found)} 100" preserveAspectRatio="none" role="img" aria-label="{esc(label)}">'
        f"{''.join(bars)}</svg>"
    )


def scale() -> str:
    """The axis below the rows."""
    marks = "".join(f'<span style="left:{100 * edge / (len(EDGES) + 1):.2f}%">{words}</span>' for edge, words in _MARKS)
    return f'<div class="scale" aria-hidden="true">{marks}</div>'


def span(bucket: int) -> str:
    """A bucket in words: ``1 hour to 2 hours``."""
    if bucket == 0:
        return "less than a minute"
    if bucket == len(EDGES):
        return f"{lasting(EDGES[-1])} or longer"
    return f"{lasting(EDGES[bucket - 1])} to {lasting(EDGES[bucket])}"
