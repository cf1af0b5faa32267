"""What templates can say."""

from __future__ import annotations

from decimal import Decimal

import pytest

from homing.domain.content.context import ALWAYS, BROUGHT, RESERVED
from homing.domain.content.publish import publish
from homing.domain.content.scope import PRODUCT, VARIABLES
from homing.domain.flows.language import DETAIL_TYPES
from tests.unit.content.support import SETTINGS, campaign_files, context, published


def item(**fields: object) -> dict[str, object]:
    """The only item of a cart that holds these fields."""
    found = context(published(), {"cart": {"key": "k", "items": [fields]}})["cart"]["items"][0]
    assert isinstance(found, dict)
    return found


def test_items_are_completed_from_the_catalog() -> None:
    found = item(product_id="mug", quantity=2)
    assert found == {
        "product_id": "mug", "name": "Mug", "quantity": 2, "url": "https://shop.example/p/mug", "currency": "EUR",
        "price": Decimal("12.50"), "total": Decimal("25.00"), "image_url": "https://shop.example/i/mug.png",
        "category": "Kitchen",
    }  # fmt: skip


def test_what_the_storefront_sent_comes_before_the_catalog() -> None:
    found = item(product_id="mug", name="Mug, blue", price=9.9, currency="CHF", variant="blue")
    assert (found["name"], found["price"], found["currency"]) == ("Mug, blue", Decimal("9.9"), "CHF")


def test_a_product_that_nobody_knows_has_a_name_and_leads_to_the_cart() -> None:
    assert item(product_id="643078800") == {
        "product_id": "643078800", "name": "Item 643078800", "quantity": 1, "url": "https://shop.example/cart",
        "currency": "EUR",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://shop.example/p/9", True),
        ("https://www.shop.example/p/9", True),
        ("https://evil.example/p/9", False),
        ("https://shop.example.evil.example/", False),
        ("https://notshop.example/", False),
        ("javascript:alert(1)", False),
        ("//shop.example/p", False),
        ("https://shop.example@evil.example/", False),
        ("https://evil.example\\@shop.example/", False),
        ("https://shop.example\\@evil.example/", False),
        ("https://me:secret@shop.example/p", False),
        ("https://evil.example\t.shop.example/", False),
        ("https://shop.example:8443?p=9", True),
    ],
)
def test_links_of_events_lead_to_the_shop_or_are_replaced(url: str, kept: bool) -> None:
    assert item(product_id="mug", url=url)["url"] == (url if kept else "https://shop.example/p/mug")
    cart = context(published(), {"cart": {"items": [], "url": url}})["cart"]
    assert cart["url"] == (url if kept else "https://shop.example/cart")


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://shop.example/i/9.png", True),
        ("https://img.shop.example/9.png", True),
        ("https://pay.example/9.png", True),
        ("https://cdn.shopify.com/s/9.png", True),
        ("https://evil.example/9.png", False),
        ("https://cdn.shopify.com.evil.example/9.png", False),
        ("https://evil.example\\@cdn.shopify.com/9.png", False),
        ("https://cdn.shopify.com\\@evil.example/9.png", False),
        ("https://cdn.shopify.com@evil.example/9.png", False),
        ("data:image/png;base64,xx", False),
    ],
)
def test_pictures_of_events_lie_with_the_shop_or_its_cdn_or_are_left_out(url: str, kept: bool) -> None:
    hosts = b"brand:\n  link_hosts: [pay.example]\n  image_hosts: [cdn.shopify.com]\n"
    campaigns = publish(campaign_files() | {"settings.yaml": SETTINGS.replace(b"brand:\n", hosts)})

    def shown(product_id: str) -> object:
        found = context(campaigns, {"cart": {"items": [{"product_id": product_id, "image_url": url}]}})
        return found["cart"]["items"][0].get("image_url")

    assert shown("unknown") == (url if kept else None)
    assert shown("mug") == (url if kept else "https://shop.example/i/mug.png")


