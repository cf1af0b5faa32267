"""`homing send-test`: one mail to yourself, that harms nobody."""

from __future__ import annotations

import email
import email.policy
import socket
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from click.testing import CliRunner, Result
from moto import mock_aws

from homing.cli import deployed
from homing.cli.send_test import command

CAMPAIGNS = str(Path(__file__).parents[3] / "layers" / "campaigns")


class Sink:
    """An SMTP server's memory."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


@pytest.fixture
def smtp() -> Iterator[tuple[str, Sink]]:
    sink = Sink()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    yield f"127.0.0.1:{port}", sink
    controller.stop()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, [*arguments, "--campaigns", CAMPAIGNS])


def test_a_mail_arrives_marked_as_a_test_with_links_that_do_nothing(smtp: tuple[str, Sink]) -> None:
    address, sink = smtp
    result = run("cart-reminder", "--to", "me@example.com", "--smtp", address)
    assert result.exit_code == 0, result.output
    (mail,) = sink.mails
    assert mail["Subject"].startswith("[Test] Still yours: ")
    assert mail["To"] == "me@example.com"
    assert mail["List-Unsubscribe"] is None
    text, page = (part.get_content() for part in mail.iter_parts())
    assert "#test-unsubscribe_url" in page
    assert "#test-unsubscribe_url" in text
    assert "unsubscribe?t=" not in page
    assert "sent to me@example.com" in result.output


def test_the_customer_is_chosen_by_number_or_by_words(smtp: tuple[str, Sink]) -> None:
    address, sink = smtp
    assert "2  stranger, cart of one" in run("cart-reminder", "--to", "me@example.com", "--list").output
    for who in ("2", "stranger"):
        assert run("cart-reminder", "--to", "me@example.com", "--as", who, "--smtp", address).exit_code == 0
    assert [mail["Subject"] for mail in sink.mails] == ["[Test] Still yours: Item 10423"] * 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cart-remindr", "--smtp", "localhost:25"], "did you mean 'cart-reminder'?"),
        (["cart-reminder"], "--stage NAME (SES) or --smtp HOST:PORT"),
        (["cart-reminder", "--smtp", "localhost"], "is not HOST:PORT"),
        (["cart-reminder", "--smtp", "localhost:25", "--as", "99"], "--as goes from 1 to"),
        (["cart-reminder", "--smtp", "localhost:25", "--as", "the pope"], "nobody is called 'the pope'"),
    ],
)
def test_wrong_use_is_told(arguments: list[str], said: str) -> None:
    result = run(*arguments, "--to", "me@example.com")
    assert result.exit_code == 2
    assert said in result.output


def test_ses_gets_it_without_anything_that_tracks(monkeypatch: pytest.MonkeyPatch) -> None:
    from homing.runtime import parts

    monkeypatch.setattr(deployed, "find_stage", lambda stage: None)
    for name, value in {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "eu-central-1",
                        "AWS_DEFAULT_REGION": "eu-central-1"}.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    with mock_aws():
        client = parts.session().create_client("sesv2", region_name="eu-central-1")
        monkeypatch.setattr(parts, "client", lambda service: client)
        refused = run("birthday", "--to", "me@example.com", "--stage", "prod")
        assert refused.exit_code == 1
        assert "SES did not take the mail: MessageRejected" in str(refused.exception)
        client.create_email_identity(EmailIdentity="hello@alder-and-moss.example")
        asked: list[dict[str, Any]] = []
        client.meta.events.register("provide-client-params.sesv2.SendEmail", lambda params, **_: asked.append(params))
        assert run("birthday", "--to", "me@example.com", "--stage", "prod").exit_code == 0
    (request,) = asked
    assert request["Content"]["Simple"]["Subject"]["Data"] == "[Test] Happy birthday, Mara"
    assert not {"ConfigurationSetName", "EmailTags"} & set(request)
