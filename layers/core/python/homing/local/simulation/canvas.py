"""A small drawing board: flat shapes on a grid of 100 by 100, whatever the size in pixels."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

Point = tuple[float, float]


class Canvas:
    """Coordinates run from (0, 0) top left to (100, 100); each call draws over what is there."""

    def __init__(self, image: Image.Image) -> None:
        self.image = image
        self._draw = ImageDraw.Draw(image)
        self._scale = image.width / 100

    def flush(self) -> None:
        """Ends drawing; the picture is in :attr:`image`."""
        del self._draw

    def box(self, left: float, top: float, right: float, bottom: float, fill: str, *, round_: float = 0) -> None:
        """A rectangle, its corners rounded with that radius."""
        self._draw.rounded_rectangle(self._at(left, top, right, bottom), radius=round_ * self._scale, fill=fill)

    def oval(self, left: float, top: float, right: float, bottom: float, fill: str) -> None:
        """An ellipse in a box."""
        self._draw.ellipse(self._at(left, top, right, bottom), fill=fill)

    def ring(self, left: float, top: float, right: float, bottom: float, colour: str, *, width: float = 3) -> None:
        """The outline of an ellipse."""
        self._draw.ellipse(self._at(left, top, right, bottom), outline=colour, width=round(width * self._scale))

    def arc(self, box: Sequence[float], start: float, end: float, colour: str, *, width: float = 3) -> None:
        """Part of an ellipse's outline, in degrees clockwise from three o'clock."""
        self._draw.arc(self._at(*box), start, end, fill=colour, width=round(width * self._scale))

    def area(self, points: Sequence[Point], fill: str) -> None:
        """A polygon."""
        self._draw.polygon([(x * self._scale, y * self._scale) for x, y in points], fill=fill)

    def line(self, points: Sequence[Point], colour: str, *, width: float = 2) -> None:
        """A line with round ends and joints."""
        scaled = [(x * self._scale, y * self._scale) for x, y in points]
        self._draw.line(scaled, fill=colour, width=round(width * self._scale), joint="curve")
        half = width * self._scale / 2
        for x, y in (scaled[0], scaled[-1]):
            self._draw.ellipse([x - half, y - half, x + half, y + half], fill=colour)

    def _at(self, *numbers: float) -> list[float]:
        return [number * self._scale for number in numbers]
