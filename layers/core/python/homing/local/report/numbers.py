"""Counting: the funnel, what each flow brought, and which orders followed a mail."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

from homing.domain.events import names
from homing.domain.time import DAY, MINUTE, to_datetime
from homing.local.outputs import Message
from homing.local.report.facts import Facts, Happening

# An order counts for the mail that its person clicked last, when the click is at most this long ago.
ATTRIBUTION = 5 * DAY
_CART = {names.PRODUCT_ADDED, names.PRODUCT_REMOVED, names.CART_VIEWED, names.CART_UPDATED, names.CHECKOUT_STARTED}


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the funnel: how many different people got there."""

    label: str
    people: int
    by: str = "shop"


@dataclass(slots=True)
class Result:
    """What a flow or template brought. Counts are mails, ``orders`` are orders after a click, ``revenue`` by currency."""

    sent: int = 0
    opened: int = 0
    clicked: int = 0
    orders: int = 0
    revenue: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))


@dataclass(frozen=True)
class Numbers:
    """All counts of one report."""

    facts: Facts

    @cached_property
    def reactions_known(self) -> bool:
        """Whether anything is known of what readers did; a replay of the past can't know it."""
        return bool(self.opened or self.clicked)

    @cached_property
    def opened(self) -> dict[str, Happening]:
        """First opening of each mail, by message id."""
        return self._first(names.EMAIL_OPENED)

    @cached_property
    def clicked(self) -> dict[str, Happening]:
        """First click in each mail, by message id."""
        return self._first(names.EMAIL_LINK_CLICKED)

    @cached_property
    def orders(self) -> list[Happening]:
        """Orders, each order id once."""
        unique: dict[tuple[str, object], Happening] = {}
        for happening in self.facts.happenings:
            if happening.name == names.ORDER_COMPLETED:
                unique.setdefault((happening.person, happening.properties.get("order_id") or happening.at), happening)
        return sorted(unique.values(), key=lambda order: order.at)

    @cached_property
    def attributed(self) -> list[tuple[Happening, Message]]:
        """Orders after a click, with the mail they count for."""
        clicks: dict[str, list[tuple[int, Message]]] = defaultdict(list)
        for happening in self.facts.happenings:
            if happening.name == names.EMAIL_LINK_CLICKED and (message := self.facts.message_of(happening)):
                clicks[happening.person].append((happening.at, message))
        found = []
        for order in self.orders:
            recent = [c for c in clicks.get(order.person, ()) if c[0] <= order.at < c[0] + ATTRIBUTION]
            if recent:
                found.append((order, recent[-1][1]))
        return found

    @cached_property
    def total(self) -> Result:
        """Everything together."""
        return self._result(self.facts.sent)

    def by_flow(self) -> dict[str, Result]:
        """Results by flow, the busiest first."""
        flows = Counter(message.flow for message in self.facts.sent)
        return {flow: self._result([m for m in self.facts.sent if m.flow == flow]) for flow, _ in flows.most_common()}

    def of_template(self, template: str) -> Result:
        """Results of one template."""
        return self._result([message for message in self.facts.sent if message.template == template])

    @cached_property
    def sales(self) -> dict[str, Decimal]:
        """All orders' value by currency."""
        return self._value(self.orders)

    def funnel(self) -> list[Step]:
        """From the first visit to the order after a mail, counted in different people; empty where no visits are known."""
        facts = self.facts
        if not any(happening.is_visit for happening in facts.happenings):
            return []
        did: dict[str, set[str]] = defaultdict(set)
        for happening in facts.happenings:
            did[happening.name].add(happening.person)
        reminded = [m for m in facts.sent if m.trigger in {"cart_abandoned", "CartAbandoned"}]
        ids = {message.message_id for message in reminded}
        steps = [
            Step("Visited the shop", len({h.person for h in facts.happenings if h.is_visit})),
            Step("Looked at a product", len(did[names.PRODUCT_VIEWED])),
            Step("Filled a cart", len(did[names.PRODUCT_ADDED] | did[names.CART_UPDATED])),
            Step("Left a cart behind", len(self.abandoners)),
            Step("Got a reminder", len({message.profile_id for message in reminded}), "mail"),
            Step("Opened it", len({h.person for id_, h in self.opened.items() if id_ in ids}), "mail"),
            Step("Clicked", len({h.person for id_, h in self.clicked.items() if id_ in ids}), "mail"),
            Step("Ordered", len({o.person for o, m in self.attributed if m.message_id in ids}), "mail"),
        ]
        return steps if self.reactions_known else steps[:5]

    @cached_property
    def abandoners(self) -> set[str]:
        """People who left a filled cart untouched for the settings' time without ordering it."""
        campaigns = self.facts.campaigns
        after = campaigns.settings.cart.after if campaigns else 30 * MINUTE
        return {
            person
            for person, happenings in self.facts.by_person.items()
            if _abandons(happenings, after, self.facts.end)
        }

    @cached_property
    def step(self) -> int:
        """How many days a bar stands for: one, and a week where there would be too many bars."""
        return 1 if self._last_day - self._first_day < timedelta(days=70) else 7

    def days(self) -> list[date]:
        """The calendar days of the period in the shop's zone, or the first day of each week (:attr:`step`)."""
        count = (self._last_day - self._first_day).days // self.step + 1
        return [self._first_day + timedelta(days=offset * self.step) for offset in range(count)]

    def sent_by_day(self) -> dict[str, list[int]]:
        """Mails by flow (the busiest first) for each of :meth:`days`."""
        size = len(self.days())
        table: dict[str, list[int]] = {flow: [0] * size for flow in self.by_flow()}
        for message in self.facts.sent:
            day = to_datetime(message.sent_at or 0).astimezone(self.facts.tz).date()
            index = (day - self._first_day).days // self.step
            if 0 <= index < size:
                table[message.flow][index] += 1
        return table

    @cached_property
    def length(self) -> int:
        """The period in days."""
        return (self._last_day - self._first_day).days + 1

    @cached_property
    def _first_day(self) -> date:
        return to_datetime(self.facts.start).astimezone(self.facts.tz).date()

    @cached_property
    def _last_day(self) -> date:
        return to_datetime(max(self.facts.start, self.facts.end - 1)).astimezone(self.facts.tz).date()

    def members(self, points: int) -> dict[str, list[int]]:
        """Members of each segment at ``points`` + 1 evenly spaced instants of the period."""
        facts = self.facts
        span = max(1, facts.end - facts.start)
        table: dict[str, list[int]] = {}
        for segment in sorted({t.segment for t in facts.transitions}):
            moves = [t for t in facts.transitions if t.segment == segment]
            size, index, line = 0, 0, []
            for point in range(points + 1):
                until = facts.start + span * point // points
                while index < len(moves) and moves[index].at <= until:
                    size += 1 if moves[index].change == "entered" else -1
                    index += 1
                line.append(size)
            table[segment] = line
        return table

    def _first(self, name: str) -> dict[str, Happening]:
        found: dict[str, Happening] = {}
        for happening in self.facts.happenings:
            if happening.name == name and (message := self.facts.message_of(happening)):
                found.setdefault(message.message_id, happening)
        return found

    def _result(self, messages: Sequence[Message]) -> Result:
        ids = {message.message_id for message in messages}
        orders = [order for order, message in self.attributed if message.message_id in ids]
        return Result(
            len(ids), len(ids & self.opened.keys()), len(ids & self.clicked.keys()), len(orders), self._value(orders)
        )

    def _value(self, orders: Sequence[Happening]) -> dict[str, Decimal]:
        amounts: dict[str, Decimal] = defaultdict(Decimal)
        for order in orders:
            currency, value = self.facts.order_value(order)
            amounts[currency] += value
        return amounts


def _abandons(happenings: Sequence[Happening], after: int, end: int) -> bool:
    filled, touched = False, 0
    for happening in happenings:
        if happening.name not in _CART and happening.name != names.ORDER_COMPLETED:
            continue
        if filled and happening.at >= touched + after:
            return True
        if happening.name == names.ORDER_COMPLETED:
            filled = False
        else:
            filled = filled or happening.name in {names.PRODUCT_ADDED, names.CART_UPDATED, names.CHECKOUT_STARTED}
            touched = happening.at
    return filled and end > touched + after
