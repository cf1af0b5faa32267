"""Triggers: conditions of a profile whose becoming true starts flows.

Each trigger names, for any instant, the keys that are *active* (abandoned carts, reached orders, this year's birthday).
A key that is active now and was not a moment, or an event, ago has fired. Triggers keep no state of their own, so a
redelivery fires nothing twice and a deployment fires nothing old.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Protocol

from homing.domain.campaigns import Browse
from homing.domain.events import names
from homing.domain.profiles import carts
from homing.domain.profiles.local_time import day_of, zone_of
from homing.domain.profiles.memory import Entry, Plan
from homing.domain.profiles.profile import Change, Profile
from homing.domain.time import DAY, anniversary, iso, local_instant, to_datetime

ORDER_FIELDS = ("order_id", "total", "revenue", "currency", "products")
VIEW_FIELDS = ("product_id", "name", "price", "currency", "image_url", "url", "category")
ORDERS_SLOT, VIEWS_SLOT, BOUGHT_SLOT = "@orders", "@views", "@bought"
BIRTHDAY_TRAITS = ("birthday", "birth_date", "date_of_birth", "birthdate")
SIGNUP_TRAITS = ("created_at", "createdAt", "signed_up_at")
_MAX_PRODUCTS = 4
# So many orders are remembered with what was in them where a flow starts on each.
_EACH_KEPT = 10


class Trigger(Protocol):
    """What every trigger can answer. ``kind`` is its name in flow files."""

    @property
    def kind(self) -> str:
        """As flow files call it."""

    @property
    def touched_by(self) -> frozenset[str]:
        """Event names and ``trait:<name>`` that can make a key active."""

    def active(self, profile: Profile, t: int) -> Mapping[str, Any]:
        """The active keys at ``t``, each with what :meth:`change` needs."""

    def next(self, profile: Profile, t: int, before: int | None = None) -> int | None:
        """The first instant after ``t`` at which a key may become active if nothing happens. One at or after ``before``
        need not be told: the profile wakes earlier anyway, and asks again then."""

    def same(self, found: Any, known: Iterable[Any]) -> bool:
        """Whether a new key is only another name for what was active a moment ago, and so no news: late events can move
        the beginning or the end of what was told already."""

    def change(self, profile: Profile, key: str, found: Any, t: int) -> Change:
        """What to tell the world when the key fires at ``t``."""


@dataclass(frozen=True, slots=True)
class CartAbandoned:
    """A cart that is not empty, not ordered, and lay untouched for ``after``."""

    after: int
    forget_after: int
    kind: str = "cart_abandoned"
    touched_by: frozenset[str] = carts.CART_EVENTS | {names.ORDER_COMPLETED}

    def active(self, profile: Profile, t: int) -> dict[str, carts.Cart]:
        """Cart keys."""
        found: dict[str, carts.Cart] = {}
        for token in carts.open_tokens(profile.carts):
            # Replaying a cart is dear; most events come while it is being filled, and then it can't be abandoned.
            if carts.last_touched(profile.carts, token, t) + self.after <= t and (
                cart := self._cart(profile, token, t)
            ):
                found[cart.key] = cart
        return found

    def next(self, profile: Profile, t: int, before: int | None = None) -> int | None:
        """When the first of the live carts will have lain long enough."""
        upcoming: list[int] = []
        for token in carts.open_tokens(profile.carts):
            due = carts.last_touched(profile.carts, token, t) + self.after
            if due > t and (before is None or due < before) and self._cart(profile, token, t):
                upcoming.append(due)
            # Operations stamped in the near future count from their own instant.
            upcoming += [entry[0] + self.after for entry in profile.carts[token].values() if entry[0] > t]
        return min(upcoming, default=None)

    def _cart(self, profile: Profile, token: str, t: int) -> carts.Cart | None:
        cart = carts.state(profile.carts, token, t, self.forget_after)
        return cart if cart and cart.items else None

    def same(self, found: carts.Cart, known: Iterable[carts.Cart]) -> bool:
        """An order from before its last activity, heard of late, gives a cart another key."""
        return any(cart.token == found.token and found.since < cart.last_activity for cart in known)

    def change(self, profile: Profile, key: str, found: carts.Cart, t: int) -> Change:
        """Carries the items as they lay there."""
        cart = {"key": key, "token": found.token, "items": list(found.items), "last_activity": iso(found.last_activity)}
        return Change(self.kind, "cart", t, key, {"cart": cart})


@dataclass(frozen=True, slots=True)
class BrowseAbandoned:
    """Several product views in a short time, then silence, and nothing bought or put into a cart since."""

    browse: Browse
    kind: str = "browse_abandoned"
    touched_by: frozenset[str] = carts.CART_EVENTS | {names.PRODUCT_VIEWED, names.ORDER_COMPLETED}

    @classmethod
    def planned(cls, plan: Plan, browse: Browse) -> BrowseAbandoned:
        """Asks for the memory it needs."""
        plan.need(
            {names.PRODUCT_VIEWED}, keep=max(12, browse.views), window=browse.within + browse.after + DAY,
            payload=VIEW_FIELDS, payload_keep=max(12, browse.views), id=VIEWS_SLOT,
        )  # fmt: skip
        plan.need(
            {names.PRODUCT_ADDED, names.CART_UPDATED, names.CHECKOUT_STARTED, names.ORDER_COMPLETED},
            window=browse.within + browse.after + DAY, id=BOUGHT_SLOT,
        )  # fmt: skip
        return cls(browse)

    def _session(self, profile: Profile, t: int) -> list[Entry]:
        held = profile.memory.get(VIEWS_SLOT)
        if not held:
            return []
        views = [entry for entry in held if entry[0] <= t]
        views = [entry for entry in views if entry[0] > views[0][0] - self.browse.within]
        if len(views) < self.browse.views:
            return []
        bought = [at for at, _, _ in profile.memory.get(BOUGHT_SLOT, ()) if at <= t]
        return [] if bought and bought[0] >= views[-1][0] else views

    def active(self, profile: Profile, t: int) -> dict[str, list[Entry]]:
        """One key, named after the last view, for a day."""
        views = self._session(profile, t)
        if not views or not views[0][0] + self.browse.after <= t < views[0][0] + self.browse.after + DAY:
            return {}
        return {str(views[0][0] // 1000): views}

    def next(self, profile: Profile, t: int, before: int | None = None) -> int | None:
        """The last view plus the silence."""
        views = profile.memory.get(VIEWS_SLOT, ())
        upcoming = [entry[0] + self.browse.after for entry in views if entry[0] > t]
        if session := self._session(profile, t):
            upcoming.append(session[0][0] + self.browse.after)
        return min((instant for instant in upcoming if instant > t), default=None)

    def same(self, found: list[Entry], known: Iterable[list[Entry]]) -> bool:
        """A view that is heard of late prolongs the visit that was told."""
        return any(True for _ in known)

    def change(self, profile: Profile, key: str, found: list[Entry], t: int) -> Change:
        """Carries the products, the most viewed first, then the latest."""
        counts: dict[str, int] = {}
        latest: dict[str, dict[str, Any]] = {}
        for _, _, payload in found:
            if payload and (product := payload.get("product_id")) is not None:
                counts[str(product)] = counts.get(str(product), 0) + 1
                latest.setdefault(str(product), {**payload, "product_id": str(product)})
        ranked = sorted(latest, key=lambda product: -counts[product])[:_MAX_PRODUCTS]
        data = {"products": [latest[product] for product in ranked], "views": len(found)}
        return Change(self.kind, "browse", t, key, data)


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    """The n-th order, or ``each``."""

    numbers: tuple[int, ...]
    each: bool = False
    kind: str = "order_placed"
    touched_by: frozenset[str] = frozenset({names.ORDER_COMPLETED})

    @classmethod
    def planned(cls, plan: Plan, numbers: tuple[int, ...], *, each: bool = False) -> OrderPlaced:
        """Asks for the memory it needs."""
        plan.need(
            {names.ORDER_COMPLETED},
            keep=max((*numbers, _EACH_KEPT if each else 1)),
            payload=ORDER_FIELDS,
            payload_keep=_EACH_KEPT if each else 1,
            id=ORDERS_SLOT,
        )
        return cls(numbers, each)

    def active(self, profile: Profile, t: int) -> dict[str, tuple[int, Entry]]:
        """``order-1``, ``order-5`` …: every number reached; ``order-<its id>``: the orders of the last two days. Each with
        the number of orders and the order that it is about."""
        held = [entry for entry in profile.memory.get(ORDERS_SLOT, ()) if entry[0] <= t]
        found = {f"order-{number}": (number, held[0]) for number in self.numbers if len(held) >= number}
        if self.each:
            found |= {
                f"order-{entry[1]:010x}": (len(held) - place, entry)
                for place, entry in enumerate(held[:_EACH_KEPT])
                if t - 2 * DAY < entry[0]
            }
        return found

    def next(self, profile: Profile, t: int, before: int | None = None) -> int | None:
        """An order stamped in the near future."""
        orders = profile.memory.get(ORDERS_SLOT, ())
        return min((at for at, _, _ in orders if at > t), default=None)

    def same(self, found: tuple[int, Entry], known: Iterable[tuple[int, Entry]]) -> bool:
        """Numbers and orders are themselves."""
        return False

    def change(self, profile: Profile, key: str, found: tuple[int, Entry], t: int) -> Change:
        """Carries the order. Its number is that among the orders remembered."""
        nth, entry = found
        payload = dict(entry[2] or {})
        number = str(payload.get("order_id") or "")
        order: dict[str, Any] = {
            "order_id": number,
            "total": payload.get("total", payload.get("revenue")),
            "currency": payload.get("currency"),
            "items": payload.get("products") if isinstance(payload.get("products"), list) else [],
        }
        name = key if key == f"order-{nth}" and nth in self.numbers else "order"
        return Change(self.kind, name, t, number or key, {"nth": nth, "order": order})


@dataclass(frozen=True, slots=True)
class Yearly:
    """A day that comes round each year, celebrated at a wall-clock time in the customer's zone."""

    kind: str
    traits: tuple[str, ...]
    at: time
    default_zone: str
    touched_by: frozenset[str]

    @classmethod
    def birthday(cls, at: time, default_zone: str) -> Yearly:
        """From the trait ``birthday`` (``1990-05-17``, or ``--05-17`` without a year)."""
        return cls._of("birthday", BIRTHDAY_TRAITS, at, default_zone)

    @classmethod
    def signup(cls, at: time, default_zone: str) -> Yearly:
        """From the trait ``created_at``; the first anniversary is a year later."""
        return cls._of("signup_anniversary", SIGNUP_TRAITS, at, default_zone)

    @classmethod
    def _of(cls, kind: str, traits: tuple[str, ...], at: time, default_zone: str) -> Yearly:
        touched = frozenset(f"trait:{name}" for name in (*traits, "timezone", "time_zone"))
        return cls(kind, traits, at, default_zone, touched)

    def _origin(self, profile: Profile) -> date | None:
        for name in self.traits:
            if (value := profile.trait(name)) is not None:
                return day_of(value)
        return None

    def _instant(self, profile: Profile, origin: date, year: int) -> int:
        return local_instant(anniversary(origin, year), self.at, zone_of(profile, self.default_zone))

    def _valid(self, origin: date, year: int) -> bool:
        return self.kind == "birthday" or year > origin.year

    def active(self, profile: Profile, t: int) -> dict[str, int]:
        """The year, for a day from the hour of celebration."""
        origin = self._origin(profile)
        if origin is None:
            return {}
        around = to_datetime(t).year
        return {
            str(year): year
            for year in (around - 1, around, around + 1)
            if self._valid(origin, year) and self._instant(profile, origin, year) <= t < self._instant(
                profile, origin, year) + DAY
        }  # fmt: skip

    def next(self, profile: Profile, t: int, before: int | None = None) -> int | None:
        """This year's or next year's hour."""
        origin = self._origin(profile)
        if origin is None:
            return None
        year = to_datetime(t).year
        instants = (self._instant(profile, origin, y) for y in range(year - 1, year + 3) if self._valid(origin, y))
        return min((instant for instant in instants if instant > t), default=None)

    def same(self, found: int, known: Iterable[int]) -> bool:
        """Years are themselves."""
        return False

    def change(self, profile: Profile, key: str, found: int, t: int) -> Change:
        """Carries the year, and how many years it is since a sign-up."""
        origin = self._origin(profile)
        data = {"year": found} if self.kind == "birthday" or origin is None else {"years": found - origin.year}
        return Change(self.kind, self.kind, t, key, data)
