"""A year of a grocery chain (dunnhumby, Complete Journey) as events. Every household is known and consents.
Orders name no currency, so their dollars count as the shop's own, whatever it counts in.

The full stream: each purchase line is a `Product Added` to the basket's cart, a second apart, and each basket ends with an
`Order Completed` (1,469,307 lines and 155,848 baskets in 2017). Orders alone: just the baskets, with their products.

``python -m benchmarks.completejourney 2017-01-01 2018-01-02 --orders > year.jsonl`` writes a recording for ``homing backtest``.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[2] / "shared" / "data" / "completejourney"
YEAR = ("2017-01-01", "2018-01-02")
# The longest basket has 161 lines, each a second before the order, and somebody signs in a second before those.
_LONGEST = 300

Basket = tuple[int, int, datetime, list[int], list[float], list[int], list[str], list[str]]


def messages(
    start: str = "2017-03-01", end: str = "2017-04-01", *, orders: bool = False, every: int = 1
) -> Iterator[dict[str, Any]]:
    """Segment messages in time order, between two dates (UTC); ``orders`` leaves the cart's events out, ``every`` takes
    each so-many-th household. Needs duckdb and the data set. Holds minutes of the stream in memory, not the year."""
    waiting: list[tuple[float, int, dict[str, Any]]] = []
    known: set[int] = set()
    number = 0
    for basket in _baskets(start, end, every):
        base = basket[2].replace(tzinfo=UTC).timestamp()
        while waiting and waiting[0][0] < base - _LONGEST:
            yield heapq.heappop(waiting)[2]
        for at, message in _of_basket(basket, base, new=basket[1] not in known, orders=orders):
            heapq.heappush(waiting, (at, number, _stamped(message, at)))
            number += 1
        known.add(basket[1])
    while waiting:
        yield heapq.heappop(waiting)[2]


def user_id(household: int) -> str:
    """The customer's number in the events."""
    return f"household-{household}"


def _baskets(start: str, end: str, every: int) -> Iterator[Basket]:
    import duckdb

    # Lines of one product stand in a fixed order, so that a basket is the same in every run.
    order = "t.product_id, t.sales_value, t.quantity"
    relation = duckdb.connect().execute(
        f"""
        select t.basket_id, any_value(t.household_id), any_value(t.transaction_timestamp),
               list(t.product_id order by {order}), list(t.sales_value order by {order}),
               list(t.quantity order by {order}), list(coalesce(p.department, '') order by {order}),
               list(coalesce(p.brand, '') order by {order})
        from '{DATA / "transactions.parquet"}' t left join '{DATA / "products.parquet"}' p using (product_id)
        where t.transaction_timestamp >= '{start}' and t.transaction_timestamp < '{end}'
          and t.household_id % {every} = 0
        group by t.basket_id order by 3, 1
        """
    )
    while rows := relation.fetchmany(1_000):
        yield from rows


def _of_basket(basket: Basket, base: float, *, new: bool, orders: bool) -> Iterator[tuple[float, dict[str, Any]]]:
    basket_id, household, _, products, values, quantities, departments, brands = basket
    user = user_id(household)
    lines = list(zip(products, values, quantities, departments, brands, strict=True))
    before = 0 if orders else len(lines)
    if new:
        traits = {"email": f"{user}@customers.example", "consent": {"marketing": True}}
        yield base - before - 1, _message("identify", user, f"{user}-id", {"traits": traits})
    for index, (product, value, quantity, department, _) in enumerate(lines[:before]):
        properties = {
            "cart_id": str(basket_id), "product_id": str(product), "price": value, "quantity": max(quantity, 1),
            "category": department,
        }  # fmt: skip
        more = {"event": "Product Added", "properties": properties}
        yield base - before + index, _message("track", user, f"{basket_id}-{index}", more)
    order: dict[str, Any] = {
        "order_id": str(basket_id), "cart_id": str(basket_id), "total": _total(values),
        "products": [
            {"product_id": str(p), "price": v, "quantity": max(q, 1), "category": d, "brand": b}
            for p, v, q, d, b in lines
        ],
    }  # fmt: skip
    if orders:
        # No cart was told of, so none is closed.
        del order["cart_id"]
    more = {"event": "Order Completed", "properties": order}
    yield base, _message("track", user, f"{basket_id}-order", more)


def _total(values: Sequence[float]) -> float:
    """Exact: the sum of the decimals as they were written down, not of their binary neighbours."""
    return float(sum((Decimal(str(value)) for value in values), Decimal()))


def _message(kind: str, user: str, message_id: str, more: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "userId": user, "messageId": message_id, **more}


def _stamped(message: dict[str, Any], at: float) -> dict[str, Any]:
    stamp = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {**message, "timestamp": stamp}


if __name__ == "__main__":
    import json
    import sys

    dates = [argument for argument in sys.argv[1:] if argument != "--orders"]
    for found in messages(*dates, orders="--orders" in sys.argv):
        print(json.dumps(found, separators=(",", ":")))
