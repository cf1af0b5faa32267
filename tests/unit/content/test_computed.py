"""Computed attributes in files and mails: what is read is computed, and what is misspelt is said."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from homing.domain.attributes.names import RFM_SEGMENTS, computed_names
from homing.domain.attributes.registry import Attributes
from homing.domain.attributes.rfm import GRID
from homing.domain.content.context import build_context
from homing.domain.content.lint import lint
from homing.domain.content.publish import collect, publish
from homing.domain.content.render import Renderer
from homing.domain.delivery.message import SendRequest
from homing.domain.engine import Engine
from homing.domain.errors import InvalidInput
from homing.domain.profiles.memory import Plan
from homing.domain.profiles.profile import Profile
from homing.domain.time import iso
from tests.fixtures.shop import event
from tests.unit.content.support import NOW, UNSUBSCRIBE, campaign_files, published

MOOD = b"stages:\n  - name: warm\n    when: [{did: Product Viewed}, {did_not: Order Completed}]\n"


def said(body: str = "<mj-text>Hi</mj-text>", **files: Any) -> list[str]:
    """What check says of a template and of more files (``segments__a`` is segments/a.yaml)."""
    more = {f"{name.replace('__', '/')}.yaml": text for name, text in files.items()}
    flow = {"flows/f.yaml": b"on: birthday\nsteps: [{send: note}]\n"}
    return [str(finding.problem).partition(": ")[2] for finding in lint(campaign_files(body) | flow | more)]


def test_a_template_asks_for_what_it_reads() -> None:
    campaigns = published(
        "<mj-text>{% if computed.favourite_product %}{{ computed.favourite_product.name }}{% endif %}"
        "{{ computed.orders }} {% for one in computed.affinity.category %}{{ one }}{% endfor %}</mj-text>",
        subject="{{ computed.lifecycle | default: 'new' }}",
    )

    assert campaigns.templates["note"].computed == ["affinity.category", "favourite_product", "lifecycle", "orders"]


def test_nothing_is_remembered_that_nobody_reads() -> None:
    assert not any(slot.startswith("c.") for slot in Engine(published()).plan.slots)
    assert "c.orders" in Engine(published("<mj-text>{{ computed.spent | money }}</mj-text>")).plan.slots


def test_a_mail_shows_what_is_computed() -> None:
    campaigns = published(
        "<mj-text>{{ computed.favourite_product.name }}, {{ computed.favourite_category }}, {{ computed.orders }}, "
        "{{ computed.spent | money }}, {{ computed.affinity.category.Kitchen }}</mj-text>"
    )
    engine = Engine(campaigns)
    profile = Profile("ana")
    engine.receive(profile, event("Product Viewed", iso(NOW - 5), user_id="ana", product_id="mug"))
    engine.receive(profile, event("Order Completed", iso(NOW - 4), user_id="ana", order_id="1", total="19.90"))

    request = SendRequest(
        send_id="s", profile_id="ana", run_id="r", flow="f", template="note", topic="marketing", trigger="birthday",
        triggered_at=NOW, decided_at=NOW, data={},
    )  # fmt: skip
    computed = engine.attributes.values(campaigns.templates["note"].computed, profile, NOW)
    context = build_context(
        campaigns=campaigns, profile=profile, request=request, unsubscribe_url=UNSUBSCRIBE, preferences_url="p",
        now=NOW, computed=computed,
    )  # fmt: skip

    assert computed["spent"] == Decimal("19.9")
    assert "Mug, Kitchen, 1, €19.90, 1.0" in Renderer(campaigns).render("note", context).html


def test_a_favourite_that_is_no_longer_in_the_catalog_is_nobody_s() -> None:
    campaigns = published()
    request = SendRequest(
        send_id="s", profile_id="ana", run_id="r", flow="f", template="note", topic="marketing", trigger="birthday",
        triggered_at=NOW, decided_at=NOW, data={},
    )  # fmt: skip
    context = build_context(
        campaigns=campaigns, profile=Profile("ana"), request=request, unsubscribe_url=UNSUBSCRIBE,
        preferences_url="p", now=NOW, computed={"favourite_product": "gone", "favourite_brand": "A\nB", "rfm": None},
    )  # fmt: skip

    assert context["computed"] == {"favourite_brand": "A B"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{{ computed.orders }}", []),
        ("{{ computed.rfm_segment }}", ["computed.rfm_segment may be missing: ask with {% if computed.rfm_segment %}"]),
        ("{{ computed.rfm_segment | default: 'x' }}", []),
        ("{% if computed.mood %}{{ computed.mood }}{% endif %}", []),
        ("{{ computed.favourite_produkt.name }}", ["(did you mean 'favourite_product'?)"]),
        ("{{ computed.affinity.category.Garden }}", ["may be missing"]),
        ("{% if computed.affinity.category.Garden %}{{ computed.affinity.category.Garden }}{% endif %}", []),
        ("{% if computed.favourite_product %}{{ computed.favourite_product.nam }}{% endif %}", ["did you mean 'name'"]),
    ],
)
def test_check_reads_templates(body: str, expected: list[str]) -> None:
    problems = said(f"<mj-text>{body}</mj-text>", attributes__mood=MOOD)

    found = [problem for problem in problems if "computed" in problem and not problem.startswith("render")]
    assert len(found) == len(expected)
    assert all(part in problem for part, problem in zip(expected, found, strict=True))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"segments__a": b"when: {computed: {orders: 3, mood: warm, affinity.category.Big Garden: 0.5}}\n"}, []),
        (
            {"segments__a": b"when:\n  computed: {recensy: {at_least: 3}}\n"},
            ["unknown_attribute there is no computed attribute 'recensy' (did you mean 'recency'?)"],
        ),
        (
            {"flows__g": b"on: birthday\nsteps:\n  - if: {computed: {lifecycle: new}}\n    then: [{send: note}]\n"},
            ["unknown_attribute there is no computed attribute 'lifecycle'"],
        ),
        (
            {"attributes__orders": MOOD},
            ["attribute_name 'orders' is computed already: call the file otherwise"],
        ),
        (
            {
                "attributes__b": b"stages: [{name: x, when: {segment: a}}]\n",
                "segments__a": b"when: {any: [{computed: {mood: warm}}]}\n",
            },
            ["attribute_cycle the stages of b depend on a → mood, which has stages itself"],
        ),
        (
            {"attributes__b": b"stages:\n  - {name: x, when: {did: A}}\n  - {name: x, when: {did: B}}\n"},
            ["invalid_value two stages are called 'x'"],
        ),
        (
            {"attributes__b": b"stages:\n  - {name: x, when: {did: A}, keep_for: 3}\n"},
            ["invalid_value 3 what? write 3m, 3h or 3d"],
        ),
        (
            {"attributes__b": b"stages:\n  - {name: x, when: {segment: nowhere}}\n"},
            ["unknown_segment there is no segment 'nowhere'"],
        ),
    ],
)
def test_check_reads_rules_and_stages(files: dict[str, Any], expected: list[str]) -> None:
    found = said(attributes__mood=MOOD, **files)

    assert len(found) == len(expected)
    assert all(problem.startswith(part) for part, problem in zip(expected, found, strict=True))


def test_files_of_another_kind_are_pointed_out() -> None:
    _, problems = collect(campaign_files() | {"attributes/mood.yml": MOOD})

    assert [problem.code for problem in problems] == ["unknown_file"]


def test_stages_may_be_written_as_lists() -> None:
    campaigns = publish(campaign_files() | {"attributes/mood.yaml": MOOD})

    assert campaigns.attributes["mood"].stages[0].when.model_dump(exclude_unset=True)["all"]


def test_every_name_has_an_attribute_and_other_names_a_hint() -> None:
    attributes = Attributes(published().settings, Plan(), {})
    for name in computed_names(()):
        assert attributes.get(name).reads

    with pytest.raises(InvalidInput, match=r"no computed attribute 'favorite_brand' \(did you mean 'favourite_brand'"):
        attributes.get("favorite_brand")


def test_the_grid_names_all_eleven() -> None:
    assert {name for row in GRID for name in row} == set(RFM_SEGMENTS)
