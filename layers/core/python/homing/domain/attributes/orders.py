"""What somebody ordered: the memory of it, and the attributes made of it. docs/attributes.md defines them."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from typing import Any, NamedTuple

from homing.domain.attributes.attribute import MAYBE, Stepwise, earliest, future
from homing.domain.campaigns import Settings
from homing.domain.events import names
from homing.domain.events.event import Event
from homing.domain.profiles.memory import MAX_ENTRIES, Entry, Plan
from homing.domain.profiles.profile import Profile
from homing.domain.segments.behaviour import Bounds
from homing.domain.segments.comparisons import BOUNDS, Test, millionths
from homing.domain.time import DAY

# Of latest and first orders so many are remembered: the others stand in when one is cancelled.
SPARE = 3
MAX_RETURNS = 100
# Where looking ahead is dear, so many steps are looked at; then the profile is woken early, which changes nothing.
SOON = 8
_CENT = Decimal("0.01")
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


def decimal(amount: int) -> Decimal:
    """Millionths as an exact decimal, without zeros that say nothing: 19.9."""
    whole = Decimal(amount) / 1_000_000
    return whole.quantize(Decimal(1)) if whole == whole.to_integral_value() else whole.normalize()


class Orders:
    """The memory of orders; plans each part when it is first asked for."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        self.window = settings.computed.orders_within
        self._currency = settings.currency
        self._plan = plan
        self._slots: dict[str, str] = {}
        # The orders of the person who was asked about last, and what of them is left after some went: many attributes
        # ask for the same.
        self._known: tuple[Any, Any, Any, tuple[Order, ...]] | None = None
        self._left: dict[int, tuple[Order, ...]] = {}
        self._gap: tuple[tuple[Order, ...], int | None] | None = None

    def reads(self, *parts: str) -> frozenset[str]:
        """Plans ``window``, ``latest`` or ``first``, and what takes orders back. Returns the slots."""
        wanted = {*parts, "cancelled"} | ({"refunded"} if "window" in parts else set())
        return frozenset(self._slot(part) for part in wanted)

    def _slot(self, part: str) -> str:
        if part not in self._slots:
            self._slots[part] = self._planned(part)
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

    # Questions

    def counted(self, profile: Profile, t: int, window: int | None = None) -> tuple[Order, ...]:
        """Orders in ``(t - window, t]`` that count at ``t``, the latest first; by default of ``orders_within``."""
        window = self.window if window is None else min(window, self.window)
        held, cancelled, refunded = (profile.memory.get(self._slots[p]) for p in ("window", "cancelled", "refunded"))
        if not held:
            return ()
        if any(of and of[0][0] > t for of in (held, cancelled, refunded)):
            return tuple(self._counted(profile, held, t, t - window))
        known = self._known
        # The lists of a memory are replaced when they change.
        if known is None or known[0] is not held or known[1] is not cancelled or known[2] is not refunded:
            known = (held, cancelled, refunded, tuple(self._counted(profile, held, t, -1)))
            self._known, self._left = known, {}
        orders = known[3]
        count, since = len(orders), t - window
        while count and orders[count - 1].at <= since:
            count -= 1
        if count == len(orders):
            return orders
        if count not in self._left:
            self._left[count] = orders[:count]
        return self._left[count]

    def _counted(self, profile: Profile, held: list[Entry], t: int, since: int) -> list[Order]:
        cancelled = self._cancelled(profile, t)
        entries = _by(held, t, MAX_ENTRIES)
        refunds = self._refunds(profile, t)
        found = []
        for at, key, carried in entries:
            if at <= since:
                break
            if key in cancelled:
                continue
            amount = carried.get("t") if carried else None
            if amount is not None and key in refunds:
                back = refunds[key]
                amount = 0 if back is None else max(0, amount - back)
            found.append(Order(at, amount))
        return found

    def gap(self, orders: tuple[Order, ...]) -> int | None:
        """:func:`gap_of` orders as :meth:`counted` gave them."""
        if self._gap is None or self._gap[0] is not orders:
            self._gap = (orders, gap_of(orders))
        return self._gap[1]

    def latest(self, profile: Profile, t: int) -> int | None:
        """When the latest order that counts was."""
        cancelled = self._cancelled(profile, t)
        entries = _by(profile.memory.get(self._slots["latest"], _NONE), t, SPARE)
        return next((at for at, key, _ in entries if key not in cancelled), None)

    def first(self, profile: Profile, t: int) -> int | None:
        """When the first order that counts was."""
        cancelled = self._cancelled(profile, t)
        entries = profile.memory.get(self._slots["first"], _NONE)[-SPARE:]
        return next((at for at, key, _ in reversed(entries) if at <= t and key not in cancelled), None)

    def ahead(self, profile: Profile, t: int) -> int | None:
        """The first instant after ``t`` of anything remembered: there everything may be different."""
        return earliest(*(future(profile.memory.get(slot, _NONE), t) for slot in self._slots.values()))

    def _cancelled(self, profile: Profile, t: int) -> set[int]:
        held = profile.memory.get(self._slots["cancelled"])
        return {key for _, key, _ in _by(held, t, MAX_RETURNS)} if held else set()

    def _refunds(self, profile: Profile, t: int) -> dict[int, int | None]:
        """Order key → what was refunded by ``t``; None: everything."""
        held = profile.memory.get(self._slots["refunded"])
        found: dict[int, int | None] = {}
        for _, _, carried in _by(held, t, MAX_RETURNS) if held else ():
            key, amount, before = carried["o"], carried.get("t"), found.get(carried["o"], 0)
            found[key] = None if amount is None or before is None else before + amount
        return found


