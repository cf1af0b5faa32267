"""Contrast, links, what mail programs know, and the habits of unwanted mail: each told where it is, and only then."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.domain.content.checks.clients import table
from homing.domain.content.checks.contrast import contrast, parse_colour, weak_text
from homing.domain.content.checks.habits import in_line, in_subject
from homing.domain.content.checks.page import parse
from homing.domain.content.lint import lint
from homing.local import caniemail
from tests.unit.content.support import campaign_files

ROOT = Path(__file__).parents[3]
SOURCE = ROOT.parent / "shared" / "data" / "caniemail" / "caniemail.json"
FLOW = b"on: cart_abandoned\nsteps: [{send: note}]\n"


def told(body: str) -> list[tuple[str, int]]:
    """Codes and columns of what is said of one line of a template."""
    findings = lint(campaign_files(body) | {"flows/f.yaml": FLOW})
    return [(one.problem.code, one.problem.column) for one in findings if one.problem.line == 6]


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    # Known pairs: the extremes, and greys and colours of the WCAG techniques and of contrast tools.
    [("#000", "#fff", 21.0), ("#fff", "#fff", 1.0), ("#777777", "#ffffff", 4.48), ("#767676", "#ffffff", 4.54),
     ("#ff0000", "#ffffff", 4.0), ("#0000ff", "#ffffff", 8.59), ("#949494", "white", 3.03)],
)  # fmt: skip
def test_contrast_is_what_others_measure(one: str, other: str, ratio: float) -> None:
    first, second = parse_colour(one), parse_colour(other)
    assert first
    assert second
    assert contrast(first, second) == pytest.approx(ratio, abs=0.005)
    assert contrast(second, first) == contrast(first, second)


classes = st.lists(st.sampled_from(["x", "y", "z"]), max_size=2, unique=True)


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "p", "td", "*"]), classes, st.sampled_from(["", "#top"]), st.sampled_from(["", "div "])),
        min_size=1, max_size=6,
    ),
    st.lists(st.tuples(st.sampled_from(["p", "td", "a"]), classes, st.sampled_from(["", "top"])), min_size=1, max_size=5),
)  # fmt: skip
def test_the_rules_that_speak_of_an_element_are_those_that_match_it(rules: list[Any], elements: list[Any]) -> None:
    selectors = [f"{above}{tag}{''.join(f'.{one}' for one in held)}{id_}" for tag, held, id_, above in rules]
    sheet = "".join(
        f"{selector} {{ color: #{n:06x}; width{n}: 1px }}" for n, selector in enumerate(selectors) if selector.strip()
    )
    body = "".join(f'<div><{tag} class="{" ".join(held)}" id="{id_}">t</{tag}></div>' for tag, held, id_ in elements)
    page = parse(f"<html><style>{sheet}</style>{body}</html>")
    styles = page.styles(dark=False)
    for element in page.root.walk():
        matching = {name for rule in page.rules if rule.matches(element) for name, _, _ in rule.declarations}
        assert styles[id(element)].keys() == matching


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ('<p style="color:#777">a</p>', [("#777777", "#ffffff", False)]),
        ('<p style="color:#767676">a</p>', []),
        ('<p style="color:#949494;font-size:24px">a</p>', []),
        ('<p style="color:#949494;font-size:19px;font-weight:bold">a</p>', []),
        ('<p style="color:#949494;font-size:19px">a</p>', [("#949494", "#ffffff", False)]),
        ('<table bgcolor="#777"><td><a style="color:#888">a</a></td></table>', [("#888888", "#777777", False)]),
        ('<div style="background:#000"><div style="color:#fff">a</div></div>', []),
        ('<div style="background:rgba(0,0,0,.5);color:#fff">a</div>', [("#ffffff", "#808080", False)]),
        ('<div style="background:url(a.png);color:#fff">a</div>', []),
        ('<div style="display:none;color:#fff">a</div><p style="color:#fff"> &nbsp; </p>', []),
        ('<div style="font-size:0"><p style="font-size:16px;color:#eee">a</p></div>', [("#eeeeee", "#ffffff", False)]),
        ("<style>.a p{color:#999}</style><div class='a'><p>a</p></div>", [("#999999", "#ffffff", False)]),
        ("<style>.a > b{color:#999}</style><div class='a'><p><b>a</b></p></div>", []),
        ("<style>p{color:#999}.b{color:#000}</style><p class='b'>a</p>", []),
        ("<style>p{color:#999 !important}</style><p style='color:#000'>a</p>", [("#999999", "#ffffff", False)]),
        ("<style>@media (max-width:9px){p{color:#fff}}</style><p>a</p>", []),
        ("<style>@media (prefers-color-scheme:dark){body{background:#111 !important}}</style>"
         "<body style='background:#fff'><p style='color:#333'>a</p></body>", [("#333333", "#111111", True)]),
    ],
)  # fmt: skip
def test_weak_text_is_found_through_the_cascade(page: str, found: list[tuple[str, str, bool]]) -> None:
    assert [(weak.colour, weak.background, weak.dark) for weak in weak_text(parse(page))] == found


@pytest.mark.parametrize(
    ("link", "codes"),
    [
        ("https://shop.example/a?b=c&d=1", []), ("{{ cart.url }}", []), ("{{ cart.url }}?x=1", []),
        ("https://shop.example/{{ cart.count }}", []), ("mailto:a@shop.example", []), ("tel:+4930123", []),
        ("", ["broken_link"]), ("#", ["broken_link"]), ("/cart", ["broken_link"]), ("www.shop.example", ["broken_link"]),
        ("javascript:void(0)", ["broken_link"]), ("https://shop.example/a b", ["broken_link"]), ("https:///x", ["broken_link"]),
        ("http://shop.example", ["insecure_link"]), ("http://shop.example/{{ cart.count }}", ["insecure_link"]),
        ("https://bit.ly/abc", ["shortened_link"]),
    ],
)  # fmt: skip
def test_links_are_looked_at(link: str, codes: list[str]) -> None:
    assert [code for code, _ in told(f'<mj-text><a href="{link}">see</a></mj-text>')] == codes
    assert [column for _, column in told(f'<mj-text><a href="{link}">see</a></mj-text>')] == [19] * len(codes)


@pytest.mark.parametrize(
    ("label", "codes"),
    [("shop.example", []), ("www.shop.example/new", []), ("news.shop.example", []), ("the shop", []),
     ("other.example", ["masked_link"]), ("https://other.example/a", ["masked_link"])],
)  # fmt: skip
def test_a_link_leads_where_it_says(label: str, codes: list[str]) -> None:
    assert [code for code, _ in told(f'<mj-text><a href="https://shop.example/n">{label}</a></mj-text>')] == codes


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ('<mj-text><p style="display: flex">a</p></mj-text>', ["client_support"]),
        ('<mj-text><p style="border-radius: 4px; color: #111111">a</p></mj-text>', []),
        ('<mj-text><p style="width: 2rem">a</p></mj-text>', ["client_support"]),
        ('<mj-text><p style="background: #fff linear-gradient(#fff, #eee)">a</p></mj-text>', ["client_support"]),
        ("<mj-text><video>a film</video></mj-text>", ["client_support"]),
        ("<mj-text><form>a</form></mj-text>", ["client_support"]),
        ('<mj-text><img src="https://shop.example/a.webp" alt="a"></mj-text>', ["client_support"]),
        ('<mj-text><p style="{% if city %}display: flex{% endif %}">a</p></mj-text>', ["client_support"]),
        ("<mj-text><!-- <video> --><p>a {{ 'display: flex' }}</p></mj-text>", []),
    ],
)  # fmt: skip
def test_what_an_important_program_does_not_know_is_told(body: str, codes: list[str]) -> None:
    assert [code for code, _ in told(body) if code != "only_pictures"] == codes


def test_what_stands_in_a_media_query_is_an_extra() -> None:
    for style, codes in (
        ("@media (min-width: 480px) { p { display: grid } }", []),
        ("p { display: grid }", ["client_support"]),
    ):
        files = campaign_files("<mj-text>a</mj-text>") | {"flows/f.yaml": FLOW}
        head = f"<mjml><mj-head><mj-style>{style}</mj-style></mj-head>".encode()
        files["templates/note.mjml"] = files["templates/note.mjml"].replace(b"<mjml>", head)
        assert [one.problem.code for one in lint(files)] == codes


@pytest.mark.parametrize(
    ("subject", "codes"),
    [
        ("Still yours: a mug", []), ("Thank you!", []), ("DIY week, with IKEA and LEGO", []), ("50 % OFF", []),
        ("{{ first_name }}, HELLO", []), ("BIG SALE TODAY", ["shouting"]), ("Now! Hurry!", ["loud_words"]),
        ("A free mug!!", ["loud_words"]), ("Free shipping", []), ("$$$", ["loud_words"]),
        ("FREE STUFF!!!", ["shouting", "loud_words"]),
    ],
)  # fmt: skip
def test_loud_subjects_are_told_and_others_are_not(subject: str, codes: list[str]) -> None:
    assert [code for code, _ in in_line(subject, "subject")] == codes


def test_segments_and_products_that_there_are_not_are_told() -> None:
    body = (
        "<mj-text>{% if profile.segments contains 'vipp' %}a{% elsif profile.segments contains 'vip' %}b{% endif %}"
        "{% for i in cart.items %}{% if i.product_id == 'mugg' %}c{% elsif i.product_id == 'rug' %}d{% endif %}{% endfor %}"
        "</mj-text>"
    )
    files = campaign_files(body) | {"flows/f.yaml": FLOW, "segments/vip.yaml": b"when: {did: Order Completed}"}
    assert [str(one.problem).partition(": ")[2] for one in lint(files)] == [
        "unknown_segment there is no segment 'vipp' (did you mean 'vip'?)",
        "unknown_product there is no product 'mugg' (did you mean 'mug'?)",
    ]


VIEWED = "when: {did: Product Viewed, where: "
KNOWN_BY = "when: {computed: "


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (VIEWED + "{product_id: mugg}}", ["1:49: unknown_product 'mugg' 'mug'"]),
        (VIEWED + "{product_id: {in: [mug, ruug]}}}", ["1:60: unknown_product 'ruug' 'rug'"]),
        (VIEWED + "{products.product_id: mug}}", []),
        (VIEWED + "{category: Kitchn}}", ["1:47: unknown_category 'Kitchn' 'Kitchen'"]),
        # Events may bring categories that the catalog does not have.
        (VIEWED + "{category: Wine}}", []),
        (VIEWED + "{category: {contains: Kitch}}}", []),
        (KNOWN_BY + "{favourite_product: mugg}}", ["1:38: unknown_product 'mugg' 'mug'"]),
        (KNOWN_BY + "{affinity.category.Livng: {at_least: 0.5}}}", ["1:19: unknown_category 'Livng' 'Living'"]),
        (KNOWN_BY + "{affinity.category.Living: {at_least: 0.5}}}", []),
        # What a shop says of people is its own.
        ("when: {trait: {category: Kitchn}}", []),
    ],
)
def test_products_and_categories_of_rules_that_the_catalog_does_not_have_are_told(rule: str, told: list[str]) -> None:
    assert goods("segments/s.yaml", rule) == told


MATRIX = """
matrix:
  by: [{computed: favourite_category}, {segment: s}]
  rows:
    - [Kitchn, yes, a]
    - [[Living, Livin], "*", b]
