"""Shopify's webhooks to events: API versions 2023-07 to 2026-07.

https://shopify.dev/docs/apps/build/webhooks. Deliveries come unordered, and more than once under the same
``X-Shopify-Webhook-Id``. ``docs/events.md`` has the table of topics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from homing.domain.errors import InvalidInput
from homing.domain.events import names
from homing.domain.events.event import Event, IdentifierKind
from homing.domain.events.normalise import email_address, identifier, moment
from homing.domain.time import DAY
from homing.sources.decode import json_object
from homing.sources.shopify_fields import address_traits, consent, currency_of, products, text
from homing.sources.webhook import EventMaker, Webhook, signed_with_sha256

SOURCE = "shopify"
Payload = Mapping[str, Any]


def verify(secret: bytes, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether Shopify signed these bytes."""
    return signed_with_sha256(secret, headers.get("x-shopify-hmac-sha256", ""), body)


def describe(headers: Mapping[str, str]) -> Webhook:
    """Topic, delivery id and shop. Raises InvalidInput when there is no topic or id."""
    topic = headers.get("x-shopify-topic", "").strip()
    delivery = headers.get("x-shopify-webhook-id", "").strip()
    if not topic or not delivery:
        raise InvalidInput("X-Shopify-Topic and X-Shopify-Webhook-Id say what this is", code="missing_header")
    return Webhook(topic[:100], delivery[:200], headers.get("x-shopify-shop-domain", "")[:200])


def read(webhook: Webhook, body: bytes, received: int) -> list[Event]:
    """The events of a delivery; none when it names nobody or says nothing new. Raises InvalidInput."""
    mapping = _MAPPINGS.get(webhook.topic)
    if mapping is None:
        raise InvalidInput(f"topic {webhook.topic!r} is not used", code="unknown_topic")
    maker = EventMaker(SOURCE, webhook, received)
    try:
        mapping(maker, json_object(body))
    except (TypeError, AttributeError, KeyError, ValueError) as error:
        # A field is not of the type that Shopify documents.
        raise InvalidInput(f"not what Shopify documents for {webhook.topic}", code="unreadable") from error
    return maker.events


def _person(payload: Payload) -> dict[IdentifierKind, str]:
    customer = payload.get("customer") or {}
    # The account's address, not the one typed into the order: the event is about the account's owner.
    addresses = (customer.get("email"), payload.get("email"), payload.get("contact_email"))
    cart, checkout = identifier(payload.get("cart_token")), identifier(payload.get("checkout_token"))
    found: dict[IdentifierKind, str | None] = {
        "user_id": identifier(customer.get("id")),
        "email": next((address for value in addresses if (address := email_address(value))), None),
        # A cart's profile is known only by its cart; whoever checks out or orders with the token takes it over.
        "anonymous_id": f"cart:{cart}" if cart else None,
        "cart_token": cart or checkout,
    }
    return {kind: value for kind, value in found.items() if value}


def _introduce(maker: EventMaker, payload: Payload, person: Mapping[IdentifierKind, str], at: Any) -> None:
    """What an order or a checkout says of the customer: name, country and language for the mails."""
    customer, billing = payload.get("customer") or {}, payload.get("billing_address") or {}
    named = customer if text(customer.get("first_name")) else billing
    traits = {
        "email": person.get("email"),
        "first_name": text(named.get("first_name")),
        "last_name": text(named.get("last_name")),
        "language": text(payload.get("customer_locale")),
        **address_traits(customer.get("default_address") or payload.get("shipping_address") or billing),
    }
    if "email" in person or "user_id" in person:
        maker.add(names.IDENTIFIED, person, traits, at, kind="identify")


def _cart(maker: EventMaker, payload: Payload) -> None:
    token = identifier(payload.get("token") or payload.get("id"))
    if token is None:
        raise InvalidInput("a cart without a token", code="unreadable")
    person = _person({**payload, "cart_token": token})
    snapshot = {"cart_id": token, "products": products(payload), "currency": currency_of(payload)}
    maker.add(names.CART_UPDATED, person, snapshot, payload.get("updated_at") or payload.get("created_at"))


def _checkout(maker: EventMaker, payload: Payload) -> None:
    if payload.get("completed_at"):
        # The order says so itself; a snapshot now would fill the cart that it has just closed.
        return
    token = identifier(payload.get("token"))
    at = payload.get("updated_at") or payload.get("created_at")
    person = _person({**payload, "checkout_token": token})
    if token and "anonymous_id" not in person:
        person["anonymous_id"] = f"cart:{token}"
    snapshot = {
        "cart_id": identifier(payload.get("cart_token")),
        "checkout_id": token,
        "products": products(payload),
        "currency": currency_of(payload),
        "total": text(payload.get("total_price")),
        "checkout_url": text(payload.get("abandoned_checkout_url")),
        "accepts_marketing": payload.get("buyer_accepts_marketing"),
    }
    maker.add(names.CHECKOUT_STARTED, person, snapshot, at)
    _introduce(maker, payload, person, at)


def _checkout_deleted(maker: EventMaker, payload: Payload) -> None:
    # Nothing can be bought with it any more, so nobody is reminded of it. The delivery carries no time.
    cart = identifier(payload.get("cart_token"))
    maker.add(names.CART_UPDATED, _person(payload), {"cart_id": cart, "products": []}, None)


