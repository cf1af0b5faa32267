"""What the shop knew before the first day: its customers and what they bought in the months before."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from homing.domain.campaigns import Product
from homing.domain.events import names
from homing.domain.time import DAY, HOUR
from homing.local.simulation import wire
from homing.local.simulation.host import Request
from homing.local.simulation.people import Customer, Line
from homing.local.simulation.visits import traits

_MESSAGES_A_REQUEST = 60


def known_customers(
    rng: random.Random,
    customers: Sequence[Customer],
    first: date,
    products: Mapping[str, Product],
    at: int,
    write_key: str,
    currency: str,
) -> Iterator[Request]:
    """Requests of a server that hands over its customers: who they are, what they agreed to, what they bought.

    Marks them as known. ``at`` is when the hand-over begins (instant).
    """
    messages: list[dict[str, Any]] = []
    for customer in customers:
        if customer.signed_up is None or customer.signed_up >= first:
            continue
        customer.known, customer.subscribed = True, customer.consents
        said = traits(customer, at) | {"marketing_consent": customer.consents}
        messages.append(
            wire.message(rng, "identify", at=at, customer=customer, device=None, logged_in=True, traits=said)
        )
        age = (first - customer.signed_up).days
        for number in range(rng.choices((0, 1, 2, 3, 5), weights=(46, 26, 14, 9, 5))[0]):
            customer.orders += 1
            # Long enough ago that nobody is thanked for it now.
            happened = at - 3 * DAY - int((0.02 + rng.random() ** 1.8) * min(age, 140) * DAY) - rng.randrange(HOUR)
            picked = rng.sample(sorted(products), k=min(len(products), rng.choices((1, 2, 3), weights=(6, 3, 1))[0]))
            order_id = f"{4_000 + customer.number * 5 + number}"
            lines = [Line(product_id) for product_id in picked]
            order = wire.order_properties(order_id, f"h{order_id}", lines, products, currency)
            messages.append(
                wire.message(
                    rng,
                    "track",
                    at=happened,
                    customer=customer,
                    device=None,
                    logged_in=True,
                    name=names.ORDER_COMPLETED,
                    properties=order,
                )
            )
    for start in range(0, len(messages), _MESSAGES_A_REQUEST):
        chunk = messages[start : start + _MESSAGES_A_REQUEST]
        yield wire.batch(chunk, sent_at=at, write_key=write_key, compress=True)
