"""One visit to the shop: what somebody looks at, puts into the cart, takes out again, and sometimes buys."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from homing.domain.campaigns import Product
from homing.domain.events import names
from homing.domain.time import SECOND, iso, to_datetime
from homing.local.simulation import wire
from homing.local.simulation.people import Customer, Line

Reason = Literal["browse", "cart mail", "mail"]


@dataclass(slots=True)
class Visit:
    """What came of a visit: messages of the browser in order of time, those of the server, the order if there is one.
    ``ends_at`` is an instant."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    ends_at: int = 0
    order: dict[str, Any] | None = None
    ordered_at: int = 0


@dataclass(slots=True)
class Shopper:
    """Plans visits against a catalog. ``next_order`` counts order numbers, as a shop does."""

    rng: random.Random
    products: Mapping[str, Product]
    currency: str
    website: str
    next_order: int = 10_241

    def visit(self, customer: Customer, at: int, *, reason: Reason = "browse") -> Visit:
        """Everything that happens in a visit that begins at ``at``; changes the customer's cart."""
        return _Walk(self, customer, at).through(reason)

    def number(self) -> str:
        """The next order number."""
        self.next_order += 1
        return str(self.next_order)


class _Walk:
    """The steps of one visit, each a little later than the one before."""

    def __init__(self, shopper: Shopper, customer: Customer, at: int) -> None:
        self.shop, self.customer, self.rng = shopper, customer, shopper.rng
        self.clock = at
        self.visit = Visit(ends_at=at)
        self.device = self.rng.randrange(len(customer.anonymous_ids)) if self.rng.random() < 0.4 else 0
        self.logged_in = customer.known and self.rng.random() < 0.7

    def through(self, reason: Reason) -> Visit:
        persona, rng = self.customer.persona, self.rng
        if reason != "browse":
            # Links in mails carry who clicked, so the storefront knows them.
            self.logged_in = self.logged_in or self.customer.known
        if reason != "browse" or rng.random() < 0.5:
            self.page("Home" if reason == "browse" else "Landing", utm=None if reason == "browse" else "homing")
        if reason == "cart mail" and self.customer.cart:
            self.look_into_cart()
            if rng.random() < persona.orders:
                self.order()
                return self.end()
        for product in self.interests():
            self.view(product)
        # People look around before they say who they are.
        self.maybe_sign_up()
        wants = persona.adds if reason == "browse" else min(0.9, persona.adds * 1.4)
        if rng.random() < wants and self.customer.last_viewed:
            self.fill_cart()
            if rng.random() < persona.buys:
                self.order()
        elif self.customer.cart and rng.random() < 0.35:
            self.look_into_cart()
            if rng.random() < persona.buys * 0.6:
                self.order()
        return self.end()

    def end(self) -> Visit:
        self.visit.ends_at = self.customer.busy_until = self.clock + 60 * SECOND
        return self.visit

    def interests(self) -> Sequence[Product]:
        """A few products: mostly of the favourite categories, now and then one that they looked at before."""
        rng, customer = self.rng, self.customer
        count = rng.choices((1, 2, 3, 4, 5, 7), weights=(30, 26, 20, 13, 7, 4))[0]
        stock = list(self.shop.products.values())
        liked = [product for product in stock if product.category in customer.favourites] or stock
        if count >= 3 and rng.random() < 0.5:
            word = rng.choice(liked).name.split()[-1].lower()
            self.track(names.PRODUCTS_SEARCHED, {"query": word}, after=(4, 30))
        elif count >= 2 and rng.random() < 0.4:
            self.track(names.PRODUCT_LIST_VIEWED, {"category": customer.favourites[0]}, after=(3, 20))
        picked = []
        for _ in range(count):
            if customer.last_viewed and rng.random() < 0.3:
                picked.append(self.shop.products[rng.choice(customer.last_viewed)])
            else:
                picked.append(rng.choice(liked if rng.random() < 0.8 else stock))
        return picked

    def view(self, product: Product) -> None:
        self.track(names.PRODUCT_VIEWED, self.about(product), after=(12, 150))
        seen = self.customer.last_viewed
        if product.product_id in seen:
            seen.remove(product.product_id)
        seen.append(product.product_id)
        del seen[:-5]

    def fill_cart(self) -> None:
        customer, rng = self.customer, self.rng
        if not customer.cart:
            customer.cart_id = f"{rng.getrandbits(64):016x}"
        wanted = customer.last_viewed[-rng.choices((1, 2, 3), weights=(62, 27, 11))[0] :]
        for product_id in wanted:
            line = customer.cart.setdefault(product_id, Line(product_id, 0))
            quantity = 2 if rng.random() < 0.14 else 1
            line.quantity += quantity
            self.cart_event(names.PRODUCT_ADDED, product_id, quantity)
        if len(customer.cart) > 1 and rng.random() < 0.2:
            gone = customer.cart.pop(rng.choice(list(customer.cart)))
            self.cart_event(names.PRODUCT_REMOVED, gone.product_id, gone.quantity)
        if rng.random() < 0.4:
            self.look_into_cart()

    def look_into_cart(self) -> None:
        self.track(names.CART_VIEWED, {"cart_id": self.customer.cart_id, "products": self.lines()}, after=(5, 60))

    def order(self) -> None:
        customer = self.customer
        if customer.signed_up is None:
            return
        self.logged_in = True
        self.sign_up()
        properties = {"cart_id": customer.cart_id, "products": self.lines(), "currency": self.shop.currency}
        self.track(names.CHECKOUT_STARTED, properties, after=(10, 60))
        self.pass_time(60, 260)
        lines = list(customer.cart.values())
        self.visit.order = wire.order_properties(
            self.shop.number(), customer.cart_id, lines, self.shop.products, self.shop.currency
        )
        self.visit.ordered_at = self.clock
        customer.cart, customer.cart_id = {}, ""
        customer.orders += 1

    def maybe_sign_up(self) -> None:
        """Signs up on the first visit from the chosen day on; a first order signs people up earlier."""
        customer = self.customer
        if not customer.known and customer.signed_up is not None:
            due = to_datetime(self.clock).date() >= customer.signed_up
            if due and self.rng.random() < 0.75:
                self.sign_up()

    def sign_up(self) -> None:
        customer = self.customer
        if customer.known:
            if self.logged_in and self.rng.random() < 0.25:
                self.send("identify", traits={"last_login": iso(self.clock)})
            return
        customer.known = self.logged_in = True
        today = to_datetime(self.clock).date()
        customer.signed_up = min(customer.signed_up or today, today)
        self.send("identify", traits=traits(customer, self.clock))
        self.track(names.SIGNED_UP, {}, after=(0, 2))
        if customer.consents:
            customer.subscribed = True
            self.track(names.SUBSCRIBED, {"topic": "marketing", "wording": "Yes, write to me."}, after=(0, 2))

    def about(self, product: Product) -> dict[str, Any]:
        return wire.product_properties(product, self.shop.currency)

    def lines(self) -> list[dict[str, Any]]:
        return [
            self.about(self.shop.products[line.product_id]) | {"quantity": line.quantity}
            for line in self.customer.cart.values()
        ]

    def cart_event(self, name: str, product_id: str, quantity: int) -> None:
        properties = self.about(self.shop.products[product_id])
        self.track(name, properties | {"quantity": quantity, "cart_id": self.customer.cart_id}, after=(6, 70))

    def page(self, name: str, *, utm: str | None) -> None:
        campaign = {"utm_source": utm, "utm_medium": "email"} if utm else {}
        self.send("page", name=name, properties={"url": self.shop.website, **campaign})

    def track(self, name: str, properties: Mapping[str, Any], *, after: tuple[int, int]) -> None:
        self.pass_time(*after)
        self.send("track", name=name, properties=properties)

    def pass_time(self, least: int, most: int) -> None:
        self.clock += int(self.rng.uniform(least, most) * SECOND)

    def send(
        self,
        kind: str,
        *,
        name: str = "",
        properties: Mapping[str, Any] | None = None,
        traits: Mapping[str, Any] | None = None,
    ) -> None:
        self.visit.messages.append(
            wire.message(
                self.rng,
                kind,
                at=self.clock,
                customer=self.customer,
                device=self.device,
                logged_in=self.logged_in,
                name=name,
                properties=properties,
                traits=traits,
            )
        )


def traits(customer: Customer, at: int) -> dict[str, Any]:
    """What a shop says of a customer when they sign up, or when it imports the ones it has."""
    since = customer.signed_up.isoformat() if customer.signed_up else iso(at)
    return {
        "email": customer.email,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "country": customer.land.code,
        "city": customer.city,
        "language": customer.land.locale[:2],
        "time_zone": customer.time_zone,
        "created_at": since if "T" in since else f"{since}T08:00:00Z",
        **({"birthday": customer.birthday.isoformat()} if customer.birthday else {}),
    }