def test_strangers_texts_are_one_visible_line() -> None:
    found = context(
        published(), {"cart": {"items": [{"name": "Mu\u202eg\x00\r\nBcc"}]}, "data": {"a": ["x\ny"]}},
        first_name="An\u2066n\n\x00a", city="\x00", pets=["Mi\nko"],
    )  # fmt: skip
    assert (found["first_name"], found["profile"]["traits"]["first_name"]) == ("Ann a", "Ann a")
    assert "city" not in found
    assert (found["pets"], found["data"]) == (["Mi ko"], {"a": ["x y"]})
    assert found["cart"]["items"][0]["name"] == "Mug Bcc"


def test_a_cart_is_summed_only_where_every_price_is_known_in_one_currency() -> None:
    def cart(*items: dict[str, object]) -> dict[str, object]:
        found = context(published(), {"cart": {"items": items}})["cart"]
        assert isinstance(found, dict)
        return found

    mug = {"product_id": "mug", "quantity": 2}
    assert cart(mug, {"product_id": "rug"})["total"] == Decimal("1225.00")
    assert "total" not in cart(mug, {"product_id": "unknown"})
    assert "total" not in cart(mug, {"product_id": "rug", "currency": "CHF"})
    assert cart(mug, {"product_id": "unknown"})["count"] == 3


def test_strange_values_of_events_do_no_harm() -> None:
    found = item(product_id=7, quantity="many", price="a lot", name=["x"], image_url="data:image/png;base64,xx")
    assert (found["product_id"], found["name"], found["quantity"]) == ("7", "Item 7", 1)
    assert "price" not in found
    assert "image_url" not in found


def test_reserved_names_beat_traits_and_traits_are_snake_case_too() -> None:
    found = context(published(), firstName="Ann", cart="mine", lastName="")
    assert (found["first_name"], found["firstName"]) == ("Ann", "Ann")
    assert "cart" not in found
    assert "last_name" not in found
    assert found["profile"]["traits"]["cart"] == "mine"


def test_now_is_told_in_the_customers_zone() -> None:
    assert context(published(), time_zone="America/New_York")["now"].isoformat() == "2026-04-14T04:30:00-04:00"
    assert context(published())["now"].isoformat() == "2026-04-14T08:30:00+00:00"


def test_an_order_says_its_own_total() -> None:
    data = {"nth": 1, "order": {"order_id": "1", "total": "30.40", "currency": "EUR", "items": [{"sku": "mug"}]}}
    found = context(published(), data)
    assert (found["nth"], found["order"]["total"]) == (1, Decimal("30.40"))
    assert found["order"]["items"][0]["name"] == "Mug"


def test_prices_of_an_order_are_in_its_currency_and_those_of_the_catalog_in_the_catalogs() -> None:
    items = [
        {"product_id": "rug", "price": 9.9},
        {"product_id": "mug"},
        {"product_id": "x", "price": 2, "currency": "CHF"},
    ]
    found = context(published(), {"order": {"order_id": "1", "currency": "USD", "items": items}})
    assert [item["currency"] for item in found["order"]["items"]] == ["USD", "EUR", "CHF"]


def test_the_described_shapes_are_the_real_ones() -> None:
    assert set(VARIABLES) == RESERVED
    assert set(BROUGHT) == set(DETAIL_TYPES)
    full = item(product_id="mug", variant="blue", brand="Tonhaus", price_before="19.90")
    assert set(full) == set(PRODUCT.attributes)
    bare = item(product_id="unknown")
    assert set(bare) == set(PRODUCT.attributes) - PRODUCT.optional
    found = context(published(), {"cart": {"items": [{"product_id": "mug"}], "last_activity": "2026-04-14T08:00:00Z"}})
    assert set(found["cart"]) == set(VARIABLES["cart"].attributes)
    # A discount code comes with the steps that grant one.
    assert set(found) >= ALWAYS - {"code"}
    for name in ("profile", "topic", "trigger", "brand"):
        shape = VARIABLES[name]
        assert set(shape.attributes) >= set(found[name]) >= set(shape.attributes) - shape.optional, name
