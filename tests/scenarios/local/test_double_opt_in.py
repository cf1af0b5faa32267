"""A double opt-in clicked through the deployed app on one machine: the mail, its link, the page, its button."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import pytest

from homing.local.collect import collect
from homing.local.host import LocalHost

START = "2026-03-02T10:00:00Z"
CAMPAIGNS = Path(__file__).parents[3] / "layers/campaigns"
MARKETING = "  marketing:\n    title: Ideas and offers\n"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter campaigns of a shop that asks twice."""
    folder = tmp_path_factory.mktemp("strict") / "campaigns"
    shutil.copytree(CAMPAIGNS, folder)
    settings = folder / "settings.yaml"
    text = settings.read_text(encoding="utf-8")
    assert MARKETING in text
    settings.write_text(text.replace(MARKETING, f"{MARKETING}    double_opt_in: true\n"), encoding="utf-8")
    return folder


@pytest.fixture
def host(strict: Path) -> Iterator[LocalHost]:
    with LocalHost.deployed(start=START, campaigns=strict) as running:
        yield running


def post(host: LocalHost, kind: str, **message: Any) -> None:
    body = json.dumps({"batch": [{"userId": "ada", "type": kind, **message}]})
    response = host.http("POST", "/v1/batch", {**host.authorization(), "content-type": "application/json"}, body)
    assert (response.status, response.json().get("rejected")) == (200, [])


def subscribe(host: LocalHost) -> None:
    post(host, "identify", traits={"email": "ada@example.com", "firstName": "Ada"}, messageId="i1")
    post(host, "track", event="Subscribed", properties={"topic": "marketing"}, messageId="s1")
    host.advance("2m")


def leave_a_cart(host: LocalHost, number: int) -> None:
    properties = {"cart_id": f"cart-{number}", "product_id": "stoneware-mug", "price": 18, "quantity": 1}
    post(host, "track", event="Product Added", properties=properties, messageId=f"a{number}")
    host.advance("40m")


def subjects(host: LocalHost) -> list[str]:
    return [mail.subject for mail in host.mails]


def asked(host: LocalHost) -> str:
    """The address behind the button of the mail that asks."""
    (mail,) = [mail for mail in host.mails if mail.subject == "One click, and we write to you"]
    links = {link.replace("&amp;", "&") for link in re.findall(r'href="([^"]*/confirm\?[^"]*)"', mail.html)}
    assert len(links) == 1
    assert mail.recipient == "ada@example.com"
    assert links.pop() in mail.text
    return re.search(r"\S*/confirm\?\S+", mail.text)[0]  # type: ignore[index]


class Form(HTMLParser):
    """The one form of a page, as a browser sees it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.method, self.action, self.fields, self.buttons, self.forms = "get", "", dict[str, str](), 0, 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms += 1
            self.method, self.action = said.get("method", "get").lower(), said.get("action", "")
        elif tag == "input" and said.get("name"):
            self.fields[said["name"]] = said.get("value", "")
        elif tag == "button":
            self.buttons += 1


def follow(host: LocalHost, url: str, method: str = "GET") -> Any:
    parts = urlsplit(url)
    return host.http(method, f"{parts.path}?{parts.query}")


def press(host: LocalHost, url: str) -> Any:
    """Opens the page and presses its button."""
    page = follow(host, url)
    form = Form(page.text)
    assert (page.status, form.forms, form.buttons, form.method) == (200, 1, 1, "post")
    target = urlsplit(urljoin(url, form.action) if form.action else url)
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return host.http("POST", f"{target.path}?{target.query}", headers, urlencode(form.fields))


def test_nothing_is_sent_before_the_button_was_pressed_and_everything_after(host: LocalHost) -> None:
    subscribe(host)
    url = asked(host)
    leave_a_cart(host, 1)
    assert len(host.mails) == 1
    # A link scanner follows the link, as often as it likes.
    for method in ("GET", "HEAD", "GET"):
        assert follow(host, url, method).status == 200
    leave_a_cart(host, 2)
    assert len(host.mails) == 1

    done = press(host, url)
    assert done.status == 200
    assert "Ideas and offers" in done.text
    host.advance("1m")
    leave_a_cart(host, 3)
    assert subjects(host)[1:] == ["Still yours: Stoneware Mug “Fern”"]
    reasons = {line.status: line.reason for line in collect(host).messages if line.trigger == "cart_abandoned"}
    assert reasons == {"dropped": "unconfirmed", "sent": ""}
    assert not host.functions.errors


def test_pressing_it_twice_is_pressing_it_once_and_no_later_no_is_undone(host: LocalHost) -> None:
    subscribe(host)
    url = asked(host)
    assert [press(host, url).status for _ in range(2)] == [200, 200]
    host.advance("1m")
    leave_a_cart(host, 1)
    cart = host.mails[-1]
    link = urlsplit(cart.headers["List-Unsubscribe"].strip("<>"))
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert host.http("POST", f"{link.path}?{link.query}", headers, "List-Unsubscribe=One-Click").status == 200
    host.advance("1m")
    leave_a_cart(host, 2)
    assert host.mails[-1] is cart


def test_the_link_works_for_this_purpose_and_for_a_week(host: LocalHost) -> None:
    subscribe(host)
    url = asked(host)
    for other in ("unsubscribe", "preferences"):
        assert follow(host, url.replace("/confirm?", f"/{other}?")).status == 400
    assert follow(host, f"{url[:-1]}{'A' if url[-1] != 'A' else 'B'}").status == 400
    host.advance("6d23h")
    assert follow(host, url).status == 200
    host.advance("2h")
    expired = follow(host, url, "POST")
    assert expired.status == 410
    leave_a_cart(host, 1)
    assert len(host.mails) == 1


def test_who_has_another_address_by_then_confirms_nothing(host: LocalHost) -> None:
    subscribe(host)
    url = asked(host)
    post(host, "identify", traits={"email": "ada@elsewhere.example"}, messageId="i2")
    host.advance("1m")
    assert follow(host, url).status == 410
    leave_a_cart(host, 1)
    assert [mail.recipient for mail in host.mails] == ["ada@example.com"]
