"""SES: moto takes every mail, and what it does not do is done here: the whole mail is kept, and the default bus hears
what became of it.

Event shapes: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-examples.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from homing.domain.errors import InvalidInput
from homing.domain.time import SECOND, to_datetime
from homing.local.wire import Operation, Params, Refusal

if TYPE_CHECKING:
    from homing.local.direct import Moto

SesKind = Literal["Send", "Delivery", "Open", "Click", "Bounce", "Complaint", "Reject", "DeliveryDelay"]

DETAIL_TYPES: dict[str, str] = {
    "Send": "Email Sent",
    "Delivery": "Email Delivered",
    "Open": "Email Opened",
    "Click": "Email Clicked",
    "Bounce": "Email Bounced",
    "Complaint": "Email Complaint Received",
    "Reject": "Email Rejected",
    "DeliveryDelay": "Email Delivery Delayed",
}
# How long a mail takes from SES to a mailbox here.
_DELIVERY = 2 * SECOND
_AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"


@dataclass(frozen=True, slots=True)
class SentMail:
    """A mail that SES took; ``sent_at`` is an instant."""

    message_id: str
    sent_at: int
    sender: str
    recipient: str
    reply_to: tuple[str, ...]
    subject: str
    html: str
    text: str
    headers: Mapping[str, str]
    tags: Mapping[str, str]
    configuration_set: str

    @property
    def send_id(self) -> str:
        """Homing's id of the send, from the tag that settles unknown sends."""
        return self.tags.get("homing_send", "")


@dataclass(slots=True)
class Ses:
    """``publish`` puts an event on the default bus: source, detail-type, detail. ``later`` calls at an instant.

    ``identities``: whether the template has identities of its own, so that other senders are refused; without, the sender
    counts as verified by somebody else's stack. ``follow`` says which events come by themselves: ``Send`` at once,
    ``Delivery`` two seconds later.
    """

    configuration_sets: frozenset[str]
    identities: bool
    moto: Moto
    now: Callable[[], int]
    publish: Callable[[str, str, dict[str, Any]], Any]
    later: Callable[[int, Callable[[], None]], None]
    follow: frozenset[str] = frozenset({"Send", "Delivery"})
    mails: list[SentMail] = field(default_factory=list)

    def send_email(self, params: Params, take: Operation) -> dict[str, Any]:
        """The API's SendEmail with ``Simple`` content; ``take`` is moto's."""
        name = params.get("ConfigurationSetName", "")
        if name and name not in self.configuration_sets:
            raise Refusal("NotFoundException", f"Configuration set <{name}> does not exist.")
        simple = params["Content"].get("Simple")
        if simple is None:
            raise Refusal("BadRequestException", "the local host takes Simple content only")
        (recipient,) = params["Destination"]["ToAddresses"]
        if "@" not in recipient:
            raise Refusal("BadRequestException", "Missing final '@domain'")
        if not self.identities:
            self.moto.verify_sender(params["FromEmailAddress"])
        take(params)
        body = simple["Body"]
        number = len(self.mails)
        mail = SentMail(
            message_id=hashlib.blake2b(f"{number} {recipient}".encode(), digest_size=16).hexdigest() + "-000000",
            sent_at=self.now(),
            sender=params["FromEmailAddress"],
            recipient=recipient,
            reply_to=tuple(params.get("ReplyToAddresses", ())),
            subject=simple["Subject"]["Data"],
            html=body.get("Html", {}).get("Data", ""),
            text=body.get("Text", {}).get("Data", ""),
            headers={header["Name"]: header["Value"] for header in simple.get("Headers", ())},
            tags={tag["Name"]: tag["Value"] for tag in params.get("EmailTags", ())},
            configuration_set=name,
        )
        self.moto.name_mail(mail.message_id)
        self.mails.append(mail)
        if "Send" in self.follow:
            self.event(mail, "Send")
        if "Delivery" in self.follow:
            self.later(self.now() + _DELIVERY, lambda: self.event(mail, "Delivery"))
        return {"MessageId": mail.message_id}

    def event(self, mail: SentMail, kind: str, **more: Any) -> None:
        """Something happened to a mail just now. ``more`` replaces fields of the event's own object, such as
        ``link`` of a click or ``bounceType``. Raises InvalidInput for a kind that SES has not."""
        self.publish("aws.ses", DETAIL_TYPES.get(kind, ""), event_detail(mail, kind, self.now(), **more))


def event_detail(mail: SentMail, kind: str, now: int, **more: Any) -> dict[str, Any]:
    """What SES says when something happens to a mail at ``now``; ``more`` as in :meth:`Ses.event`."""
    if kind not in DETAIL_TYPES:
        raise InvalidInput(f"SES has no event {kind!r}; it has {', '.join(DETAIL_TYPES)}", code="bad_event")
    own = kind[0].lower() + kind[1:]
    return {"eventType": kind, "mail": _mail(mail), own: {**_own(mail, kind, now), **more}}


def _own(mail: SentMail, kind: str, now: int) -> dict[str, Any]:
    at = {"timestamp": _time(now)}
    recipients = [{"emailAddress": mail.recipient}]
    if kind == "Delivery":
        delivery = {"recipients": [mail.recipient], "smtpResponse": "250 ok", "reportingMTA": "mta.invalid"}
        return {**at, "processingTimeMillis": (now - mail.sent_at) // 1000, **delivery}
    if kind == "Open":
        return {**at, "ipAddress": "192.0.2.1", "userAgent": _AGENT}
    if kind == "Click":
        return {**at, "ipAddress": "192.0.2.1", "userAgent": _AGENT, "link": _first_link(mail), "linkTags": None}
    if kind == "Bounce":
        bounced = [{**recipients[0], "action": "failed", "status": "5.1.1"}]
        return {
            **at, "bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": bounced,
            "feedbackId": f"bounce-{mail.message_id}",
        }  # fmt: skip
    if kind == "Complaint":
        return {
            **at, "complainedRecipients": recipients, "complaintFeedbackType": "abuse",
            "feedbackId": f"complaint-{mail.message_id}",
        }  # fmt: skip
    if kind == "Reject":
        return {"reason": "Bad content"}
    return {**at, "delayedRecipients": recipients, "delayType": "MailboxFull"} if kind == "DeliveryDelay" else {}


def _mail(mail: SentMail) -> dict[str, Any]:
    tags = {name: [value] for name, value in mail.tags.items()}
    return {
        "timestamp": _time(mail.sent_at),
        "source": mail.sender,
        "sendingAccountId": "123456789012",
        "messageId": mail.message_id,
        "destination": [mail.recipient],
        "headersTruncated": False,
        "headers": [{"name": name, "value": value} for name, value in mail.headers.items()],
        "commonHeaders": {
            "from": [mail.sender],
            "to": [mail.recipient],
            "messageId": mail.message_id,
            "subject": mail.subject,
        },
        "tags": {"ses:configuration-set": [mail.configuration_set], **tags},
    }


def _time(instant: int) -> str:
    """SES gives milliseconds."""
    return to_datetime(instant).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _first_link(mail: SentMail) -> str:
    _, found, rest = mail.html.partition('href="http')
    return "http" + rest.partition('"')[0].replace("&amp;", "&") if found else ""
