"""The shop's weeks as a queue of things that happen, into which every mail that arrives pushes more."""

from __future__ import annotations

import heapq
import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from urllib.parse import urlsplit

from homing.domain.campaigns import Product
from homing.domain.errors import InvalidInput
from homing.domain.time import DAY, HOUR, MINUTE, SECOND, parse_instant, to_datetime
from homing.local.simulation import calendar, history, trouble, wire
from homing.local.simulation.host import Action, CapturedMail, MailReaction, Request
from homing.local.simulation.people import Customer, people
from homing.local.simulation.visits import Reason, Shopper, Visit

# A browser hands over what it has after so many messages or so long; fewer requests than clicks, as SDKs do.
_FLUSH_MESSAGES = 6
_FLUSH_AFTER = 4 * MINUTE
_LINK = re.compile(r"<(https?://[^>]+)>")


@dataclass(frozen=True, slots=True)
class ShopSettings:
    """``start`` and ``end`` are midnights (instants); ``strangers`` is how many more people only ever look."""

    start: int
    end: int
    write_key: str
    shopify_secret: str
    customers: int = 300
    strangers: int = 60
    currency: str = "EUR"
    website: str = "https://shop.example"
    # Shares of what goes wrong or takes another way.
    by_webhook: float = 0.2
    repeated: float = 0.02
    late: float = 0.02

    @property
    def days(self) -> int:
        """How many days that is, summer time or not."""
        return round((self.end - self.start) / DAY)


@dataclass(order=True, slots=True)
class _Entry:
    at: int
    number: int
    # What happens, or a plan that pushes what happens once its time has come (then the past of the visitor is known).
    what: Request | MailReaction | Callable[[int], None] = field(compare=False)


