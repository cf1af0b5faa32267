"""Runs: waits, branches, goals, once-per rules; started once however often the trigger is told."""

from __future__ import annotations

from typing import Any

import pytest

from homing.domain.errors import InvalidInput
from homing.domain.time import HOUR
from homing.local.backtest import Backtest
from tests.fixtures.shop import backtest, campaigns, event, identified, instant, mails, redeploy

REQUESTED: dict[str, Any] = {"name": "hello", "on": "flow_requested", "steps": [{"send": "a"}]}


def started(flow: dict[str, Any], segments: dict[str, Any] | None = None) -> Backtest:
    run = backtest(campaigns(flows=[{**REQUESTED, **flow}], segments=segments))
    run.run([identified("ana")])
    run.request({"flow": "hello", "user_id": "ana", "request_id": "r1"})
    return run


def test_a_wait_is_exact_and_counted_from_the_trigger() -> None:
    run = started({"steps": [{"wait": "90m"}, {"send": "a"}, {"wait": "20h"}, {"send": "b"}]})
    begun = run.now
    run.pass_time(begun + 48 * HOUR)
    sent = [(line.template, line.decided_at) for line in run.outputs().messages]
    assert sent == [("a", begun + 90 * 60_000_000), ("b", begun + 90 * 60_000_000 + 20 * HOUR)]


@pytest.mark.parametrize(("tier", "expected"), [("gold", ["vip", "gift", "bye"]), ("none", ["plain", "bye"])])
def test_branches_go_one_way_and_come_back_together(tier: str, expected: list[str]) -> None:
    inner = {"if": {"trait": {"tier": {"in": ["gold"]}}}, "then": [{"send": "gift"}]}
    steps = [
        {"if": {"segment": "gold"}, "then": [{"send": "vip"}, {"wait": "1h"}, inner], "else": [{"send": "plain"}]},
        {"send": "bye"},
    ]
    run = backtest(campaigns(flows=[{**REQUESTED, "steps": steps}], segments={"gold": {"trait": {"tier": "gold"}}}))
    run.run([identified("ana", tier=tier)])
    run.request({"flow": "hello", "user_id": "ana"})
    run.pass_time(run.now + 2 * HOUR)
    assert [subject for _, subject in mails(run)] == expected


def test_a_branch_is_decided_when_it_is_reached_not_when_the_flow_began() -> None:
    steps = [{"wait": "1h"}, {"if": {"did": "Order Completed"}, "then": [{"send": "yes"}], "else": [{"send": "no"}]}]
    run = started({"steps": steps})
    run.run([event("Order Completed", "2026-03-02T10:30:00Z", user_id="ana", order_id="1")])
    run.pass_time(run.now + 2 * HOUR)
    assert [subject for _, subject in mails(run)] == ["yes"]


def test_a_goal_reached_while_waiting_ends_the_run() -> None:
    run = started({"steps": [{"wait": "1h"}, {"send": "a"}], "stop_when": {"did": "Order Completed"}})
    run.run([event("Order Completed", "2026-03-02T10:30:00Z", user_id="ana", order_id="1")])
    run.pass_time(run.now + 2 * HOUR)
    assert mails(run) == []
    assert [(r.status, r.reason) for r in run.journal.runs()] == [("ended", "goal_met")]


def test_a_goal_that_was_met_before_the_trigger_does_not_count() -> None:
    run = backtest(campaigns(flows=[{**REQUESTED, "stop_when": {"did": "Order Completed"}}]))
    run.run([identified("ana"), event("Order Completed", "2026-03-02T10:30:00Z", user_id="ana", order_id="1")])
    run.now += HOUR
    run.request({"flow": "hello", "user_id": "ana"})
    assert len(mails(run)) == 1


def test_a_request_that_is_delivered_twice_starts_one_run() -> None:
    run = started({})
    run.request({"flow": "hello", "user_id": "ana", "request_id": "r1"})
    assert len(mails(run)) == 1
    run.request({"flow": "hello", "user_id": "ana", "request_id": "r2"})
    assert len(mails(run)) == 2


def test_once_per_customer_means_once_ever() -> None:
    run = started({"run_once_per": "customer"})
    run.request({"flow": "hello", "user_id": "ana", "request_id": "r2"})
    assert len(mails(run)) == 1


def test_a_trigger_of_the_day_before_yesterday_starts_nothing() -> None:
    flow = {"name": "thanks", "on": "order_placed", "steps": [{"send": "a"}]}
    run = backtest(campaigns(flows=[flow]))
    run.run([identified("ana")])
    detail = {
        "id": "1", "profile_id": run.identity.key("user_id", "ana"), "at": "2026-02-27T10:00:00Z",
        "trigger": "order_placed", "name": "order", "key": "o1", "data": {},
    }  # fmt: skip
    assert run.flows({"detail-type": "OrderMilestoneReached", "detail": detail}).counts["too_old"] == 1
    assert run.journal.runs() == []


@pytest.mark.parametrize(
    ("detail", "code"),
    [
        ({"flow": "helo", "user_id": "ana"}, "unknown_flow"),
        ({"flow": "hello"}, "missing_person"),
    ],
)
def test_a_request_that_can_not_be_understood_says_why(detail: dict[str, str], code: str) -> None:
    run = started({})
    with pytest.raises(InvalidInput) as caught:
        run.request(detail)
    assert caught.value.code == code


def test_a_removed_flow_ends_its_runs_with_a_reason() -> None:
    run = started({"steps": [{"wait": "1h"}, {"send": "a"}]})
    redeploy(run, campaigns(flows=[{**REQUESTED, "name": "other"}]))
    run.pass_time(run.now + 2 * HOUR)
    assert [(r.status, r.reason) for r in run.journal.runs()] == [("ended", "flow_removed")]


def test_a_segment_can_start_a_flow_when_it_is_entered_and_when_it_is_left() -> None:
    flows = [
        {"name": "in", "on": {"segment_entered": "fresh"}, "steps": [{"send": "welcome"}]},
        {"name": "out", "on": {"segment_left": "fresh"}, "steps": [{"send": "missed"}]},
    ]
    run = backtest(campaigns(flows=flows, segments={"fresh": {"did": "Identified", "within": "1h"}}))
    run.run([identified("ana")], until=instant("2026-03-02T12:00:00Z"))
    assert [(line.template, line.triggered_at) for line in run.outputs().messages] == [
        ("welcome", instant("2026-03-02T10:00:00Z")),
        ("missed", instant("2026-03-02T11:00:00Z")),
    ]
