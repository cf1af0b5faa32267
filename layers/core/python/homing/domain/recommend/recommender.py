"""Products for one person, from what they looked at and bought; plain Python, microseconds, the same each time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from homing.domain.campaigns import Product
from homing.domain.events import names
from homing.domain.events.event import Event
from homing.domain.profiles import bounds
from homing.domain.profiles.memory import Plan
from homing.domain.profiles.profile import Profile
from homing.domain.recommend.related import Related

SEEN, BOUGHT = "r.seen", "r.bought"
_SEEN_KEPT, _BOUGHT_KEPT, _OF_AN_ORDER = 10, 3, 10
# What was looked at a step earlier weighs so much of it; a cart is worth three looks.
_FADES, _CART = 0.8, 3.0
# A mail shows a few; more is asked of nobody.
MOST = 12
_IDS = ("product_id", "sku", "id")
_NAMING = (str, int)


def product_ids(properties: Mapping[str, Any]) -> Iterator[str]:
    """The ids of an event's products."""
    listed = properties.get("products")
    for one in [properties, *(listed if isinstance(listed, list) else [])]:
        if isinstance(one, Mapping):
            for key in _IDS:
                if (found := one.get(key)) and isinstance(found, _NAMING):
                    yield str(found)
                    break


def shown_products(data: Any) -> Iterator[str]:
    """The ids of the products that a trigger brought, wherever they stand in it: a mail shows them already."""
    if isinstance(data, Mapping):
        yield from product_ids({key: value for key, value in data.items() if key != "id"})
        for value in data.values():
            yield from shown_products(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from shown_products(value)


@dataclass(frozen=True)
class Recommender:
    """``related`` is what the bundle says goes together; ``products`` the catalog."""

    related: Related
    products: Mapping[str, Product]

    @classmethod
    def planned(cls, plan: Plan, related: Related, products: Mapping[str, Product]) -> Recommender:
        """Asks for the memory it needs: the latest products looked at, and those of the latest orders."""
        plan.need({names.PRODUCT_VIEWED, names.PRODUCT_ADDED}, id=SEEN, keep=_SEEN_KEPT, take=_seen)
        plan.need({names.ORDER_COMPLETED}, id=BOUGHT, keep=_BOUGHT_KEPT, take=_bought)
        return cls(related, products)

    def recommend(self, profile: Profile, t: int, shown: Collection[str] = ()) -> list[str]:
        """Ids of at most MOST products of the catalog, best first: none that they bought lately, that is out of stock, or
        that is ``shown`` in the mail already. Without anything to go by: the popular ones of the category they look at
        most, then the popular ones."""
        seen = [
            (str(held), _CART if carried.get("c") else 1.0)
            for at, _, carried in profile.memory.get(SEEN, ())
            if at <= t and carried
            for held in carried.get("p", ())
        ]
        bought = [
            str(held)
            for at, _, carried in profile.memory.get(BOUGHT, ())
            if at <= t and carried
            for held in carried.get("p", ())
        ]
        never = {*bought, *map(str, shown)}
        scores: dict[str, float] = {}
        tastes: dict[str, float] = {}
        weights = [(product, weight * _FADES**step, self.related.viewed) for step, (product, weight) in enumerate(seen)]
        weights += [(product, 1.0, self.related.bought) for product in bought]
        for product, weight, table in weights:
            known = self.products.get(product)
            if known is not None and known.category:
                tastes[known.category] = tastes.get(known.category, 0.0) + weight
            for other, score in table.get(product, ()):
                scores[other] = scores.get(other, 0.0) + weight * score
        best = sorted(scores, key=lambda product: (-scores[product], product))
        favourite = min(tastes, key=lambda category: (-tastes[category], category), default=None)
        popular = [*self.related.popular, *self.products]
        alike = [
            one for one in popular if (held := self.products.get(one)) and favourite and held.category == favourite
        ]
        return list(self._allowed([*best, *alike, *popular], never))

    def _allowed(self, ranked: Iterable[str], never: Collection[str]) -> Iterator[str]:
        left = MOST
        for product in dict.fromkeys(ranked):
            held = self.products.get(product)
            if held is not None and held.in_stock and product not in never:
                yield product
                left -= 1
                if not left:
                    return


def _seen(event: Event) -> dict[str, Any]:
    found = [bounds.label(one) for one in product_ids(event.properties)][:1]
    return {"p": found, **({"c": 1} if event.name == names.PRODUCT_ADDED else {})} if found else {}


def _bought(event: Event) -> dict[str, Any]:
    found = list(dict.fromkeys(bounds.label(one) for one in product_ids(event.properties)))[:_OF_AN_ORDER]
    return {"p": found} if found else {}
