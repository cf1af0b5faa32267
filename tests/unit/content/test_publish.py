"""From files to the bundle."""

from __future__ import annotations

from pathlib import Path

import pytest

from homing.adapters.files import load_bundle, write_bundle
from homing.domain.content.publish import collect, publish, revision
from homing.domain.errors import InvalidCampaign
from tests.unit.content.support import campaign_files, published, template


def test_the_bundle_reads_back_as_it_was_written(tmp_path: Path) -> None:
    files = campaign_files() | {
        "flows/hello.yaml": b"on: {order_placed: {nth: 5}}\nsteps:\n  - if: {segment: vip}\n    then: [{send: note}]\n",
        "segments/vip.yaml": b"when:\n  - did: Order Completed\n    times: 3\n    within: 90d\n",
    }
    campaigns = publish(files)
    write_bundle(campaigns, tmp_path / "b" / "bundle.json")
    assert load_bundle(tmp_path / "b" / "bundle.json") == campaigns
    assert campaigns.flows["hello"].on.nth == 5
    assert campaigns.segments["vip"].name == "vip"


def test_the_revision_changes_with_every_owned_file_and_with_no_other() -> None:
    files = campaign_files()
    assert revision(files) == revision(files | {"README.md": b"notes"})
    assert revision(files) != revision(files | {"catalog/products.csv": b"product_id,name\na,A\n"})


def test_all_mistakes_are_collected_in_the_order_of_files() -> None:
    files = campaign_files() | {
        "segments/b.yaml": b"when: {segment: nowhere}\n",
        "segments/a.yaml": b"whem: {did: X}\n",
        "flows/f.yaml": b"on: birthday\ntopic: ofers\nsteps: [{send: nte}]\n",
    }
    campaigns, problems = collect(files)
    assert campaigns is None
    assert [str(problem) for problem in problems] == [
        "flows/f.yaml:2:8: unknown_topic there is no topic 'ofers' (known: marketing, receipts)",
        "flows/f.yaml:3:16: unknown_template there is no template 'nte' (did you mean 'note'?)",
        "segments/a.yaml:1:1: missing_key 'when' is missing",
        "segments/a.yaml:1:1: unknown_key unknown key 'whem' (did you mean 'when'?)",
        "segments/b.yaml:1:17: unknown_segment there is no segment 'nowhere' (known: a, b)",
    ]


def test_publish_raises_the_first_mistake() -> None:
    with pytest.raises(InvalidCampaign, match=r"settings\.yaml is missing"):
        publish({})


@pytest.mark.parametrize(
    ("segment", "line", "column", "message"),
    [
        ("when:\n  did: X\n  within: 3 days\n", 3, 11, "not a duration"),
        ("when:\n  - did: X\n    tims: 3\n", 3, 5, "did you mean 'times'"),
        ("when:\n  any:\n    - trait: {age: {at_leest: 3}}\n", 3, 21, "did you mean 'at_least'"),
        ("when:\n  not:\n    did: X\n    times: {at_least: -1}\n", 4, 23, "greater than or equal to 0"),
        ("when: []\n", 1, 7, "at least 1 should be"),
    ],
)
def test_a_mistake_in_a_rule_keeps_its_place(segment: str, line: int, column: int, message: str) -> None:
    _, problems = collect(campaign_files() | {"segments/s.yaml": segment.encode()})
    assert len(problems) == 1
    assert (problems[0].line, problems[0].column) == (line, column)
    assert message in problems[0].message


def test_a_trait_called_segment_names_no_segment() -> None:
    rule = b"when: {trait: {segment: gold}}\n"
    campaigns, problems = collect(campaign_files() | {"segments/s.yaml": rule})
    assert campaigns is not None, problems


