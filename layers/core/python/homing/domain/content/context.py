"""What a template can say: the person, the brand, and what the trigger brought, completed from the catalog."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from homing.domain.campaigns import Campaigns, Product
from homing.domain.content.filters import to_decimal
from homing.domain.content.untrusted import link, picture, plain
from homing.domain.delivery.message import SendRequest
from homing.domain.errors import InvalidInput
from homing.domain.profiles.profile import Profile
from homing.domain.time import SECOND, to_datetime, zone

# Names that a trait can't take.
RESERVED = frozenset({
    "confirm_url",
    "profile", "brand", "cart", "products", "order", "nth", "trigger", "topic", "unsubscribe_url", "preferences_url",
    "now", "data", "year", "years", "segment", "views", "computed", "choice", "code", "recommended", "event", "date",
})  # fmt: skip

# What each trigger brings besides what is always there.
BROUGHT: dict[str, frozenset[str]] = {
    "cart_abandoned": frozenset({"cart"}),
    "browse_abandoned": frozenset({"products", "views"}),
    "order_placed": frozenset({"order", "nth"}),
    "birthday": frozenset({"year"}),
    "signup_anniversary": frozenset({"years"}),
    "date_reached": frozenset({"date"}),
    "event": frozenset({"event", "products"}),
    "price_dropped": frozenset({"products"}),
    "back_in_stock": frozenset({"products"}),
    "schedule": frozenset({"segment"}),
    "subscription_pending": frozenset({"confirm_url"}),
    "segment_entered": frozenset({"segment"}),
    "segment_left": frozenset({"segment"}),
    "flow_requested": frozenset({"data", "products"}),
}
ALWAYS = RESERVED - frozenset().union(*BROUGHT.values())

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LONGEST = 200
# What shops call a product's id, the spec's name first.
_IDS = ("product_id", "sku", "id")


def snake_case(name: str) -> str:
    """``firstName`` is ``first_name``."""
    return _CAMEL.sub("_", name).lower()


def build_context(
    *,
    campaigns: Campaigns,
    profile: Profile,
    request: SendRequest,
    unsubscribe_url: str,
    preferences_url: str,
    now: int,
    computed: Mapping[str, Any] | None = None,
    choice: Mapping[str, Any] | None = None,
    code: tuple[str, int] | None = None,
    recommended: Sequence[str] = (),
) -> dict[str, Any]:
    """The variables of one mail. What is not known is absent, so that a template that needs it says so.

    Traits stand at the top level, in snake_case as well (``firstName`` is ``first_name`` too); reserved names beat
    them. Amounts are Decimal, times are datetimes in the customer's zone. ``computed`` are the attributes that the template
    reads, by name; ``choice`` what each choice that it reads gave them; ``code`` the text of their discount
    code and the first instant at which it is no longer valid.
    """
    settings = campaigns.settings
    brand = settings.brand
    traits = profile.all_traits()
    tz = zone(_text(traits.get("time_zone") or traits.get("timezone")), settings.time_zone)
    topic = settings.topics.get(request.topic)
    told = {name: value for name, said in traits.items() if (value := plain(said)) != ""}
    known = {snake_case(name): value for name, value in told.items()} | told
    email = profile.email
    context: dict[str, Any] = {name: value for name, value in known.items() if name not in RESERVED}
    context |= {
        "profile": {
            "id": profile.id,
            "segments": profile.named_segments,
            "traits": known,
            **({"email": email} if email else {}),
        },
        "brand": {name: value for name, value in brand.model_dump().items() if value is not None},
        "topic": {
            "name": request.topic,
            "title": topic.title if topic else request.topic,
            "transactional": topic.transactional if topic else False,
        },
        "trigger": {"kind": request.trigger, "at": to_datetime(request.triggered_at).astimezone(tz)},
        "unsubscribe_url": unsubscribe_url,
        "preferences_url": preferences_url,
        "now": to_datetime(now).astimezone(tz),
    }
    items = _Items(campaigns)
    context["computed"] = _computed(computed or {}, items)
    context["choice"] = dict(choice or {})
    context["recommended"] = items.many(recommended)
    if code is not None:
        # Its last day is the shop's, wherever the customer is.
        last = to_datetime(code[1] - SECOND).astimezone(zone(None, settings.time_zone))
        context["code"] = {"text": code[0], "expires": last}
    return context | _brought(request.data, items, tz)


def _computed(values: Mapping[str, Any], items: _Items) -> dict[str, Any]:
    """What is known: ``affinity.category`` as a mapping inside a mapping, the favourite product as a product."""
    nested: dict[str, Any] = {}
    for name, value in values.items():
        if value is None or (name == "favourite_product" and value not in items.products):
            continue
        head, _, rest = name.partition(".")
        if name == "favourite_product":
            nested[name] = items.one({"product_id": value})
        elif rest:
            nested.setdefault(head, {})[rest] = plain(value)
        else:
            nested[name] = value if isinstance(value, Decimal) else plain(value)
    return nested


def _brought(data: Mapping[str, Any], items: _Items, tz: Any) -> dict[str, Any]:
    brought: dict[str, Any] = {
        name: plain(data[name]) for name in ("nth", "year", "years", "segment", "views") if data.get(name) is not None
    }
    if isinstance(data.get("event"), Mapping):
        brought["event"] = plain(data["event"])
    if isinstance(data.get("date"), str):
        brought["date"] = datetime.fromisoformat(data["date"]).replace(tzinfo=tz)
    extra = data.get("data")
    if isinstance(extra, Mapping):
        brought["data"] = plain(extra)
    cart, order = data.get("cart"), data.get("order")
    products = data.get("products") or (extra.get("products") if isinstance(extra, Mapping) else None)
    if isinstance(cart, Mapping):
        brought["cart"] = items.cart(cart, tz)
    if isinstance(order, Mapping):
        brought["order"] = items.order(order)
    if isinstance(products, list | tuple):
        brought["products"] = items.many(products)
    return brought


class _Items:
    """Completes items from the catalog."""

    def __init__(self, campaigns: Campaigns) -> None:
        self.products = campaigns.products
        self.brand = campaigns.settings.brand
        self.currency = campaigns.settings.currency

    def cart(self, cart: Mapping[str, Any], tz: Any) -> dict[str, Any]:
        """``items``, ``count``, ``currency``, ``url``, and ``total`` where every price is known in one currency."""
        result = self._sums(self.many(cart.get("items") or []))
        result["url"] = link(cart.get("url"), self.brand) or self.brand.cart_url
        if last := _text(cart.get("last_activity")):
            result["last_activity"] = datetime.fromisoformat(last).astimezone(tz)
        return result

    def order(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """``order_id``, ``items``, ``count``, ``currency``, ``total`` as the shop stated it."""
        currency = _text(order.get("currency"))
        result = self._sums(self.many(order.get("items") or [], currency))
        if currency:
            result["currency"] = currency
        if (total := _money(order.get("total"))) is not None:
            result["total"] = total
        if order_id := _text(order.get("order_id")):
            result["order_id"] = order_id
        return result

    def many(self, items: Iterable[Any], currency: str | None = None) -> list[dict[str, Any]]:
        """Items, each with at least ``product_id``, ``name``, ``quantity``, ``url`` and ``currency``: that in which the order
        tells its prices, where it tells one."""
        return [self.one(item if isinstance(item, Mapping) else {"product_id": item}, currency) for item in items]

    def one(self, item: Mapping[str, Any], currency: str | None = None) -> dict[str, Any]:
        """What the event said, then what the catalog says."""
        product_id = next((found for key in _IDS if (found := _text(item.get(key)))), "")
        product = self.products.get(product_id) or Product(product_id=product_id, name=f"Item {product_id}".strip())
        quantity = _quantity(item.get("quantity"))
        result: dict[str, Any] = {
            "product_id": product_id,
            "name": _text(item.get("name")) or product.name,
            "quantity": quantity,
            "url": link(item.get("url"), self.brand) or product.url or self.brand.cart_url,
            "currency": _text(item.get("currency")) or product.currency or self.currency,
        }
        price = _money(item.get("price"))
        if price is None:
            price = _money(product.price)
        elif currency and not _text(item.get("currency")):
            result["currency"] = currency
        optional = {
            "price": price,
            "total": None if price is None else price * quantity,
            "price_before": _money(item.get("price_before")),
            "image_url": picture(item.get("image_url"), self.brand) or product.image_url,
            "variant": _text(item.get("variant")),
            "category": _text(item.get("category")) or product.category,
            "brand": _text(item.get("brand")) or product.brand,
        }
        return result | {name: value for name, value in optional.items() if value is not None}

    def _sums(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        currencies = {item["currency"] for item in items}
        result: dict[str, Any] = {
            "items": items,
            "count": sum(item["quantity"] for item in items),
            "currency": currencies.pop() if len(currencies) == 1 else self.currency,
        }
        if items and not currencies and all("total" in item for item in items):
            result["total"] = sum((item["total"] for item in items), Decimal(0))
        return result


def _text(value: Any) -> str | None:
    """A short line of text, or None."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return " ".join(plain(str(value)).split())[:_LONGEST] or None


def _quantity(value: Any) -> int:
    try:
        return max(1, min(int(value), 9999))
    except (TypeError, ValueError):
        return 1


def _money(value: Any) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        return to_decimal(value)
    except InvalidInput:
        return None