def _by(entries: Sequence[Entry], t: int, keep: int) -> Sequence[Entry]:
    """The latest ``keep`` entries by an instant, whatever else the memory has not forgotten yet or keeps for others."""
    if entries and entries[0][0] <= t:
        return entries if len(entries) <= keep else entries[:keep]
    return [entry for entry in entries if entry[0] <= t][:keep]


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


def count_of(sums: Sums) -> int:
    """How many."""
    return sums.orders


def spent_of(sums: Sums) -> Decimal:
    """What they add up to."""
    return decimal(sums.amount)


def average_of(sums: Sums) -> Decimal | None:
    """Their mean amount, in cents."""
    return (Decimal(sums.amount) / sums.known / 1_000_000).quantize(_CENT, ROUND_HALF_EVEN) if sums.known else None


def count_in_millionths(orders: int, _known: int, _amount: int) -> int:
    """:func:`count_of`, for bounds."""
    return orders * 1_000_000


def spent_in_millionths(_orders: int, _known: int, amount: int) -> int:
    """:func:`spent_of`, for bounds."""
    return amount


def average_in_millionths(_orders: int, known: int, amount: int) -> int | None:
    """:func:`average_of`, for bounds: rounded to cents, half to even."""
    if not known:
        return None
    unit = known * 10_000
    cents, rest = divmod(amount, unit)
    half = 2 * rest - unit
    return (cents + (half > 0 or (half == 0 and cents % 2 == 1))) * 10_000


def gap_of(orders: Sequence[Order]) -> int | None:
    """The median time between one and the next, in microseconds, at least a day; None with fewer than three."""
    if len(orders) < SPARE:
        return None
    gaps = sorted(later.at - earlier.at for later, earlier in pairwise(orders))
    middle = len(gaps) // 2
    median = gaps[middle] if len(gaps) % 2 else (gaps[middle - 1] + gaps[middle]) // 2
    return max(DAY, median)


def gap_in_days(orders: Sequence[Order]) -> float | None:
    """The same in days, with two decimals."""
    gap = gap_of(orders)
    return None if gap is None else round(gap / DAY, 2)


