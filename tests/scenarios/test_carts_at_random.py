"""Random shopping: whoever is reminded has a cart, of which nobody had heard that it was ordered; and is reminded once."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from homing.domain.time import DAY, HOUR, MINUTE, SECOND, iso
from tests.fixtures.shop import backtest, campaigns, event, identified, instant

TEN = instant("2026-03-02T10:00:00Z")
AFTER = 30 * MINUTE
CART = {"name": "cart", "on": "cart_abandoned", "steps": [{"send": "reminder"}, {"wait": "2h"}, {"send": "again"}]}
LATE = [0, 0, 0, 0, 10 * MINUTE, 2 * HOUR]


@st.composite
def sayings(draw: st.DrawFn) -> list[dict[str, Any]]:
    """What Ana does with carts, and what anybody orders, in the order of arrival."""
    received, said = TEN, []
    for n in range(draw(st.integers(1, 10))):
        received += draw(st.sampled_from([MINUTE, 20 * MINUTE, 31 * MINUTE, 3 * HOUR]))
        kind = draw(st.sampled_from(["add", "add", "empty", "order", "other"]))
        one: dict[str, Any] = {"n": n, "kind": kind, "received": received}
        one["at"] = received - draw(st.sampled_from(LATE)) + n * SECOND - 60 * SECOND
        one["token"] = draw(st.sampled_from(["c1", "c2"]))
        said.append(one)
    return said


def as_event(one: dict[str, Any]) -> Any:
    names = {"add": "Product Added", "empty": "Cart Updated", "order": "Order Completed", "other": "Order Completed"}
    more: dict[str, Any] = {"cart_id": one["token"], "id": f"m{one['n']}"}
    if one["kind"] == "add":
        more["product_id"] = f"p{one['n']}"
    elif one["kind"] == "empty":
        more["products"] = []
    else:
        more["order_id"] = f"o{one['n']}"
    user = "ben" if one["kind"] == "other" else "ana"
    return event(names[one["kind"]], iso(one["at"]), received=iso(one["received"]), user_id=user, **more)


def cart(said: list[dict[str, Any]], token: str, t: int) -> tuple[int, int, list[str]] | None:
    """(filling, last activity, items) as known at ``t``."""
    items: list[str] = []
    filling, last = 0, None
    for one in sorted(said, key=lambda one: one["at"]):
        if one["received"] > t or one["at"] > t or one["token"] != token:
            continue
        if one["kind"] in {"order", "other"}:
            items, filling, last = [], one["at"], None
        else:
            last = one["at"]
            items = [] if one["kind"] == "empty" else [*items, f"p{one['n']}"]
    return None if last is None else (filling, last, items)


@settings(max_examples=250, deadline=None)
@given(sayings())
def test_reminders_are_of_carts_that_lie_there_and_of_each_once(said: list[dict[str, Any]]) -> None:
    # Both tokens are known from the beginning: an order of an unknown one would close all.
    first = [
        {"n": 90 + i, "kind": "empty", "received": TEN, "at": TEN - HOUR, "token": t}
        for i, t in enumerate(["c1", "c2"])
    ]
    said = [*first, *said]
    run = backtest(campaigns(flows=[CART]))
    run.run([identified("ana", iso(TEN - HOUR)), *map(as_event, said)], until=TEN + 4 * DAY)
    lines = [line for line in run.outputs().messages if line.status == "sent"]
    for line in lines:
        held = next(held for held in run.journal.runs() if held.id == line.run_id)
        token = held.data["cart"]["token"]
        found = cart(said, token, line.sent_at or 0)
        assert found is not None, "of a cart that was ordered"
        assert found[2], "of an empty cart"
        then = cart(said, token, line.triggered_at or 0)
        assert then is not None
        assert then[1] + AFTER <= (line.triggered_at or 0), "of a cart that was being filled"
    # Each filling that lay long enough, as far as was known at its time, was told of; and no more than these.
    due: dict[tuple[str, int], int] = {}
    for t in sorted({*range(TEN, TEN + 2 * DAY, MINUTE), *(line.triggered_at or 0 for line in lines)}):
        for token in ("c1", "c2"):
            known = cart(said, token, t)
            if known and known[2] and known[1] + AFTER <= t:
                due[token, known[0]] = t
    reminded = [
        (held.data["cart"]["token"], line.sent_at or 0)
        for line in lines
        for held in run.journal.runs()
        if held.id == line.run_id and line.template == "reminder"
    ]
    assert len(reminded) <= len(due)
    # An order that is heard of after the cart lay again for long may cost a reminder: the cheaper mistake.
    late = {one["at"] for one in said if one["received"] > one["at"] + 2 * MINUTE}
    for (token, since), last in due.items():
        if since in late:
            continue
        assert any(name == token and since <= at <= last + MINUTE for name, at in reminded), "a cart was not told of"
