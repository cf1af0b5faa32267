"""Product pictures for a shop that has no photographer: flat still lifes, drawn the same way each time."""

from __future__ import annotations

import colorsys
import hashlib
import io
import re
from collections.abc import Mapping
from functools import cache
from urllib.parse import urlsplit

from PIL import Image, ImageDraw, ImageFilter

from homing.domain.campaigns import Product
from homing.local.simulation import shapes
from homing.local.simulation.canvas import Canvas

SIZE = 420

# Wall and table for each kind of shelf; a category without an entry gets a pair by its name.
_ROOMS = (
    ("#efe4d3", "#dfcdb2"),
    ("#e6e4d4", "#cdccb2"),
    ("#f0dfd2", "#dfc2ad"),
    ("#dfe6dc", "#c3d0bd"),
    ("#e3e5e6", "#c8cdce"),
)
_KNOWN_ROOMS = {"kitchen": 0, "pantry": 2, "living": 1, "garden": 3}


def draw_all(products: Mapping[str, Product]) -> dict[str, bytes]:
    """A PNG for each picture address in the catalog."""
    return {product.image_url: draw(product) for product in products.values() if product.image_url}


def draw_examples(products: Mapping[str, Product]) -> dict[str, bytes]:
    """The same for addresses that can't exist (RFC 2606), as in the starter catalog: real pictures stay what they are."""
    unreachable = {
        key: product
        for key, product in products.items()
        if (urlsplit(product.image_url or "").hostname or "").endswith((".example", ".test", ".invalid"))
    }
    return draw_all(unreachable)


def draw(product: Product) -> bytes:
    """A PNG of :data:`SIZE` pixels square, a few KB; the same product always looks the same."""
    number = int.from_bytes(hashlib.blake2b(product.product_id.encode(), digest_size=4).digest())
    category = (product.category or "").lower()
    wall, table = _ROOMS[_KNOWN_ROOMS.get(category, sum(category.encode()) % len(_ROOMS))]
    # Drawn at twice the size, since Pillow's edges are hard.
    canvas = Canvas(Image.new("RGBA", (2 * SIZE, 2 * SIZE)))
    shapes.shape_for(product)(canvas, _tone(product.name, number))
    canvas.flush()
    subject = canvas.image.reduce(2)
    scene = Image.alpha_composite(_room(wall, table), _shadow(subject))
    scene = Image.alpha_composite(scene, subject).convert("RGB")
    body = io.BytesIO()
    scene.quantize(96, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(body, "PNG", optimize=True)
    return body.getvalue()


@cache
def _room(wall: str, table: str) -> Image.Image:
    """A wall with soft light from the left, and a table top."""
    scene = Image.new("RGBA", (SIZE, SIZE), wall)
    light = Image.new("RGBA", (SIZE, SIZE), (255, 255, 255, 0))
    ImageDraw.Draw(light).ellipse([-170, -220, 265, 215], fill=(255, 255, 255, 80))
    scene = Image.alpha_composite(scene, light.filter(ImageFilter.GaussianBlur(1)))
    ImageDraw.Draw(scene).rectangle([0, int(SIZE * 0.74), SIZE, SIZE], fill=table)
    return scene


def _shadow(subject: Image.Image) -> Image.Image:
    """A soft shadow under the subject, longer to the right."""
    left, _, right, bottom = subject.getbbox() or (0, 0, SIZE, SIZE)
    shadow = Image.new("RGBA", subject.size, (60, 45, 25, 0))
    width, foot = right - left, min(bottom, int(SIZE * 0.93))
    box = [left + width * 0.03, foot - 11, right + width * 0.1, foot + 10]
    ImageDraw.Draw(shadow).ellipse(box, fill=(60, 45, 25, 105))
    return shadow.filter(ImageFilter.GaussianBlur(4))


def _tone(name: str, number: int) -> shapes.Tone:
    """A muted colour: the one that the name speaks of, else one of the palette, a little different each time."""
    words = re.findall(r"[a-z]+", name.lower())
    place = next((shapes.COLOUR_WORDS[word] for word in reversed(words) if word in shapes.COLOUR_WORDS), number)
    hue, saturation, value = shapes.PALETTE[place % len(shapes.PALETTE)]
    shift = ((number >> 8) % 21 - 10) / 1000

    def tone(brightness: float, strength: float = 1.0) -> str:
        rgb = colorsys.hsv_to_rgb((hue + shift) % 1, saturation * strength, min(0.97, value * brightness))
        return "#" + "".join(f"{round(part * 255):02x}" for part in rgb)

    return shapes.Tone(tone(1.0), tone(0.82), tone(1.14, 0.82))
