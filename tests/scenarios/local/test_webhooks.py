"""Calls of webhooks through the deployed app on one machine, on the virtual clock: answers, time-outs, the end of trying."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from homing.domain.errors import Unavailable
from homing.domain.time import HOUR, MINUTE, SECOND, parse_instant
from homing.domain.webhooks.message import Signer
from homing.local.collect import collect
from homing.local.host import LocalHost
from homing.local.report import render
from homing.local.server import Served
from tests.unit.webhooks.test_call_webhooks import verified

ROOT = Path(__file__).parents[3]
START = parse_instant("2026-03-02T10:00:00Z")
CRM, LOG = "https://crm.example.com/homing", "https://log.example.com/"
FLOW = """
on: flow_requested
topic: marketing
steps:
  - call: crm
    data: {plan: {trigger: data.plan}}
  - wait: 1h
  - call: log
"""
WEBHOOKS = f"webhooks: {{crm: {{url: '{CRM}', identify: [user_id], traits: [first_name]}}, log: {{url: '{LOG}'}}}}\n"
pytestmark = pytest.mark.xdist_group("webhooks")


@pytest.fixture(scope="module")
def campaigns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop") / "campaigns"
    shutil.copytree(ROOT / "layers/campaigns", folder)
    with (folder / "settings.yaml").open("a") as file:
        file.write(WEBHOOKS)
    (folder / "flows/tell.yaml").write_text(FLOW)
    return folder


@pytest.fixture
def host(campaigns: Path) -> Iterator[LocalHost]:
    with LocalHost.deployed(start=START, campaigns=campaigns) as running:
        ada = {"userId": "ada", "traits": {"email": "ada@example.com", "firstName": "Ada"}}
        running.http("POST", "/v1/identify", running.authorization(), json.dumps(ada))
        running.advance(10 * SECOND)
        yield running


def ask(host: LocalHost, number: int = 1) -> None:
    detail = {"flow": "tell", "user_id": "ada", "request_id": f"r{number}", "data": {"plan": f"p{number}"}}
    host.put_event("FlowRequested", detail)
    host.advance(SECOND)


def times(host: LocalHost, url: str) -> list[int]:
    """When it was called, in seconds since the first time."""
    stamps = [int(call.headers["Homing-Signature"][2:12]) for call in host.calls if call.url == url]
    return [stamp - stamps[0] for stamp in stamps]


def test_a_flow_tells_other_systems_in_its_order_and_the_run_goes_on(host: LocalHost) -> None:
    ask(host)
    host.advance("2h")
    assert [call.url for call in host.calls] == [CRM, LOG]
    crm = host.calls[0]
    assert (crm.said["user_id"], crm.said["traits"], crm.said["data"]) == ("ada", {"first_name": "Ada"}, {"plan": "p1"})
    secret = Signer(host.secret("keys").encode()).secret("crm")
    assert verified(crm.body, crm.headers["Homing-Signature"], secret, int(crm.headers["Homing-Signature"][2:12]))
    assert not host.functions.errors


def test_a_system_that_is_down_is_called_ever_more_seldom_until_it_answers_once(host: LocalHost) -> None:
    host.caller.always(CRM, 503)
    ask(host)
    host.advance("70m")
    host.caller.always(CRM, None)
    host.advance("1d")
    gaps = [after - before for before, after in pairwise(times(host, CRM))]
    for gap, longest in zip(gaps, (30, 60, 120, 240, 480, 960, 1920, 3840), strict=False):
        assert 0.75 * longest <= gap <= longest + 1
    assert len({call.said["id"] for call in host.calls if call.url == CRM}) == 1
    assert len({call.body for call in host.calls if call.url == CRM}) == 1
    # It was taken once, and after that nobody called again; the run did not wait for it.
    assert len(gaps) in {7, 8}
    assert times(host, LOG) == [0]
    assert host.queue("calls-dead") == []


def test_a_system_that_asks_for_hours_is_given_them(host: LocalHost) -> None:
    from homing.services.ports import Answer

    host.caller.answer(CRM, Answer(429, str(5 * 3600)))
    ask(host)
    host.advance("1d")
    assert [gap // 60 for gap in times(host, CRM)] == [0, 300]


def test_after_twenty_hours_a_call_lies_in_the_dead_letter_queue_and_can_be_put_back(host: LocalHost) -> None:
    host.caller.always(CRM, Unavailable("timeout"))
    ask(host)
    host.advance("19h")
    assert host.queue("calls-dead") == []
    host.advance("90m")
    (dead,) = host.queue("calls-dead")
    tries = times(host, CRM)
    assert 15 <= len(tries) <= 22
    assert 18 * HOUR // SECOND <= tries[-1] < 20 * HOUR // SECOND
    host.advance("3d")
    assert len(times(host, CRM)) == len(tries)
    assert host.telemetry["call_webhooks"].counts["CallsGivenUp"] == 1
    # Mended, and redriven by hand.
    host.caller.always(CRM, None)
    arn = next(q.arn for q in host.template.resources("AWS::SQS::Queue") if q.name.endswith("-calls"))
    host._wiring.send(arn, dead)
    host.advance(SECOND)
    assert len(times(host, CRM)) == len(tries) + 1
    assert len({call.said["id"] for call in host.calls if call.url == CRM}) == 1


def test_a_dead_system_holds_nobody_up(host: LocalHost) -> None:
    host.caller.always(CRM, Unavailable("timeout"))
    for number in range(40):
        ask(host, number)
    host.advance("62m")
    # Every run went on and told the other system within a minute of its time, although the first never answered ...
    assert len({call.said["id"] for call in host.calls if call.url == LOG}) == 40
    assert times(host, LOG)[-1] <= 40 + 60
    # ... and it was left alone: one probe each few minutes, not 40 calls with each of their retries.
    assert len(times(host, CRM)) < 5 + 60
    host.caller.always(CRM, None)
    host.advance("6h")
    assert len({call.said["id"] for call in host.calls if call.url == CRM}) == 40
    assert host.queue("calls-dead") == []


def test_one_machine_calls_nobody_and_shows_what_it_would_have_said(host: LocalHost, tmp_path: Path) -> None:
    ask(host)
    host.advance("2h")
    outputs = collect(host)
    assert [(line.webhook, line.flow, line.data) for line in outputs.calls] == [
        ("crm", "tell", {"plan": "p1"}), ("log", "tell", {}),
    ]  # fmt: skip
    assert outputs.calls[0].body["traits"] == {"first_name": "Ada"}
    outputs.write(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text().splitlines()]
    assert [line["webhook"] for line in lines] == ["crm", "log"]
    assert type(outputs).read(tmp_path).calls == tuple(outputs.calls)
    assert "What other systems would have been told" in render(outputs)
    shown: Any = Served(host, host.now).answer("GET", "/_/calls", {}, b"").json()
    assert [line["webhook"] for line in shown] == ["crm", "log"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_when_the_function_dies_the_call_is_made_again_under_its_id(host: LocalHost, when: Any) -> None:
    host.faults.fail("call_webhooks", when)
    ask(host)
    host.advance(10 * MINUTE)
    assert [call.said["id"] for call in host.calls] == [host.calls[0].said["id"]] * (1 if when == "before" else 2)
    host.advance("1d")
    assert host.queue("calls-dead") == []
