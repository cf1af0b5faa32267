"""A shop with a thousand segments: thirty that its events keep touching, and hundreds for other shelves, products, stores,
campaigns, lists and moments that most events have nothing to do with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks import inputs
from homing.domain.campaigns import Campaigns
from homing.domain.segments.language import WRITTEN, Segment

BASE, ALL = 30, 1_000
Documents = dict[str, dict[str, Any]]


def with_segments(documents: Mapping[str, Mapping[str, Any]], *, flows: bool = False) -> Campaigns:
    """The starter campaigns with these segments besides their own; without flows only segments are worked out."""
    starter = inputs.campaigns()
    more = {
        name: Segment.model_validate({"name": name, **document}, context=WRITTEN)
        for name, document in documents.items()
    }
    change: dict[str, Any] = {"segments": {**starter.segments, **more}}
    if not flows:
        change["flows"] = {}
    return starter.model_copy(update={**change, "revision": f"{len(documents)} more"})


def base() -> Documents:
    """What brings the starter segments up to thirty: each depends on what the events tell all the time."""
    ordered = "Order Completed"
    found: Documents = {}
    for days in (7, 14, 30, 60, 180):
        found[f"ordered-{days}d"] = {"when": {"did": ordered, "within": f"{days}d"}}
    for times in (2, 5, 10):
        found[f"orders-{times}"] = {"when": {"did": ordered, "times": times}}
    for total in (50, 250):
        found[f"order-over-{total}"] = {
            "when": {"did": ordered, "where": {"total": {"more_than": total}}, "within": "90d"}
        }
    for times in (3, 10):
        found[f"looked-{times}"] = {"when": {"did": "Product Viewed", "times": times, "within": "7d"}}
    for days in (1, 3):
        unfinished = [{"did": "Product Added", "within": f"{days}d"}, {"did_not": ordered, "within": f"{days}d"}]
        found[f"unfinished-{days}d"] = {"when": unfinished}
    for days in (30, 90, 365):
        found[f"known-{days}d"] = {"when": {"known_for": {"at_least": f"{days}d"}}}
    for country in ("DE", "AT", "CH"):
        found[f"country-{country.lower()}"] = {"when": {"trait": {"country": country}}}
    for days in (60, 180):
        found[f"quiet-{days}d"] = {"when": [{"did": ordered}, {"did_not": ordered, "within": f"{days}d"}]}
    found["checkout-left"] = {
        "when": [{"did": "Checkout Started", "within": "1d"}, {"did_not": ordered, "within": "1d"}]
    }
    return dict(list(found.items())[: max(BASE - len(inputs.campaigns().segments), 0)])


def mixture() -> Documents:
    """The 970 others. Four in ten hang on event names of the stream and differ in what they ask of a property."""
    found: Documents = {}
    for number in range(ALL - BASE):
        found[f"other-{number:03}"] = {"when": _OTHERS[number % len(_OTHERS)](number)}
    return found


def one_event() -> Documents:
    """970 others that all hang on `Product Viewed` and differ in the product."""
    return {
        f"product-{number:03}": {
            "when": {"did": "Product Viewed", "where": {"product_id": f"P-{number}"}, "times": 2, "within": "30d"}
        }
        for number in range(ALL - BASE)
    }


def ranges() -> Documents:
    """970 others that all hang on `Product Viewed` and ask for a price, which no index can answer."""
    return {
        f"price-{number:03}": {
            "when": {
                "did": "Product Viewed",
                "where": {"price": {"more_than": 1000 + number}},
                "times": 2,
                "within": "30d",
            }
        }
        for number in range(ALL - BASE)
    }


def _shelf(number: int) -> Any:
    return {"did": "Product Viewed", "where": {"category": f"Shelf {number}"}, "times": 3, "within": "30d"}


def _product(number: int) -> Any:
    return {"did": "Product Added", "where": {"product_id": f"P-{number}"}, "within": "14d"}


def _coupon(number: int) -> Any:
    code = {"did": "Order Completed", "where": {"coupon": f"CODE{number}"}, "within": "60d"}
    return [code, {"not": {"trait": {"country": "CH"}}}]


def _trait(number: int) -> Any:
    return {"trait": {f"store_{number % 40}": {"in": [f"branch {number}", f"branch {number + 1}"]}}}


def _plan(number: int) -> Any:
    return {"any": [{"trait": {"plan": f"plan {number}"}}, {"trait": {"invited_by": f"partner {number}"}}]}


def _joined(number: int) -> Any:
    return {"did": f"Campaign {number} Joined", "within": "90d"}


def _moment(number: int) -> Any:
    happened = ("Product Reviewed", "Coupon Applied", "Wishlist Product Added", "Products Searched", "Video Played")
    return {"did": happened[number % 5], "times": 1 + number % 7, "within": f"{1 + number % 180}d"}


def _series(number: int) -> Any:
    return [
        {"did": f"Webinar {number} Watched", "times": {"exactly": 1}},
        {"did_not": f"Webinar {number} Rated", "within": "30d"},
    ]


def _list(number: int) -> Any:
    return {"any": [{"list": f"guests of {number}"}, {"trait": {"guest_of": f"fair {number}"}}]}


_OTHERS = (_shelf, _product, _coupon, _trait, _plan, _joined, _moment, _series, _list, _shelf)
