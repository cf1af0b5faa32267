"""send_email, as Lambda calls it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions.send_email.handler import handler
from homing.domain.delivery.message import SendRequest
from homing.domain.profiles.profile import Consent, Profile, TraitValue
from homing.runtime import clock, parts
from homing.runtime.observability import MemoryTelemetry
from tests.account import Account, failures, sqs_event


def request(send_id: str = "s1", **values: Any) -> dict[str, Any]:
    now = clock.now()
    fields: dict[str, Any] = {
        "send_id": send_id,
        "profile_id": "ada",
        "run_id": "r1",
        "flow": "first-order-thank-you",
        "template": "first-order-thank-you",
        "topic": "orders",
        "trigger": "order_placed",
        "triggered_at": now,
        "decided_at": now,
        "data": {"order": {"order_id": "o1", "items": []}},
        "ignore_quiet_hours": True,
    }
    return SendRequest(**{**fields, **values}).to_dict()


@pytest.fixture
def ada(account: Account) -> Profile:
    """A customer who agreed to be written to."""
    profile = Profile(
        "ada",
        version=1,
        traits={"email": TraitValue(2, 1, "web", "ada@example.com"), "first_name": TraitValue(2, 1, "web", "Ada")},
        consents={"marketing": Consent(2, 1, False, "web", "Send me ideas")},
    )
    account.profiles.write(profile, expected=0)
    return profile


def test_a_request_becomes_one_mail_however_often_it_comes(
    account: Account, ada: Profile, voice: MemoryTelemetry
) -> None:
    for _ in range(2):
        assert failures(handler(sqs_event(request()), None)) == []
    (mail,) = account.mails()
    assert mail.destinations["ToAddresses"] == ["ada@example.com"]
    assert mail.subject == "Thank you, Ada. We are packing with care"
    assert "https://mail.alder-and-moss.example/unsubscribe?t=" in mail.body
    assert (voice.counts["MessagesSent"], voice.counts["MessagesDuplicate"]) == (1, 1)
    assert account.journal.load_ledger("ada").entries["s1"].status == "sent"


def test_nobody_is_written_to_without_consent(account: Account, voice: MemoryTelemetry) -> None:
    account.profiles.write(
        Profile("ada", version=1, traits={"email": TraitValue(2, 1, "web", "ada@example.com")}), expected=0
    )
    handler(sqs_event(request()), None)
    assert account.mails() == []
    assert voice.counts["MessagesDropped"] == 1


def test_a_message_that_is_no_request_is_refused(account: Account, ada: Profile, voice: MemoryTelemetry) -> None:
    assert failures(handler(sqs_event("not json", {"send_id": "s1"}), None)) == []
    assert voice.counts["MessagesRefused"] == 2


def test_after_a_throttle_the_rest_of_the_batch_waits(account: Account, ada: Profile, voice: MemoryTelemetry) -> None:
    asked = []

    def throttle(**_: Any) -> None:
        asked.append(1)
        raise ClientError({"Error": {"Code": "TooManyRequestsException", "Message": ""}}, "SendEmail")

    parts.session().register("before-call.sesv2.SendEmail", throttle)
    assert failures(handler(sqs_event(request("s1"), request("s2")), None)) == ["m0", "m1"]
    assert len(asked) == 1


def test_a_throttled_message_is_sent_when_it_comes_again(
    account: Account, ada: Profile, voice: MemoryTelemetry
) -> None:
    failing = [ClientError({"Error": {"Code": "TooManyRequestsException", "Message": ""}}, "SendEmail")]

    def throttle_once(**_: Any) -> None:
        if failing:
            raise failing.pop()

    parts.session().register("before-call.sesv2.SendEmail", throttle_once)
    assert failures(handler(sqs_event(request()), None)) == ["m0"]
    assert failures(handler(sqs_event(request()), None)) == []
    assert len(account.mails()) == 1
