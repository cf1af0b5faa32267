"""The engagement score: what somebody did lately, decaying, between 0 and 100."""

from __future__ import annotations

from typing import NamedTuple

from homing.domain.attributes.attribute import earliest, future
from homing.domain.attributes.mails import CLICKED, OPENED, Mails
from homing.domain.attributes.orders import Orders
from homing.domain.campaigns import Settings
from homing.domain.events import names
from homing.domain.profiles.memory import Plan
from homing.domain.profiles.profile import Profile
from homing.domain.segments.comparisons import Test, passes

VIEWS = 20
OPEN, CLICK, VIEW, ORDER = 1.0, 3.0, 0.25, 5.0
# A sum of weights as large as this gives 50 of 100.
HALF_WAY = 10.0


class _Decaying(NamedTuple):
    """What counts: its weight at ``at``, and the first instant at which something of it leaves the window."""

    weight: float
    at: int
    leaves: int | None


class EngagementScore:
    """⌊100 · x ÷ (x + 10)⌋, x the sum of the weights of what they did, halved with every half-life."""

    # Found by halving an interval of floats: from elsewhere it might be found a microsecond apart.
    lasting = False

    def __init__(self, settings: Settings, plan: Plan, mails: Mails, orders: Orders) -> None:
        self._half_life = settings.computed.half_life
        self._window = settings.computed.engaged_within
        self._mails = mails
        self._orders = orders
        self._views = plan.need({names.PRODUCT_VIEWED}, keep=VIEWS, window=self._window)
        self.reads = mails.reads(OPENED, CLICKED) | orders.reads("window") | {self._views}

    def value(self, profile: Profile, t: int) -> int:
        """0 to 100."""
        return self._score(self._sum(profile, t), t)

    def next_change(self, profile: Profile, t: int, test: Test | None = None) -> int | None:
        """Between events the score only falls: when it falls below the next whole number that matters."""
        held = self._sum(profile, t)
        ahead = earliest(
            self._mails.ahead(profile, t, OPENED, CLICKED),
            self._orders.placed(profile, t).ahead,
            future(profile.memory.get(self._views, ()), t),
        )
        now = self._score(held, t)
        goal = self._goal(now, test)
        if goal is None:
            return ahead
        # Until then the same things count; a goal needs a score, and a score something that counts and will leave.
        low, high = t, earliest(ahead, held.leaves)
        assert high is not None
        if self._score(held, high) > goal:
            return high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._score(held, middle) <= goal else (middle, high)
        return high

    @staticmethod
    def _goal(now: int, test: Test | None) -> int | None:
        """The next lower score that makes a difference."""
        if test is None:
            return now - 1 if now else None
        truth = passes(test, now)
        return next((score for score in range(now - 1, -1, -1) if passes(test, score) != truth), None)

    def _score(self, held: _Decaying, t: int) -> int:
        x = held.weight * 2.0 ** ((held.at - t) / self._half_life)
        return int(100 * x / (x + HALF_WAY))

    def _sum(self, profile: Profile, t: int) -> _Decaying:
        done = [(at, OPEN) for at in self._mails.sends(profile, OPENED, t).values()]
        done += [(at, CLICK) for at in self._mails.sends(profile, CLICKED, t).values()]
        done += [(order.at, ORDER) for order in self._orders.placed(profile, t).orders(t, self._window)]
        viewed = [at for at, _, _ in profile.memory.get(self._views, ()) if at <= t][:VIEWS]
        done += [(at, VIEW) for at in viewed if at + self._window > t]
        if not done:
            return _Decaying(0.0, t, None)
        done.sort()
        latest = done[-1][0]
        weight = sum(weight * 2.0 ** ((at - latest) / self._half_life) for at, weight in done)
        return _Decaying(weight, latest, self._leaves(done))

    def _leaves(self, done: list[tuple[int, float]]) -> int:
        # An order may leave the window of orders first.
        orders = min((at for at, weight in done if weight == ORDER), default=None)
        of_orders = None if orders is None else orders + min(self._window, self._orders.window)
        first = earliest(done[0][0] + self._window, of_orders)
        assert first is not None
        return first
