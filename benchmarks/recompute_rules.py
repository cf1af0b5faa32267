"""The rules that are recomputed: the starter segments, and some that add things up. Each as a file would have it, and as
the two other engines' SQL.

The SQL asks a table ``events (person, name, happened, product, category, machine, total)`` at an instant. ``{days}`` in braces
becomes the instant so many days before it. ``ONE_PASS`` are aggregates over a person's events, all worked out in a single
pass; ``FROM`` says which events that pass needs at all, so that it reads no others. ``GROUPED`` are questions of the same
value, which need a grouping of their own. ``PEOPLE`` are conditions on what is said of people.
"""

from __future__ import annotations

from typing import Any

from benchmarks import manysegments
from homing.domain.campaigns import Campaigns

MORE: dict[str, dict[str, Any]] = {
    "spent-300": {"when": {"did": "Order Completed", "sum": {"of": "total", "more_than": 300}, "within": "90d"}},
    "full-baskets": {"when": {"did": "Order Completed", "average": {"of": "total", "at_least": 50}, "within": "180d"}},
    "once-a-feast": {"when": {"did": "Order Completed", "maximum": {"of": "total", "at_least": 150}, "within": "180d"}},
    "all-over-the-shop": {
        "when": {"did": "Product Added", "distinct": {"of": "category", "at_least": 8}, "within": "30d"}
    },
    "one-shelf": {"when": {"did": "Product Added", "same": "category", "times": 40, "within": "30d"}},
    "ten-orders": {"when": {"did": "Order Completed", "times": {"at_least": 10}, "within": "30d"}},
    "newly-won": {"when": {"first": "Order Completed", "ago": {"less_than": "60d"}}},
    "fading": {
        "when": [
            {"did": "Order Completed", "times": 5, "within": "180d"},
            {"did_not": "Order Completed", "within": "30d"},
        ]
    },
}

ORDERED, ADDED, VIEWED = "name = 'Order Completed'", "name = 'Product Added'", "name = 'Product Viewed'"
BY_HAND = "name in ('Email Opened', 'Email Link Clicked') and machine is null"

# Segment → aggregate that is a condition. COUNT(x) counts events for which x holds; the engines spell it differently.
ONE_PASS = {
    "engaged": f"COUNT({BY_HAND} and happened > {{30}}) > 0",
    "garden-friends": f"COUNT({VIEWED} and category = 'Garden' and happened > {{60}}) >= 4",
    "lapsed": f"COUNT({ORDERED}) > 0 and COUNT({ORDERED} and happened > {{90}}) = 0",
    "new-customers": f"COUNT({ORDERED}) = 1 and COUNT({ORDERED} and happened > {{30}}) > 0",
    "open-cart": (
        "COUNT(name in ('Product Added', 'Checkout Started') and happened > {7}) > 0"
        f" and COUNT({ORDERED} and happened > {{7}}) = 0"
    ),
    "vip": f"COUNT({ORDERED} and happened > {{180}}) >= 3",
    "spent-300": f"SUM(total, {ORDERED} and happened > {{90}}) > 300",
    "full-baskets": f"AVG(total, {ORDERED} and happened > {{180}}) >= 50",
    "once-a-feast": f"MAX(total, {ORDERED} and happened > {{180}}) >= 150",
    "all-over-the-shop": f"DISTINCT(category, {ADDED} and happened > {{30}}) >= 8",
    "ten-orders": f"COUNT({ORDERED} and happened > {{30}}) >= 10",
    "newly-won": f"MIN(happened, {ORDERED}) > {{60}}",
    "fading": f"COUNT({ORDERED} and happened > {{180}}) >= 5 and COUNT({ORDERED} and happened > {{30}}) = 0",
}
FROM = (
    f"({ORDERED}) or ({ADDED} and happened > {{30}}) or (name = 'Checkout Started' and happened > {{7}})"
    f" or ({VIEWED} and happened > {{60}}) or (name in ('Email Opened', 'Email Link Clicked') and happened > {{30}})"
)
# Segment → (events, property, how many of one value), and a condition of ONE_PASS that must hold besides.
GROUPED = {
    "hesitating": (f"{VIEWED} and happened > {{30}}", "product", 3, f"COUNT({ORDERED} and happened > {{30}}) = 0"),
    "one-shelf": (f"{ADDED} and happened > {{30}}", "category", 40, None),
}
PEOPLE = {"vip": "loyalty_tier in ('gold', 'platinum')"}


def campaigns() -> Campaigns:
    """The starter segments with these, without flows."""
    return manysegments.with_segments(MORE)


def segments() -> list[str]:
    """Those that all three work out: a starter segment without SQL here is left out."""
    known = ONE_PASS.keys() | GROUPED.keys()
    return sorted(name for name in campaigns().segments if name in known)


def query(spelling: dict[str, str], instant: str, ago: str) -> str:
    """One statement that gives a row for each known person with a column for each segment. ``spelling`` has the engine's
    aggregates with ``{value}`` and ``{test}``; ``instant`` is its literal, ``ago`` one with ``{days}``."""
    chosen = segments()
    columns = [f"{_spelt(ONE_PASS[name], spelling)} as {_column(name)}" for name in chosen if name in ONE_PASS]
    joins, outer = [], []
    for name in chosen:
        if name not in GROUPED:
            outer.append(f"coalesce(p.{_column(name)}, false)" + (f" or k.{PEOPLE[name]}" if name in PEOPLE else ""))
            continue
        events, value, times, besides = GROUPED[name]
        table = f"g_{_column(name)}"
        joins.append(
            f"left join (select distinct person from (select person, {value} from events where {events} and happened <= {{0}}"
            f" group by person, {value} having count(*) >= {times})) {table} on {table}.person = k.person"
        )
        if besides:
            columns.append(f"{_spelt(besides, spelling)} as {_column(name)}_besides")
        test = f" and coalesce(p.{_column(name)}_besides, true)" if besides else ""
        outer.append(f"({table}.person is not null){test}")
    text = (
        f"select k.person, {', '.join(f'{test} as {_column(name)}' for name, test in zip(chosen, outer, strict=True))}"
        f" from people k left join (select person, {', '.join(columns)} from events where happened <= {{0}} and ({FROM})"
        f" group by person) p on p.person = k.person {' '.join(joins)}"
    )
    for days in (0, 7, 30, 60, 90, 180):
        text = text.replace(f"{{{days}}}", ago.replace("{days}", str(days)) if days else instant)
    return text


def _column(name: str) -> str:
    return name.replace("-", "_")


def _spelt(text: str, spelling: dict[str, str]) -> str:
    for word, spelt in spelling.items():
        while (start := text.find(f"{word}(")) >= 0:
            end = _closing(text, start + len(word))
            inside = text[start + len(word) + 1 : end]
            value, _, test = inside.partition(", ") if word != "COUNT" else ("", "", inside)
            text = text[:start] + spelt.replace("{value}", value).replace("{test}", test) + text[end + 1 :]
    return text


def _closing(text: str, start: int) -> int:
    depth = 0
    for index in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return index
    raise ValueError(f"a bracket is open in {text}")
