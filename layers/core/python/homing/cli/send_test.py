"""``homing send-test``: one mail to yourself, as a made-up customer would get it."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import formataddr, formatdate, make_msgid
from pathlib import Path
from typing import TYPE_CHECKING

import click

from homing.adapters.files import publish_folder
from homing.cli.folders import campaigns_option
from homing.domain.content.people import People, Person
from homing.domain.content.render import Renderer
from homing.domain.content.suggest import did_you_mean
from homing.domain.delivery.message import Mail
from homing.domain.errors import HomingError, InvalidCampaign, InvalidInput

if TYPE_CHECKING:
    from homing.domain.campaigns import Campaigns

_PREFIX = "[Test] "
_SECONDS = 20


@click.command("send-test")
@click.argument("template")
@click.option("--to", required=True, help="Your address.")
@click.option("--as", "who", default="1", show_default=True, help="Who gets it: a number or words of `--list`.")
@click.option("--list", "list_", is_flag=True, help="Only tell for whom the template looks different.")
@click.option("--stage", help="Send through SES, in the account of this deployed stage: prod.")
@click.option("--smtp", help="Send through an SMTP server instead: HOST:PORT.")
@click.option("--from", "sender", help="Sender's address. [default: the brand's]")
@campaigns_option
def command(
    template: str, to: str, who: str, list_: bool, stage: str | None, smtp: str | None, sender: str | None, campaigns: Path
) -> None:  # fmt: skip
    """Mail one template to yourself: nothing is tracked, and its unsubscribe link does nothing."""
    try:
        published = publish_folder(campaigns)
        everybody = people(published, template)
        if list_:
            for number, person in enumerate(everybody, 1):
                click.echo(f"{number}  {person.name} ({person.use.flow})")
            return
        if (stage is None) == (smtp is None):
            raise click.UsageError("say --stage NAME (SES) or --smtp HOST:PORT")
        person = choose(everybody, who)
        mail = as_test(published, template, person, to=to, sender=sender)
        if smtp is not None:
            send_by_smtp(mail, smtp)
        else:
            send_by_ses(mail, str(stage))
    except InvalidCampaign:
        raise
    except InvalidInput as error:
        raise click.UsageError(str(error)) from error
    click.echo(f"sent to {to}: {mail.subject} (for a made-up {person.name})")


def people(campaigns: Campaigns, template: str) -> list[Person]:
    """For whom a template looks different. Raises InvalidInput."""
    if template not in campaigns.templates:
        raise InvalidInput(f"there is no template {template!r}{did_you_mean(template, campaigns.templates)}")
    return list(People(campaigns).of(template))


def choose(everybody: list[Person], who: str) -> Person:
    """The person of that number, or the first in whose name all the words stand. Raises InvalidInput."""
    if who.isdigit():
        if 1 <= int(who) <= len(everybody):
            return everybody[int(who) - 1]
        raise InvalidInput(f"--as goes from 1 to {len(everybody)}: see --list")
    words = who.lower().split()
    for person in everybody:
        if all(word in person.name.lower() for word in words):
            return person
    raise InvalidInput(f"nobody is called {who!r}: see --list")


def as_test(campaigns: Campaigns, template: str, person: Person, *, to: str, sender: str | None = None) -> Mail:
    """The mail, marked as a test. Links to unsubscribe lead to the shop's front page: nobody is behind them. Raises
    InvalidInput."""
    brand = campaigns.settings.brand
    nowhere = {name: f"{brand.website}#test-{name}" for name in ("unsubscribe_url", "preferences_url")}
    rendered = Renderer(campaigns).render(template, person.context | nowhere)
    return Mail(
        sender=formataddr((brand.sender_name, sender or brand.sender_address)),
        recipient=to,
        reply_to=brand.reply_to,
        subject=f"{_PREFIX}{rendered.subject}",
        html=rendered.html,
        text=rendered.text,
        headers={},
        tags={},
    )


def send_by_smtp(mail: Mail, server: str) -> None:
    """Hands it to an SMTP server. Raises InvalidInput for an address that is none, HomingError when it is not taken."""
    import smtplib

    host, colon, port = server.rpartition(":")
    if not colon or not host or not port.isdigit():
        raise InvalidInput(f"{server!r} is not HOST:PORT, such as localhost:1025")
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = mail.subject, mail.sender, mail.recipient
    message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=mail.sender.rpartition("@")[2].strip(">"))
    if mail.reply_to:
        message["Reply-To"] = mail.reply_to
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    try:
        with smtplib.SMTP(host, int(port), timeout=_SECONDS) as connection:
            connection.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise HomingError(f"{server} did not take the mail: {error}") from error


def send_by_ses(mail: Mail, stage: str) -> None:
    """Sends it with SES, without a configuration set: no event of it comes back. Raises HomingError."""
    from botocore.exceptions import BotoCoreError, ClientError

    from homing.cli.deployed import find_stage
    from homing.runtime import parts

    find_stage(stage)
    content = {"Subject": _utf8(mail.subject), "Body": {"Html": _utf8(mail.html), "Text": _utf8(mail.text)}}
    try:
        parts.client("sesv2").send_email(
            FromEmailAddress=mail.sender,
            Destination={"ToAddresses": [mail.recipient]},
            ReplyToAddresses=[mail.reply_to] if mail.reply_to else [],
            Content={"Simple": content},
        )
    except ClientError as error:
        told = error.response["Error"]
        raise HomingError(f"SES did not take the mail: {told['Code']}: {told.get('Message', '')}") from error
    except BotoCoreError as error:
        raise HomingError(f"SES could not be asked: {error}") from error


def _utf8(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}
