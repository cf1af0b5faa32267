"""What somebody ordered, as it is remembered and as it stands at an instant. docs/attributes.md defines what is made of it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import count, pairwise
from operator import is_
from typing import Any, NamedTuple

from homing.domain.attributes.attribute import earliest, future
from homing.domain.campaigns import Settings
from homing.domain.events import names
from homing.domain.events.event import Event
from homing.domain.profiles.memory import MAX_ENTRIES, Entry, Plan
from homing.domain.profiles.profile import Profile
from homing.domain.segments.comparisons import millionths
from homing.domain.time import DAY

# Of latest and first orders so many are remembered: the others stand in when one is cancelled.
SPARE = 3
MAX_RETURNS = 100
# Where looking ahead is dear, so many steps are looked at; then the profile is woken early, which changes nothing.
SOON = 8
_NONE: list[Entry] = []


class Order(NamedTuple):
    """An order that counts; ``amount`` in millionths, None where it is unknown."""

    at: int
    amount: int | None


def order_key(order_id: Any) -> int:
    """The key under which memory keeps an order of this id (:func:`homing.domain.profiles.memory.event_key`)."""
    return int.from_bytes(hashlib.blake2b(f"order:{order_id}".encode(), digest_size=5).digest(), "big")


def amount_of(properties: Mapping[str, Any], currency: str) -> int | None:
    """What an order or refund amounts to, in millionths of the shop's currency; None where that is not known."""
    stated = properties.get("currency")
    if isinstance(stated, str) and stated.strip() and stated.strip().upper() != currency:
        return None
    found = next((n for name in ("total", "revenue") if (n := millionths(properties.get(name))) is not None), None)
    if found is None:
        found = _sum_of(properties.get("products"))
    return found if found is not None and 0 <= found < 2**63 else None


def _sum_of(products: Any) -> int | None:
    if not isinstance(products, list) or not products:
        return None
    total = 0
    for product in products:
        price = millionths(product.get("price")) if isinstance(product, Mapping) else None
        if price is None:
            return None
        quantity = millionths(product.get("quantity"))
        total += price if quantity is None else price * quantity // 1_000_000
    return total


class Placed:
    """What one person ordered, as it stands at an instant, and at every later one until ``ahead`` (None: as long as no event
    comes): many attributes ask for the same, again and again."""

    __slots__ = (
        "_gaps",
        "_left",
        "_orders",
        "_sums",
        "ahead",
        "asked",
        "first",
        "held",
        "last",
        "latest",
        "parts",
        "window",
    )

    def __init__(
        self, parts: Mapping[str, list[Entry]], window: int, ahead: int | None, before: Placed | None = None
    ) -> None:
        """``parts`` as :meth:`Orders.reads` names them, without what lies ahead; ``before`` is how it stood a while ago."""
        self.window = window
        self.ahead = ahead
        self.parts = parts
        # What this was made of, and the latest instant in it.
        self.asked: tuple[str, ...] = ()
        self.held: tuple[list[Entry] | None, ...] = ()
        self.last = -1
        cancelled = {key for _, key, _ in parts["cancelled"][:MAX_RETURNS]} if parts["cancelled"] else frozenset()
        # When the latest and the first order that count were.
        self.latest = next((at for at, key, _ in parts["latest"][:SPARE] if key not in cancelled), None)
        self.first = next((at for at, key, _ in reversed(parts["first"][-SPARE:]) if key not in cancelled), None)
        # What is left after some went, by how many; and what that comes to.
        self._left: dict[int, tuple[Order, ...]] = {}
        self._sums: dict[int, Sums] = {}
        self._gaps: dict[int, int | None] = {}
        held = parts["window"]
        if before is not None and all(
            parts[part] is before.parts[part] for part in ("window", "cancelled", "refunded")
        ):
            self._orders: tuple[Order, ...] = before._orders
            self._left = before._left
            self._sums, self._gaps = before._sums, before._gaps
        elif before is not None and _is_one_more(parts, before.parts):
            at, _, carried = held[0]
            self._orders = (Order(at, carried.get("t") if carried else None), *before._orders[: len(held) - 1])
        else:
            self._orders = _counted(held[:MAX_ENTRIES], cancelled, parts["refunded"][:MAX_RETURNS])

    def count(self, t: int, window: int | None = None) -> int:
        """How many orders count in ``(t - window, t]``; by default of ``orders_within``."""
        orders = self._orders
        since = t - (self.window if window is None else min(window, self.window))
        count = len(orders)
        while count and orders[count - 1][0] <= since:
            count -= 1
        return count

    def orders(self, t: int, window: int | None = None) -> tuple[Order, ...]:
        """Those, the latest first."""
        count = self.count(t, window)
        if count not in self._left:
            self._left[count] = self._orders[:count]
        return self._left[count]

    def sums(self, t: int) -> Sums:
        """What the orders of the window come to."""
        return self.sums_of(self.count(t))

    def sums_of(self, count: int) -> Sums:
        """What so many of the latest orders come to."""
        found = self._sums.get(count)
        if found is None:
            found = self._sums[count] = Sums.of(self._orders[:count])
        return found

    def gap(self, t: int) -> int | None:
        """:func:`gap_of` the orders of the window."""
        count = self.count(t)
        if count not in self._gaps:
            self._gaps[count] = gap_of(self._orders[:count])
        return self._gaps[count]


