"""All ten SES events, in every wrapping."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from homing.domain.errors import InvalidInput
from homing.domain.time import parse_instant
from homing.sources import ses
from tests.unit.sources.recordings import folder

NOW = parse_instant("2026-11-22T12:00:00Z")
TAGS = {
    "homing_send": ["s1"],
    "homing_profile": ["p1"],
    "homing_flow": ["cart-recovery"],
    "homing_template": ["reminder"],
}
TYPES = {
    "bounce": "Email Bounced", "click": "Email Link Clicked", "complaint": "Email Marked as Spam",
    "delivery": "Email Delivered", "deliverydelay": None, "open": "Email Opened", "reject": None,
    "rendering_failure": None, "send": "Email Sent", "subscription": "Unsubscribed",
}  # fmt: skip


def official(kind: str, way: str = "sns") -> dict[str, Any]:
    """AWS's example, with the tags of a message of ours."""
    record: dict[str, Any] = json.loads((folder("ses_events") / f"aws_{way}__{kind}_record_0.json").read_text())
    record["mail"].setdefault("tags", {}).update(TAGS)
    return record


@pytest.mark.parametrize("way", ["sns", "firehose"])
@pytest.mark.parametrize(("kind", "name"), TYPES.items())
def test_every_type_is_read_and_names_the_profile_alone(kind: str, name: str | None, way: str) -> None:
    got = ses.read(official(kind, way), NOW)
    assert (got.profile_id, got.send_id) == ("p1", "s1")
    assert [event.name for event in got.events] == ([name] if name else [])
    for event in got.events:
        assert event.identifiers == {}
        assert event.context == {"profile_id": "p1"}
        assert event.properties["flow"] == "cart-recovery"
        for personal in (b"@", b"192.0.2", b"Mozilla"):
            assert personal not in event.to_json()


@pytest.mark.parametrize("path", ["bounce", "complaint", "delivery"])
def test_identity_notifications_without_tags_are_read_too(path: str) -> None:
    for file in sorted(folder("ses_events").glob(f"aws_identity_notification__amazon_sns_{path}*")):
        got = ses.read(json.loads(file.read_text()), NOW)
        assert got.events == ()
        assert got.type.lower() == path


def test_all_wrappings_hold_the_same_record() -> None:
    record = official("open")
    text = json.dumps(record)
    data = base64.b64encode(text.encode()).decode()
    for invocation in (
        {"source": "aws.ses", "detail-type": "Email Opened", "detail": record},
        {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": text}}]},
        {"records": [{"recordId": "1", "data": data}]},
        record,
    ):
        assert ses.records(invocation) == [record]


def test_a_hard_bounce_and_a_complaint_suppress_the_address() -> None:
    assert (ses.read(official("bounce"), NOW).suppress, ses.read(official("bounce"), NOW).why) == (
        ("recipient@example.com",),
        "bounce",
    )
    assert ses.read(official("complaint"), NOW).why == "complaint"


def test_a_soft_bounce_and_not_spam_do_not() -> None:
    bounce, complaint = official("bounce"), official("complaint")
    bounce["bounce"]["bounceType"] = "Transient"
    complaint["complaint"]["complaintFeedbackType"] = "not-spam"
    assert ses.read(bounce, NOW).suppress == ()
    assert ses.read(complaint, NOW).suppress == ()


def test_what_never_left_says_why() -> None:
    got = ses.read(official("reject"), NOW)
    assert (got.outcome, got.reason) == ("dropped", "ses_rejected: Bad content")
    assert ses.read(official("rendering_failure"), NOW).reason == "ses_rendering_failure"


def test_a_click_keeps_its_link_without_the_query() -> None:
    record = official("click")
    record["click"]["link"] = "https://shop.example/p/1?token=secret#top"
    (event,) = ses.read(record, NOW).events
    assert event.properties["link"] == "https://shop.example/p/1"
    assert event.properties["link_tags"] == {"samplekey0": "samplevalue0", "samplekey1": "samplevalue1"}


def test_two_clicks_are_two_events_and_a_redelivered_one_is_one() -> None:
    record, other = official("click"), official("click")
    other["click"]["link"] = "https://shop.example/other"
    ids = [ses.read(each, NOW).events[0].message_id for each in (record, record, other)]
    assert ids[0] == ids[1] != ids[2]


def test_machines_are_marked() -> None:
    record = official("open")
    assert "machine" not in ses.read(record, NOW).events[0].properties
    record["open"]["isBot"] = True
    assert ses.read(record, NOW).events[0].properties["machine"] is True


@pytest.mark.parametrize(
    "record",
    [None, [], {}, {"eventType": "Party", "mail": {}}, {"eventType": "Open", "mail": "x"}],
)
def test_anything_else_is_invalid(record: Any) -> None:
    with pytest.raises(InvalidInput):
        ses.read(record, NOW)
