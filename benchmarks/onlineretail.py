"""A year of a British gift wholesaler (UCI Online Retail II, 2009-12 to 2010-12) as events: an `Order Completed` for each
cleaned invoice, and each customer signs in once, a second before their first.

Cleaned means: the customer is known, quantity and price are above 0. That leaves 407,664 lines, 4,312 customers, 19,213
invoices and 8,832,003.27 in sales. Times have no zone; they are taken as UTC. An invoice whose lines bear two times (35 do)
is of the later one. A customer of two countries (5 are) is of the first invoice's.

``python -m benchmarks.onlineretail > year.jsonl`` writes a recording for ``homing backtest``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[2] / "shared" / "data" / "online_retail_2009" / "online_retail_II_2009_2010.parquet"
# The lines that count, with prices as the decimals they were written as.
CLEANED = f"""
    select Invoice as invoice, cast("Customer ID" as bigint) as customer, cast(InvoiceDate as timestamp) as bought,
           StockCode as product, trim(Description) as name, Quantity as quantity,
           cast(Price as decimal(12, 3)) as price, Country as country
    from '{DATA}' where "Customer ID" is not null and Quantity > 0 and Price > 0
"""


def messages() -> Iterator[dict[str, Any]]:
    """Segment messages in time order. Needs duckdb and the data set."""
    import duckdb

    order = "bought, product, quantity, price"
    relation = duckdb.connect().execute(
        f"""
        select invoice, any_value(customer), max(bought), first(country order by {order}),
               list(product order by {order}), list(name order by {order}), list(quantity order by {order}),
               list(price order by {order})
        from ({CLEANED}) group by invoice order by 3, 1
        """
    )
    known: set[int] = set()
    found: list[tuple[datetime, dict[str, Any]]] = []
    for invoice, customer, at, country, products, names, quantities, prices in relation.fetchall():
        user = user_id(customer)
        if customer not in known:
            known.add(customer)
            traits = {"email": f"{user}@customers.example", "country": country, "consent": {"marketing": True}}
            found.append(_message(at - timedelta(seconds=1), "identify", user, f"{user}-id", {"traits": traits}))
        lines = list(zip(products, names, quantities, prices, strict=True))
        order_ = {
            "order_id": invoice, "currency": "GBP",
            # Shortest decimal of a float is what was written: 8 digits and 3 of them behind the point fit.
            "total": float(sum((price * quantity for _, _, quantity, price in lines), Decimal())),
            "products": [
                {"product_id": product, "name": name, "quantity": quantity, "price": float(price)}
                for product, name, quantity, price in lines
            ],
        }  # fmt: skip
        more = {"event": "Order Completed", "properties": order_}
        found.append(_message(at, "track", user, f"{invoice}-order", more))
    found.sort(key=lambda message: message[0])
    for _, message in found:
        yield message


def user_id(customer: int) -> str:
    """The customer's number in the events."""
    return f"customer-{customer}"


def _message(
    at: datetime, kind: str, user: str, message_id: str, more: dict[str, Any]
) -> tuple[datetime, dict[str, Any]]:
    stamp = at.replace(tzinfo=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return at, {"type": kind, "userId": user, "messageId": message_id, "timestamp": stamp, **more}


if __name__ == "__main__":
    import json

    for found in messages():
        print(json.dumps(found, separators=(",", ":")))
