"""Rules that ask for what profiles do not remember yet are told before they are deployed."""

from __future__ import annotations

import pytest

from homing.domain.campaigns import Campaigns, Settings
from homing.domain.content.new_memory import new_memory
from homing.domain.content.publish import publish
from homing.domain.segments.language import Segment
from tests.fixtures.shop import BRAND
from tests.unit.content.support import campaign_files


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


def test_what_reads_the_same_is_said_once_for_each_that_asks() -> None:
    viewed = [{"did": "Product Viewed", "where": {"category": one}, "within": "7d"} for one in ("Mugs", "Bowls")]
    new = {"a": {"any": viewed}, "b": {"all": viewed}}
    assert told(new, c=BOUGHT) == [
        f"segments/{name}.yaml: Product Viewed with category, which nothing remembered so far" for name in ("a", "b")
    ]


FILES = campaign_files("<mj-text>{{ choice.letter }}</mj-text>") | {
    "choices/letter.yaml": b"rules: [{when: {segment: fans}, give: warm}]\ndefault: cool\n",
    "segments/fans.yaml": b"when: {did: Order Completed, times: 3, within: 30d}\n",
    "segments/buyers.yaml": b"when: {did: Order Completed}\n",
    "flows/f.yaml": b"on: flow_requested\nsteps: [{send: note}]\n",
}
STAGES = {
    "attributes/step.yaml": b"stages: [{name: near, when: {segment: fans}}, {name: far, when: {not: {segment: fans}}}]\n"
}


@pytest.mark.parametrize("more", [{}, STAGES], ids=["with a choice", "and with stages"])
def test_a_shop_whose_choices_and_stages_ask_for_segments_is_told_what_each_segment_lacks(
    more: dict[str, bytes],
) -> None:
    files = FILES | more
    longer = {"segments/buyers.yaml": b"when: {did: Signed Up}\n"}
    assert list(new_memory(publish(files), publish(files))) == []
    assert [tuple(one) for one in new_memory(publish(files | longer), publish(files))] == [
        ("segments/buyers.yaml", "Signed Up, which nothing remembered so far")
    ]


def test_what_a_choice_asks_for_through_a_segment_is_blamed_on_the_segment() -> None:
    more = {"segments/fans.yaml": b"when: {did: Order Completed, times: 5, within: 30d}\n"}
    assert [tuple(one) for one in new_memory(publish(FILES | more), publish(FILES))] == [
        ("segments/fans.yaml", "the latest 5 of Order Completed, of which 3 were remembered")
    ]
