"""A month and a half of a real grocery chain: what is broken on purpose is found, on its day, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from benchmarks import completejourney
from homing.domain.audit import arrivals as asked
from homing.domain.audit.facts import Facts
from homing.domain.time import parse_instant
from homing.local.audit.facts import arrivals_of, facts_of
from homing.local.outputs import Outputs
from homing.local.recording import Recorded
from tests.fixtures import shop

pytestmark = pytest.mark.skipif(not completejourney.DATA.exists(), reason="the data set completejourney is not there")
BREAK, STOP = "2017-04-06", "2017-04-11"
RULES: dict[str, Any] = {"bakes": {"did": "Product Added", "where": {"category": "GROCERY"}}}
FLOWS = [{"name": "thanks", "on": {"order_placed": {"nth": 1}}, "steps": [{"send": "mail"}]}]


@pytest.fixture(scope="module")
def messages() -> list[dict[str, Any]]:
    return list(completejourney.messages("2017-03-01", "2017-04-13"))


def audited(messages: Iterable[dict[str, Any]]) -> Facts:
    lines = [Recorded(parse_instant(m["timestamp"]), n, m, 1) for n, m in enumerate(messages)]
    return facts_of(shop.campaigns(segments=RULES, flows=FLOWS), Outputs(), arrivals_of(lines), lines[-1].at)


def found(facts: Facts) -> dict[tuple[str, str], str | None]:
    """What was found about arrivals, with the day since when."""
    findings = [*asked.stopped(facts), *asked.properties(facts), *asked.waiting(facts)]
    return {(finding.code, finding.subject): finding.numbers.get("since") for finding in findings}


def test_of_the_shop_as_it_was_nothing_is_told(messages: list[dict[str, Any]]) -> None:
    assert found(audited(messages)) == {}


def test_a_category_that_is_dropped_and_orders_that_stop_are_found_on_their_days(
    messages: list[dict[str, Any]],
) -> None:
    def broken() -> Iterable[dict[str, Any]]:
        for message in messages:
            if message.get("event") == "Order Completed" and message["timestamp"] >= STOP:
                continue
            if message.get("event") == "Product Added" and message["timestamp"] >= BREAK:
                kept = {name: value for name, value in message["properties"].items() if name != "category"}
                yield {**message, "properties": kept}
            else:
                yield message

    assert found(audited(broken())) == {
        ("event_stopped", "Order Completed"): STOP,
        ("property_stopped", "Product Added.category"): BREAK,
        ("dead_trigger", "thanks"): STOP,
    }


def test_a_category_that_is_lost_on_every_second_product_is_found_too(messages: list[dict[str, Any]]) -> None:
    def broken() -> Iterable[dict[str, Any]]:
        for number, message in enumerate(messages):
            if message.get("event") == "Product Added" and message["timestamp"] >= BREAK and number % 2:
                yield {**message, "properties": {**message["properties"], "category": ""}}
            else:
                yield message

    assert found(audited(broken())) == {("property_stopped", "Product Added.category"): BREAK}
