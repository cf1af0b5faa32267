"""Liquid that survives MJML and inlined styles."""

from __future__ import annotations

import re

import pytest

from homing.domain.content.publish import collect
from tests.unit.content.support import campaign_files, published

STYLE = '<mj-style inline="inline">.x { color: red; }</mj-style>'


def html(body: str, *, style: bool) -> str:
    """The published HTML, with or without a pass of the style inliner."""
    front = "layout: none"
    campaign = published(f"{body}", front=front)
    if not style:
        return campaign.templates["note"].html
    files = campaign_files(body, front=front)
    source = files["templates/note.mjml"].decode().replace("<mj-body>", f"<mj-head>{STYLE}</mj-head><mj-body>")
    result, problems = collect(files | {"templates/note.mjml": source.encode()})
    assert result is not None, problems
    return result.templates["note"].html


@pytest.mark.parametrize("style", [False, True], ids=["as mrml writes it", "after inlining"])
@pytest.mark.parametrize(
    "body",
    [
        '<mj-text>{% if a < 4 and b > "x" %}yes{% endif %}</mj-text>',
        "<mj-text>{{ name | default: 'you & \"me\"' }}</mj-text>",
        '<mj-text><a href="{{ url | append: "?a=1&b=2" }}">x</a></mj-text>',
        '<mj-image src="{{ image_url }}" alt="{{ name }}" href="{{ url }}" />',
        '<mj-button href="{% if a %}{{ url }}{% else %}https://x.example{% endif %}">Go</mj-button>',
        "{% for item in items %}<mj-text>{{ item.name }}</mj-text>{% endfor %}",
        "<mj-raw>{% for item in items %}</mj-raw><mj-text>{{ item.name }}</mj-text><mj-raw>{% endfor %}</mj-raw>",
        "<mj-table>{% for item in items %}<tr><td>{{ item.name }}</td></tr>{% endfor %}</mj-table>",
        "<mj-text>{%- assign x = 'a' -%}{{- x -}}</mj-text>",
    ],
)
def test_liquid_comes_out_as_it_went_in(body: str, style: bool) -> None:
    page = html(body, style=style)
    for piece in re.findall(r"{%.*?%}|{{.*?}}", body):
        assert piece in page
    assert "lqd" not in page


@pytest.mark.parametrize("style", [False, True], ids=["as mrml writes it", "after inlining"])
def test_a_loop_over_rows_stays_inside_its_table(style: bool) -> None:
    page = html("<mj-table>{% for i in items %}<tr><td>{{ i }}</td></tr>{% endfor %}</mj-table>", style=style)
    assert re.search(r"<tbody>\s*{% for i in items %}\s*<tr>.*?</tr>\s*{% endfor %}\s*</tbody>", page)


@pytest.mark.parametrize("style", [False, True], ids=["as mrml writes it", "after inlining"])
def test_a_loop_over_components_repeats_whole_rows(style: bool) -> None:
    page = html("{% for i in items %}<mj-text>{{ i }}</mj-text>{% endfor %}", style=style)
    assert re.search(r"{% for i in items %}<tr><td [^>]*><div [^>]*>{{ i }}</div></td></tr>{% endfor %}", page)


def test_inline_styles_reach_the_elements_and_other_styles_stay_in_the_head() -> None:
    page = html('<mj-text><span class="x">a</span></mj-text>', style=True)
    assert '<span class="x" style="color: red;">' in page
    assert "#outlook a" in page
    assert "data-css-inline" not in page


def test_no_font_is_loaded_from_a_third_party() -> None:
    page = html('<mj-text font-family="Roboto, Arial">a</mj-text>', style=False)
    assert "googleapis" not in page


def test_comments_of_the_author_are_not_sent_but_outlook_is_spoken_to() -> None:
    body = "<!-- todo: ask Ann --><mj-raw><!--[if mso]><p>{{ a }}</p><![endif]--></mj-raw>"
    page = html(body, style=True)
    assert "ask Ann" not in page
    assert "<!--[if mso]><p>{{ a }}</p><![endif]-->" in page


@pytest.mark.parametrize(
    ("body", "code", "line"),
    [
        ("<mj-txt>a</mj-txt>", "unknown_component", 6),
        ("<mj-text>a", "mjml", 6),
        ("</mj-text>", "mjml", 6),
        ("<p>a</p>", "unknown_component", 6),
        ("<mj-text>{{ a | }}</mj-text>", "liquid", 6),
        ("<mj-text>{% frob %}</mj-text>", "liquid", 6),
        ("<mj-navbar>{% if a %}{% endif %}</mj-navbar>", "mjml", 6),
    ],
)
def test_broken_mjml_is_refused_with_its_line(body: str, code: str, line: int) -> None:
    _, problems = collect(campaign_files(body))
    assert problems
    assert (problems[0].code, problems[0].line) == (code, line)


def test_the_text_part_is_made_from_the_html() -> None:
    text = (
        published(
            '<mj-text>Hello&nbsp;you &amp; all</mj-text><mj-image src="a.png" alt="A" href="https://shop.example/a" />'
            "{% for item in cart.items %}<mj-text>{{ item.name }}</mj-text>{% endfor %}"
            '<mj-button href="{{ cart.url }}">Back</mj-button><mj-text><span aria-hidden="true">*</span></mj-text>'
        )
        .templates["note"]
        .text
    )
    assert "Hello you & all" in text
    assert "a.png" not in text
    assert "Back: {{ cart.url }}" in text
    assert "*" not in text
    assert re.search(r"{% for item in cart.items %}\s+{{ item.name }}\s+{% endfor %}", text)
    assert "Soon" not in text
