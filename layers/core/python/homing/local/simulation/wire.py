"""How the simulated shop speaks: Segment's HTTP API from browser and server, Shopify's webhooks from the till."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from homing.domain.campaigns import Product
from homing.domain.time import iso
from homing.local.simulation.host import Request
from homing.local.simulation.people import Customer, Line, uuid_text

_BROWSER = {"name": "analytics.js", "version": "2.11.1"}
SHOP_DOMAIN = "alder-and-moss.myshopify.example"
_SERVER = {"name": "analytics-python", "version": "2.4.0"}


def message(
    rng: random.Random,
    kind: str,
    *,
    at: int,
    customer: Customer,
    device: int | None,
    logged_in: bool,
    name: str = "",
    properties: Mapping[str, Any] | None = None,
    traits: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """One message of Segment's spec. ``device`` is which of the customer's browsers sent it, None for the server."""
    value: dict[str, Any] = {
        "type": kind,
        "messageId": f"{'ajs-next' if device is not None else 'srv'}-{uuid_text(rng)}",
        "timestamp": iso(at),
        "context": {
            "library": _BROWSER if device is not None else _SERVER,
            "locale": customer.land.locale,
            "timezone": customer.time_zone,
        },
    }
    if device is not None:
        value["anonymousId"] = customer.anonymous_ids[device]
    if logged_in:
        value["userId"] = customer.user_id
    if kind == "track":
        value |= {"event": name, "properties": dict(properties or {})}
    elif kind == "page":
        value |= {"name": name, "properties": dict(properties or {})}
    elif kind == "identify":
        value["traits"] = dict(traits or {})
    return value


def batch(messages: Sequence[Mapping[str, Any]], *, sent_at: int, write_key: str, compress: bool = False) -> Request:
    """A request to ``/v1/batch``, authenticated like Segment's libraries do."""
    body = json.dumps({"batch": list(messages), "sentAt": iso(sent_at)}, ensure_ascii=False).encode()
    headers = {
        "content-type": "application/json",
        "authorization": "Basic " + base64.b64encode(f"{write_key}:".encode()).decode(),
        "user-agent": "analytics-python/2.4.0" if compress else "Mozilla/5.0",
    }
    if compress:
        body = gzip.compress(body, mtime=0)
        headers["content-encoding"] = "gzip"
    return Request(path="/v1/batch", body=body, headers=headers, events=len(messages))


def product_properties(product: Product, currency: str) -> dict[str, Any]:
    """What a storefront says of a product."""
    return {
        "product_id": product.product_id,
        "name": product.name,
        "price": float(product.price or 0),
        "currency": product.currency or currency,
        "category": product.category,
        "image_url": product.image_url,
        "url": product.url,
    }


def order_properties(
    order_id: str, cart_id: str, lines: Sequence[Line], products: Mapping[str, Product], currency: str
) -> dict[str, Any]:
    """``Order Completed`` of Segment's e-commerce spec; shipping is free from 50."""
    items = [product_properties(products[line.product_id], currency) | {"quantity": line.quantity} for line in lines]
    subtotal = goods(lines, products)
    shipping = Decimal(0) if subtotal >= 50 else Decimal("4.90")
    return {
        "order_id": order_id,
        "cart_id": cart_id,
        "currency": currency,
        "subtotal": float(subtotal),
        "shipping": float(shipping),
        "total": float(subtotal + shipping),
        "revenue": float(subtotal),
        "products": items,
    }


def goods(lines: Sequence[Line], products: Mapping[str, Product]) -> Decimal:
    """What the goods in a cart cost."""
    return sum((Decimal(products[line.product_id].price or "0") * line.quantity for line in lines), Decimal(0))


def shopify_order(
    rng: random.Random,
    *,
    order: Mapping[str, Any],
    customer: Customer,
    at: int,
    secret: str,
) -> Request:
    """The same order as Shopify's ``orders/create`` webhook, signed with the shop's secret over the raw body."""
    number = int(str(order["order_id"]))
    payload = {
        "id": 5_600_000_000_000 + number,
        "name": f"#{number}",
        "order_number": number,
        "created_at": iso(at),
        "processed_at": iso(at),
        "updated_at": iso(at),
        "cart_token": order["cart_id"],
        "checkout_token": f"co{order['cart_id']}",
        "currency": order["currency"],
        "total_price": f"{order['total']:.2f}",
        "subtotal_price": f"{order['subtotal']:.2f}",
        "total_discounts": "0.00",
        "total_tax": "0.00",
        "email": customer.email,
        "contact_email": customer.email,
        "financial_status": "paid",
        "test": False,
        "customer": {
            "id": int(customer.user_id),
            "email": customer.email,
            "first_name": customer.first_name,
            "last_name": customer.last_name,
        },
        "line_items": [
            {
                "id": 13_000_000_000_000 + number * 10 + position,
                "product_id": item["product_id"],
                "sku": item["product_id"],
                "title": item["name"],
                "name": item["name"],
                "price": f"{item['price']:.2f}",
                "quantity": item["quantity"],
            }
            for position, item in enumerate(order["products"])
        ],
    }
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return Request(
        path="/webhooks/shopify",
        body=body,
        headers={
            "content-type": "application/json",
            "user-agent": "Shopify-Captain-Hook",
            "x-shopify-topic": "orders/create",
            "x-shopify-shop-domain": SHOP_DOMAIN,
            "x-shopify-api-version": "2026-07",
            "x-shopify-triggered-at": iso(at),
            "x-shopify-webhook-id": uuid_text(rng),
            "x-shopify-event-id": uuid_text(rng),
            "x-shopify-hmac-sha256": signature(body, secret),
        },
        events=1,
        label="webhook",
    )


def signature(body: bytes, secret: str) -> str:
    """HMAC-SHA256 over the raw body, base64: Shopify's way of signing."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
