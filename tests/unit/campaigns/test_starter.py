"""The campaigns that a shop starts with."""

from __future__ import annotations

import html
import json
import re
from functools import cache
from pathlib import Path

import jsonschema
import pytest

from homing.adapters.files import read_folder
from homing.cli.reference import pages
from homing.domain.campaigns import Campaigns
from homing.domain.content.lint import lint
from homing.domain.content.publish import collect, publish
from homing.domain.content.render import Rendered, Renderer
from homing.domain.content.samples import samples
from homing.domain.content.schemas import schemas
from homing.domain.content.scope import PRODUCT, VARIABLES
from homing.domain.content.usage import sends
from homing.domain.content.yaml_source import parse_yaml

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "layers" / "campaigns"
DOCS = ROOT / "docs"
TEMPLATES = sorted(file.stem for file in (FOLDER / "templates").glob("*.mjml"))


@cache
def starter() -> Campaigns:
    """The bundle of the starter campaigns."""
    return publish(read_folder(FOLDER))


def mails(template: str) -> list[Rendered]:
    """A template as a known and as an unknown customer get it."""
    renderer = Renderer(starter())
    return [renderer.render(template, sample.context) for sample in samples(starter(), template)]


def test_nothing_is_to_be_said_against_them() -> None:
    assert [str(finding.problem) for finding in lint(read_folder(FOLDER))] == []


def test_every_cart_gets_exactly_one_mail() -> None:
    flows = [flow for flow in starter().flows.values() if flow.on.kind == "cart_abandoned"]
    assert [flow.name for flow in flows] == ["cart-recovery"]
    (flow,) = flows
    assert flow.once_per == "cart"
    assert len(flow.steps) == 1
    assert sorted(sends(flow.steps)) == ["cart-reminder", "cart-vip"]
    assert flow.ignore_quiet_hours
    topic = starter().settings.topics[flow.topic]
    assert (topic.cap, topic.covered_by, topic.transactional) == (None, "marketing", False)


def test_a_shop_has_something_for_each_occasion() -> None:
    kinds = {flow.on.kind for flow in starter().flows.values()}
    assert kinds >= {"cart_abandoned", "browse_abandoned", "order_placed", "birthday", "segment_entered"}
    assert {"hesitating", "vip", "new-customers", "lapsed"} <= set(starter().segments)


def test_every_product_can_be_shown() -> None:
    products = starter().products
    website = starter().settings.brand.website
    assert len(products) >= 24
    for product in products.values():
        assert product.price
        assert product.category
        assert product.brand
        assert product.image_url == f"{website}/images/{product.product_id}.png"


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_mail_has_all_that_a_mail_needs(template: str) -> None:
    brand = starter().settings.brand
    # The question of a double opt-in needs no consent; whoever does nothing hears nothing more.
    links = ["/confirm"] if template == "confirm-subscription" else ["/unsubscribe", "/preferences"]
    for mail in mails(template):
        assert f"{links[0]}?t=sample" in mail.text
        assert all(f"{link}?t=sample" in mail.html for link in links)
        assert html.escape(brand.postal_address) in mail.html
        assert "prefers-color-scheme: dark" in mail.html
        assert len(mail.html.encode()) < 40_000
        assert all("alt=" in picture for picture in re.findall(r"<img[^>]*>", mail.html))
        assert "{{" not in mail.html + mail.text + mail.subject
        assert "{%" not in mail.html + mail.text + mail.subject
        assert len(mail.subject) <= 70


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_mail_to_somebody_unknown_reads_naturally(template: str) -> None:
    known, unknown = mails(template)[:2]
    assert "Mara" in known.subject + known.text
    for line in [unknown.subject, *unknown.text.splitlines()]:
        assert "Mara" not in line
        assert not re.search(r"^[,.!?]| ,| \.|,\s*$|\bnil\b|\bNone\b|  ", line) or line == "Warmly,", line
        assert not re.match(r"[a-z]", line) or line.startswith("all of us"), line


def test_the_cart_mail_shows_each_item_with_picture_price_and_link() -> None:
    mail = mails("cart-reminder")[0]
    for name, price, product_id in (
        ("Stoneware Mug “Fern”", "€18.00", "stoneware-mug"), ("Olive Wood Board", "€76.00", "olive-board"),
    ):  # fmt: skip
        assert name in mail.html
        assert name in mail.text
        assert price in mail.html
        assert f"/images/{product_id}.png" in mail.html
        assert f"/products/{product_id}" in mail.html
    assert 'href="https://alder-and-moss.example/cart"' in mail.html


def test_the_generated_pages_are_current() -> None:
    for file, text in pages():
        message = f"docs/{file} is old: run `homing reference`"
        assert (DOCS / file).read_text(encoding="utf-8") == text, message


@pytest.mark.parametrize(
    ("kind", "file"),
    [("settings", FOLDER / "settings.yaml")]
    + [("segment", file) for file in sorted((FOLDER / "segments").iterdir())]
    + [("flow", file) for file in sorted((FOLDER / "flows").iterdir())],
    ids=lambda value: value.name if isinstance(value, Path) else value,
)
def test_the_schemas_for_editors_accept_the_starter_files(kind: str, file: Path) -> None:
    jsonschema.Draft202012Validator(schemas()[kind]).validate(parse_yaml(file.read_bytes(), file.name).value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("segment", "when: {did: X, tims: 3}"),
        ("segment", "when: {did: X, within: 3 days}"),
        ("flow", "on: cart_abandonned\nsteps: [{send: a}]"),
        ("flow", "on: birthday\nsteps: [{wiat: 1h}]"),
        ("settings", "brand: {name: x}"),
    ],
)
def test_the_schemas_for_editors_refuse_mistakes(kind: str, text: str) -> None:
    assert not jsonschema.Draft202012Validator(schemas()[kind]).is_valid(parse_yaml(text, "f.yaml").value)


def test_the_examples_in_the_docs_publish() -> None:
    page = (DOCS / "campaigns.md").read_text(encoding="utf-8")
    examples = {
        name: block.encode()
        for block in re.findall(r"```(?:yaml|liquid)\n(.*?)```", page, re.DOTALL)
        for name in re.findall(r"^# ((?:segments|flows|templates)/\S+)$", block, re.MULTILINE)
    }
    assert len(examples) == 3
    campaigns, problems = collect(read_folder(FOLDER) | examples)
    assert campaigns is not None, problems


def test_the_docs_name_every_variable_and_filter() -> None:
    from homing.domain.content.filters import Filters

    page = (DOCS / "campaigns.md").read_text(encoding="utf-8")
    for name in {*VARIABLES, *PRODUCT.attributes, *VARIABLES["cart"].attributes, *VARIABLES["order"].attributes}:
        assert f"`{name}`" in page, name
    for name in Filters("en", "EUR").all():
        assert f"\\| {name}" in page, name


def test_a_cart_of_several_things_is_spoken_of_in_the_plural() -> None:
    known, unknown = mails("cart-reminder")[:2]
    assert "Mara, we kept these for you." in known.text
    assert "We kept this for you." in unknown.text


def test_a_flow_can_be_started_by_hand_as_the_docs_say() -> None:
    page = (DOCS / "campaigns.md").read_text(encoding="utf-8")
    (entries,) = re.findall(r"aws events put-events --entries '(.*)'", page)
    (entry,) = json.loads(entries)
    flow = starter().flows[json.loads(entry["Detail"])["flow"]]
    assert entry["DetailType"] == flow.on.detail_type == "FlowRequested"
    assert set(sends(flow.steps)) <= set(starter().templates)