def _order_properties(payload: Payload) -> dict[str, Any]:
    return {
        "order_id": identifier(payload.get("id")),
        "order_name": text(payload.get("name")),
        "checkout_id": identifier(payload.get("checkout_token")),
        "cart_id": identifier(payload.get("cart_token")),
        "total": text(payload.get("total_price")),
        "revenue": text(payload.get("subtotal_price")),
        "tax": text(payload.get("total_tax")),
        "discount": text(payload.get("total_discounts")),
        "currency": currency_of(payload),
        "coupon": next((text(code.get("code")) for code in payload.get("discount_codes") or ()), None),
        "products": products(payload),
        "financial_status": text(payload.get("financial_status")),
        "channel": text(payload.get("source_name")),
        "test": True if payload.get("test") else None,
    }


def _order_placed(maker: EventMaker, payload: Payload) -> None:
    properties, person = _order_properties(payload), _person(payload)
    if properties["order_id"] is None:
        raise InvalidInput("an order without an id", code="unreadable")
    maker.add(names.ORDER_COMPLETED, person, properties, payload.get("created_at"))
    _introduce(maker, payload, person, payload.get("created_at"))


def _order_updated(maker: EventMaker, payload: Payload) -> None:
    person = _person(payload)
    maker.add(names.ORDER_UPDATED, person, _order_properties(payload), payload.get("updated_at"))
    # `refunds/create` names an order and nobody; the update that follows it names the customer and lists the refunds.
    latest = moment(payload["updated_at"]) - DAY if payload.get("updated_at") else 0
    for refund in payload.get("refunds") or ():
        if moment(refund["created_at"]) >= latest:
            _refund(maker, payload, refund, person)


def _refund(maker: EventMaker, order: Payload, refund: Payload, person: Mapping[IdentifierKind, str]) -> None:
    amounts = [text(part.get("amount")) for part in refund.get("transactions") or () if part.get("kind") == "refund"]
    properties = {
        "order_id": identifier(order.get("id")),
        "refund_id": identifier(refund.get("id")),
        "total": amounts[0] if len(amounts) == 1 else None,
        "currency": currency_of(order),
        "products": products({"line_items": [line["line_item"] for line in refund.get("refund_line_items") or ()]}),
    }
    # Each later update lists it again, under another delivery id.
    known = f"{SOURCE}:refund:{properties['refund_id']}"
    maker.add(names.ORDER_REFUNDED, person, properties, refund["created_at"], message_id=known)


def _order_cancelled(maker: EventMaker, payload: Payload) -> None:
    properties = {**_order_properties(payload), "reason": text(payload.get("cancel_reason"))}
    at = payload.get("cancelled_at") or payload.get("updated_at")
    maker.add(names.ORDER_CANCELLED, _person(payload), properties, at)


def _customer(maker: EventMaker, payload: Payload) -> None:
    person = _person({"customer": payload})
    traits = {
        "email": person.get("email"),
        "first_name": text(payload.get("first_name")),
        "last_name": text(payload.get("last_name")),
        "phone": text(payload.get("phone")),
        "created_at": text(payload.get("created_at")),
        "currency": text(payload.get("currency")),
        "verified_email": payload.get("verified_email"),
        "account": text(payload.get("state")),
        "tags": [tag.strip() for tag in str(payload.get("tags") or "").split(",") if tag.strip()] or None,
        **address_traits(payload.get("default_address") or {}),
    }
    maker.add(names.IDENTIFIED, person, traits, payload.get("updated_at"), kind="identify")
    # Until API version 2024-10 the consent came with the customer. `accepts_marketing` is not passed on as a trait: an
    # unset box is no refusal, and the consent topic tells the rest.
    _consent(maker, person, payload.get("email_marketing_consent") or {})


def _consent_updated(maker: EventMaker, payload: Payload) -> None:
    customer = {"id": payload.get("customer_id"), "email": payload.get("email_address")}
    _consent(maker, _person({"customer": customer}), payload.get("email_marketing_consent") or {})


def _consent(maker: EventMaker, person: Mapping[IdentifierKind, str], given: Payload) -> None:
    if (word := consent(given)) is not None:
        name, properties = word
        maker.add(name, person, properties, given.get("consent_updated_at"))


def _customer_gone(maker: EventMaker, payload: Payload) -> None:
    # No mail to somebody who is gone. What is stored of them is erased by the shop's own decision, not by a webhook.
    person = _person({"customer": payload.get("customer") or payload})
    said = {
        "topic": "*",
        "source": f"shopify {maker.webhook.topic}",
        "wording": "The customer was removed in the shop.",
    }
    maker.add(names.UNSUBSCRIBED, person, said, None)


def _names_nobody(maker: EventMaker, payload: Payload) -> None:
    """Topics that carry an order's number and no customer: ``orders/updated`` comes with each of them."""


_MAPPINGS: Mapping[str, Callable[[EventMaker, Payload], None]] = {
    "carts/create": _cart,
    "carts/update": _cart,
    "checkouts/create": _checkout,
    "checkouts/update": _checkout,
    "checkouts/delete": _checkout_deleted,
    "orders/create": _order_placed,
    # The same order again; it is known by its number. For shops that subscribe to paid orders only.
    "orders/paid": _order_placed,
    "orders/updated": _order_updated,
    "orders/edited": _names_nobody,
    "orders/cancelled": _order_cancelled,
    "refunds/create": _names_nobody,
    "customers/create": _customer,
    "customers/update": _customer,
    "customers/delete": _customer_gone,
    "customers/redact": _customer_gone,
    "customers_email_marketing_consent/update": _consent_updated,
}
TOPICS = frozenset(_MAPPINGS)
