from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from collections import Counter
from typing import Any

import pytest

from homing.domain.campaigns import Product
from homing.domain.errors import InvalidInput
from homing.domain.time import DAY, parse_instant, to_datetime
from homing.local.simulation import Drive, Recorder, Shop, ShopSettings, Tally
from homing.local.simulation.host import Request
from homing.sources.segment_spec import read_message
from tests.unit.simulation.toy_host import ToyHost, ToyMail

START = parse_instant("2026-10-12T00:00:00Z")
SECRET = "shh"


def weeks(
    products: dict[str, Product], *, seed: int = 7, days: int = 14, customers: int = 200
) -> tuple[Shop, ToyHost, Tally]:
    settings = ShopSettings(
        start=START, end=START + days * DAY, write_key="key", shopify_secret=SECRET, customers=customers, strangers=15
    )
    shop, host = Shop(random.Random(seed), products, settings), ToyHost()
    tally = list(Drive(shop, host).run())[-1]
    return shop, host, tally


@pytest.fixture(scope="module")
def run(products: dict[str, Product]) -> tuple[Shop, ToyHost, Tally]:
    return weeks(products)


def events(host: ToyHost, name: str) -> list[dict[str, Any]]:
    return [line for line in host.lines if line["name"] == name]


def test_the_same_seed_gives_the_same_weeks_to_the_byte(products: dict[str, Product]) -> None:
    first, second = weeks(products, days=4)[1], weeks(products, days=4)[1]
    assert first.posts == second.posts
    assert weeks(products, days=4, seed=8)[1].posts != first.posts


def test_requests_come_in_order_of_time_and_within_the_days(run: tuple[Shop, ToyHost, Tally]) -> None:
    instants = [at for at, *_ in run[1].posts]
    assert instants == sorted(instants)
    assert instants[0] >= START
    assert instants[-1] <= START + 14 * DAY


def test_people_visit_by_day_and_rest_at_night(run: tuple[Shop, ToyHost, Tally]) -> None:
    hours = Counter(to_datetime(at).hour for at, *_ in run[1].posts)
    assert sum(hours[hour] for hour in (17, 18, 19, 20)) > 10 * sum(hours[hour] for hour in (1, 2, 3))


def test_some_browse_before_anybody_knows_who_they_are(run: tuple[Shop, ToyHost, Tally]) -> None:
    known = {line["identifiers"].get("user_id") for line in run[1].lines} - {None}
    nobody = {line["profile_id"] for line in run[1].lines if "user_id" not in line["identifiers"]}
    assert len(known) > 40
    assert len(nobody) > 15
    introduced = [line for line in events(run[1], "Identified") if "anonymous_id" in line["identifiers"]]
    assert any(line["identifiers"]["anonymous_id"] in nobody for line in introduced)


def test_most_agree_to_mails_and_some_do_not(run: tuple[Shop, ToyHost, Tally]) -> None:
    agreed = sum(customer.consents for customer in run[0].customers)
    assert 0.65 * len(run[0].customers) < agreed < 0.95 * len(run[0].customers)


def test_an_order_names_the_cart_it_closes_and_what_lay_in_it(run: tuple[Shop, ToyHost, Tally]) -> None:
    filled = {line["properties"]["cart_id"] for line in events(run[1], "Product Added")}
    orders = [
        line["properties"] for line in events(run[1], "Order Completed") if len(line["properties"]["cart_id"]) == 16
    ]
    assert orders
    for order in orders:
        assert order["cart_id"] in filled
        goods = sum(item["price"] * item["quantity"] for item in order["products"])
        assert order["total"] == pytest.approx(goods + order["shipping"])
    assert len({order["order_id"] for order in orders}) == len(orders)


def test_webhooks_carry_a_valid_signature_unless_they_are_meant_to_be_forged(run: tuple[Shop, ToyHost, Tally]) -> None:
    verdicts: Counter[bool] = Counter()
    for _, path, headers, body in run[1].posts:
        if path == "/webhooks/shopify":
            signature = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
            genuine = signature == headers["x-shopify-hmac-sha256"]
            verdicts[genuine] += 1
            assert genuine or json.loads(body)["id"] == 1
    assert verdicts[True] > verdicts[False] > 0


