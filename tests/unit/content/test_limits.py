"""Templates that would never end, or fill the memory, are refused soon, with the piece of Liquid that asks for it."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest

from homing.domain.content.bounded import LOOP_LIMIT, OUTPUT_LIMIT
from homing.domain.content.render import Renderer
from homing.domain.errors import InvalidInput
from tests.unit.content.support import context, published

# CPU seconds that a refusal may take; a second or so on an ordinary machine, and test machines are slow.
SOON = 8.0
LONG = "{% assign x = 'aaaaaaaaaa' %}{% for i in (1..12) %}{% assign x = x | append: x %}{% endfor %}"


def render(body: str, data: dict[str, Any] | None = None) -> Any:
    """The mail of one template."""
    campaigns = published(f"<mj-text>{body}</mj-text>")
    return Renderer(campaigns).render("note", context(campaigns, data))


@pytest.mark.parametrize(
    ("body", "piece"),
    [
        ("{% for i in (1..100000000000) %}x{% endfor %}", "in {% for i in (1..100000000000) %}"),
        ("{% for i in (1..900) %}{% for j in (1..900) %}{{ j }}{% endfor %}{% endfor %}", "in {% for"),
        ("{% for i in (1..4000) %}x{% endfor %}{% for j in (1..4000) %}x{% endfor %}", "in {% for j"),
        ("{% tablerow i in (1..100000) %}x{% endtablerow %}", "in {% tablerow"),
        ("{% assign x = 'aaaaaaaaaa' %}{% for i in (1..60) %}{% assign x = x | append: x %}{% endfor %}", "in {% "),
        (f"{LONG}{{% for i in (1..50) %}}{{{{ x }}}}{{% endfor %}}", "characters in {% for i in (1..50) %}"),
        (f"{LONG}{{% capture y %}}{{% for i in (1..50) %}}{{{{ x }}}}{{% endfor %}}{{% endcapture %}}", "characters in {% "),
        (f"{LONG}{{{{ x | replace: 'a', x }}}}", "in {{ x | replace: 'a', x }}"),
        (f"{LONG}{{{{ x | replace: '', x }}}}", "in {{ x | replace: '', x }}"),
        (f"{LONG}{{{{ x | split: '' | join: x }}}}", "in {{ x | split: '' | join: x }}"),
        (f"{LONG}{{% assign x = x | replace: 'a', '<' %}}{{{{ x | strip_html }}}}", "in {{ x | strip_html }}"),
        ("{{ (1..1000000000000) | sort | size }}", "in {{ (1..1000000000000) | sort | size }}"),
        (f"{LONG}{{% for i in (1..900) %}}{{% assign y = x | upcase | downcase | size %}}{{% endfor %}}", "in {% "),
        ("{% for i in (1..4000) %}" + "{% if a %}{% endif %}" * 8000 + "{% endfor %}", "in {% for i"),
    ],
    ids=[
        "a loop", "a loop in a loop", "a loop after a loop", "a table", "a text that doubles", "a long mail",
        "a long text in a variable", "a text in itself", "a text between its letters", "a text between a list", "tags",
        "a list of numbers", "filters in a loop", "a long body of a loop",
    ],
)  # fmt: skip
def test_a_template_can_use_up_neither_time_nor_memory(body: str, piece: str) -> None:
    campaigns = published(f"<mj-text>{body}</mj-text>")
    began = time.process_time()
    with pytest.raises(InvalidInput, match="limit") as caught:
        Renderer(campaigns).render("note", context(campaigns))
    assert time.process_time() - began < SOON
    assert caught.value.code == "render"
    assert str(caught.value).startswith("note.html: ")
    assert piece in str(caught.value)


def test_what_a_mail_needs_is_far_from_the_limits() -> None:
    items = [{"product_id": "mug", "quantity": 2}] * 200
    body = (
        "{% for item in cart.items %}{{ item.name | upcase }} {{ item.price | money: item.currency }}<br/>{% endfor %}"
    )
    mail = render(body * 3, {"cart": {"items": items}})
    assert mail.html.count("MUG") == 600
    assert LOOP_LIMIT / 8 > 600
    assert len(mail.html) < OUTPUT_LIMIT / 8


def test_a_mail_is_rendered_again_after_one_that_was_too_much() -> None:
    campaigns = published("<mj-text>{% for i in (1..data.n) %}x{% endfor %}</mj-text>")
    renderer = Renderer(campaigns)
    for n, fits in ((10, True), (LOOP_LIMIT + 1, False), (10, True), (LOOP_LIMIT, True)):
        found = context(campaigns, {"data": {"n": n}})
        if fits:
            assert "xxx" in renderer.render("note", found).html
        else:
            with pytest.raises(InvalidInput, match="limit"):
                renderer.render("note", found)


def test_no_network_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("rendering opened a socket")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    piece = "<img src='https://shop.example/a.png'/>{{ data.price | money }} {{ now | long_date }} {{ 2 | plural: 'a', 'b' }}"
    assert "https://shop.example/a.png" in render(piece, {"data": {"price": "5"}}).html
