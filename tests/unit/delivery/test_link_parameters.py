"""The shop's statistics hear of the mail; nobody else's links change."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from homing.domain.campaigns import Settings
from homing.domain.delivery.link_parameters import filled_in, in_html, in_text, with_parameters
from tests.fixtures.shop import BRAND
from tests.unit.delivery.test_send_email import World

UTM = {"utm_source": "homing", "utm_medium": "email", "utm_campaign": "cart recovery"}
SHOP = "https://shop.example/p/1"
ENDING = "utm_source=homing&utm_medium=email&utm_campaign=cart+recovery"
LEAVE = "https://shop.example/unsubscribe?t=abc"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (SHOP, f"{SHOP}?{ENDING}"),
        (f"{SHOP}?", f"{SHOP}?{ENDING}"),
        (f"{SHOP}?size=m&b=%20x", f"{SHOP}?size=m&b=%20x&{ENDING}"),
        (f"{SHOP}#reviews", f"{SHOP}?{ENDING}#reviews"),
        (f"{SHOP}?a=1#x?y", f"{SHOP}?a=1&{ENDING}#x?y"),
        (f"{SHOP}?utm_source=own&utm_medium=", f"{SHOP}?utm_source=own&utm_medium=&utm_campaign=cart+recovery"),
        ("https://www.shop.example", f"https://www.shop.example?{ENDING}"),
    ],
)
def test_parameters_join_what_a_link_has(url: str, expected: str) -> None:
    assert with_parameters(url, UTM) == expected
    assert with_parameters(expected, UTM) == expected


def test_only_links_to_the_shop_change_and_never_those_of_unsubscription() -> None:
    html = (
        f'<a class="x" href="{SHOP}?a=1&amp;b=2">it</a> <a href=\'{SHOP}\'>it</a> <A HREF="{LEAVE}">leave</A>'
        '<a href="https://other.example/">other</a> <a href="mailto:a@shop.example">m</a> <img src="https://shop.example/x.png">'
        '<a href="https://shop.example.evil.example/">evil</a> <a data-href="https://shop.example/">no</a>'
    )
    done = in_html(html, UTM, BRAND, {LEAVE})
    assert done.count("utm_source") == 2
    assert f'href="{SHOP}?a=1&amp;b=2&amp;{escape(ENDING)}"' in done
    for same in (LEAVE, 'https://other.example/"', 'mailto:a@shop.example"', 'x.png"', 'evil.example/"'):
        assert same in done


def test_text_keeps_its_punctuation() -> None:
    text = f"Look: {SHOP}. ({SHOP}), or leave: {LEAVE}\nhttps://other.example/."
    done = in_text(text, UTM, BRAND, {LEAVE})
    assert done == f"Look: {SHOP}?{ENDING}. ({SHOP}?{ENDING}), or leave: {LEAVE}\nhttps://other.example/."


@given(
    st.text(max_size=60),
    st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.text(min_size=1, max_size=12)),
)
def test_whatever_a_link_has_stays_and_what_is_added_is_read_back(rest: str, parameters: dict[str, str]) -> None:
    url = "https://shop.example/" + rest
    done = with_parameters(url, parameters)
    before = parse_qsl(urlsplit(url.partition("#")[0]).query, keep_blank_values=True)
    after = parse_qsl(urlsplit(done.partition("#")[0]).query, keep_blank_values=True)
    assert after[: len(before)] == before
    assert dict(after[len(before) :]) == {k: v for k, v in parameters.items() if k not in dict(before)}
    assert done.partition("#")[2] == url.partition("#")[2]


def test_words_in_braces_are_filled_in() -> None:
    words = {"flow": "cart", "template": "reminder", "topic": "news", "variant": ""}
    assert filled_in({"a": "{flow}-{template}", "b": "x", "c": "{variant}"}, words) == {"a": "cart-reminder", "b": "x"}


@pytest.mark.parametrize(
    "links", [{"utm_source": "{shop}"}, {"a b": "x"}, {"t": "{flow"}, {"t": "{flow.x}"}, {"t": "{}"}]
)
def test_settings_refuse_what_can_not_be_filled_in(links: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"brand": BRAND, "links": links})


def test_a_mail_that_is_sent_carries_them_and_its_unsubscription_does_not() -> None:
    world = World(links={"utm_campaign": "{flow}", "utm_content": "{template}"})
    template = world.campaigns.templates["hello"]
    world.campaigns.templates["hello"] = template.model_copy(
        update={"html": '<a href="https://shop.example/">x</a> <a href="{{ unsubscribe_url }}">leave</a>'}
    )
    world.send(world.request())
    (sent,) = world.mailer.sent
    assert '<a href="https://shop.example/?utm_campaign=f&amp;utm_content=hello">' in sent.mail.html
    assert sent.mail.html.count("utm_") == 2
    assert "utm" not in sent.mail.headers["List-Unsubscribe"]
