from __future__ import annotations

import io

import pytest
from PIL import Image

from homing.domain.campaigns import Product
from homing.local.simulation import pictures, shapes


def test_every_product_with_an_address_gets_a_small_square_picture(products: dict[str, Product]) -> None:
    drawn = pictures.draw_all(products)
    assert drawn.keys() == {product.image_url for product in products.values()}
    for body in drawn.values():
        assert Image.open(io.BytesIO(body)).size == (pictures.SIZE, pictures.SIZE)
        assert len(body) < 12_000


def test_the_same_product_always_looks_the_same(products: dict[str, Product]) -> None:
    assert pictures.draw(products["p1"]) == pictures.draw(products["p1"]) != pictures.draw(products["p2"])


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("Oak Stool", shapes.stool),
        ("Copper Watering Can", shapes.watering_can),
        ("Spring Sencha, Tin", shapes.tin),
        ("Gift card", shapes.parcel),
    ],
)
def test_a_shape_is_chosen_by_a_word_of_the_name(name: str, shape: shapes.Shape) -> None:
    assert shapes.shape_for(Product(product_id="x", name=name)) is shape