def test_a_few_batches_come_twice_with_the_same_message_ids(run: tuple[Shop, ToyHost, Tally]) -> None:
    repeated = [count for count in run[1].seen.values() if count > 1]
    assert 0 < len(repeated) < 0.1 * len(run[1].seen)


def test_what_was_taken_can_be_recorded_each_message_once_in_order_of_time(products: dict[str, Product]) -> None:
    settings = ShopSettings(
        start=START, end=START + 14 * DAY, write_key="key", shopify_secret=SECRET, customers=200, strangers=15
    )
    host = ToyHost()
    recorder = Recorder(host, START)
    list(Drive(Shop(random.Random(7), products, settings), recorder).run())
    messages = [json.loads(line) for line in recorder.lines()]
    assert [one["timestamp"] for one in messages] == sorted(one["timestamp"] for one in messages)
    ids = [one["messageId"] for one in messages]
    assert len(ids) == len(set(ids))
    assert host.seen.keys() <= set(ids)
    # The till speaks to Shopify's webhook: its orders are told as Segment's libraries would.
    till = [one for one in messages if one["messageId"].startswith("shopify:")]
    assert {one["type"] for one in till} == {"track", "identify"}
    for one in messages:
        assert read_message(one, received=parse_instant(one["timestamp"])).occurred == parse_instant(one["timestamp"])
    assert all(one["properties"]["order_id"] for one in till if one["type"] == "track")


def test_a_few_events_come_hours_late(run: tuple[Shop, ToyHost, Tally]) -> None:
    ages = [parse_instant(line["received_at"]) - parse_instant(line["occurred_at"]) for line in run[1].lines]
    late = [age for age in ages if DAY / 24 < age < DAY / 2]
    assert 0 < len(late) < 0.1 * len(ages)


def test_bad_requests_are_refused_and_counted(run: tuple[Shop, ToyHost, Tally]) -> None:
    assert run[2].refused == {"refused (400)": 6}


def test_readers_open_click_and_come_back_to_order(run: tuple[Shop, ToyHost, Tally]) -> None:
    host = run[1]
    opened, clicked = events(host, "Email Opened"), events(host, "Email Link Clicked")
    assert len(host.mails) > len(opened) > len(clicked) > 0
    landed = [line for line in host.lines if line["properties"].get("utm_source") == "homing"]
    assert landed
    click = {line["profile_id"]: parse_instant(line["occurred_at"]) for line in clicked}
    back = [
        line for line in events(host, "Order Completed")
        if 0 < parse_instant(line["occurred_at"]) - click.get(line["profile_id"], 1 << 62) < DAY
    ]  # fmt: skip
    assert back


def test_some_press_the_unsubscribe_button_which_posts_what_the_mail_says(products: dict[str, Product]) -> None:
    settings = ShopSettings(start=START, end=START + DAY, write_key="key", shopify_secret=SECRET, customers=40)
    shop = Shop(random.Random(7), products, settings)
    headers = {
        "List-Unsubscribe": "<mailto:a@shop.example>, <https://shop.example/unsubscribe?token=abc>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    for customer in shop.customers * 20:
        shop.react(ToyMail(customer.email, "", headers, "m", "p"), START)
    requests = [action.what for action in shop.take(START + 9 * DAY) if isinstance(action.what, Request)]
    presses = [request for request in requests if request.label == "unsubscribe"]
    assert presses
    assert {(press.method, press.path, press.body) for press in presses} == {
        ("POST", "/unsubscribe?token=abc", b"List-Unsubscribe=One-Click")
    }


def test_a_shop_without_products_is_refused() -> None:
    with pytest.raises(InvalidInput):
        Shop(random.Random(1), {}, ShopSettings(start=START, end=START + DAY, write_key="k", shopify_secret="s"))
