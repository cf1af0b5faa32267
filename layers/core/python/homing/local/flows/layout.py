"""Where everything of a flow's picture lies: a tree of boxes, laid out from the inside out.

Every piece has an axis, the line that runs come down on; ``left`` and ``right`` are how far it reaches from there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from homing.domain.explain import flow_words, words
from homing.domain.flows.language import End, Flow, If, Split, Step, WaitFor
from homing.domain.flows.passage import FlowNumbers
from homing.domain.flows.steps import kind_of, sides
from homing.local.flows.facts import came, in_box, left_at
from homing.local.flows.measure import width, wrapped

WIDE = 232.0
TITLE, SMALL = 13.5, 11.5
TITLE_LINE, SMALL_LINE = 17.0, 15.0
# Titles are set bolder, and so wider.
BOLD = TITLE * 1.1
TEXT = 44.0
_ROOM = WIDE - TEXT - 12
_GAP, _BETWEEN, _AIR, _JOIN = 30.0, 16.0, 8.0, 26.0
# Half of what a line takes.
_EMPTY = 14.0


@dataclass(slots=True)
class Line:
    """A line of text in a box; ``kind``: title, more or number."""

    text: str
    kind: str


@dataclass(slots=True)
class Box:
    """``x``: its middle; ``y``: its top."""

    kind: str
    lines: list[Line]
    hint: str
    height: float
    x: float = 0
    y: float = 0
    faded: bool = False


@dataclass(slots=True)
class Edge:
    """A line through points, with rounded corners; ``share``: of all runs, 0 to 1."""

    points: list[tuple[float, float]]
    share: float = 0.0
    faded: bool = False
    arrow: bool = False


@dataclass(slots=True)
class Note:
    """A few words beside a line. ``kind``: number, way or left."""

    x: float
    y: float
    lines: list[str]
    kind: str
    anchor: str = "start"
    good: bool = False


@dataclass(slots=True)
class Drawing:
    """Everything placed, the left top corner at 0, 0."""

    width: float = 0
    height: float = 0
    boxes: list[Box] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


class Span(NamedTuple):
    """What a piece takes: from one height to another, so far to the left and right of its axis."""

    top: float
    foot: float
    left: float
    right: float

    def moved(self, x: float, y: float) -> Span:
        """The same, for an axis that lies ``x`` to the left of its own, and ``y`` above."""
        return Span(self.top + y, self.foot + y, self.left - x, self.right + x)


class _Piece(Protocol):
    spans: list[Span]
    height: float
    # Whether runs come out at its lower end.
    open: bool

    def put(self, on: Drawing, x: float, y: float, *, faded: bool) -> None: ...


def lay_out(flow: Flow, numbers: FlowNumbers | None) -> Drawing:
    """The drawing of a flow."""
    return _Layout(numbers).whole(flow)


class _Layout:
    def __init__(self, numbers: FlowNumbers | None) -> None:
        self.numbers = numbers

    def whole(self, flow: Flow) -> Drawing:
        start = self._start(flow)
        steps = _Sequence(self, flow.steps, "")
        left, right = (max(WIDE / 2, *(span[side] for span in steps.spans)) for side in (2, 3))
        drawing = Drawing(width=left + right)
        start.x, start.y = left, 0
        drawing.boxes.append(start)
        steps.put(drawing, left, start.height, faded=False)
        y = start.height + steps.height
        if steps.open:
            through = self.numbers.ended["done"] if self.numbers else 0
            text = f"{through:,} went through" if self.numbers else "Done"
            drawing.edges.append(Edge([(left, y), (left, y + 24)], self.share(through), arrow=True))
            drawing.boxes.append(Box("done", [Line(text, "more")], text, 26, left, y + 24))
            y += 50
        drawing.height = y
        return drawing

    def _start(self, flow: Flow) -> Box:
        lines = [Line(text, "title") for text in wrapped(f"When {flow_words.starts(flow.on)}", BOLD, _ROOM, 4)]
        for name, rule in flow_words.rules(flow):
            lines += [Line(text, "more") for text in wrapped(f"{name}: {rule}", SMALL, _ROOM, 3)]
        if self.numbers:
            goal = f", {self.numbers.goal:,} met the goal" if flow.stop_when and flow.waits() else ""
            runs = f"{self.numbers.runs:,} {'run' if self.numbers.runs == 1 else 'runs'}{goal}"
            lines += [Line(text, "number") for text in wrapped(runs, SMALL * 1.1, _ROOM, 2)]
        return Box("start", lines, flow.description or flow.name, _tall(lines))

    def box(self, step: Step, position: str) -> Box:
        """The box of a step."""
        said = flow_words.step(step)
        lines = [Line(text, "title") for text in wrapped(said.short, BOLD, _ROOM, 4)]
        if said.more:
            lines += [Line(text, "more") for text in wrapped(said.more, SMALL, _ROOM, 3)]
        if numbers := in_box(self.numbers, step, position):
            lines += [Line(text, "number") for text in wrapped(numbers, SMALL * 1.1, _ROOM, 2)]
        kind = kind_of(step) or ""
        hint = f"{said.short}{f': {said.more}' if said.more else ''}"
        return Box("begin" if kind == "start" else kind, lines, hint, _tall(lines))

    def share(self, number: int) -> float:
        """Of all runs."""
        return min(1.0, number / self.numbers.runs) if self.numbers and self.numbers.runs else 0.0


class _Sequence:
    """Steps one below the other; each comes with the line that leads to it. ``told``: a number that stands above it
    already, at the way that leads here."""

    def __init__(self, layout: _Layout, steps: list[Step], prefix: str, told: int | None = None) -> None:
        self.items = [
            _item(layout, step, f"{prefix}{index}", None if index else told) for index, step in enumerate(steps)
        ]
        self.height = 0.0
        self.spans: list[Span] = []
        for item in self.items:
            self.spans += [span.moved(0, self.height) for span in item.spans]
            self.height += item.height
        self.open = all(item.open for item in self.items)

    def put(self, on: Drawing, x: float, y: float, *, faded: bool) -> None:
        for item in self.items:
            item.put(on, x, y, faded=faded)
            y += item.height
            # Nobody comes to what stands behind an end.
            faded = faded or not item.open


def _item(layout: _Layout, step: Step, position: str, told: int | None) -> _Piece:
    if isinstance(step, If | WaitFor | Split):
        return _Fork(layout, step, position, told)
    return _Plain(layout, step, position, told)


class _Plain:
    """A line with its numbers, and the box that it leads to."""

    def __init__(self, layout: _Layout, step: Step, position: str, told: int | None = None) -> None:
        self.box = layout.box(step, position)
        number = came(layout.numbers, step, position) if layout.numbers else None
        self.number = None if number == told else number
        left = left_at(layout.numbers, step, position)
        self.exits = [f"{gone:,} {flow_words.ending(reason)}" for reason, gone in left[:3]]
        if len(left) > 3:
            self.exits.append(f"{sum(gone for _, gone in left[3:]):,} more")
        self.good = bool(left) and left[0][0] == "goal_met"
        self.gap = max(_GAP, 16 + SMALL_LINE * len(self.exits))
        self.share = layout.share(number or 0)
        words = max((24 + width(text, SMALL) for text in self.exits), default=0.0)
        self.height = self.gap + self.box.height
        self.spans = [
            Span(0, self.gap, 9 + width(str(self.number or ""), SMALL), max(_EMPTY, words)),
            Span(self.gap, self.height, WIDE / 2, WIDE / 2),
        ]
        self.open = not isinstance(step, End)

    def put(self, on: Drawing, x: float, y: float, *, faded: bool) -> None:
        on.edges.append(Edge([(x, y), (x, y + self.gap)], self.share, faded, arrow=True))
        if self.number is not None and not faded:
            on.notes.append(Note(x - 9, y + self.gap / 2 + 2, [f"{self.number:,}"], "number", "end"))
        if self.exits:
            middle = y + self.gap / 2 - 2
            on.edges.append(Edge([(x, middle), (x + 14, middle)], 0, faded))
            top = middle - SMALL_LINE * (len(self.exits) - 1) / 2 + 4
            on.notes.append(Note(x + 19, top, self.exits, "left", good=self.good))
        self.box.x, self.box.y, self.box.faded = x, y + self.gap, faded
        on.boxes.append(self.box)


class _Way:
    """One way on from a fork: its label with its number, and its steps."""

    def __init__(
        self, layout: _Layout, label: str, went: int | None, total: int, steps: list[Step], prefix: str
    ) -> None:
        self.lines = [label]
        if went is not None:
            share = f" · {words.percent(100 * went / total, '.0f')}" if total else ""
            self.lines.append(f"{went:,}{share}")
        self.share = layout.share(went or 0)
        self.steps = _Sequence(layout, steps, prefix, told=went)
        half = max(width(text, SMALL * 1.1) for text in self.lines) / 2 + 9
        self.fan = 14 + 13 + SMALL_LINE * len(self.lines)
        self.spans = [Span(0, self.fan, half, half), *(span.moved(0, self.fan) for span in self.steps.spans)]
        self.height = self.fan + self.steps.height
        self.x = 0.0


class _Fork:
    """A box with ways on, side by side, that come together again below."""

    def __init__(self, layout: _Layout, step: If | WaitFor | Split, position: str, told: int | None = None) -> None:
        self.head = _Plain(layout, step, position, told)
        below, labels, numbers = sides(step), flow_words.ways(step), layout.numbers
        went = {side: numbers.ways[f"{position}.{side}"] if numbers else None for side in labels}
        total = sum(number or 0 for number in went.values())
        self.ways = [
            _Way(layout, label, went[side], total, below.get(side, []), f"{position}.{side}.")
            for side, label in labels.items()
        ]
        self.open = any(way.steps.open for way in self.ways)
        self.depth = max(way.height for way in self.ways)
        placed = self._place()
        top = self.head.height
        self.height = top + self.depth + (_JOIN if self.open else 0)
        bar = max(0.0, -self.ways[0].x), max(0.0, self.ways[-1].x)
        self.spans = [*self.head.spans, Span(top, top + 15, *bar), *(span.moved(0, top) for span in placed)]
        if self.open:
            self.spans.append(Span(self.height - _JOIN, self.height, *bar))

    def _place(self) -> list[Span]:
        """Puts the ways as close together as they come, and the axis in their middle."""
        placed: list[Span] = []
        for way in self.ways:
            low = [Span(way.height, self.depth + 1, 8, 8)] if way.steps.open else []
            spans = [*way.spans, *low]
            way.x = max(
                (one.right + _BETWEEN + other.left for one in placed for other in spans
                 if one.top < other.foot + _AIR and other.top < one.foot + _AIR),
                default=0.0,
            )  # fmt: skip
            placed += [span.moved(way.x, 0) for span in spans]
        middle = (self.ways[0].x + self.ways[-1].x) / 2
        for way in self.ways:
            way.x -= middle
        return [span.moved(-middle, 0) for span in placed]

    def put(self, on: Drawing, x: float, y: float, *, faded: bool) -> None:
        self.head.put(on, x, y, faded=faded)
        top = y + self.head.height
        foot = top + self.depth
        for way in self.ways:
            at = x + way.x
            corner = [(x, top), (x, top + 14), (at, top + 14)] if abs(way.x) > 1 else [(at, top)]
            on.edges.append(Edge([*corner, (at, top + way.fan)], way.share, faded))
            on.notes.append(Note(at, top + 38, way.lines, "way", "middle"))
            way.steps.put(on, at, top + way.fan, faded=faded)
            if way.steps.open:
                low = top + way.height
                end = [(at, foot + 10), (x, foot + 10)] if abs(way.x) > 1 else []
                on.edges.append(Edge([(at, low), *end, (x, foot + _JOIN)], way.share, faded))


def _tall(lines: list[Line]) -> float:
    return max(42.0, 20 + sum(TITLE_LINE if line.kind == "title" else SMALL_LINE for line in lines))
