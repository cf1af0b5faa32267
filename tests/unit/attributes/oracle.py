"""An independent, naive reading of docs/attributes.md: raw events in, values out, everything from the beginning each time.

Raw events are ``(at, name, properties, context)``; what is known at ``t`` is what happened by then.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

DAY = 86_400_000_000


class Raw(NamedTuple):
    at: int
    name: str
    properties: dict[str, Any]
    context: dict[str, Any] = {}


class World(NamedTuple):
    currency: str = "EUR"
    zone: str = "Europe/Berlin"
    orders_within: int = 365 * DAY
    engaged_within: int = 90 * DAY
    half_life: int = 30 * DAY
    catalog: dict[str, dict[str, str]] = {}
    thresholds: tuple[list[int], list[int], list[Decimal]] | None = None


def money(value: Any) -> Decimal | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return Decimal(str(value))
    except ArithmeticError:
        return None


def of_products(properties: dict[str, Any]) -> Decimal | None:
    products = properties.get("products")
    if not products:
        return None
    prices = [money(product.get("price")) for product in products]
    if None in prices:
        return None
    return sum((p * product.get("quantity", 1) for p, product in zip(prices, products, strict=True) if p), Decimal(0))


def amount(properties: dict[str, Any], world: World) -> Decimal | None:
    if properties.get("currency") not in {None, world.currency}:
        return None
    for name in ("total", "revenue"):
        if (found := money(properties.get(name))) is not None:
            return found if found >= 0 else None
    return of_products(properties)


class Truth:
    """What is true of one person's events at an instant."""

    def __init__(self, history: Sequence[Raw], t: int, world: World) -> None:
        self.world = world
        self.t = t
        self.events = sorted((raw for raw in history if raw.at <= t), key=lambda raw: raw.at)
        cancelled = {raw.properties["order_id"] for raw in self.events if raw.name == "Order Cancelled"}
        seen: set[str] = set()
        self.orders: list[tuple[int, Decimal | None]] = []
        for raw in self.events:
            if raw.name != "Order Completed" or (known := raw.properties.get("order_id")) in seen:
                continue
            if known is not None:
                seen.add(known)
                if known in cancelled:
                    continue
            self.orders.append((raw.at, self._net(known, amount(raw.properties, world))))

    def _net(self, order: str | None, gross: Decimal | None) -> Decimal | None:
        for raw in self.events:
            if raw.name == "Order Refunded" and order is not None and raw.properties.get("order_id") == order:
                back = money(raw.properties.get("total"))
                if back is None:
                    back = of_products(raw.properties)
                if gross is not None:
                    gross = Decimal(0) if back is None else gross - abs(back)
        return None if gross is None else max(gross, Decimal(0))

    def value(self, name: str) -> Any:
        if name.startswith("affinity."):
            _, kind, of = name.split(".", 2)
            return self.affinity(kind, of)
        if name.startswith("favourite_"):
            return self.favourite(self.lines(name.removeprefix("favourite_")))
        found: Any = getattr(self, name)()
        return found

    # Orders

    def window(self) -> list[tuple[int, Decimal | None]]:
        return [order for order in self.orders if order[0] > self.t - self.world.orders_within]

    def recency(self) -> int | None:
        return (self.t - self.orders[-1][0]) // DAY if self.orders else None

    def customer_for(self) -> int | None:
        return (self.t - self.orders[0][0]) // DAY if self.orders else None

    def orders_count(self) -> int:
        return len(self.window())

    def spent(self) -> Decimal:
        return sum((paid for _, paid in self.window() if paid is not None), Decimal(0))

    def average_order_value(self) -> Decimal | None:
        known = [paid for _, paid in self.window() if paid is not None]
        return (sum(known, Decimal(0)) / len(known)).quantize(Decimal("0.01"), ROUND_HALF_EVEN) if known else None

    def gap(self) -> int | None:
        times = [at for at, _ in self.window()]
        if len(times) < 3:
            return None
        return max(DAY, math.floor(median(Fraction(b - a) for a, b in pairwise(times))))

    def usual_gap(self) -> float | None:
        gap = self.gap()
        return None if gap is None else round(gap / DAY, 2)

    def overdue(self) -> float | None:
        gap = self.gap()
        return None if gap is None else math.floor(Fraction(100 * (self.t - self.window()[-1][0]), gap)) / 100

    # RFM

    def scores(self) -> tuple[int, int, int] | None:
        if self.world.thresholds is None or not self.orders:
            return None
        days, counts, amounts = self.world.thresholds
        r = 5 - sum(1 for threshold in days if threshold < (self.recency() or 0))
        f = 1 + sum(1 for threshold in counts if threshold < self.orders_count())
        m = 1 + sum(1 for threshold in amounts if threshold < self.spent())
        return r, f, m

    def rfm(self) -> str | None:
        scores = self.scores()
        return None if scores is None else "".join(map(str, scores))

    def r_score(self) -> int | None:
        scores = self.scores()
        return None if scores is None else scores[0]

    def rfm_segment(self) -> str | None:
        if (scores := self.scores()) is None:
            return None
        r, fm = scores[0], math.ceil((scores[1] + scores[2]) / 2)
        if fm >= 4:
            return {5: "champions", 4: "champions", 3: "loyal", 2: "at_risk", 1: "cannot_lose"}[r]
        if fm == 3:
            return {5: "loyal", 4: "loyal", 3: "need_attention", 2: "at_risk", 1: "at_risk"}[r]
        if r == 4:
            return "promising" if fm == 1 else "potential_loyalist"
        if r == 5:
            return "new" if fm == 1 else "potential_loyalist"
        return {3: "about_to_sleep", 2: "hibernating", 1: "lost"}[r]

    # Tastes

    def touches(self) -> list[tuple[Raw, float]]:
        weights = {"Product Viewed": 1, "Product Added": 3, "Order Completed": 5}
        seen: set[str] = set()
        kept = []
        for raw in self.events:
            known = raw.properties.get("order_id")
            if raw.name not in weights or (raw.name == "Order Completed" and known in seen and known is not None):
                continue
            seen.add(known or "")
            kept.append((raw, weights[raw.name] * 0.5 ** ((self.t - raw.at) / self.world.half_life)))
        return kept[-60:]

    def lines(self, kind: str) -> list[tuple[str, float, int]]:
        found = []
        for raw, weight in self.touches():
            products = raw.properties.get("products", []) if raw.name == "Order Completed" else [raw.properties]
            for product in {one.get("product_id", number): one for number, one in enumerate(products)}.values():
                known = self.world.catalog.get(product.get("product_id", ""), {})
                value = product.get("product_id") if kind == "product" else product.get(kind) or known.get(kind)
                if value:
                    found.append((value, weight, raw.at))
        return found

    def favourite(self, lines: list[tuple[Any, float, int]]) -> Any:
        if not lines:
            return None
        sums: dict[Any, float] = defaultdict(float)
        last: dict[Any, int] = {}
        for value, weight, at in lines:
            sums[value] += weight
            last[value] = max(at, last.get(value, at))
        most = max(sums.values())
        best = [value for value in sums if math.isclose(sums[value], most, rel_tol=1e-9)]
        return min(best, key=lambda value: (-last[value], str(value)))

    def affinity(self, kind: str, of: str) -> float | None:
        lines = self.lines(kind)
        total = sum(weight for _, weight, _ in lines)
        return round(sum(weight for value, weight, _ in lines if value == of) / total, 4) if lines else None

    def here(self, at: int) -> datetime:
        epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017
        return (epoch + timedelta(microseconds=at)).astimezone(ZoneInfo(self.world.zone))

    def readings(self) -> list[tuple[Raw, float]]:
        weights = {"Email Opened": 1, "Email Link Clicked": 3}
        done = [raw for raw in self.events if raw.name in weights and not raw.properties.get("machine")]
        last_of_the_hour = {}
        for raw in done[-30:]:
            moment = self.here(raw.at)
            last_of_the_hour[raw.name, moment.date(), moment.hour] = raw
        return [
            (raw, weights[raw.name] * 0.5 ** ((self.t - raw.at) / self.world.half_life))
            for raw in last_of_the_hour.values()
        ]

    def local(self) -> list[tuple[datetime, float, int]]:
        return [(self.here(raw.at), weight, raw.at) for raw, weight in self.touches() + self.readings()]

    def preferred_hour(self) -> Any:
        return self.favourite([(moment.hour, weight, at) for moment, weight, at in self.local()])

    def preferred_weekday(self) -> Any:
        return self.favourite([(moment.strftime("%a").lower(), weight, at) for moment, weight, at in self.local()])

    def device(self) -> Any:
        return self.favourite(
            [(raw.context["device"], weight, raw.at) for raw, weight in self.touches() if "device" in raw.context]
        )

    # Engagement

    def sends(self, name: str) -> dict[str, int]:
        found = {}
        for raw in self.events:
            if raw.name == name and not raw.properties.get("machine") and raw.at > self.t - self.world.engaged_within:
                found[raw.properties["send_id"]] = raw.at
        return found

    def rate(self, name: str) -> Fraction | None:
        delivered = set(self.sends("Email Delivered"))
        return Fraction(len(delivered & set(self.sends(name))), len(delivered)) if delivered else None

    def open_rate(self) -> float | None:
        rate = self.rate("Email Opened")
        return None if rate is None else round(float(rate), 4)

    def click_rate(self) -> float | None:
        rate = self.rate("Email Link Clicked")
        return None if rate is None else round(float(rate), 4)

    def engagement_tier(self) -> str | None:
        opens, clicks = self.rate("Email Opened"), self.rate("Email Link Clicked")
        if opens is None or clicks is None:
            return None
        recent = any(at > self.t - self.world.engaged_within for at, _ in self.window())
        if opens > Fraction(4, 5) and clicks > Fraction(1, 2) and recent:
            return "high"
        return "moderate" if opens >= Fraction(1, 2) or clicks >= Fraction(1, 5) else "low"

    def engagement_score(self) -> int:
        return math.floor(self.exact_score())

    def exact_score(self) -> float:
        since = self.t - self.world.engaged_within
        done = [(at, 1.0) for at in self.sends("Email Opened").values()]
        done += [(at, 3.0) for at in self.sends("Email Link Clicked").values()]
        done += [(at, 5.0) for at, _ in self.window() if at > since]
        viewed = [raw.at for raw in self.events if raw.name == "Product Viewed"][-20:]
        done += [(at, 0.25) for at in viewed if at > since]
        x = math.fsum(weight * 2 ** -((self.t - at) / self.world.half_life) for at, weight in done)
        return 100 * x / (x + 10)
