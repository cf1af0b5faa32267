"""A year of a grocery chain (dunnhumby, Complete Journey) as events: each purchase line is a `Product Added` to the
basket's cart, a second apart, and each basket ends with an `Order Completed`. Every household is known and consents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[2] / "shared" / "data" / "completejourney"


def messages(start: str = "2017-03-01", end: str = "2017-04-01") -> Iterator[dict[str, Any]]:
    """Segment messages in time order, between two dates (UTC). Needs duckdb and the data set."""
    import duckdb

    relation = duckdb.sql(
        f"""
        select t.basket_id, any_value(t.household_id), any_value(t.transaction_timestamp),
               list(t.product_id order by t.product_id), list(t.sales_value order by t.product_id),
               list(t.quantity order by t.product_id), list(coalesce(p.department, '') order by t.product_id)
        from '{DATA / "transactions.parquet"}' t left join '{DATA / "products.parquet"}' p using (product_id)
        where t.transaction_timestamp >= '{start}' and t.transaction_timestamp < '{end}'
        group by t.basket_id order by 3, 1
        """
    )
    assert relation is not None
    rows = relation.fetchall()
    known: set[int] = set()
    found: list[dict[str, Any]] = []
    for basket, household, at, products, values, quantities, departments in rows:
        user = f"household-{household}"
        base = at.timestamp()
        lines = list(zip(products, values, quantities, departments, strict=True))
        if household not in known:
            known.add(household)
            traits = {"email": f"{user}@customers.example", "consent": {"marketing": True}}
            found.append(_message("identify", user, f"{user}-id", base - len(lines) - 1, {"traits": traits}))
        for index, (product, value, quantity, department) in enumerate(lines):
            properties = {
                "cart_id": str(basket), "product_id": str(product), "price": value, "quantity": max(quantity, 1),
                "category": department,
            }  # fmt: skip
            found.append(
                _message(
                    "track", user, f"{basket}-{index}", base - len(lines) + index,
                    {"event": "Product Added", "properties": properties},
                )
            )  # fmt: skip
        order = {
            "order_id": str(basket), "cart_id": str(basket), "total": round(sum(values), 2), "currency": "USD",
            "products": [{"product_id": str(p), "price": v, "quantity": max(q, 1)} for p, v, q, _ in lines],
        }  # fmt: skip
        found.append(
            _message("track", user, f"{basket}-order", base, {"event": "Order Completed", "properties": order})
        )
    found.sort(key=lambda message: message["timestamp"])
    yield from found


def _message(kind: str, user: str, message_id: str, at: float, more: dict[str, Any]) -> dict[str, Any]:
    from datetime import UTC, datetime

    stamp = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"type": kind, "userId": user, "messageId": message_id, "timestamp": stamp, **more}


if __name__ == "__main__":
    import json
    import sys

    for message in messages(*sys.argv[1:]):
        print(json.dumps(message, separators=(",", ":")))
