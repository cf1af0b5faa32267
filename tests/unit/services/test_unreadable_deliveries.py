from __future__ import annotations

import base64
import hashlib
import hmac

from homing.adapters.memory import MemoryArchive, MemoryProfiles, MemoryQuarantine, MemoryStream
from homing.domain.campaigns import Campaigns
from homing.domain.profiles.identity import Identity
from homing.services.http import HttpRequest
from homing.services.receive_webhook import ReceiveWebhook
from homing.services.update_profiles import StreamItem, UpdateProfiles

BRAND = {
    "name": "Shop", "website": "https://shop.example", "sender_name": "Shop", "sender_address": "a@shop.example",
    "postal_address": "Street 1", "support_email": "a@shop.example", "cart_url": "https://shop.example/cart",
}  # fmt: skip


def test_a_signed_delivery_that_nobody_can_read_is_kept_with_the_reason_it_was_given() -> None:
    stream, quarantine, identity = MemoryStream(), MemoryQuarantine(), Identity(b"k")
    body = b'{"id": 1, "email": "somebody@example.com", "line_items": 3}'
    headers = {
        "x-shopify-topic": "orders/create",
        "x-shopify-webhook-id": "w1",
        "x-shopify-hmac-sha256": base64.b64encode(hmac.new(b"s", body, hashlib.sha256).digest()).decode(),
    }
    receive = ReceiveWebhook(stream, identity, {"shopify": "s"}, lambda: 1_000_000)
    receive(HttpRequest(method="POST", path="/webhooks/shopify", headers=headers, body=body))
    campaigns = Campaigns.model_validate({"revision": "1", "settings": {"brand": BRAND}})
    update = UpdateProfiles(campaigns, identity, MemoryProfiles(), MemoryArchive(), quarantine)
    result = update([StreamItem("1", record.data, 1_000_000) for record in stream.take()], batch="b")
    assert result.failed is None
    (kept,) = quarantine.records
    assert (kept.code, kept.reason, kept.where) == (
        "unreadable",
        "not what Shopify documents for orders/create",
        "shopify",
    )
