"""The mails of the starter set that recommend: what they show, to whom, and what they do where there is nothing to show."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.adapters.files import read_folder
from homing.cli.recommend import text_of
from homing.domain.campaigns import Campaigns
from homing.domain.content.context import build_context
from homing.domain.content.people import People
from homing.domain.content.publish import publish
from homing.domain.content.render import Rendered, Renderer
from homing.domain.delivery.message import SendRequest
from homing.domain.engine import Engine
from homing.domain.profiles.profile import Profile
from homing.domain.recommend.related import Related
from homing.domain.time import DAY, HOUR, MINUTE, iso
from homing.services.contents import choose
from tests.fixtures.shop import START, event, identified, instant

FOLDER = Path(__file__).parents[3] / "layers" / "campaigns"
TITLES = {
    "win-back": "Picked with you in mind",
    "first-order-thank-you": "For another day",
    "browse-follow-up": "You may like these too",
}
NOW = instant(START)
SITE = "https://alder-and-moss.example/products/"


@cache
def starter() -> Campaigns:
    return publish(read_folder(FOLDER))


ACTS = ("Product Viewed", "Product Added", "Order Completed")
IDS = sorted(starter().products)


def mail(bundle: Campaigns, template: str, profile: Profile, data: dict[str, Any], now: int) -> Rendered:
    """As ``send_email`` makes it."""
    trigger = {"win-back": "segment_entered", "browse-follow-up": "browse_abandoned"}.get(template, "order_placed")
    request = SendRequest("s", profile.id, "r", template, template, "marketing", trigger, now, now, data)
    content = choose(bundle, Engine(bundle), request, profile, now)
    context = build_context(
        campaigns=bundle, profile=profile, request=request, unsubscribe_url="https://x.example/u",
        preferences_url="https://x.example/p", now=now, choice=content.choice, recommended=content.recommended,
    )  # fmt: skip
    return Renderer(bundle).render(template, context)


def shelf(template: str, text: str) -> list[str]:
    """The products under the title, in the mail's text; none where the title is missing."""
    _, found, below = text.partition(f"\n{TITLES[template]}\n")
    assert found or TITLES[template] not in text
    return re.findall(re.escape(SITE) + r"([a-z-]+)", below)


@settings(max_examples=30)
@given(
    acts=st.lists(st.tuples(st.sampled_from(ACTS), st.sampled_from(IDS)), max_size=12),
    sold_out=st.sets(st.sampled_from(IDS), max_size=len(IDS)),
    about=st.sampled_from(IDS),
    template=st.sampled_from(sorted(TITLES)),
)  # fmt: skip
def test_nobody_is_shown_what_they_just_bought_what_is_sold_out_or_what_the_mail_is_about(
    acts: list[tuple[str, str]], sold_out: set[str], about: str, template: str
) -> None:
    products = {
        key: product.model_copy(update={"in_stock": key not in sold_out}) for key, product in starter().products.items()
    }
    bundle = starter().model_copy(update={"products": products})
    engine, profile, now = Engine(bundle), Profile("p"), NOW
    engine.receive(profile, identified("ana"))
    for name, product in acts:
        now += 10 * MINUTE
        properties = {"products": [{"product_id": product}]} if name.startswith("Order") else {"product_id": product}
        engine.receive(profile, event(name, iso(now), user_id="ana", **properties))
    data = {
        "browse-follow-up": {"products": [{"product_id": about}]},
        "first-order-thank-you": {"nth": 1, "order": {"items": [{"product_id": about}]}},
        "win-back": {"segment": "lapsed"},
    }[template]
    bought = [product for name, product in acts if name.startswith("Order")][-3:]
    in_the_mail = [] if template == "win-back" else [about]
    allowed = set(IDS) - sold_out - {*bought, *in_the_mail}

    shown = shelf(template, mail(bundle, template, profile, data, now + HOUR).text)
    assert len(shown) == (3 if len(allowed) >= 3 else 0)
    assert len(set(shown)) == len(shown)
    assert set(shown) <= allowed


