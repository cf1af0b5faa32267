"""Values made of what somebody ordered within a window: number, sum, mean, rhythm. docs/attributes.md defines them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from homing.domain.attributes.attribute import MAYBE, Stepwise
from homing.domain.attributes.orders import SOON, Order, Orders, Sums, gap_of
from homing.domain.profiles.profile import Profile
from homing.domain.segments.behaviour import Bounds
from homing.domain.segments.comparisons import BOUNDS, Test
from homing.domain.time import DAY

_CENT = Decimal("0.01")


def decimal(amount: int) -> Decimal:
    """Millionths as an exact decimal, without zeros that say nothing: 19.9."""
    whole = Decimal(amount) / 1_000_000
    return whole.quantize(Decimal(1)) if whole == whole.to_integral_value() else whole.normalize()


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


def gap_in_days(orders: Sequence[Order]) -> float | None:
    """The same in days, with two decimals."""
    gap = gap_of(orders)
    return None if gap is None else round(gap / DAY, 2)


class OfOrders(Stepwise):
    """A value made of the orders of the window: it changes when one leaves."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self.reads = orders.reads("window")

    def steps(self, profile: Profile, t: int) -> Iterable[tuple[int, Any]]:
        """One order after the other leaves, the oldest first."""
        placed = self._orders.placed(profile, t)
        ahead, orders = placed.ahead, placed.orders(t)
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

    at_once = False

    def __init__(
        self, orders: Orders, make: Callable[[Sums], Any], number: Callable[[int, int, int], int | None]
    ) -> None:
        super().__init__(orders)
        self._make = make
        self._number = number

    def value(self, profile: Profile, t: int) -> Any:
        """Of the orders that count."""
        return self._make(self._orders.placed(profile, t).sums(t))

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

    def next_change(self, profile: Profile, t: int, test: Test | None = None) -> int | None:
        """The first order to leave that makes a difference."""
        placed = self._orders.placed(profile, t)
        if test is None or not test.model_fields_set <= BOUNDS or placed.ahead is not None:
            return super().next_change(profile, t, test)
        # This runs through hundreds of orders with each of them: whole numbers, no decimals, no calls.
        bounds, number = Bounds.of(test), self._number
        orders = placed.orders(t)
        count, known, amount = placed.sums_of(len(orders))
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
        return gap_in_days(self._orders.placed(profile, t).orders(t))

    def _leaving(self, orders: Sequence[Order]) -> Iterable[tuple[int, Any]]:
        for step, left in enumerate(range(len(orders) - 1, -1, -1)):
            if step == SOON:
                # A median of what is left is dear: then somebody looks again.
                yield left, MAYBE
                return
            yield left, gap_in_days(orders[:left])
