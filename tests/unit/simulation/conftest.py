from __future__ import annotations

import pytest

from homing.domain.campaigns import Product


@pytest.fixture(scope="session")
def products() -> dict[str, Product]:
    shelves = ("Kitchen", "Pantry", "Living", "Garden")
    words = ("Mug", "Honey", "Oak Stool", "Vase", "Teapot", "Roast", "Lamp", "Shears")
    return {
        f"p{number}": Product(
            product_id=f"p{number}", name=f"{words[number % 8]} {number}", price=f"{12 + number * 6}.90",
            category=shelves[number % 4], image_url=f"https://shop.example/i/{number}.png",
            url=f"https://shop.example/p/{number}",
        )
        for number in range(16)
    }  # fmt: skip