def _is_one_more(parts: Mapping[str, list[Entry]], before: Mapping[str, list[Entry]]) -> bool:
    """Whether the only news is a later order, as it is with most of somebody who has hundreds; the oldest may be forgotten."""
    held, known = parts["window"], before["window"]
    if not held or any(one[part] for one in (parts, before) for part in ("cancelled", "refunded")):
        return False
    return 0 < len(held) <= min(MAX_ENTRIES, len(known) + 1) and held[1:] == known[: len(held) - 1]


def _counted(entries: Sequence[Entry], cancelled: Collection[int], refunds: Sequence[Entry]) -> tuple[Order, ...]:
    """The orders that count, the latest first, less what was refunded of them."""
    if not cancelled and not refunds:
        return tuple([Order(at, carried.get("t") if carried else None) for at, _, carried in entries])
    returned = _refunds(refunds)
    found = []
    for at, key, carried in entries:
        if key in cancelled:
            continue
        amount = carried.get("t") if carried else None
        if amount is not None and key in returned:
            back = returned[key]
            amount = 0 if back is None else max(0, amount - back)
        found.append(Order(at, amount))
    return tuple(found)


def _refunds(entries: Iterable[Entry]) -> dict[int, int | None]:
    """Order key → what was refunded; None: everything."""
    found: dict[int, int | None] = {}
    for _, _, carried in entries:
        key, amount, before = carried["o"], carried.get("t"), found.get(carried["o"], 0)
        found[key] = None if amount is None or before is None else before + amount
    return found


_PARTS = ("window", "latest", "first", "cancelled", "refunded")
_KEYS = count()


class Orders:
    """The memory of orders; plans each part when it is first asked for."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        self.window = settings.computed.orders_within
        self._currency = settings.currency
        self._plan = plan
        self._slots: dict[str, str] = {}
        self._asked: tuple[str, ...] = ()
        # Under which key a profile carries along what it ordered.
        self._key = f"orders:{next(_KEYS)}"

    def reads(self, *parts: str) -> frozenset[str]:
        """Plans ``window``, ``latest`` or ``first``, and what takes orders back. Returns the slots."""
        wanted = {*parts, "cancelled"} | ({"refunded"} if "window" in parts else set())
        return frozenset(self._slot(part) for part in wanted)

    def _slot(self, part: str) -> str:
        if part not in self._slots:
            self._slots[part] = self._planned(part)
            self._asked = tuple(self._slots.values())
        return self._slots[part]

    def _planned(self, part: str) -> str:
        need = self._plan.need
        completed = {names.ORDER_COMPLETED}
        if part == "window":
            return need(completed, id="c.orders", keep=MAX_ENTRIES, window=self.window, take=self._order)
        if part == "latest":
            return need(completed, keep=SPARE)
        if part == "first":
            return need(completed, keep=SPARE, earliest=True)
        if part == "cancelled":
            return need({names.ORDER_CANCELLED}, keep=MAX_RETURNS)
        return need({names.ORDER_REFUNDED}, id="c.refunds", keep=MAX_RETURNS, take=self._refund)

    def _order(self, event: Event) -> dict[str, Any]:
        amount = amount_of(event.properties, self._currency)
        return {} if amount is None else {"t": amount}

    def _refund(self, event: Event) -> dict[str, Any] | None:
        order_id = event.properties.get("order_id")
        if not order_id:
            return None
        amount = millionths(event.properties.get("total"))
        if amount is None:
            amount = _sum_of(event.properties.get("products"))
        key = order_key(order_id)
        # Some shops state what they give back as a negative amount.
        return {"o": key} if amount is None or abs(amount) >= 2**63 else {"o": key, "t": abs(amount)}

    def placed(self, profile: Profile, t: int) -> Placed:
        """What they ordered by ``t``."""
        memory = profile.memory
        known: Placed | None = profile.worked.get(self._key)
        # The lists of a memory are replaced when they change.
        if (
            known is not None
            and known.last <= t
            and known.asked is self._asked
            and all(map(is_, map(memory.get, self._asked), known.held))
        ):
            return known
        parts: dict[str, list[Entry]] = dict.fromkeys(_PARTS, _NONE)
        parts |= {part: held for part, slot in self._slots.items() if (held := memory.get(slot))}
        ahead = earliest(*(future(held, t) for held in parts.values()))
        if ahead is not None:
            return Placed(
                {part: [one for one in held if one[0] <= t] for part, held in parts.items()}, self.window, ahead
            )
        found = Placed(parts, self.window, None, known)
        found.asked, found.held = self._asked, tuple(map(memory.get, self._asked))
        found.last = max((held[0][0] for held in parts.values() if held), default=-1)
        profile.worked[self._key] = found
        return found


class Sums(NamedTuple):
    """What orders come to: their number, how many amounts are known, and what these add up to (millionths)."""

    orders: int
    known: int
    amount: int

    @classmethod
    def of(cls, orders: Iterable[Order]) -> Sums:
        """Of some orders."""
        orders = list(orders)
        amounts = [order.amount for order in orders if order.amount is not None]
        return cls(len(orders), len(amounts), sum(amounts))


def gap_of(orders: Sequence[Order]) -> int | None:
    """The median time between one and the next, in microseconds, at least a day; None with fewer than three."""
    if len(orders) < SPARE:
        return None
    gaps = sorted(later.at - earlier.at for later, earlier in pairwise(orders))
    middle = len(gaps) // 2
    median = gaps[middle] if len(gaps) % 2 else (gaps[middle - 1] + gaps[middle]) // 2
    return max(DAY, median)
