"""A cart left behind, through the deployed app on one machine; and the same story when things go wrong on the way."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from homing.domain.time import MINUTE, SECOND, parse_instant
from homing.local.collect import collect
from homing.local.host import LocalHost

START = "2026-03-02T10:00:00Z"
FUNCTIONS = ["update_profiles", "publish_changes", "wake_due", "run_flows", "record_engagement"]


@pytest.fixture
def host() -> Iterator[LocalHost]:
    with LocalHost.deployed(start=START) as running:
        yield running


def post(host: LocalHost, *messages: dict[str, Any]) -> None:
    body = json.dumps({"batch": [{"userId": "ada", **message} for message in messages]})
    response = host.http("POST", "/v1/batch", {**host.authorization(), "content-type": "application/json"}, body)
    assert (response.status, response.json().get("rejected")) == (200, [])


def subscribe(host: LocalHost) -> None:
    traits = {"email": "ada@example.com", "firstName": "Ada", "consent": {"marketing": True}}
    post(host, {"type": "identify", "traits": traits, "messageId": "i1"})


def add_to_cart(host: LocalHost, product: str = "p1", message_id: str = "a1") -> None:
    properties = {"cart_id": "cart-1", "product_id": product, "name": f"Kettle {product}", "price": 49, "quantity": 1}
    post(host, {"type": "track", "event": "Product Added", "properties": properties, "messageId": message_id})


def test_a_cart_that_lies_for_half_an_hour_is_mailed_once(host: LocalHost) -> None:
    subscribe(host)
    host.advance("5m")
    add_to_cart(host)
    host.advance("29m")
    assert host.mails == []
    host.advance("3m")
    (mail,) = host.mails
    assert mail.recipient == "ada@example.com"
    assert "Kettle p1" in mail.html
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    due = parse_instant(START) + 35 * MINUTE
    assert due <= mail.sent_at <= due + 62 * SECOND
    host.advance("1h")
    assert len(host.mails) == 1
    assert not host.functions.errors


def test_no_cart_mail_after_the_order(host: LocalHost) -> None:
    subscribe(host)
    add_to_cart(host)
    host.advance("20m")
    order = {"order_id": "o1", "cart_id": "cart-1", "products": [{"product_id": "p1", "quantity": 1, "price": 49}]}
    post(host, {"type": "track", "event": "Order Completed", "properties": order, "messageId": "o1"})
    host.advance("2d")
    assert [line for line in collect(host).messages if line.trigger == "cart_abandoned"] == []


def test_one_click_unsubscription_stops_what_is_still_to_come(host: LocalHost) -> None:
    subscribe(host)
    add_to_cart(host)
    host.advance("40m")
    (mail,) = host.mails
    link = urlsplit(mail.headers["List-Unsubscribe"].strip("<>"))
    headers = {"content-type": "application/x-www-form-urlencoded"}
    path = f"{link.path}?{link.query}"
    assert host.http("GET", path).status == 200
    assert host.http("POST", path, headers, "List-Unsubscribe=One-Click").status == 200
    post(host, {"type": "track", "event": "Product Added", "messageId": "a2",
                "properties": {"cart_id": "cart-2", "product_id": "p2", "name": "Pot", "price": 9}})  # fmt: skip
    host.advance("7d")
    assert len(host.mails) == 1


def test_opens_reach_the_profile_and_the_archive_names_nobody(host: LocalHost) -> None:
    subscribe(host)
    add_to_cart(host)
    host.advance("40m")
    host.ses_event(host.mails[0], "Open")
    host.ses_event(host.mails[0], "Click")
    host.advance("1m")
    outputs = collect(host)
    names = [event["name"] for event in outputs.events]
    assert {"Email Delivered", "Email Opened", "Email Link Clicked"} <= set(names)
    assert "ada@example.com" not in json.dumps(outputs.events)
    (message,) = [line for line in outputs.messages if line.trigger == "cart_abandoned"]
    assert (message.status, message.to) == ("sent", "ada@example.com")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("times", [1, 3])
def test_a_function_that_dies_costs_no_mail_and_doubles_none(
    host: LocalHost, function: str, when: Any, times: int
) -> None:
    host.faults.fail(function, when, times)
    subscribe(host)
    add_to_cart(host)
    host.advance("6h")
    assert host.faults.happened == times
    assert [mail.recipient for mail in host.mails] == ["ada@example.com"]


@pytest.mark.parametrize(
    ("service", "operation", "error"),
    [
        ("dynamodb", "PutItem", "ProvisionedThroughputExceededException"),
        ("dynamodb", "BatchGetItem", "InternalServerError"),
        ("dynamodb", "Query", "ThrottlingException"),
        ("kinesis", "PutRecords", "timeout"),
        ("sqs", "SendMessageBatch", "ServiceUnavailable"),
        ("events", "PutEvents", "ThrottlingException"),
        ("s3", "PutObject", "SlowDown"),
        ("sesv2", "SendEmail", "TooManyRequestsException"),
    ],
)
def test_calls_that_fail_before_or_after_they_worked_are_made_good(
    host: LocalHost, service: str, operation: str, error: str
) -> None:
    subscribe(host)
    host.advance("1m")
    host.faults.fail_call(service, operation, error, times=4)
    if service != "sesv2":
        host.faults.fail_call(service, operation, error, when="after", times=4)
    add_again = add_to_cart
    for attempt in range(12):
        try:
            add_again(host)
        except AssertionError:
            # Answered 503: the SDK sends the same message again.
            host.advance("10s")
            assert attempt < 11
            continue
        break
    host.advance("12h")
    assert host.faults.happened
    assert [mail.recipient for mail in host.mails] == ["ada@example.com"]


def _lost(host: LocalHost) -> None:
    host.faults.fail_call("sesv2", "SendEmail", "timeout", when="after")


def _dead_after_claim(host: LocalHost) -> None:
    host.faults.fail("send_email", "after")


@pytest.mark.parametrize("fault", [_lost, _dead_after_claim], ids=["reply lost", "died after sending"])
def test_a_send_whose_reply_was_lost_is_never_repeated(host: LocalHost, fault: Callable[[LocalHost], None]) -> None:
    subscribe(host)
    add_to_cart(host)
    fault(host)
    host.advance("3d")
    cart = [mail for mail in host.mails if re.search(r"Kettle p1", mail.html)]
    assert host.faults.happened == 1
    assert len(cart) == 1
    (message,) = [line for line in collect(host).messages if line.trigger == "cart_abandoned"]
    # SES's own event, which carries the tag, settles it.
    assert message.status == "sent"
