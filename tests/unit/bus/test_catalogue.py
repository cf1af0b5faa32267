"""What is on the bus is what the catalogue says: in code, in docs, in the schema registry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from homing.cli import bus_page, reference
from homing.domain.bus.catalogue import catalogue, schemas
from homing.domain.bus.commands import ANSWERS, COMMANDS
from homing.domain.bus.events import EVENTS
from homing.domain.flows.trigger import DETAIL_TYPES
from homing.domain.time import DAY, HOUR, iso
from homing.services.ports import BusEvent
from tests.fixtures.desk import Desk
from tests.fixtures.shop import START, campaigns, event, identified, instant

DOCS = Path(__file__).parents[3] / "docs"
SCHEMAS = schemas()


def fits(name: str, detail: Any, source: str = "homing") -> None:
    """The detail, in its envelope and as JSON carries it, is what model and schema say."""
    catalogue()[name].model_validate(detail)
    envelope = {
        "version": "0", "id": "1", "account": "123456789012", "time": "2026-11-27T09:00:00Z", "region": "eu-central-1",
        "resources": [], "source": source, "detail-type": name, "detail": json.loads(json.dumps(detail)),
    }  # fmt: skip
    jsonschema.Draft4Validator(SCHEMAS[name]).validate(envelope)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one_and_fits_into_the_registry(name: str) -> None:
    jsonschema.Draft4Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["title"] == name
    assert SCHEMAS[name]["description"]
    assert len(json.dumps(SCHEMAS[name])) < 100_000
    assert "$defs" not in json.dumps(SCHEMAS[name])


def test_every_detail_type_of_flows_and_every_answer_is_in_the_catalogue() -> None:
    assert set(DETAIL_TYPES.values()) | {"ProfileMerged"} | COMMANDS.keys() | ANSWERS.keys() == catalogue().keys()


def test_the_pages_of_docs_are_those_of_the_code() -> None:
    for file, text in reference.pages():
        if file == "bus.md" or file.startswith("schemas/bus/"):
            assert (DOCS / file).read_text(encoding="utf-8") == text, f"run `homing reference`: {file}"
    assert {path.stem for path in (DOCS / "schemas/bus").glob("*.json")} == SCHEMAS.keys()


@pytest.mark.parametrize("name", bus_page.examples())
def test_the_examples_of_the_page_are_what_they_say(name: str) -> None:
    fits(name, bus_page.examples()[name])


FLOWS: list[dict[str, Any]] = [
    {"name": f"f{number}", "on": on, "steps": [{"send": "hello"}]}
    for number, on in enumerate(
        [
            "cart_abandoned", "browse_abandoned", "order_placed", {"order_placed": {"nth": 1}}, "birthday",
            "signup_anniversary", {"date_reached": {"trait": "renews_on", "before": "1d"}}, "subscription_pending",
            {"segment_entered": "vip"}, {"segment_left": "vip"},
            {"did": "Review Posted", "brings": ["rating", "product_id"]}, {"did": "Shared"},
        ]
    )
]  # fmt: skip


def told() -> list[BusEvent]:
    """A year of a small shop in which everything happens that the bus tells of profiles."""
    segments = {"vip": {"did": "Order Completed", "within": "30d"}}
    topics = {"marketing": {"title": "News"}, "letters": {"title": "Letters", "double_opt_in": True},
              "account": {"title": "Account", "transactional": True}}  # fmt: skip
    shop = Desk(campaigns(segments=segments, flows=FLOWS, topics=topics))
    found: list[BusEvent] = []
    take = shop.run.bus.take

    def heard(limit: int | None = None) -> list[BusEvent]:
        taken = take(limit)
        found.extend(taken)
        return taken

    shop.run.bus.take = heard  # type: ignore[method-assign]
    at = instant(START)
    who: dict[str, Any] = {"user_id": "ana"}
    item = {"product_id": "p1", "price": 19.9, "quantity": 1}
    shop.run.run([
        identified("ana", iso(at + HOUR), birthday="1990-03-05", created_at="2024-03-06T00:00:00Z", renews_on="2026-03-10"),
        event("Product Added", iso(at + 2 * HOUR), cart_token="c1", **who, **item),
        *(event("Product Viewed", iso(at + 30 * HOUR + n), **who, **item) for n in range(4)),
        event("Subscribed", iso(at + 40 * HOUR), topic="letters", **who),
        event("Review Posted", iso(at + 41 * HOUR), rating=5, product_id="p1", **who),
        event("Shared", iso(at + 42 * HOUR), **who),
        event("Order Completed", iso(at + 43 * HOUR), order_id="o1", total=19.9, currency="EUR", products=[item], **who),
        event("Product Viewed", iso(at + 44 * HOUR), anonymous_id="browser", **item),
        event("Identified", iso(at + 45 * HOUR), anonymous_id="browser", **who),
    ])  # fmt: skip
    shop.wait(60 * DAY)
    return found


def test_what_publish_changes_puts_is_what_the_catalogue_says() -> None:
    events = told()
    for one in events:
        fits(one.detail_type, one.detail)
    # Nothing of the kind is left out.
    assert {one.detail_type for one in events} == EVENTS.keys() - {"ScheduleReached"}
    assert "ana@example.com" not in str(events)


def test_what_run_flows_answers_is_what_the_catalogue_says() -> None:
    weekly = {"name": "weekly", "on": {"schedule": {"segment": "all", "at": "09:00"}}, "steps": [{"send": "hello"}]}
    news = {"name": "news", "on": "flow_requested", "steps": [{"send": "hello"}]}
    drop = {"name": "drop", "on": "price_dropped", "steps": [{"send": "hello"}]}
    shop = Desk(campaigns(segments={"all": {"not": {"did": "Never"}}}, flows=[weekly, news, drop]))
    shop.run.run([event("Product Viewed", iso(shop.now), user_id="ana", product_id="p1")])
    shop.start(user_id="ana")
    shop.start(segment="all")
    shop.start(user_id="zoe")
    shop.start()
    shop.pause()
    shop.stop()
    shop.resume()
    shop.ask("ProductChanged", product_id="p1", price={"before": "2", "now": "1"})
    shop.wait(DAY)
    for one in shop.bus.items:
        fits(one.detail_type, one.detail)
    assert {one.detail_type for one in shop.bus.items} == {*ANSWERS, "ScheduleReached"}


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("FlowRequested", {"flow": "news", "user_id": "ana", "data": {"title": "Spring"}, "request_id": "r 1"}),
        ("FlowRequested", {"flow": "news", "list": {"s3": "people.csv"}, "per_minute": 100}),
        ("FlowPauseRequested", {"flow": "news", "reason": "typing mistake", "by": "Ada"}),
        ("ProductChanged", {"changes": [{"product_id": "p1", "in_stock": {"before": False, "now": True}}]}),
    ],
)
def test_commands_come_under_any_source(name: str, detail: dict[str, Any]) -> None:
    fits(name, detail, source="marketing")


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("FlowRequested", {"flow": "news"}),
        ("FlowRequested", {"flow": "news", "user_id": "ana", "who": "ana"}),
        ("FlowPauseRequested", {}),
        ("ProductChanged", {"price": {"now": "1"}}),
        ("CartAbandoned", {"id": "x"}),
    ],
)
def test_what_is_wrong_fits_neither_model_nor_schema(name: str, detail: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        catalogue()[name].model_validate(detail)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft4Validator(SCHEMAS[name]).validate({"source": "homing", "detail-type": name, "detail": detail})
