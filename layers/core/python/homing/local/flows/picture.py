"""A flow as an SVG, readable on light and dark pages; no scripts and no fonts of its own."""

from __future__ import annotations

from functools import cache
from importlib import resources

from homing.domain.explain import flow_words
from homing.domain.flows.language import Flow
from homing.domain.flows.passage import FlowNumbers
from homing.domain.flows.steps import walk
from homing.local.flows.layout import (
    SMALL,
    SMALL_LINE,
    TEXT,
    TITLE,
    TITLE_LINE,
    WIDE,
    Box,
    Drawing,
    Edge,
    Note,
    lay_out,
)
from homing.local.flows.measure import width
from homing.local.report.text import esc

_MARGIN = 6.0
# Smaller than this part of its size nobody could read it.
_SMALLEST = 0.72
_ICONS = {
    "start": '<path d="M9 2 4 9h4l-1 5 5-7H8z"/>',
    "send": '<rect x="2" y="3.500" width="12" height="9" rx="1.500"/><path d="m2.500 5 5.500 4 5.500-4"/>',
    "wait": '<circle cx="8" cy="8" r="6"/><path d="M8 4.500V8l2.500 1.500"/>',
    "wait_for": '<path d="M4 2h8M4 14h8M5 2c0 4 6 5 6 12M11 2c0 4-6 5-6 12"/>',
    "if": '<path d="m8 1.800 6.200 6.200L8 14.200 1.800 8z"/>'
    '<path d="M6.500 6.500c.3-2 3.200-1.700 3 .1-.1 1-1.500 1.100-1.500 2.200M8 10.900v.2"/>',
    "split": '<path d="M8 2v4M8 6 3.500 11v3M8 6l4.500 5v3"/>',
    "update": '<path d="m3 13 .7-3L11 2.700l2.300 2.300L6 12.300z"/>',
    "add_to": '<path d="M2 4h8M2 8h6M2 12h4M12 7v6M9 10h6"/>',
    "remove_from": '<path d="M2 4h8M2 8h6M2 12h4M9 10h6"/>',
    "call": '<path d="M6.500 9.500 13 3M9 3h4v4M11 9v4H3V5h4"/>',
    "begin": '<path d="M3 3v5a3 3 0 0 0 3 3h7M10 8l3 3-3 3"/>',
    "end": '<rect x="3.500" y="3.500" width="9" height="9" rx="1.500"/>',
}  # fmt: skip


def draw(flow: Flow, numbers: FlowNumbers | None = None) -> str:
    """``<svg class="flow-picture">``, ready to stand in an HTML page or in a file of its own.

    It brings its style (for light and dark, scoped to its class; the variables ``--card``, ``--ink``, ``--soft``,
    ``--line``, ``--accent`` of a page are used where it has them). It shrinks a little where there is no room for its
    natural size, and no further than one can read: put it into something that scrolls sideways (``<div class="scroll">``).
    ``numbers`` are those of the flow's own version, of a backtest (:func:`homing.domain.flows.passage.counted`) or of a
    stage; without them it is the plan alone.
    """
    drawing = lay_out(flow, numbers)
    wide, tall = drawing.width + 2 * _MARGIN, drawing.height + 2 * _MARGIN
    name = f"flow-{flow.name}"
    body = "".join([*map(_edge, _by_weight(drawing)), *map(_box, drawing.boxes), *map(_note, drawing.notes)])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="flow-picture" viewBox="0 0 {wide:.0f} {tall:.0f}"'
        f' width="{wide:.0f}" height="{tall:.0f}" style="max-width:100%;min-width:{_SMALLEST * wide:.0f}px;height:auto"'
        f' role="img" aria-labelledby="{name}-title {name}-words">'
        f'<title id="{name}-title">{esc(flow.name)}</title><desc id="{name}-words">{esc(outline(flow))}</desc>'
        f'<style>{_style()}</style><g transform="translate({_MARGIN:g} {_MARGIN:g})">{body}</g></svg>'
    )


def outline(flow: Flow) -> str:
    """The flow in words, for those who can't see it: ``When a cart is left behind: 1 Send cart-reminder. 2 …``"""
    told = []
    for position, step in walk(flow.steps):
        said = flow_words.step(step)
        place = ".".join(str(int(part) + 1) if part.isdigit() else part for part in position.split("."))
        told.append(f"{place} {said.short}{f' ({said.more})' if said.more else ''}.")
    return f"When {flow_words.starts(flow.on)}: {' '.join(told)}"


@cache
def _style() -> str:
    text = resources.files("homing.local.flows").joinpath("picture.css").read_text(encoding="utf-8")
    return "".join(line.strip() for line in text.splitlines() if not line.startswith("/*"))


