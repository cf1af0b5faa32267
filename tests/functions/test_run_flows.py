"""run_flows, as Lambda calls it."""

from __future__ import annotations

from typing import Any

import pytest

from functions.run_flows.handler import handler
from homing.domain.errors import InvalidInput
from homing.domain.profiles.profile import Profile
from homing.domain.time import MINUTE, iso
from homing.runtime import clock
from homing.runtime.observability import MemoryTelemetry
from homing.services.ports import JOBS
from tests.account import Account, failures, sqs_event


def first_order(profile_id: str) -> dict[str, Any]:
    """What the bus says of a first order."""
    return {
        "detail-type": "OrderMilestoneReached",
        "source": "homing",
        "detail": {
            "id": f"{profile_id}-1-0",
            "profile_id": profile_id,
            "at": iso(clock.now()),
            "trigger": "order_placed",
            "name": "order-1",
            "key": "o1",
            "data": {"order": {"order_id": "o1"}},
        },
    }


def test_a_trigger_starts_a_run_once(account: Account, voice: MemoryTelemetry) -> None:
    account.profiles.write(Profile("ada", version=1), expected=0)
    for _ in range(2):
        assert failures(handler(sqs_event(first_order("ada")), None)) == []
    assert (voice.counts["FlowsStarted"], voice.counts["TriggersIgnored"]) == (1, 1)
    later = clock.now() + 3 * 3_600_000_000
    assert len([due for bucket in range(8) for due in account.journal.due(bucket, later, 9)]) == 1


def test_each_advance_is_a_line_that_pictures_are_counted_from(account: Account, voice: MemoryTelemetry) -> None:
    account.profiles.write(Profile("ada", version=1), expected=0)
    handler(sqs_event(first_order("ada")), None)
    ((level, message, facts),) = voice.lines
    assert (level, message) == ("info", "run passed")
    assert {name: facts[name] for name in ("flow", "steps", "since", "ended", "ended_at")} == {
        "flow": "first-order-thank-you", "steps": "0:wait", "since": "", "ended": "", "ended_at": ""
    }  # fmt: skip
    assert len(facts["flow_version"]) == 8
    # Who it was is not in it.
    assert "ada" not in str(facts)


def test_a_wake_up_of_nothing_is_ignored(account: Account, voice: MemoryTelemetry) -> None:
    assert failures(handler(sqs_event({"wake_run": "nobody"}), None)) == []
    assert voice.counts["TriggersIgnored"] == 1


@pytest.mark.parametrize(
    "body",
    ["not json", "[]", {}, {"detail-type": "FlowRequested", "detail": {"flow": "unknown"}}, {"detail": {}}],
)
def test_a_message_that_nobody_can_read_is_refused_with_a_reason(
    account: Account, voice: MemoryTelemetry, body: Any
) -> None:
    assert failures(handler(sqs_event(body), None)) == []
    assert voice.counts["MessagesRefused"] == 1
    ((level, _message, facts),) = voice.lines
    assert level == "warning"
    assert facts["code"]
    assert facts["reason"]


def test_only_what_failed_comes_again(account: Account, voice: MemoryTelemetry) -> None:
    account.break_table("journal")
    answer = handler(sqs_event("not json", {"wake_run": "r1"}, {"wake_run": "r2"}), None)
    assert failures(answer) == ["m1", "m2"]


def test_without_campaigns_no_message_is_taken(
    account: Account, voice: MemoryTelemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMING_CAMPAIGNS", "nowhere.json")
    with pytest.raises(InvalidInput, match=r"nowhere\.json"):
        handler(sqs_event(first_order("ada")), None)


def asked(detail_type: str, **detail: Any) -> dict[str, Any]:
    """What the bus hands on of a marketer's event."""
    return {
        "id": "e1", "source": "marketing", "detail-type": detail_type, "time": iso(clock.now())[:19] + "Z",
        "detail": detail,
    }  # fmt: skip


def test_a_command_is_answered_on_the_bus(account: Account, voice: MemoryTelemetry) -> None:
    account.profiles.write(Profile("ada", version=1), expected=0)
    handler(sqs_event(asked("FlowRequested", flow="come-back", profile_id="ada")), None)
    handler(sqs_event(asked("FlowPauseRequested", flow="come-back", request_id="p1")), None)
    (started, paused) = account.queued("bus-events")
    assert (started["source"], started["detail-type"], started["detail"]["request_id"]) == (
        "homing", "FlowRequestAccepted", "e1",
    )  # fmt: skip
    assert (paused["detail"]["kind"], paused["detail"]["state"]) == ("pause", "paused")
    assert voice.counts["FlowRequestsAccepted"] == 2
    assert account.journal.load_controls().of("come-back").paused


def test_a_command_that_is_refused_is_acknowledged_and_answered(account: Account, voice: MemoryTelemetry) -> None:
    assert failures(handler(sqs_event(asked("FlowRequested", flow="unknown", user_id="ada")), None)) == []
    (refused,) = account.queued("bus-events")
    assert (refused["detail-type"], refused["detail"]["reason"]) == ("FlowRequestRefused", "unknown_flow")
    assert voice.counts["MessagesRefused"] == 1


def test_a_job_goes_on_page_by_page(account: Account, voice: MemoryTelemetry) -> None:
    for name in ("ada", "bea", "cyd"):
        account.profiles.write(Profile(name, version=1), expected=0)
        account.journal.set_member("vip", name, member=True, version=1)
    request = asked("FlowRequested", flow="come-back", segment="vip", per_minute=2, request_id="spring")
    handler(sqs_event(request), None)
    work = account.queued("inbox")
    assert work == [{"wake_job": "come-back/spring"}]
    handler(sqs_event(*work), None)
    (visit,) = account.queued("inbox")
    assert len(visit["people"]) == 2
    handler(sqs_event(visit), None)
    assert (voice.counts["PeopleHandedOn"], voice.counts["FlowsStarted"]) == (2, 2)
    (due,) = account.journal.due(JOBS, clock.now() + MINUTE, 9)
    assert due.id == "come-back/spring"


def test_a_file_of_people_is_read_from_the_bucket_for_lists(account: Account, voice: MemoryTelemetry) -> None:
    account.client("s3").put_object(Bucket="lists", Key="spring.csv", Body=b"user_id\nada\n")
    handler(sqs_event(asked("FlowRequested", flow="come-back", list={"s3": "spring.csv"}, request_id="r1")), None)
    handler(sqs_event(*account.queued("inbox")), None)
    (visit,) = account.queued("inbox")
    assert visit["people"] == [account.identity.person({"user_id": "ada"})]
    assert [event["detail-type"] for event in account.queued("bus-events")] == [
        "FlowRequestAccepted", "FlowRequestFinished",
    ]  # fmt: skip
