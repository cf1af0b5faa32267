"""Rules that ask for what profiles do not remember yet are told before they are deployed."""

from __future__ import annotations

from homing.domain.campaigns import Campaigns, Settings
from homing.domain.content.new_memory import new_memory
from homing.domain.segments.language import Segment
from tests.fixtures.shop import BRAND


def campaigns(**rules: object) -> Campaigns:
    segments = {name: Segment.model_validate({"name": name, "when": rule}) for name, rule in rules.items()}
    return Campaigns(revision="1", settings=Settings(brand=BRAND), segments=segments)


def told(new: dict[str, object], **old: object) -> list[str]:
    return [f"{file}: {what}" for file, what in new_memory(campaigns(**new), campaigns(**old))]


BOUGHT = {"did": "Order Completed", "times": 3, "within": "30d"}


def test_the_same_rules_need_nothing_new() -> None:
    assert told({"a": BOUGHT}, a=BOUGHT) == []


def test_a_rule_that_needs_less_is_quiet() -> None:
    assert told({"a": {"did": "Order Completed", "within": "7d"}}, b=BOUGHT) == []


def test_another_event_a_longer_window_more_times_and_a_new_property_are_told() -> None:
    assert told({"a": {"did": "Signed Up"}}, b=BOUGHT) == [
        "segments/a.yaml: Signed Up, which nothing remembered so far"
    ]
    assert told({"a": {"did": "Order Completed", "within": "60d"}}, b=BOUGHT) == [
        "segments/a.yaml: Order Completed within 60d, which was remembered for 30d"
    ]
    assert told({"a": {**BOUGHT, "times": 5}}, b=BOUGHT) == [
        "segments/a.yaml: the latest 5 of Order Completed, of which 3 were remembered"
    ]
    sums = {"did": "Order Completed", "sum": {"of": "total", "more_than": 5}, "within": "30d"}
    counts = {"did": "Order Completed", "during": {"weekdays": ["sat"]}, "within": "30d"}
    assert told({"a": sums}, b=counts) == ["segments/a.yaml: total of Order Completed, which nothing remembered so far"]


def test_only_the_segment_that_asks_is_blamed_not_those_that_ask_for_it() -> None:
    new = {"a": {"did": "Signed Up"}, "b": {"segment": "a"}}
    assert told(new, b=BOUGHT) == ["segments/a.yaml: Signed Up, which nothing remembered so far"]
