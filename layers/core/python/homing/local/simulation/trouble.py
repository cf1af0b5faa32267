"""What goes wrong in real weeks: half-written plug-ins, wrong keys, forged webhooks."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from typing import Any

from homing.domain.time import DAY, iso
from homing.local.simulation.host import Request
from homing.local.simulation.people import uuid_text
from homing.local.simulation.wire import SHOP_DOMAIN, signature


def bad_requests(
    rng: random.Random, start: int, days: int, write_key: str, shopify_secret: str
) -> Iterator[tuple[int, Request]]:
    """Requests that no stack should fold, and when they come: each kind once a week."""
    for week in range(max(1, (days + 3) // 7)):
        for kind in ("nobody", "bad time", "not JSON", "wrong key", "forged", "unreadable"):
            at = start + week * 7 * DAY + rng.randrange(min(7, days) * DAY)
            yield at, _request(kind, uuid_text(rng), at, write_key, shopify_secret)


def _request(kind: str, unique: str, at: int, write_key: str, shopify_secret: str) -> Request:
    message: dict[str, Any] = {"type": "track", "event": "Wishlist Opened", "messageId": unique, "timestamp": iso(at)}
    if kind in {"forged", "unreadable"}:
        return _webhook(unique, "a secret of somebody else" if kind == "forged" else shopify_secret)
    if kind == "bad time":
        message |= {"anonymousId": f"visitor-{unique}", "timestamp": "yesterday evening"}
    elif kind == "wrong key":
        message |= {"anonymousId": f"visitor-{unique}"}
        write_key = "key-of-another-shop"
    body = json.dumps({"batch": [message]}).encode()
    headers = {
        "content-type": "application/json",
        "authorization": "Basic " + base64.b64encode(f"{write_key}:".encode()).decode(),
        "user-agent": "wishlist-plugin/0.3",
    }
    return Request("/v1/batch", body[:60] if kind == "not JSON" else body, headers, label="trouble")


def _webhook(unique: str, secret: str) -> Request:
    """An order whose lines are no list: forged under another secret, and unreadable under the shop's own."""
    body = json.dumps({"id": 1, "email": "somebody@example.com", "total_price": "0.01", "line_items": 3}).encode()
    headers = {
        "content-type": "application/json",
        "x-shopify-topic": "orders/create",
        "x-shopify-shop-domain": SHOP_DOMAIN,
        "x-shopify-webhook-id": unique,
        "x-shopify-hmac-sha256": signature(body, secret),
    }
    return Request("/webhooks/shopify", body, headers, label="trouble")