class Shop:
    """Everything that customers do, by time. :meth:`take` gives what is due; :meth:`react` lets a mail have effects."""

    def __init__(self, rng: random.Random, products: Mapping[str, Product], settings: ShopSettings) -> None:
        if not products:
            raise InvalidInput("the simulation needs a catalog with products", code="no_products")
        self.settings = settings
        self._rng = rng
        self._queue: list[_Entry] = []
        self._count = 0
        self._shopper = Shopper(rng, products, settings.currency, settings.website)
        first: date = to_datetime(settings.start + 12 * HOUR).date()
        categories = sorted({product.category for product in products.values() if product.category})
        self.customers = people(
            rng,
            count=settings.customers,
            strangers=settings.strangers,
            start=first,
            days=settings.days,
            categories=categories,
        )
        self._by_address = {customer.email: customer for customer in self.customers}
        self._open_the_doors(first, products)

    @property
    def next_at(self) -> int | None:
        """When the next thing happens; None when nothing will."""
        return self._queue[0].at if self._queue else None

    def take(self, until: int) -> Iterator[Action]:
        """What is due until that instant, by time."""
        while self._queue and self._queue[0].at <= until:
            entry = heapq.heappop(self._queue)
            if isinstance(entry.what, Request | MailReaction):
                yield Action(entry.at, entry.what)
            else:
                entry.what(entry.at)

    def react(self, mail: CapturedMail, now: int) -> None:
        """A mail was sent: it is delivered or bounces, and its reader does what readers do."""
        customer = self._by_address.get(mail.recipient.strip().lower())
        if customer is None:
            return
        rng, persona = self._rng, customer.persona
        arrived = now + int(rng.uniform(2, 25) * SECOND)
        if customer.bad_address:
            self._push(arrived, MailReaction(mail, "Bounce"))
            return
        self._push(arrived, MailReaction(mail, "Delivery"))
        if rng.random() >= persona.opens:
            return
        opened = calendar.awake(rng, arrived + calendar.delay(rng, persona.opens_after), customer.time_zone)
        self._push(opened, MailReaction(mail, "Open"))
        mood = rng.random()
        if mood < persona.unsubscribes:
            if request := _one_click(mail):
                self._push(opened + int(rng.uniform(5, 40) * SECOND), request)
        elif mood < persona.unsubscribes * 1.1:
            self._push(opened + int(rng.uniform(5, 40) * SECOND), MailReaction(mail, "Complaint"))
        elif rng.random() < persona.clicks * (1.25 if customer.cart else 1.0):
            clicked = opened + int(rng.uniform(12, 150) * SECOND)
            self._push(clicked, MailReaction(mail, "Click"))
            self._push(clicked + 4 * SECOND, partial(self._visit, customer, "mail"))

    def _open_the_doors(self, first: date, products: Mapping[str, Product]) -> None:
        settings, rng = self.settings, self._rng
        opening = settings.start + 20 * MINUTE
        past = history.known_customers(
            rng, self.customers, first, products, opening, settings.write_key, settings.currency
        )
        for number, request in enumerate(past):
            self._push(opening + number * 20 * SECOND, request)
        for customer in self.customers:
            a_week = customer.persona.visits_a_week * (0.7 if customer.signed_up is None else 1.0)
            for at in calendar.visits(
                rng, first=first, days=settings.days, a_week=a_week, time_zone=customer.time_zone
            ):
                if at > opening + 2 * HOUR:
                    self._push(at, partial(self._visit, customer, "browse"))
        for at, request in trouble.bad_requests(
            rng, settings.start, settings.days, settings.write_key, settings.shopify_secret
        ):
            self._push(at, request)

    def _visit(self, customer: Customer, reason: Reason, at: int) -> None:
        if at < customer.busy_until:
            self._push(customer.busy_until + MINUTE, partial(self._visit, customer, reason))
            return
        if reason == "mail" and customer.cart:
            reason = "cart mail"
        visit = self._shopper.visit(customer, at, reason=reason)
        self._hand_over(visit)
        if visit.order:
            self._ordered(customer, visit)

    def _hand_over(self, visit: Visit) -> None:
        rng, settings = self._rng, self.settings
        # A phone without reception: it knows when things happened and tells it hours later.
        offline = visit.order is None and rng.random() < settings.late
        held_back = int(rng.uniform(1, 9) * HOUR) if offline else 0
        for sent_at, messages in _chunks(visit):
            at = sent_at + held_back
            request = wire.batch(messages, sent_at=at, write_key=settings.write_key)
            self._push(at, request)
            if rng.random() < settings.repeated:
                # The answer got lost on the way, so the library sends the same messages again.
                later = at + int(rng.uniform(2, 60) * SECOND)
                again = wire.batch(messages, sent_at=later, write_key=settings.write_key)
                self._push(later, again)

    def _ordered(self, customer: Customer, visit: Visit) -> None:
        rng, settings, order = self._rng, self.settings, visit.order
        assert order is not None
        at = visit.ordered_at + int(rng.uniform(1, 12) * SECOND)
        if customer.signed_up is not None and rng.random() < settings.by_webhook:
            request = wire.shopify_order(
                rng, order=order, customer=customer, at=visit.ordered_at, secret=settings.shopify_secret
            )
            if rng.random() < 0.15:
                self._push(at + 10 * SECOND, request)
        else:
            told = wire.message(
                rng,
                "track",
                at=visit.ordered_at,
                customer=customer,
                device=None,
                logged_in=True,
                name="Order Completed",
                properties=order,
            )
            request = wire.batch([told], sent_at=at, write_key=settings.write_key, compress=True)
        self._push(at, request)

    def _push(self, at: int, what: Request | MailReaction | Callable[[int], None]) -> None:
        self._count += 1
        heapq.heappush(self._queue, _Entry(at, self._count, what))


def _chunks(visit: Visit) -> Iterator[tuple[int, list[dict[str, object]]]]:
    """The messages of a visit as its browser sends them: ``(sent_at, messages)``."""
    chunk: list[dict[str, object]] = []
    first = last = 0
    for message in visit.messages:
        at = parse_instant(str(message["timestamp"]))
        if chunk and (len(chunk) == _FLUSH_MESSAGES or at > first + _FLUSH_AFTER):
            yield last + 2 * SECOND, chunk
            chunk = []
        if not chunk:
            first = at
        chunk.append(message)
        last = at
    if chunk:
        yield last + 2 * SECOND, chunk


def _one_click(mail: CapturedMail) -> Request | None:
    """What a mail program posts when somebody presses its unsubscribe button (RFC 8058)."""
    headers = {name.lower(): value for name, value in mail.headers.items()}
    link = _LINK.search(headers.get("list-unsubscribe", ""))
    if not link or "list-unsubscribe-post" not in headers:
        return None
    parts = urlsplit(link[1])
    return Request(
        path=f"{parts.path}?{parts.query}" if parts.query else parts.path,
        body=headers["list-unsubscribe-post"].encode(),
        headers={"content-type": "application/x-www-form-urlencoded"},
        label="unsubscribe",
    )