def test_segments_in_a_circle_are_refused_once() -> None:
    circle = {f"segments/{a}.yaml": f"when: {{segment: {b}}}\n".encode() for a, b in ("ab", "bc", "ca")}
    _, problems = collect(campaign_files() | circle)
    assert [problem.code for problem in problems] == ["segment_cycle"]
    assert "a → b → c → a" in problems[0].message


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("products.csv", "product_id,name,price,in_stock\n7,Mug,12.50,no\n"),
        ("products.jsonl", '{"product_id": 7, "name": "Mug", "price": 12.50, "in_stock": false}\n'),
        ("products.yaml", "- product_id: 7\n  name: Mug\n  price: 12.5\n  in_stock: false\n"),
    ],
)
def test_the_catalog_may_be_csv_json_lines_or_yaml(name: str, content: str) -> None:
    files = campaign_files()
    del files["catalog/products.csv"]
    product = publish(files | {f"catalog/{name}": content.encode()}).products["7"]
    assert (product.name, product.price, product.in_stock) == ("Mug", "12.50", False)


def test_a_layout_goes_round_templates_and_blocks_go_in() -> None:
    files = campaign_files() | {
        "blocks/layout.mjml": b'<mjml><mj-body><mj-include path="content" /><mj-include path="foot" /></mj-body></mjml>',
        "blocks/foot.mjml": b"<mj-section><mj-column><mj-text>{{ unsubscribe_url }}</mj-text></mj-column></mj-section>",
        "templates/short.mjml": (
            b"---\nsubject: S\n---\n<mj-section><mj-column><mj-text>In</mj-text></mj-column></mj-section>"
        ),
    }
    html = publish(files).templates["short"].html
    assert html.index("In</div>") < html.index("{{ unsubscribe_url }}")


def test_a_mistake_in_a_block_is_reported_in_the_block() -> None:
    files = campaign_files('<mj-include path="part" />') | {"blocks/part.mjml": b"<mj-text>\n  {% if x %}</mj-text>"}
    _, problems = collect(files)
    assert str(problems[0]).startswith("blocks/part.mjml:2:3: liquid {% if %} is never closed")


def test_the_text_part_may_be_written_by_hand() -> None:
    files = campaign_files() | {"templates/note.txt": b"Plain {{ unsubscribe_url }}"}
    assert publish(files).templates["note"].text == "Plain {{ unsubscribe_url }}"


def test_brand_values_are_put_in_at_publishing_and_escaped_only_in_html() -> None:
    campaigns = published("<mj-text>From {{ brand.name }}</mj-text>", subject="Hello from {{ brand.name }}")
    assert "From Kettle &amp; Co" in campaigns.templates["note"].html
    assert campaigns.templates["note"].subject == "Hello from Kettle & Co"


def test_the_variables_of_a_template_are_listed() -> None:
    campaigns = published("<mj-text>{% for item in cart.items %}{{ item.name }}{% endfor %}{{ city }}</mj-text>")
    assert campaigns.templates["note"].variables == ["cart", "city", "unsubscribe_url"]


def test_a_template_without_front_matter_says_what_is_missing() -> None:
    _, problems = collect(campaign_files() | {"templates/x.mjml": b"<mjml></mjml>"})
    assert [problem.code for problem in problems] == ["front_matter"]


def test_the_same_files_give_the_same_bundle() -> None:
    assert publish(campaign_files()).model_dump_json() == publish(campaign_files()).model_dump_json()
    assert template("<mj-text>a</mj-text>") == template("<mj-text>a</mj-text>")


def test_no_line_breaks_between_a_number_and_its_per_cent_sign() -> None:
    body = "<mj-text>{% if n == 10 %}Now 10 % less, or {{ n }} % more{% endif %} and 5 %b{{ 7 }} x</mj-text>"
    one = publish(campaign_files(body, subject="20 % for {{ n }}", front="preheader: Save 5 %")).templates["note"]
    for text in (one.html, one.text):
        assert "Now 10\u00a0% less, or {{ n }}\u00a0% more" in text
        assert "{% if n == 10 %}" in text
        assert "5 %b" in text
    assert (one.subject, one.preheader) == ("20\u00a0% for {{ n }}", "Save 5\u00a0%")


def test_explanations_and_pictures_keep_numbers_and_their_per_cent_signs_together() -> None:
    from homing.domain.explain import words
    from homing.domain.segments.language import Share

    assert words.percent(12.5) == "12.5\u00a0%"
    share = Share.model_validate({"share": {"of": "spring", "percent": 10}})
    assert words.condition(share) == "belongs to the 10\u00a0% drawn for spring"
