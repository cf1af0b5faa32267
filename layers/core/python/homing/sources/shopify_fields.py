"""Pieces of Shopify's payloads: products, addresses, consent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homing.domain.events import names
from homing.domain.events.normalise import identifier

Payload = Mapping[str, Any]

# What Shopify's words for consent mean. "not_subscribed" and "pending" are no word of the customer's: nothing is
# said before they agreed or refused, and a pending double opt-in has not been confirmed.
_WORDS = {
    "subscribed": names.SUBSCRIBED,
    "unsubscribed": names.UNSUBSCRIBED,
    "invalid": names.UNSUBSCRIBED,
    "redacted": names.UNSUBSCRIBED,
}


def text(value: Any) -> str | None:
    """A text or a number as text; None for nothing. Money stays as Shopify writes it: "19.90"."""
    if value is None or value == "" or isinstance(value, bool | dict | list):
        return None
    return str(value).strip() or None


def currency_of(payload: Payload) -> str | None:
    """The shop's currency: of the order, or of the first price that says (carts)."""
    if currency := text(payload.get("currency")):
        return currency
    for line in payload.get("line_items") or ():
        for name in ("price_set", "line_price_set", "original_line_price_set"):
            money = (line.get(name) or {}).get("shop_money") or {}
            if currency := text(money.get("currency_code")):
                return currency
    return None


def products(payload: Payload) -> list[dict[str, Any]]:
    """The lines of a cart, a checkout or an order as the e-commerce spec has them."""
    return [_product(line) for line in payload.get("line_items") or ()]


def _product(line: Payload) -> dict[str, Any]:
    variant_id = identifier(line.get("variant_id"))
    product = {
        # Lines made by hand have no product; then the variant, the article number or the line itself names them.
        "product_id": identifier(line.get("product_id"))
        or variant_id
        or text(line.get("sku"))
        or f"line-{line.get('id') or line.get('key')}",
        "variant_id": variant_id,
        "sku": text(line.get("sku")),
        "name": text(line.get("presentment_title")) or text(line.get("title")) or text(line.get("name")),
        "variant": text(line.get("presentment_variant_title")) or text(line.get("variant_title")),
        "brand": text(line.get("vendor")),
        # What the customer would pay for one: carts tell the discounted price beside the list price.
        "price": text(line.get("discounted_price")) or text(line.get("price")),
        "quantity": line.get("quantity") if isinstance(line.get("quantity"), int) else 1,
        "image_url": text(line.get("image_url")) or text(line.get("image")),
        "url": text(line.get("url")),
    }
    return {name: value for name, value in product.items() if value is not None}


def address_traits(address: Payload) -> dict[str, Any]:
    """Country for segments, and the coarse rest of the address; street and phone are not needed for mail."""
    coarse = {
        "country": text(address.get("country_code")) or text(address.get("country")),
        "region": text(address.get("province_code")) or text(address.get("province")),
        "city": text(address.get("city")),
        "postal_code": text(address.get("zip")),
    }
    known = {name: value for name, value in coarse.items() if value is not None}
    return {"country": known.get("country"), "address": known} if known else {}


def consent(given: Payload) -> tuple[str, dict[str, Any]] | None:
    """Event name and properties for an ``email_marketing_consent``; None when the customer has said nothing."""
    name = _WORDS.get(str(given.get("state")).lower())
    if name is None:
        return None
    level = text(given.get("opt_in_level"))
    wording = f"Shopify: {given['state']}" + (f", {level}" if level else "")
    return name, {"topic": "marketing", "source": "shopify", "wording": wording}