default: c
"""


def test_those_of_choices_and_flows_are_told_too() -> None:
    assert goods("choices/c.yaml", MATRIX) == [
        "5:8: unknown_category 'Kitchn' 'Kitchen'", "6:17: unknown_category 'Livin' 'Living'",
    ]  # fmt: skip
    tree = "tree:\n  if: {computed: {favourite_category: Livin}}\n  then: a\ndefault: c\n"
    assert goods("choices/c.yaml", tree) == ["2:39: unknown_category 'Livin' 'Living'"]
    flow = "on: cart_abandoned\nstop_when: {did: Product Viewed, where: {product_id: mugg}}\nsteps: [{send: note}]\n"
    assert goods("flows/f.yaml", flow) == ["2:54: unknown_product 'mugg' 'mug'"]


def goods(file: str, text: str, catalog: bytes | None = None) -> list[str]:
    """Places, codes and names of what is said about one file and the catalog."""
    files = campaign_files("<mj-text>{{ choice.c }}</mj-text>") | {"flows/f.yaml": FLOW}
    files |= {"segments/s.yaml": b"when: {did: Order Completed}", file: text.encode()}
    if catalog is not None:
        files["catalog/products.csv"] = catalog
    found = [one.problem for one in lint(files) if one.problem.code in GOODS]
    assert all(one.file == file for one in found)
    return [f"{one.line}:{one.column}: {' '.join([one.code, *re.findall(QUOTED, one.message)])}" for one in found]


GOODS = {"unknown_product", "unknown_category", "unknown_brand"}
QUOTED = re.compile(r"'\w+'")


def test_without_a_catalog_nobody_knows_which_products_there_are() -> None:
    assert goods("segments/s.yaml", VIEWED + "{product_id: mugg}}", b"product_id,name\n") == []


@pytest.mark.parametrize(
    ("brand", "told"), [("Tonhus", ["1:36: unknown_brand 'Tonhus' 'Tonhaus'"]), ("Tonhaus", []), ("Kornel", [])]
)
def test_a_brand_that_is_called_almost_like_one_of_the_catalog_is_told(brand: str, told: list[str]) -> None:
    catalog = b"product_id,name,brand\nmug,Mug,Tonhaus\n"
    assert goods("segments/s.yaml", KNOWN_BY + f"{{favourite_brand: {brand}}}}}", catalog) == told


def test_a_subject_may_have_seventy_characters() -> None:
    assert not list(in_subject("x" * 70))
    assert [code for code, _ in in_subject("x" * 71)] == ["long_subject"]


def test_the_table_of_clients_is_that_of_caniemail() -> None:
    if not SOURCE.exists():
        pytest.skip("caniemail's data is not here")
    made = caniemail.table(json.loads(SOURCE.read_text(encoding="utf-8")))
    assert json.loads(caniemail.TABLE.read_text(encoding="utf-8")) == made


def test_the_table_names_its_source() -> None:
    held = json.loads(caniemail.TABLE.read_text(encoding="utf-8"))
    assert (held["source"], held["licence"]) == ("https://www.caniemail.com", "MIT")
    assert "Outlook on Windows" in table().clients
    assert len(table().features) > 200
