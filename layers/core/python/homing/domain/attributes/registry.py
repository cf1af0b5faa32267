"""All attributes by name. Nothing is remembered for one that nobody asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from homing.domain.attributes import rfm
from homing.domain.attributes.attribute import Attribute
from homing.domain.attributes.engagement import EngagementScore
from homing.domain.attributes.language import StagedAttribute
from homing.domain.attributes.looking import Preferred, Readings
from homing.domain.attributes.mails import Mails, OfMails, shown, tier_of
from homing.domain.attributes.names import AFFINITIES, RANKED, WEEKDAYS, computed_names
from homing.domain.attributes.order_values import (
    Gap,
    Summed,
    average_in_millionths,
    average_of,
    count_in_millionths,
    count_of,
    spent_in_millionths,
    spent_of,
)
from homing.domain.attributes.orders import Orders
from homing.domain.attributes.rankings import Rankings, Standing
from homing.domain.attributes.recency import DaysSince, Overdue
from homing.domain.attributes.staged import CurrentStage
from homing.domain.attributes.tastes import Affinities, Affinity, Device, Favourite, Touches
from homing.domain.campaigns import Product, Settings
from homing.domain.content.suggest import did_you_mean
from homing.domain.errors import InvalidInput
from homing.domain.profiles.memory import Plan
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY


class Attributes:
    """Compiled attributes. ``get`` plans the memory of one on its first use, so everything has to be asked for before the
    plan is read."""

    def __init__(
        self,
        settings: Settings,
        plan: Plan,
        staged: Mapping[str, StagedAttribute],
        *,
        products: Mapping[str, Product] | None = None,
        rankings: Rankings | None = None,
    ) -> None:
        self._settings = settings
        self._plan = plan
        self._staged = staged
        self._rankings = rankings or Rankings()
        self._orders = Orders(settings, plan)
        self._mails = Mails(settings, plan)
        self._touches = Touches(settings, plan, products or {})
        self._readings = Readings(plan)
        self._made: dict[str, Attribute] = {}
        self._ranked = False

    def names(self) -> list[str]:
        """Every name that :meth:`get` knows; those of categories and brands follow ``affinity.category.``."""
        return computed_names(self._staged)

    def get(self, name: str) -> Attribute:
        """The attribute; raises InvalidInput for a name that there is not."""
        if name not in self._made:
            self._made[name] = self._make(name)
            self._ranked = self._ranked or name in RANKED
        return self._made[name]

    def values(self, names: Iterable[str], profile: Profile, t: int) -> dict[str, Any]:
        """The values of several at an instant, by name."""
        return {name: self.get(name).value(profile, t) for name in names}

    @property
    def asked(self) -> frozenset[str]:
        """Names that were asked for."""
        return frozenset(self._made)

    @property
    def ranked(self) -> bool:
        """Whether somebody asks for RFM scores, so that thresholds are worth computing."""
        return self._ranked

    def standing(self, profile: Profile, t: int) -> Standing | None:
        """What RFM ranks somebody by; None for who is no customer. Only where :attr:`ranked`."""
        placed = self._orders.placed(profile, t)
        if placed.latest is None:
            return None
        sums = placed.sums(t)
        return Standing((t - placed.latest) // DAY, sums.orders, sums.amount)

    def next_rescore(self, profile: Profile, t: int, before: int | None = None) -> int | None:
        """When a customer must be looked at again because thresholds may be others by then: once a week. One at or after
        ``before`` need not be told."""
        if not self.ranked:
            return None
        instant = rfm.next_rescore(profile, t)
        if before is not None and instant >= before:
            return None
        return None if self._orders.placed(profile, t).latest is None else instant

    def _make(self, name: str) -> Attribute:
        if name in self._staged:
            return CurrentStage(name)
        for prefix in AFFINITIES:
            of = prefix.partition(".")[2]
            if name == prefix:
                return Affinities(self._touches, of)
            if name.startswith(f"{prefix}."):
                return Affinity(self._touches, of, name[len(prefix) + 1 :])
        if name in RANKED:
            return rfm.Rfm(self._orders, self._rankings, name)
        makers = self._makers()
        if name not in makers:
            hint = did_you_mean(name, self.names())
            raise InvalidInput(f"there is no computed attribute {name!r}{hint}", code="unknown_attribute")
        return makers[name]()

    def _makers(self) -> dict[str, Callable[[], Attribute]]:
        orders, mails, touches, settings = self._orders, self._mails, self._touches, self._settings

        def hour(moment: datetime) -> int:
            return moment.hour

        def weekday(moment: datetime) -> str:
            return WEEKDAYS[moment.weekday()]

        return {
            "recency": lambda: DaysSince(orders),
            "customer_for": lambda: DaysSince(orders, first=True),
            "orders": lambda: Summed(orders, count_of, count_in_millionths),
            "spent": lambda: Summed(orders, spent_of, spent_in_millionths),
            "average_order_value": lambda: Summed(orders, average_of, average_in_millionths),
            "usual_gap": lambda: Gap(orders),
            "overdue": lambda: Overdue(orders),
            "favourite_category": lambda: Favourite(touches, "category"),
            "favourite_brand": lambda: Favourite(touches, "brand"),
            "favourite_product": lambda: Favourite(touches, "product"),
            "preferred_hour": lambda: Preferred(settings, touches, self._readings, hour),
            "preferred_weekday": lambda: Preferred(settings, touches, self._readings, weekday),
            "device": lambda: Device(touches),
            "open_rate": lambda: OfMails(mails, lambda state: shown(state.open_rate), opened=True),
            "click_rate": lambda: OfMails(mails, lambda state: shown(state.click_rate), clicked=True),
            "engagement_score": lambda: EngagementScore(settings, self._plan, mails, orders),
            "engagement_tier": lambda: OfMails(mails, tier_of(settings), opened=True, clicked=True, orders=orders),
        }
