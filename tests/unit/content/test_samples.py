"""Whom previews and checks make up: somebody for whom the flow would really have started."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.domain.campaigns import Campaigns
from homing.domain.content.lint import lint
from homing.domain.content.publish import publish
from homing.domain.content.samples import sample_data
from homing.domain.content.usage import Use
from homing.domain.flows.language import Flow
from homing.domain.flows.products import Changed
from homing.domain.segments.comparisons import Test, passes
from tests.unit.content.support import campaign_files

SHOP = publish(campaign_files())


def data(on: Any, *, bare: bool = False, shop: Campaigns = SHOP) -> dict[str, Any]:
    """What a made-up trigger brings."""
    flow = Flow.model_validate({"name": "f", "on": on, "steps": [{"send": "note"}]})
    changed = shop.model_copy(update={"flows": {"f": flow}})
    return sample_data(changed, Use("f", flow.on.kind, "marketing"), bare=bare)


@pytest.mark.parametrize(
    ("test", "value"),
    [
        ({"at_most": 2}, 2), ({"less_than": 3}, 2), ({"at_least": 7}, 7), ({"more_than": 9.5}, 10.5),
        ({"more_than": 1, "less_than": 2}, 1.5), ({"at_least": 1, "at_most": 2}, 1), ("gold", "gold"), (12, 12), (True, True),
        ({"in": ["AT", "CH"]}, "AT"), ({"contains": "sale"}, "sale"), ({"exists": True}, "4"), ({"at_least": 3}, "4"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("bare", [False, True])
def test_an_event_is_made_up_as_the_flow_waits_for_it(test: Any, value: Any, bare: bool) -> None:
    on = {"did": "Coupon Counted", "where": {"left": test}, "brings": ["left", "of"]}
    assert data(on, bare=bare)["event"] == {"name": "Coupon Counted", "left": value, "of": "4"}


def test_what_must_not_be_there_is_not_and_a_product_that_is_asked_for_is_shown() -> None:
    on = {
        "did": "Shared",
        "where": {"by": {"exists": False}, "product_id": "rug"},
        "brings": ["by", "product_id", "at.hour"],
    }
    made = data(on)
    assert made["event"] == {"name": "Shared", "product_id": "rug", "at": {"hour": "4"}}
    assert made["products"] == [{"product_id": "rug"}]


bounds = st.integers(-50, 50) | st.sampled_from([0.5, 1.25, 99.9])


@given(st.dictionaries(st.sampled_from(["more_than", "at_least", "less_than", "at_most"]), bounds, min_size=1))
def test_whatever_the_bounds_are_the_value_lies_within_where_one_can(asked: dict[str, float]) -> None:
    test = Test.model_validate(asked)
    made = data({"did": "X", "where": {"n": asked}, "brings": ["n"]})["event"]["n"]
    grid = [step / 8 for step in range(-500, 900)]
    assert passes(test, made) or not any(passes(test, one) for one in grid)


@pytest.mark.parametrize("by", [0, 10, 20, 33.3, 90])
@pytest.mark.parametrize("bare", [False, True])
def test_a_price_drops_by_as_much_as_the_flow_waits_for(by: float, bare: bool) -> None:
    on = {"price_dropped": {"by": by}}
    (product,) = data(on, bare=bare)["products"]
    flow = Flow.model_validate({"name": "f", "on": on, "steps": [{"send": "note"}]})
    assert Changed(product["product_id"], "c", product["price"], product["price_before"]).concerns(flow)


def test_as_much_was_looked_at_as_the_settings_ask_for() -> None:
    files = campaign_files()
    files["settings.yaml"] += b"browse: {views: 9}\n"
    assert data("browse_abandoned", shop=publish(files))["views"] == 9


def found(body: str, *flows: str) -> list[str]:
    files = campaign_files(f"<mj-text>{body}</mj-text>")
    files |= {f"flows/f{number}.yaml": flow.encode() for number, flow in enumerate(flows)}
    return sorted(one.problem.message for one in lint(files) if one.problem.code not in {"unused_template"})


DROP = "on: price_dropped\nsteps: [{send: note}]\n"
STOCK = "on: back_in_stock\nsteps: [{send: note}]\n"
PRICES = "{% for product in products %}{{ product.price }} {{ product.price_before }} {{ product.total }}{% endfor %}"


def test_a_price_that_dropped_is_always_told_and_one_of_another_trigger_may_not_be() -> None:
    assert found(PRICES, DROP) == []
    missing = [
        f"product.{name} may be missing: ask with {{% if product.{name} %}}"
        for name in ("price", "price_before", "total")
    ]
    assert [one for one in found(PRICES, STOCK) if "may be missing" in one] == missing
    assert [one for one in found(PRICES, DROP, STOCK) if "may be missing" in one] == missing


def test_when_a_cart_was_last_touched_is_always_told() -> None:
    assert found("{{ cart.last_activity | date: '%H' }}", "on: cart_abandoned\nsteps: [{send: note}]\n") == []


def test_a_branch_that_what_starts_the_flow_excludes_is_dead() -> None:
    on = "on: {did: Tier Reached, where: {tier: {in: [gold, silver]}}, brings: [tier]}\nsteps: [{send: note}]\n"
    body = "{% if event.tier == 'gold' %}a{% endif %}{% if event.tier == 'bronze' %}b{% endif %}"
    assert found(body, on) == ["{% if event.tier == 'bronze' %} never holds: nobody who gets this mail comes here"]
