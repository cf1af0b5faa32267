"""SES events, whichever way they come, to what they say about a send.

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html. Through EventBridge (as
deployed) the record is the ``detail``; SNS wraps it in text, Firehose in base64; notifications of an identity call the
type ``notificationType``.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from homing.domain.errors import InvalidInput
from homing.domain.events import names
from homing.domain.events.event import Event, derived_message_id
from homing.domain.events.normalise import email_address, occurred_at
from homing.domain.time import to_datetime

SOURCE = "ses"
SEND_TAG, PROFILE_TAG, FLOW_TAG, TEMPLATE_TAG = "homing_send", "homing_profile", "homing_flow", "homing_template"

# SES type → where its details stand, the event it becomes (None: it says nothing of the customer), and its metric.
_TYPES: Mapping[str, tuple[str, str | None, str]] = {
    "Send": ("send", names.EMAIL_SENT, "EmailSent"),
    "Delivery": ("delivery", names.EMAIL_DELIVERED, "EmailDelivered"),
    "DeliveryDelay": ("deliveryDelay", None, "EmailDelayed"),
    "Open": ("open", names.EMAIL_OPENED, "EmailOpened"),
    "Click": ("click", names.EMAIL_LINK_CLICKED, "EmailLinkClicked"),
    "Bounce": ("bounce", names.EMAIL_BOUNCED, "EmailBounced"),
    "Complaint": ("complaint", names.EMAIL_MARKED_AS_SPAM, "EmailMarkedAsSpam"),
    "Reject": ("reject", None, "EmailRejected"),
    "Rendering Failure": ("failure", None, "EmailRenderingFailed"),
    "Subscription": ("subscription", names.UNSUBSCRIBED, "EmailSubscriptionChanged"),
}
_NEVER_LEFT = frozenset({"Reject", "Rendering Failure"})
_MACHINE = ("bot", "machine", "automated", "prefetch")


@dataclass(frozen=True, slots=True)
class Engagement:
    """``suppress`` are the addresses that must get no more mail, and why: the only place where addresses stand.

    ``outcome`` settles the send: SES has it, or it never left (with ``reason``).
    """

    type: str
    metric: str
    provider_id: str
    profile_id: str
    send_id: str
    sent_at: int
    outcome: Literal["sent", "dropped"]
    reason: str
    events: tuple[Event, ...]
    suppress: tuple[str, ...] = ()
    why: Literal["", "bounce", "complaint"] = ""


def records(invocation: Any) -> list[Any]:
    """The SES records in what a function was invoked with. Raises InvalidInput, ``unreadable``."""
    if not isinstance(invocation, Mapping):
        raise InvalidInput("an SES event is a JSON object", code="unreadable")
    if isinstance(invocation.get("detail"), Mapping):
        return [invocation["detail"]]
    wrapped = invocation.get("Records") or invocation.get("records")
    if not isinstance(wrapped, list):
        return [invocation]
    return [_unwrapped(item) for item in wrapped]


def _unwrapped(item: Any) -> Any:
    try:
        if "Sns" in item:
            return json.loads(item["Sns"]["Message"])
        if "data" in item:
            return json.loads(base64.b64decode(item["data"], validate=True))
        return json.loads(item["body"]) if "body" in item else item
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise InvalidInput("an SNS or Firehose record without an SES event", code="unreadable") from error


def read(record: Any, received: int) -> Engagement:
    """What one SES event says. Raises InvalidInput, ``unreadable``."""
    try:
        return _read(record, received)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InvalidInput("not an SES event of a documented form", code="unreadable") from error


def _read(record: Mapping[str, Any], received: int) -> Engagement:
    kind = record.get("eventType") or record["notificationType"]
    if kind not in _TYPES:
        raise InvalidInput(f"SES event type {kind!r} is not known", code="unreadable")
    place, name, metric = _TYPES[kind]
    mail, details = record["mail"], record.get(place) or {}
    tags = {tag: values[0] for tag, values in (mail.get("tags") or {}).items() if values}
    profile_id = tags.get(PROFILE_TAG, "")
    said = [(name, _properties(kind, details))] if name else []
    if kind == "Subscription":
        said = [(names.UNSUBSCRIBED, properties) for properties in _unsubscribed(details)]
    about = {
        "send_id": tags.get(SEND_TAG),
        "flow": tags.get(FLOW_TAG),
        "template": tags.get(TEMPLATE_TAG),
        "ses_message_id": mail["messageId"],
    }
    stamp = details.get("timestamp") or mail["timestamp"]
    at = occurred_at(stamp, received=received)
    events = []
    for event_name, properties in said if profile_id else ():
        # Opens and clicks happen often; one event delivered twice has the same time and link.
        what = str(details.get("link") or properties.get("topic") or "")
        known = {key: value for key, value in {**about, **properties}.items() if value is not None}
        events.append(
            Event(
                message_id=f"ses:{derived_message_id(mail['messageId'], kind, str(stamp), what)}",
                type="track",
                name=event_name,
                identifiers={},
                occurred_at=to_datetime(at),
                received_at=to_datetime(received),
                properties=known,
                # The tag is the profile's id; the event needs no identifier and carries none.
                context={"profile_id": profile_id},
                source=SOURCE,
            )
        )
    suppress, why = _suppressed(kind, details)
    return Engagement(
        type=kind,
        metric=metric,
        provider_id=mail["messageId"],
        profile_id=profile_id,
        send_id=tags.get(SEND_TAG, ""),
        sent_at=occurred_at(mail["timestamp"], received=received),
        outcome="dropped" if kind in _NEVER_LEFT else "sent",
        reason=_reason(kind, details),
        events=tuple(events),
        suppress=suppress,
        why=why,
    )


def _properties(kind: str, details: Mapping[str, Any]) -> dict[str, Any]:
    """What may be known of it without naming anybody: no address, no IP, no user agent, no diagnostic text."""
    if kind == "Bounce":
        statuses = [recipient.get("status") for recipient in details.get("bouncedRecipients") or ()]
        return {
            "bounce_type": details.get("bounceType"),
            "bounce_subtype": details.get("bounceSubType"),
            "status": next((status for status in statuses if status), None),
        }
    if kind == "Complaint":
        return {"feedback_type": details.get("complaintFeedbackType"), "subtype": details.get("complaintSubType")}
    if kind == "Delivery":
        return {"processing_ms": details.get("processingTimeMillis")}
    if kind == "Click":
        link_tags = {name: values[0] for name, values in (details.get("linkTags") or {}).items() if values}
        return {"link": _bare(details.get("link")), "link_tags": link_tags or None, **_machine(details)}
    return _machine(details) if kind == "Open" else {}


def _machine(details: Mapping[str, Any]) -> dict[str, Any]:
    """``machine: true`` where SES says that no person did it: security scanners and pre-fetching mail clients."""
    flagged = any(
        str(value).lower() in {"true", "yes"} and any(word in name.lower() for word in _MACHINE)
        for name, value in details.items()
    )
    return {"machine": True} if flagged else {}


def _bare(link: Any) -> str | None:
    """A link without its query: that carries tokens, and the address of who clicked."""
    if not isinstance(link, str):
        return None
    parts = urlsplit(link)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


def _unsubscribed(details: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Topics that SES's own list management took somebody off."""
    wanted = details.get("newTopicPreferences") or {}
    source = f"ses {details.get('source', '')}".strip()
    if wanted.get("unsubscribeAll"):
        return [{"topic": "*", "source": source}]
    statuses = wanted.get("topicSubscriptionStatus") or ()
    out = [status["topicName"] for status in statuses if status["subscriptionStatus"] == "OptOut"]
    return [{"topic": topic, "source": source} for topic in out]


def _suppressed(kind: str, details: Mapping[str, Any]) -> tuple[tuple[str, ...], Literal["", "bounce", "complaint"]]:
    if kind == "Bounce" and details.get("bounceType") == "Permanent":
        return _addresses(details.get("bouncedRecipients")), "bounce"
    # "not-spam" is the opposite of a complaint: somebody took it out of the spam folder.
    if kind == "Complaint" and details.get("complaintFeedbackType") != "not-spam":
        return _addresses(details.get("complainedRecipients")), "complaint"
    return (), ""


def _addresses(recipients: Any) -> tuple[str, ...]:
    found = (email_address(parseaddr(recipient["emailAddress"])[1]) for recipient in recipients or ())
    return tuple(address for address in found if address)


def _reason(kind: str, details: Mapping[str, Any]) -> str:
    if kind == "Reject":
        return f"ses_rejected: {details.get('reason', '')}"[:200]
    # The error text of a rendering failure may quote the data that was rendered.
    return "ses_rendering_failure" if kind == "Rendering Failure" else ""
