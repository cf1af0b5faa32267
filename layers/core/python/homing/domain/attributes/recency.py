"""Attributes that grow with time alone: days since an order, and how far that is beyond somebody's own rhythm."""

from __future__ import annotations

from homing.domain.attributes.attribute import earliest, next_step
from homing.domain.attributes.orders import Orders
from homing.domain.profiles.profile import Profile
from homing.domain.segments.comparisons import Test
from homing.domain.time import DAY

_HUNDRED = 100


class DaysSince:
    """Whole days since the latest (``first=True``: the first) order."""

    lasting = True

    def __init__(self, orders: Orders, *, first: bool = False) -> None:
        self._first = first
        self._orders = orders
        self.reads = orders.reads("first" if first else "latest")

    def value(self, profile: Profile, t: int) -> int | None:
        """Rounded down; None without an order."""
        placed = self._orders.placed(profile, t)
        at = placed.first if self._first else placed.latest
        return None if at is None else (t - at) // DAY

    def next_change(self, profile: Profile, t: int, test: Test | None = None) -> int | None:
        """Each day; with a test only when its bounds are reached."""
        placed = self._orders.placed(profile, t)
        at = placed.first if self._first else placed.latest
        if at is None:
            return placed.ahead
        day = next_step((t - at) // DAY, lambda days: days, 1, test)
        return earliest(placed.ahead, None if day is None else at + day * DAY)


class Overdue:
    """Time since the latest order in usual gaps, in hundredths, rounded down."""

    lasting = True

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self.reads = orders.reads("window")

    def value(self, profile: Profile, t: int) -> float | None:
        """None with fewer than three orders in the window."""
        placed = self._orders.placed(profile, t)
        gap = placed.gap(t)
        return None if gap is None else (t - placed.orders(t)[0].at) * _HUNDRED // gap / _HUNDRED

    def next_change(self, profile: Profile, t: int, test: Test | None = None) -> int | None:
        """The next hundredth (that a test asks for), or the instant at which an order leaves."""
        placed = self._orders.placed(profile, t)
        gap = placed.gap(t)
        if gap is None:
            return placed.ahead
        orders = placed.orders(t)
        now = (t - orders[0].at) * _HUNDRED // gap
        step = next_step(now, lambda hundredths: hundredths / _HUNDRED, _HUNDRED, test)
        # Hundredth number k begins at the first microsecond that is not before k/100 of the gap.
        reached = None if step is None else orders[0].at - (-step * gap // _HUNDRED)
        return earliest(placed.ahead, reached, orders[-1].at + self._orders.window)