def _by_weight(drawing: Drawing) -> list[Edge]:
    """The busiest last, so that they lie on top."""
    return sorted(drawing.edges, key=lambda edge: edge.share)


def _edge(edge: Edge) -> str:
    arrow = ""
    if edge.arrow:
        x, y = edge.points[-1]
        half = 4 + 1.2 * edge.share
        arrow = f'<path class="tip{_faded(edge.faded)}" d="M{x - half:.1f} {y - 7:.1f}h{2 * half:.1f}l{-half:.1f} 6z"/>'
        edge = Edge([*edge.points[:-1], (x, y - 6)], edge.share, edge.faded)
    return (
        f'<path class="edge{_faded(edge.faded)}" stroke-width="{1.6 + 3.4 * edge.share:.2f}" d="{_path(edge)}"/>{arrow}'
    )


def _path(edge: Edge) -> str:
    """A line with round corners."""
    points = edge.points
    text = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for before, (x, y), after in zip(points, points[1:], points[2:], strict=False):
        into, out = _toward((x, y), before), _toward((x, y), after)
        text += f"L{into[0]:.1f} {into[1]:.1f}Q{x:.1f} {y:.1f} {out[0]:.1f} {out[1]:.1f}"
    return f"{text}L{points[-1][0]:.1f} {points[-1][1]:.1f}"


def _toward(corner: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """A point beside a corner, at most 9 away, and no farther than half the way."""
    dx, dy = other[0] - corner[0], other[1] - corner[1]
    length = (dx * dx + dy * dy) ** 0.5 or 1.0
    step = min(9.0, length / 2) / length
    return corner[0] + dx * step, corner[1] + dy * step


def _box(box: Box) -> str:
    left = box.x - WIDE / 2
    if box.kind == "done":
        return (
            f'<g class="box done"><rect x="{box.x - 62:.1f}" y="{box.y:.1f}" width="124" height="{box.height:.0f}" rx="13"/>'
            f'<text x="{box.x:.1f}" y="{box.y + 17:.1f}" text-anchor="middle" font-size="{SMALL}" class="more">'
            f"{esc(box.lines[0].text)}</text></g>"
        )
    y = box.y + (box.height - sum(TITLE_LINE if line.kind == "title" else SMALL_LINE for line in box.lines)) / 2
    lines = []
    for line in box.lines:
        size, tall = (TITLE, TITLE_LINE) if line.kind == "title" else (SMALL, SMALL_LINE)
        place = f'x="{left + TEXT:.1f}" y="{y + tall - 4:.1f}"'
        lines.append(f'<text {place} font-size="{size}" class="{line.kind}">{esc(line.text)}</text>')
        y += tall
    icon = _ICONS.get(box.kind, "")
    return (
        f'<g class="box {box.kind}{_faded(box.faded)}"><title>{esc(box.hint)}</title>'
        f'<rect class="card" x="{left:.1f}" y="{box.y:.1f}" width="{WIDE:.0f}" height="{box.height:.1f}" rx="11"/>'
        f'<circle class="mark" cx="{left + 23:.1f}" cy="{box.y + box.height / 2:.1f}" r="13"/>'
        f'<g class="icon" transform="translate({left + 15:.1f} {box.y + box.height / 2 - 8:.1f})">{icon}</g>'
        f"{''.join(lines)}</g>"
    )


def _note(note: Note) -> str:
    if note.kind == "way":
        return _way(note)
    good = " good" if note.good else ""
    return "".join(
        f'<text x="{note.x:.1f}" y="{note.y + 15 * index:.1f}" text-anchor="{note.anchor}" font-size="{SMALL}"'
        f' class="{note.kind}{good if index == 0 else ""}">{esc(text)}</text>'
        for index, text in enumerate(note.lines)
    )


def _way(note: Note) -> str:
    half = max(width(text, SMALL * 1.1) for text in note.lines) / 2 + 8
    tall = 7 + 15 * len(note.lines)
    rect = f'<rect class="pill" x="{note.x - half:.1f}" y="{note.y - 15:.1f}" width="{2 * half:.1f}" height="{tall}" rx="11"/>'
    texts = "".join(
        f'<text x="{note.x:.1f}" y="{note.y + 15 * index:.1f}" text-anchor="middle" font-size="{SMALL}"'
        f' class="{"way" if index == 0 else "number"}">{esc(text)}</text>'
        for index, text in enumerate(note.lines)
    )
    return rect + texts


def _faded(faded: bool) -> str:
    return " faded" if faded else ""