def test_who_bought_a_teapot_is_shown_what_goes_with_it_and_not_the_teapot() -> None:
    profile = Profile("p")
    engine = Engine(starter())
    engine.receive(profile, identified("ana"))
    order = {"products": [{"product_id": "cast-iron-teapot"}], "order_id": "1"}
    engine.receive(profile, event("Order Completed", START, user_id="ana", **order))
    data = {"nth": 1, "order": {"items": [{"product_id": "cast-iron-teapot"}]}}

    shown = shelf("first-order-thank-you", mail(starter(), "first-order-thank-you", profile, data, NOW + 2 * HOUR).text)
    near = [product for product, _ in starter().related.bought["cast-iron-teapot"]]
    assert shown == near[:3]


def test_a_browse_mail_recommends_only_when_nothing_else_was_looked_at() -> None:
    looked_at = [{"product_id": "stoneware-mug"}, {"product_id": "olive-board"}]
    one, both = (mail(starter(), "browse-follow-up", Profile("p"), {"products": looked_at[:n]}, NOW) for n in (1, 2))

    assert len(shelf("browse-follow-up", one.text)) == 3
    assert "You also looked at" not in one.text
    assert shelf("browse-follow-up", both.text) == []
    assert "You also looked at" in both.text


@pytest.mark.parametrize("template", sorted(TITLES))
def test_a_shop_without_enough_to_show_sends_the_mail_without_the_shelf(template: str) -> None:
    few = dict(list(starter().products.items())[:2])
    bundle = starter().model_copy(update={"products": few, "related": Related()})
    data = {"products": [{"product_id": "else"}], "nth": 1, "order": {"items": []}}

    made = mail(bundle, template, Profile("p"), data, NOW)
    assert shelf(template, made.text) == []
    assert "{{" not in made.html


@pytest.mark.parametrize("template", sorted(TITLES))
def test_the_preview_shows_the_mail_with_and_without_the_shelf(template: str) -> None:
    everybody = list(People(starter()).of(template))
    renderer = Renderer(starter())
    with_it = {len(shelf(template, renderer.render(template, person.context).text)) for person in everybody}

    assert with_it == {0, 3}
    assert any(", two recommended" in person.name for person in everybody)


def test_a_preview_recommends_what_goes_with_the_mail() -> None:
    (person, *_) = People(starter()).of("first-order-thank-you")
    about = {item["product_id"] for item in person.context["order"]["items"]}
    near = {other for one in about for other, _ in starter().related.viewed[one]}

    assert {item["product_id"] for item in person.context["recommended"]} <= near - about


def test_the_shipped_tables_know_all_products_of_the_catalog_and_no_others() -> None:
    related = starter().related
    named = {other for table in (related.viewed, related.bought) for near in table.values() for other, _ in near}

    assert set(related.viewed) == set(related.popular) == set(IDS)
    assert named | set(related.bought) <= set(IDS)


def test_the_file_of_tables_has_a_line_for_each_product() -> None:
    text = (FOLDER / "catalog/related.json").read_text(encoding="utf-8")

    assert text == text_of(Related.model_validate_json(text))
    assert len(text.splitlines()) > 2 * len(IDS)
    assert json.loads(text)["popular"] == starter().related.popular
    assert text_of(Related()) == '{\n"viewed": {},\n"bought": {},\n"popular": []\n}\n'


def test_a_wish_of_long_ago_still_counts_when_they_are_won_back() -> None:
    profile, engine = Profile("p"), Engine(starter())
    engine.receive(profile, identified("ana"))
    for step in range(3):
        engine.receive(
            profile, event("Product Viewed", iso(NOW + step * MINUTE), user_id="ana", product_id="watering-can")
        )
    made = mail(starter(), "win-back", profile, {"segment": "lapsed"}, NOW + 91 * DAY)

    near = [product for product, _ in starter().related.viewed["watering-can"]]
    assert shelf("win-back", made.text) == near[:3]
