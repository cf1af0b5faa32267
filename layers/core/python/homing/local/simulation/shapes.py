"""What products look like, by a word in their name; each shape stands on a table at about 80 of 100."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from homing.domain.campaigns import Product
from homing.local.simulation.canvas import Canvas


class Tone(NamedTuple):
    """A colour, darker and lighter."""

    base: str
    dark: str
    light: str


Shape = Callable[[Canvas, Tone], None]

# Hue, saturation, value: moss, terracotta, oat, slate, plum, brass, fir.
PALETTE = (
    (0.28, 0.28, 0.52), (0.045, 0.55, 0.76), (0.11, 0.3, 0.82), (0.56, 0.24, 0.56), (0.93, 0.24, 0.56),
    (0.115, 0.58, 0.74), (0.42, 0.36, 0.42),
)  # fmt: skip
# Where a name says a colour, that is the colour.
COLOUR_WORDS = {"fern": 0, "sage": 0, "moss": 0, "oat": 2, "dune": 2, "linen": 2, "brass": 5, "sencha": 0, "wax": 6}
_WOOD, _WOOD_DARK, _CREAM, _INK, _LEAF, _LEAF_DARK = "#b98a5a", "#96693f", "#f4ecdd", "#35332e", "#6d8a5a", "#567047"
_BRASS, _BRASS_DARK, _CLAY, _CLAY_DARK = "#c8a04e", "#a37f37", "#c5744f", "#a45c3b"


def mug(c: Canvas, t: Tone) -> None:
    c.ring(56, 46, 76, 68, t.dark, width=4.5)
    c.box(30, 40, 66, 79, t.base, round_=7)
    c.box(30, 40, 41, 79, t.light, round_=6)
    c.oval(30, 36, 66, 45, t.dark)
    c.oval(33, 37.5, 63, 43.5, "#4a3426")
    for y in (56, 62, 68):
        c.line([(48, y), (53, y - 4), (58, y - 8)], t.light, width=1.1)


def pour_over(c: Canvas, _: Tone) -> None:
    c.area([(30, 26), (70, 26), (55, 50), (45, 50)], "#e6ecea")
    c.area([(30, 26), (40, 26), (48, 50), (45, 50)], "#f5f8f7")
    c.oval(30, 23, 70, 29, "#cfd8d5")
    c.oval(34, 24.5, 66, 28, "#5b4030")
    c.box(43, 47, 57, 55, _WOOD, round_=2)
    c.box(43, 47, 47, 55, _WOOD_DARK, round_=1)
    c.area([(45, 55), (55, 55), (71, 80), (29, 80)], "#dfe7e4")
    c.area([(39, 65), (61, 65), (70, 79), (30, 79)], "#6b4a34")
    c.area([(45, 55), (48, 55), (38, 80), (29, 80)], "#f1f5f3")


def grinder(c: Canvas, t: Tone) -> None:
    c.line([(50, 28), (72, 24)], _INK, width=2.4)
    c.oval(69, 18, 77, 27, _WOOD)
    c.box(37, 32, 63, 58, t.dark, round_=4)
    c.box(37, 32, 45, 58, t.base, round_=3)
    c.oval(37, 28, 63, 36, t.light)
    c.box(39, 57, 61, 80, _WOOD, round_=3)
    c.box(39, 57, 45, 80, _WOOD_DARK, round_=3)


def bag(c: Canvas, t: Tone) -> None:
    c.area([(31, 30), (69, 30), (72, 80), (28, 80)], t.base)
    c.area([(31, 30), (38, 30), (36, 80), (28, 80)], t.light)
    c.box(31, 24, 69, 33, t.dark, round_=2)
    c.box(38, 46, 62, 67, _CREAM, round_=2)
    c.oval(44, 50, 56, 60, t.dark)
    c.line([(50, 51), (49, 55), (51, 59)], _CREAM, width=1)
    c.line([(42, 63.5), (58, 63.5)], t.dark, width=1)


def tin(c: Canvas, t: Tone) -> None:
    c.box(33, 36, 67, 80, t.base, round_=3)
    c.box(33, 36, 42, 80, t.light, round_=3)
    c.box(31.5, 29, 68.5, 40, t.dark, round_=3)
    c.oval(31.5, 26, 68.5, 33, t.base)
    c.box(38, 50, 62, 69, _CREAM, round_=2)
    c.line([(44, 65), (50, 54), (56, 65)], t.dark, width=1.4)
    c.line([(50, 54), (50, 66)], t.dark, width=1.2)


def jar(c: Canvas, t: Tone) -> None:
    c.box(32, 40, 68, 80, "#d99a2f", round_=7)
    c.box(32, 40, 41, 80, "#ebb857", round_=6)
    c.box(36, 36, 64, 43, "#e8c27c", round_=2)
    c.box(34, 27, 66, 38, t.base, round_=3)
    c.box(34, 27, 43, 38, t.light, round_=3)
    c.box(38, 51, 62, 69, _CREAM, round_=2)
    for x, y in ((44, 56), (50, 56), (56, 56), (47, 61), (53, 61)):
        c.oval(x - 2.2, y, x + 2.2, y + 4.4, "#d99a2f")


def apron(c: Canvas, t: Tone) -> None:
    c.arc([40, 10, 60, 40], 180, 360, t.dark, width=1.8)
    c.area([(40, 25), (60, 25), (64, 46), (73, 52), (71, 84), (29, 84), (27, 52), (36, 46)], t.base)
    c.area([(40, 25), (44, 25), (41, 48), (36, 84), (29, 84), (27, 52), (36, 46)], t.light)
    c.box(39, 56, 61, 70, t.dark, round_=2)
    c.line([(50, 56), (50, 70)], t.base, width=0.8)


def towels(c: Canvas, t: Tone) -> None:
    for top, colour, stripe in ((64, t.base, t.light), (52, _CREAM, t.base), (40, t.light, t.dark)):
        c.box(24, top, 76, top + 15, colour, round_=5)
        c.box(24, top + 9, 76, top + 10.4, stripe)
        c.box(24, top + 11.5, 76, top + 12.3, stripe)


def board(c: Canvas, _: Tone) -> None:
    c.box(45, 16, 55, 40, _WOOD_DARK, round_=4)
    c.oval(48, 19, 52, 23, "#efe4d3")
    c.box(30, 30, 70, 82, _WOOD, round_=11)
    for x, shift in ((38, 2), (46, -2), (54, 2), (62, -1)):
        c.line([(x, 38), (x + shift, 54), (x - shift / 2, 74)], "#a87847", width=0.9)


def teapot(c: Canvas, _: Tone) -> None:
    c.arc([32, 16, 68, 62], 190, 350, _INK, width=2.6)
    c.area([(66, 60), (83, 44), (86, 47), (70, 70)], "#45474a")
    c.oval(26, 42, 74, 81, "#3c3e41")
    c.oval(29, 44, 52, 76, "#4a4d50")
    c.oval(38, 38, 62, 48, "#515457")
    c.oval(46.5, 33, 53.5, 40, _BRASS)
    for x in (36, 44, 52, 60):
        for y in (56, 63, 70):
            c.oval(x, y, x + 1.6, y + 1.6, "#5d6063")


def crock(c: Canvas, t: Tone) -> None:
    c.box(26, 42, 74, 80, t.light, round_=6)
    c.box(26, 42, 38, 80, _CREAM, round_=6)
    c.box(26, 58, 74, 62, t.base)
    c.box(23, 35, 77, 45, _WOOD, round_=4)
    c.box(45, 29, 55, 36, _WOOD_DARK, round_=3)


def blanket(c: Canvas, t: Tone) -> None:
    for number, top in enumerate((66, 53, 40)):
        c.box(22 + number, top, 78 - number, top + 15, t.base if number != 1 else t.light, round_=7)
        c.box(22 + number, top + 11, 78 - number, top + 12.5, t.dark)
    for x in range(27, 76, 4):
        c.line([(x, 80), (x, 84)], t.dark, width=0.9)


def cushion(c: Canvas, t: Tone) -> None:
    c.area([(22, 30), (50, 34), (78, 30), (74, 55), (78, 82), (50, 78), (22, 82), (26, 55)], t.base)
    c.area([(22, 30), (36, 32), (34, 55), (36, 80), (22, 82), (26, 55)], t.light)
    for x in (44, 56, 68):
        c.line([(x, 35), (x, 77)], t.dark, width=0.8)


def candles(c: Canvas, _: Tone) -> None:
    for x, top in ((36, 34), (54, 24)):
        c.box(x, top, x + 10, 78, "#e0b558", round_=2)
        c.box(x, top, x + 3.5, 78, "#ecca7d", round_=2)
        c.line([(x + 5, top), (x + 5, top - 4)], _INK, width=0.8)
        c.area([(x + 5, top - 13), (x + 8, top - 6), (x + 5, top - 2.5), (x + 2, top - 6)], "#f3a33c")
        c.box(x - 4, 76, x + 14, 80, _BRASS_DARK, round_=2)


def stool(c: Canvas, _: Tone) -> None:
    for top, foot in ((32, 25), (68, 75)):
        c.line([(top, 46), (foot, 84)], _WOOD_DARK, width=4)
    c.line([(44, 47), (42, 80)], "#7f5832", width=3.2)
    c.line([(56, 47), (58, 80)], "#7f5832", width=3.2)
    c.line([(30, 66), (70, 66)], _WOOD_DARK, width=2.4)
    c.box(22, 38, 78, 47, _WOOD, round_=4)
    c.box(22, 38, 78, 41, "#cda172", round_=2)


def lamp(c: Canvas, t: Tone) -> None:
    c.line([(44, 78), (44, 40), (58, 26)], _BRASS, width=2.4)
    c.area([(52, 20), (62, 20), (78, 40), (46, 44)], t.base)
    c.area([(52, 20), (55, 20), (54, 43), (46, 44)], t.light)
    c.oval(55, 40, 69, 47, "#f7dc9b")
    c.box(31, 76, 57, 81, _BRASS_DARK, round_=2.5)


def vase(c: Canvas, t: Tone) -> None:
    for x, y, bend in ((38, 14, 47), (50, 8, 50), (63, 16, 53)):
        c.line([(bend, 44), ((x + bend) / 2, 28), (x, y)], _LEAF_DARK, width=1.2)
        for step in (0, 6, 12):
            c.oval(x - 3 + step / 4, y + step, x + 1 + step / 4, y + step + 6, _LEAF)
            c.oval(x + 1, y + step + 1, x + 5, y + step + 6, _LEAF_DARK)
    c.area([(43, 40), (57, 40), (58, 50), (66, 62), (62, 81), (38, 81), (34, 62), (42, 50)], t.base)
    c.area([(43, 40), (47, 40), (46, 51), (42, 63), (44, 81), (38, 81), (34, 62), (42, 50)], t.light)
    c.oval(43, 38, 57, 42, t.dark)


def basket(c: Canvas, _: Tone) -> None:
    c.arc([34, 22, 66, 70], 185, 355, _WOOD_DARK, width=3)
    c.area([(22, 48), (78, 48), (71, 81), (29, 81)], "#c99d63")
    for y in (54, 61, 68, 75):
        c.line([(25 + (y - 50) / 5, y), (75 - (y - 50) / 5, y)], "#a87c44", width=1.4)
    for x in range(30, 74, 8):
        c.line([(x, 50), (50 + (x - 50) * 0.82, 80)], "#b58950", width=1.4)
    c.box(20, 45, 80, 51, "#b58950", round_=3)


def lantern(c: Canvas, _: Tone) -> None:
    c.line([(50, 6), (50, 24)], _INK, width=1)
    c.oval(24, 22, 76, 72, "#f6ead0")
    c.oval(30, 26, 56, 66, "#fbf4e2")
    for y in (32, 40, 48, 56, 63):
        c.line([(28 + abs(47 - y) / 2.6, y), (72 - abs(47 - y) / 2.6, y)], "#e2d0a8", width=0.8)
    c.box(43, 20, 57, 24, _WOOD_DARK, round_=1)
    c.box(43, 70, 57, 74, _WOOD_DARK, round_=1)


def watering_can(c: Canvas, _: Tone) -> None:
    c.arc([30, 26, 62, 66], 180, 350, "#a8602f", width=3)
    c.line([(60, 70), (82, 40)], "#b86c38", width=4)
    c.area([(76, 34), (90, 42), (87, 46), (74, 39)], "#a8602f")
    c.ring(16, 50, 38, 74, "#a8602f", width=2.8)
    c.box(28, 46, 64, 80, "#c97c44", round_=4)
    c.box(28, 46, 38, 80, "#dc9a66", round_=4)
    c.oval(28, 43, 64, 50, "#8f4f26")


def planter(c: Canvas, _: Tone) -> None:
    for x, y in ((30, 34), (40, 24), (50, 18), (60, 25), (70, 35), (45, 36), (56, 36)):
        c.line([(50, 56), (x, y + 6)], _LEAF_DARK, width=1.2)
        c.oval(x - 5, y, x + 2, y + 11, _LEAF)
        c.oval(x - 1, y + 2, x + 6, y + 12, _LEAF_DARK)
    c.area([(28, 54), (72, 54), (66, 81), (34, 81)], _CLAY)
    c.area([(28, 54), (38, 54), (41, 81), (34, 81)], "#d68a66")
    c.box(25, 48, 75, 57, _CLAY_DARK, round_=2)


def shears(c: Canvas, t: Tone) -> None:
    c.area([(48, 48), (54, 46), (66, 14), (60, 16)], "#b8bec0")
    c.area([(52, 48), (46, 46), (38, 16), (44, 17)], "#98a0a3")
    c.line([(50, 48), (36, 62), (34, 80)], t.base, width=5)
    c.line([(50, 48), (64, 62), (66, 80)], t.dark, width=5)
    c.oval(46.5, 44, 53.5, 51, _BRASS)


def packet(c: Canvas, t: Tone) -> None:
    c.box(30, 20, 70, 81, _CREAM, round_=2)
    c.box(30, 20, 70, 30, t.base, round_=2)
    c.box(30, 70, 70, 81, t.base, round_=2)
    for x, y, colour in ((42, 42, "#c5744f"), (57, 39, "#d9b04c"), (50, 50, "#8c6a9b")):
        c.line([(x, y + 2), (50, 67)], _LEAF_DARK, width=1)
        for dx, dy in ((-3, 0), (3, 0), (0, -3), (0, 3)):
            c.oval(x + dx - 2.5, y + dy - 2.5, x + dx + 2.5, y + dy + 2.5, colour)
        c.oval(x - 1.6, y - 1.6, x + 1.6, y + 1.6, _CREAM)


def feeder(c: Canvas, t: Tone) -> None:
    c.line([(50, 6), (50, 26)], _INK, width=1)
    c.area([(50, 20), (80, 42), (20, 42)], t.dark)
    c.area([(50, 20), (50, 42), (20, 42)], t.base)
    c.box(30, 42, 70, 70, "#e8d9bd")
    c.box(30, 56, 70, 70, "#b58a4c")
    c.box(28, 42, 33, 72, _WOOD_DARK)
    c.box(67, 42, 72, 72, _WOOD_DARK)
    c.box(22, 70, 78, 76, _WOOD, round_=2)
    c.oval(58, 58, 74, 70, "#6f8798")
    c.oval(68, 53, 77, 62, "#6f8798")
    c.area([(76, 57), (81, 59), (76, 60)], _BRASS)
    c.oval(60, 63, 70, 70, "#d88a5c")


def twine(c: Canvas, _: Tone) -> None:
    c.oval(27, 34, 73, 80, "#c7a877")
    for shift in (0, 8, 16, 24, 32):
        c.arc([31 + shift / 2, 36, 71 + shift / 3, 78], 110, 250, "#a98a58", width=1)
        c.arc([29, 38 + shift, 71, 64 + shift / 2], 190, 300, "#b4965f", width=1)
    c.line([(70, 66), (80, 72), (84, 80), (76, 84)], "#b4965f", width=1.5)


def parcel(c: Canvas, t: Tone) -> None:
    c.box(24, 36, 76, 80, t.base, round_=3)
    c.box(24, 36, 40, 80, t.light, round_=3)
    c.box(46, 36, 54, 80, t.dark)
    c.line([(50, 36), (40, 28), (36, 33), (50, 36), (64, 33), (60, 28), (50, 36)], t.dark, width=2)


_BY_WORD: tuple[tuple[str, Shape], ...] = (
    ("mug|cup", mug), ("pour-over|pour|dripper", pour_over), ("grinder|mill", grinder),
    ("roast|espresso|coffee|beans", bag), ("honey|jam|jar", jar), ("tin|sencha|tea tin", tin), ("apron|shirt", apron),
    ("towel|towels|sheets", towels), ("board", board), ("teapot|kettle|pot", teapot), ("crock|box|bin", crock),
    ("blanket|throw|rug", blanket), ("cushion|pillow", cushion), ("candle|candles", candles),
    ("stool|chair|bench|table", stool), ("lamp|light", lamp), ("vase", vase), ("basket|bag", basket),
    ("lantern|globe", lantern), ("watering", watering_can), ("planter|plant", planter), ("shears|scissors", shears),
    ("seed|seeds", packet), ("feeder|birdhouse", feeder), ("twine|rope|yarn", twine),
)  # fmt: skip


def shape_for(product: Product) -> Shape:
    """The shape whose word comes in the product's name; a wrapped parcel where none does."""
    for words, shape in _BY_WORD:
        if re.search(rf"\b({words})\b", product.name.lower()):
            return shape
    return parcel
