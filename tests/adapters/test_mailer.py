"""What is known after SES answered, or did not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
    SSLError,
)
from botocore.stub import ANY, Stubber

from homing.adapters.memory import MemoryMailer
from homing.adapters.ses import SesMailer, client_config
from homing.domain.delivery.message import Mail
from homing.domain.errors import HomingError, Unavailable
from homing.services.ports import Lost, Refused, Throttled

MAIL = Mail(
    sender="Homing <shop@example.com>",
    recipient="ada@example.com",
    reply_to="help@example.com",
    subject="Deine Tasse wartet ☕",
    html="<p>Hallo</p>",
    text="Hallo",
    headers={"List-Unsubscribe": "<https://x.example/u>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    tags={"homing_send": "s1", "homing_profile": "ada"},
)
SENT = {
    "FromEmailAddress": "Homing <shop@example.com>",
    "Destination": {"ToAddresses": ["ada@example.com"]},
    "ReplyToAddresses": ["help@example.com"],
    "Content": {
        "Simple": {
            "Subject": {"Data": "Deine Tasse wartet ☕", "Charset": "UTF-8"},
            "Body": {
                "Html": {"Data": "<p>Hallo</p>", "Charset": "UTF-8"},
                "Text": {"Data": "Hallo", "Charset": "UTF-8"},
            },
            "Headers": [
                {"Name": "List-Unsubscribe", "Value": "<https://x.example/u>"},
                {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
            ],
        }
    },
    "EmailTags": [{"Name": "homing_send", "Value": "s1"}, {"Name": "homing_profile", "Value": "ada"}],
    "ConfigurationSetName": "homing",
}


@pytest.fixture
def client() -> Any:
    return boto3.client("sesv2", region_name="eu-central-1", config=client_config())


@pytest.fixture
def mailer(client: Any) -> SesMailer:
    return SesMailer(client, "homing", clock=lambda: 0)


def test_a_mail_goes_out_whole(client: Any, mailer: SesMailer) -> None:
    with Stubber(client) as stub:
        stub.add_response("send_email", {"MessageId": "0100-abc"}, SENT)
        assert mailer.send(MAIL) == "0100-abc"
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("code", "status", "verdict"),
    [
        ("TooManyRequestsException", 429, Throttled),
        ("LimitExceededException", 400, Throttled),
        ("SendingPausedException", 400, Throttled),
        ("ThrottlingException", 400, Throttled),
        ("MessageRejected", 400, Refused),
        ("BadRequestException", 400, Refused),
        ("MailFromDomainNotVerifiedException", 400, Unavailable),
        ("AccessDeniedException", 403, Unavailable),
        ("NotFoundException", 404, Unavailable),
        ("InternalFailure", 500, Lost),
        ("ServiceUnavailable", 503, Lost),
    ],
)
def test_each_answer_of_ses_has_one_meaning(
    client: Any, mailer: SesMailer, code: str, status: int, verdict: type[HomingError]
) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("send_email", code, "ada@example.com is not fine", status)
        with pytest.raises(HomingError) as caught:
            mailer.send(MAIL)
        stub.assert_no_pending_responses()
    assert type(caught.value) is verdict
    assert "ada@example.com" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (EndpointConnectionError(endpoint_url="https://ses"), Unavailable),
        (ConnectTimeoutError(endpoint_url="https://ses"), Unavailable),
        (NoCredentialsError(), Unavailable),
        (ReadTimeoutError(endpoint_url="https://ses"), Lost),
        (ConnectionClosedError(endpoint_url="https://ses"), Lost),
        (SSLError(endpoint_url="https://ses", error="bad record"), Lost),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BotoCoreError) else "",
)
def test_a_broken_connection_is_lost_unless_it_was_never_made(
    client: Any, mailer: SesMailer, error: BotoCoreError, verdict: type[HomingError]
) -> None:
    calls = []

    def break_it(**_: object) -> None:
        calls.append(1)
        raise error

    client.meta.events.register("before-send.sesv2.SendEmail", break_it)
    with pytest.raises(HomingError) as caught:
        mailer.send(MAIL)
    assert type(caught.value) is verdict
    assert len(calls) == 1, "a second try could be a second e-mail"


def test_the_client_never_retries() -> None:
    config = client_config()
    assert isinstance(config, Config)
    assert config.retries["total_max_attempts"] == 1


def test_a_connection_that_lay_idle_is_not_used_again(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    times, closed = iter([100_000_000, 105_000_000, 140_000_000]), []
    monkeypatch.setattr(client, "close", lambda: closed.append(1))
    mailer = SesMailer(client, "homing", clock=lambda: next(times))
    with Stubber(client) as stub:
        for expected in (1, 1, 2):
            stub.add_response("send_email", {"MessageId": "x"}, SENT)
            mailer.send(MAIL)
            assert len(closed) == expected


def test_the_fake_fails_as_scripted_and_then_works() -> None:
    mailer = MemoryMailer()
    mailer.fail("throttle", "refuse", "unavailable", "lose_before", "lose_after", None)
    for verdict in (Throttled, Refused, Unavailable, Lost, Lost):
        with pytest.raises(verdict):
            mailer.send(MAIL)
    assert [mailer.send(MAIL), mailer.send(MAIL)] == ["memory-000002", "memory-000003"]
    assert [sent.provider_id for sent in mailer.sent] == ["memory-000001", "memory-000002", "memory-000003"]
    assert mailer.calls == 7


def test_a_mail_goes_through_the_set_of_its_topic(client: Any) -> None:
    mailer = SesMailer(client, "homing", clock=lambda: 0, topics=["offers"])
    with Stubber(client) as stub:
        for tags, name in (
            ({"homing_topic": "offers"}, "homing-offers"),
            ({"homing_topic": "x"}, "homing"),
            ({}, "homing"),
        ):
            asked = dict.fromkeys(("FromEmailAddress", "Destination", "ReplyToAddresses", "Content", "EmailTags"), ANY)
            stub.add_response("send_email", {"MessageId": "m"}, {**asked, "ConfigurationSetName": name})
            mailer.send(replace(MAIL, tags=tags))
        stub.assert_no_pending_responses()