class OfOrders(Stepwise):
    """A value made of the orders of the window: it changes when one leaves."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._found: dict[int, tuple[Test | None, tuple[Order, ...], int, int | None]] = {}
        self.reads = orders.reads("window")

    def next_change(self, profile: Profile, t: int, test: Test | None = None) -> int | None:
        """What was found stays true of the same orders until it happens: rules ask again and again."""
        orders = self._orders.counted(profile, t)
        ahead = self._orders.ahead(profile, t)
        known = self._found.get(id(test))
        if known and ahead is None and known[0] is test and known[1] is orders and known[2] <= t:
            return known[3]
        found = self._changes(profile, t, test)
        if ahead is None:
            self._found[id(test)] = (test, orders, t, found)
        return found

    def _changes(self, profile: Profile, t: int, test: Test | None) -> int | None:
        return super().next_change(profile, t, test)

    def steps(self, profile: Profile, t: int) -> Iterable[tuple[int, Any]]:
        """One order after the other leaves, the oldest first."""
        ahead = self._orders.ahead(profile, t)
        orders = self._orders.counted(profile, t)
        for left, value in self._leaving(orders):
            leaves = orders[left].at + self._orders.window
            if ahead is not None and ahead <= leaves:
                break
            if left and orders[left - 1].at == orders[left].at:
                continue
            yield leaves, value
        if ahead is not None:
            yield ahead, MAYBE

    @abstractmethod
    def _leaving(self, orders: Sequence[Order]) -> Iterable[tuple[int, Any]]:
        """How many are left after each that leaves, and the value then."""


class Summed(OfOrders):
    """Made of number and amounts. ``number`` is the value in millionths, for bounds: quicker than the value itself."""

    def __init__(
        self, orders: Orders, make: Callable[[Sums], Any], number: Callable[[int, int, int], int | None]
    ) -> None:
        super().__init__(orders)
        self._make = make
        self._number = number

    def value(self, profile: Profile, t: int) -> Any:
        """Of the orders that count."""
        return self._make(Sums.of(self._orders.counted(profile, t)))

    def _leaving(self, orders: Sequence[Order]) -> Iterable[tuple[int, Any]]:
        for left, sums in self._sums(orders):
            yield left, self._make(sums)

    def _sums(self, orders: Sequence[Order]) -> Iterable[tuple[int, Sums]]:
        count, known, amount = Sums.of(orders)
        for left in range(len(orders) - 1, -1, -1):
            one = orders[left][1]
            count -= 1
            if one is not None:
                known -= 1
                amount -= one
            yield left, Sums(count, known, amount)

    def _changes(self, profile: Profile, t: int, test: Test | None) -> int | None:
        if test is None or not test.model_fields_set <= BOUNDS or self._orders.ahead(profile, t) is not None:
            return super()._changes(profile, t, test)
        # This runs through hundreds of orders with each of them: whole numbers, no decimals, no calls.
        bounds, number = Bounds.of(test), self._number
        orders = self._orders.counted(profile, t)
        count, known, amount = Sums.of(orders)
        more, least, less, most = bounds.more_than, bounds.at_least, bounds.less_than, bounds.at_most
        now = None
        for left in range(len(orders), -1, -1):
            value = number(count, known, amount)
            truth = value is not None and not (
                (more is not None and value <= more)
                or (least is not None and value < least)
                or (less is not None and value >= less)
                or (most is not None and value > most)
            )
            if now is None:
                now = truth
            elif truth != now and not (left and orders[left - 1].at == orders[left].at):
                return orders[left].at + self._orders.window
            if left:
                one = orders[left - 1][1]
                count -= 1
                if one is not None:
                    known -= 1
                    amount -= one
        return None


class Gap(OfOrders):
    """The usual time between two orders."""

    def value(self, profile: Profile, t: int) -> float | None:
        """In days, with two decimals."""
        return gap_in_days(self._orders.counted(profile, t))

    def _leaving(self, orders: Sequence[Order]) -> Iterable[tuple[int, Any]]:
        for step, left in enumerate(range(len(orders) - 1, -1, -1)):
            if step == SOON:
                # A median of what is left is dear: then somebody looks again.
                yield left, MAYBE
                return
            yield left, gap_in_days(orders[:left])
