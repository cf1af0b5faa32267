"""Products that changed: which flows a change concerns, which changes concern somebody, and two catalogs compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from homing.domain.bus.commands import ProductChange
from homing.domain.campaigns import Product
from homing.domain.errors import InvalidInput
from homing.domain.flows.compiled import CompiledFlow
from homing.domain.flows.engine import TriggerEvent
from homing.domain.flows.language import Flow
from homing.domain.profiles.profile import Profile
from homing.domain.time import iso

# A mail about more of them is a catalog.
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Changed:
    """A change of one product, as jobs keep it: prices as decimal texts, and in stock again or not. ``change`` makes it the
    same change when it is told twice."""

    product_id: str
    change: str
    price: str = ""
    price_before: str = ""
    currency: str = ""
    back: bool = False

    @property
    def drop(self) -> Decimal:
        """By how many percent it costs less."""
        if not self.price_before:
            return Decimal(0)
        before = Decimal(self.price_before)
        return (before - Decimal(self.price)) * 100 / before

    def concerns(self, flow: Flow) -> bool:
        """Whether it is what the flow waits for."""
        if flow.on.kind == "back_in_stock":
            return self.back
        drop = self.drop
        return flow.on.kind == "price_dropped" and drop > 0 and drop >= Decimal(str(flow.on.by))

    def shown(self) -> dict[str, Any]:
        """As mails read it."""
        told = {
            "product_id": self.product_id, "price": self.price, "price_before": self.price_before,
            "currency": self.currency,
        }  # fmt: skip
        return {name: value for name, value in told.items() if value}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is empty is left out."""
        return {**self.shown(), "change": self.change, **({"back": True} if self.back else {})}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Changed:
        """Reads :meth:`to_dict`."""
        return cls(**value)


def read_change(told: ProductChange, at: int) -> Changed:
    """A change as the bus tells it, at an instant. Raises InvalidInput for prices that are none."""
    price, before = told.price, None
    if price is not None and price.before is not None:
        before = _price(price.before, told.product_id)
    key = "" if price is None else f"{_plain(before)}>{_plain(_price(price.now, told.product_id))}"
    stock = told.in_stock
    return Changed(
        told.product_id,
        # The same change told twice on a day, by whomever, is one.
        told.change_id or f"{key}:{'' if stock is None else f'{stock.before}>{stock.now}'}:{iso(at)[:10]}",
        price="" if price is None else price.now.strip(),
        price_before=price.before.strip() if price is not None and price.before is not None and before else "",
        currency=told.currency or "",
        back=stock is not None and stock.now and stock.before is False,
    )


def trigger_for(
    job: str, compiled: CompiledFlow, changes: Iterable[Changed], profile: Profile, at: int
) -> TriggerEvent | None:
    """What the changes are to somebody: the trigger of one run, about those of the products that they looked at, the greatest
    drop first. None when they look at none of them."""
    flow, watch = compiled.flow, compiled.watch
    t = max(at, profile.evaluated_at)
    if watch is None:
        return None
    found = [one for one in changes if one.concerns(flow) and watch.watches(profile, one.product_id, t)]
    if not found:
        return None
    found.sort(key=lambda one: (-one.drop, one.product_id))
    data = {"product_id": found[0].product_id, "products": [one.shown() for one in found[:_SHOWN]]}
    key = f"{found[0].product_id}:{found[0].change}"
    return TriggerEvent(f"{job}:{flow.name}", profile.id, flow.on.kind, flow.name, key, at, data)


def compare(old: Mapping[str, Product], new: Mapping[str, Product]) -> Iterator[ProductChange]:
    """What became of the products that stand in both catalogs, in the order of their ids."""
    for product_id in sorted(old.keys() & new.keys()):
        before, now = old[product_id], new[product_id]
        told: dict[str, Any] = {}
        if before.price and now.price and _price(before.price, product_id) != _price(now.price, product_id):
            told["price"] = {"before": before.price, "now": now.price}
        if before.in_stock != now.in_stock:
            told["in_stock"] = {"before": before.in_stock, "now": now.in_stock}
        if told:
            currency = now.currency or before.currency
            yield ProductChange.model_validate({"product_id": product_id, "currency": currency, **told})


def events(changes: Sequence[ProductChange], most: int) -> Iterator[dict[str, Any]]:
    """Details of ``ProductChanged``, at most so many changes in each."""
    for start in range(0, len(changes), most):
        part = [one.model_dump(exclude_none=True) for one in changes[start : start + most]]
        yield part[0] if len(part) == 1 else {"changes": part}


def _price(text: str, product_id: str) -> Decimal:
    try:
        price = Decimal(text.strip())
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite() or price < 0:
        raise InvalidInput(
            f"the price of {product_id} is no decimal text such as 19.90", code="bad_price", where="detail"
        )
    return price


def _plain(price: Decimal | None) -> str:
    return "" if price is None else f"{price.normalize():f}"
