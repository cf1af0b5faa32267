"""`POST /_/events` of `homing serve` over the deployed stack: what a marketer asks for, and what the answer says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from homing.domain.time import SECOND, parse_instant
from homing.local.host import LocalHost
from homing.local.server import Served

START = parse_instant("2026-03-02T10:00:00Z")


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with LocalHost.deployed(start=START) as host:
        ada = {"userId": "ada", "traits": {"email": "ada@example.com", "consent": {"marketing": True}}}
        host.http("POST", "/v1/identify", host.authorization(), json.dumps(ada))
        host.advance(10 * SECOND)
        yield Served(host, host.now)


def ask(served: Served, kind: str = "FlowRequested", **detail: Any) -> tuple[int, dict[str, Any]]:
    event = {"detail-type": kind, "detail": detail}
    answer = served.answer("POST", "/_/events", {}, json.dumps(event).encode())
    return answer.status, answer.json()


def test_a_requested_flow_starts_once_per_request(served: Served) -> None:
    status, answer = ask(served, flow="come-back", user_id="ada", request_id="r1")
    assert (status, answer["done"]) == (200, "started")
    assert [run["flow"] for run in answer["runs"]] == ["come-back"]
    assert len(answer["sends"]) == 1
    status, answer = ask(served, flow="come-back", email="ADA@example.com", request_id="r1")
    assert (status, answer["code"]) == (400, "already_started")


@pytest.mark.parametrize(
    ("detail", "code"),
    [
        ({"flow": "nothing", "user_id": "ada"}, "unknown_flow"),
        ({"flow": "win-back", "user_id": "ada"}, "unknown_flow"),
        ({"flow": "come-back"}, "missing_person"),
        ({"flow": "come-back", "user_id": "bob"}, "unknown_person"),
    ],
)
def test_a_request_that_starts_nothing_is_refused_with_the_reason(
    served: Served, detail: dict[str, Any], code: str
) -> None:
    status, answer = ask(served, **detail)
    assert (status, answer["code"]) == (400, code)
    assert answer["message"]


def test_a_flow_is_paused_and_goes_on_by_hand(served: Served) -> None:
    status, answer = ask(served, "FlowPauseRequested", flow="come-back")
    assert (status, answer["done"], answer["answers"][0]["state"]) == (200, "accepted", "paused")
    status, answer = ask(served, flow="come-back", user_id="ada", request_id="paused")
    assert (status, answer["done"], [run["status"] for run in answer["runs"]]) == (200, "started", ["active"])
    assert answer["sends"] == []
    status, answer = ask(served, "FlowResumeRequested", flow="come-back")
    assert [send["template"] for send in answer["sends"]] == ["win-back"]


def test_a_whole_segment_can_be_asked_for_by_hand(served: Served) -> None:
    status, answer = ask(served, flow="come-back", segment="vip", request_id="spring")
    assert (status, answer["done"]) == (200, "accepted")
    assert [one["answer"] for one in answer["answers"]] == ["FlowRequestAccepted", "FlowRequestFinished"]
    assert ask(served, flow="come-back", segment="nobody")[1]["code"] == "unknown_segment"
