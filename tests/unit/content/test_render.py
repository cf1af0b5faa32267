"""From a bundle and a person to a mail."""

from __future__ import annotations

from typing import Any

import pytest

from homing.domain.content.render import Renderer
from homing.domain.errors import InvalidInput
from tests.unit.content.support import UNSUBSCRIBE, campaign_files, context, published


def render(body: str, data: dict[str, Any] | None = None, *, topic: str = "marketing", **traits: Any) -> Any:
    """The mail of one template."""
    subject = traits.pop("subject", "Hello")
    campaigns = published(body, subject=subject)
    return Renderer(campaigns).render("note", context(campaigns, data, topic=topic, **traits))


def test_html_is_escaped_and_subject_and_text_are_not() -> None:
    mail = render("<mj-text>{{ first_name }}</mj-text>", first_name="<b>Ann & Bo</b>", subject="{{ first_name }}")
    assert "&lt;b&gt;Ann &amp; Bo&lt;/b&gt;" in mail.html
    assert "<b>Ann & Bo</b>" in mail.text
    assert mail.subject == "<b>Ann & Bo</b>"


def test_a_subject_has_one_line_whatever_a_trait_holds() -> None:
    mail = render("<mj-text>a</mj-text>", first_name="Ann\r\nBcc: x@y.example", subject="Hi {{ first_name }}")
    assert mail.subject == "Hi Ann Bcc: x@y.example"


@pytest.mark.parametrize(
    ("piece", "message"),
    [
        ("{{ first_name }}", "'first_name' is undefined"),
        ("{{ profile.traits.first_name }}", "profile.traits.first_name is undefined"),
        ("{% for x in things %}{% endfor %}", "'things' is undefined"),
        ("{{ total | money }}", "'total' is undefined"),
        ("{{ brand.logo_url | upcase }}", "brand.logo_url is undefined"),
    ],
)
def test_what_is_missing_is_an_error_with_its_place(piece: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=r"note\.html") as caught:
        render(f"<mj-text>{piece}</mj-text>")
    assert message in str(caught.value)
    assert caught.value.code == "render"


@pytest.mark.parametrize(
    ("piece", "shown"),
    [
        ("{{ first_name | default: 'you' }}", "you"),
        ("{{ profile.traits.city | default: 'here' }}", "here"),
        ("{% if first_name %}named{% else %}nameless{% endif %}", "nameless"),
        ("{% unless first_name %}nameless{% endunless %}", "nameless"),
        ("{% if first_name == nil %}nameless{% endif %}", "nameless"),
        ("{% if first_name == 'Ann' %}Ann{% else %}other{% endif %}", "other"),
        ("{% if first_name and city %}both{% else %}not{% endif %}", "not"),
    ],
)
def test_what_may_be_missing_can_be_asked_for(piece: str, shown: str) -> None:
    assert f">{shown}<" in render(f"<mj-text>{piece}</mj-text>").html


def test_a_filter_that_gets_nonsense_says_so() -> None:
    with pytest.raises(InvalidInput, match="not an amount of money"):
        render("<mj-text>{{ first_name | money }}</mj-text>", first_name="Ann")


def test_escaping_can_not_be_switched_off() -> None:
    with pytest.raises(InvalidInput, match="unknown filter 'safe'"):
        render("<mj-text>{{ first_name | safe }}</mj-text>", first_name="<i>")


def test_a_mail_without_its_unsubscribe_link_is_not_rendered() -> None:
    files = campaign_files()
    files["templates/note.mjml"] = files["templates/note.mjml"].replace(b"{{ unsubscribe_url }}", b"#")
    from homing.domain.content.publish import publish

    campaigns = publish(files)
    renderer = Renderer(campaigns)
    with pytest.raises(InvalidInput) as caught:
        renderer.render("note", context(campaigns))
    assert caught.value.code == "missing_unsubscribe"
    assert renderer.render("note", context(campaigns, topic="receipts")).subject == "Hello"


def test_the_unsubscribe_link_stands_in_html_and_text() -> None:
    mail = render("<mj-text>a</mj-text>")
    assert UNSUBSCRIBE.replace("&", "&amp;") in mail.html
    assert UNSUBSCRIBE in mail.text


def test_an_unknown_template_is_named() -> None:
    with pytest.raises(InvalidInput, match="did you mean 'note'"):
        Renderer(published()).render("not", {})


def test_a_subject_that_comes_out_empty_is_refused() -> None:
    with pytest.raises(InvalidInput, match="subject"):
        render("<mj-text>a</mj-text>", subject="{{ first_name | default: '' }}")


def test_blank_lines_that_tags_leave_are_closed_up_in_the_text() -> None:
    mail = render("{% if a %}<mj-text>x</mj-text>{% endif %}{% if b %}<mj-text>y</mj-text>{% endif %}")
    assert "\n\n\n" not in mail.text


def test_a_subject_is_one_line_that_reads_as_it_is_written() -> None:
    campaigns = published("<mj-text>Hi {{ first_name }}!</mj-text>", subject="For {{ first_name }}, {{ data.word }}")
    found = context(campaigns, {"data": {"word": "o\u202enow"}}, first_name="A\x00n\r\nBcc: b@evil.example")
    rendered = Renderer(campaigns).render("note", found)
    assert rendered.subject == "For An Bcc: b@evil.example, onow"
    assert "Hi An Bcc: b@evil.example!" in rendered.text.splitlines()
