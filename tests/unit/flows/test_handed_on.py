"""What a run asks for reaches the world once, whatever fails between deciding, storing and handing on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from homing.domain.errors import Unavailable
from homing.domain.flows.effects import again
from homing.domain.flows.run import Run
from homing.domain.time import DAY, HOUR, MINUTE
from homing.local.backtest import Backtest
from homing.services.resolve import resolve
from tests.fixtures.shop import backtest, campaigns, event, identified, redeploy

CALLS: dict[str, Any] = {"webhooks": {"crm": {"url": "https://crm.example.com/"}}}
WAITING = {
    "wait_for": {"did": "Review Posted"}, "within": "1h",
    "then": [{"call": "crm", "data": {"way": "then"}}, {"add_to": "happy"}],
    "else": [{"call": "crm", "data": {"way": "else"}}, {"add_to": "silent"}],
}  # fmt: skip


def shop(*steps: dict[str, Any], **flow: Any) -> Backtest:
    asked = {"name": "ask", "on": "flow_requested", "steps": list(steps), **flow}
    run = backtest(
        campaigns(flows=[asked], segments={name: {"list": name} for name in ("happy", "silent", "a", "b")}, **CALLS)
    )
    run.run([identified("ana")])
    return run


def request(run: Backtest, id: str = "r1") -> dict[str, Any]:
    detail = {"flow": "ask", "user_id": "ana", "request_id": id}
    return {"detail-type": "FlowRequested", "detail": detail, "time": "2026-03-02T10:00:00Z"}


def ways(run: Backtest) -> list[str]:
    return [str(line.data["way"]) for line in run.telling.called]


def only(run: Backtest) -> Run:
    (found,) = run.journal.runs()
    return found


def lists(run: Backtest) -> list[str]:
    return run.outputs().profiles[0].segments


def given_up(run: Backtest, *, after: bool) -> None:
    """The time is up, and the process that finds it fails when it puts the call on its queue; then something is heard of
    that happened in time."""
    run.flows(request(run))
    run._pump()
    until = run.now + HOUR
    run.now = until
    run.calls.faults.plan("put", after=after)
    with pytest.raises(Unavailable):
        run.flows({"wake_run": only(run).id})
    run.run([event("Review Posted", "2026-03-02T10:30:00Z", received="2026-03-02T11:00:30Z", user_id="ana")])
    run.pass_time(run.now + DAY)


@pytest.mark.parametrize("after", [False, True])
def test_a_way_that_was_stored_is_gone_to_its_end_though_more_is_known_by_then(after: bool) -> None:
    run = shop(WAITING)
    given_up(run, after=after)
    assert set(ways(run)) == {"else"}
    assert len({line.call_id for line in run.telling.called}) == 1
    assert lists(run) == ["silent"]
    assert (only(run).status, only(run).reason, only(run).owed) == ("ended", "done", None)


class Slow:
    """The journal of a process that stands still before it first stores a run that it read; others work meanwhile."""

    def __init__(self, journal: Any, meanwhile: Callable[[], None]) -> None:
        self._journal, self._meanwhile = journal, [meanwhile]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def save_run(self, run: Run, *, expected: int) -> None:
        if self._meanwhile:
            self._meanwhile.pop()()
        self._journal.save_run(run, expected=expected)


def test_of_two_processes_that_decide_otherwise_only_the_one_that_stores_asks_for_anything() -> None:
    run = shop(WAITING)
    run.flows(request(run))
    run._pump()
    run.now += HOUR
    late = event("Review Posted", "2026-03-02T10:59:59Z", received="2026-03-02T11:00:00Z", user_id="ana")
    slow = replace(run.flows, journal=Slow(run.journal, lambda: run.run([late])))
    slow({"wake_run": only(run).id})
    run.pass_time(run.now + DAY)
    assert ways(run) == ["then"]
    assert lists(run) == ["happy"]


@pytest.mark.parametrize("after", [False, True])
def test_a_branch_is_gone_to_its_end_though_the_answer_is_another_by_then(after: bool) -> None:
    sides = {side: [{"call": "crm", "data": {"way": side}}] for side in ("then", "else")}
    run = shop({"wait": "1h"}, {"if": {"did": "Review Posted", "within": "1d"}, **sides})
    given_up(run, after=after)
    assert set(ways(run)) == {"else"}
    assert len({line.call_id for line in run.telling.called}) == 1
    assert (only(run).status, only(run).owed) == ("ended", None)


@pytest.mark.parametrize("number", range(6))
def test_who_becomes_another_at_a_split_goes_one_way(number: int) -> None:
    """By the id of whom they become they may stand in the other arm."""
    arms = [{"arm": arm, "percent": 50, "then": [{"call": "crm", "data": {"way": arm}}]} for arm in ("a", "b")]
    flow = {"name": "ask", "on": {"did": "Review Posted"}, "steps": [{"wait": "1h"}, {"split": "test", "ways": arms}]}
    run = backtest(campaigns(flows=[flow], **CALLS))
    phone = f"phone-{number}"
    run.run([identified("ana"), event("Review Posted", "2026-03-02T11:00:00Z", anonymous_id=phone)])
    waiting = only(run)
    assert waiting.wake_at is not None
    run.now = waiting.wake_at

    def others() -> None:
        run.run([event("Identified", "2026-03-02T11:59:59Z", user_id="ana", anonymous_id=phone)])
        run.flows({"wake_run": waiting.id})
        run._pump()

    slow = replace(run.flows, journal=Slow(run.journal, others))
    slow({"wake_run": waiting.id})
    run._pump()
    run.pass_time(run.now + DAY)
    assert resolve(run.profiles, [waiting.profile_id])[waiting.profile_id].id != waiting.profile_id
    assert set(ways(run)) == set(only(run).arms.values())
    assert (only(run).status, only(run).owed) == ("ended", None)


def test_what_was_stored_and_not_handed_on_is_handed_on_by_the_next_sweep() -> None:
    """Nobody tells again: the run itself is still due."""
    run = shop(WAITING, {"wait": "2h"}, {"add_to": "a"})
    run.flows(request(run))
    run._pump()
    until = run.now + HOUR
    run.now = until
    run.calls.faults.plan("put")
    with pytest.raises(Unavailable):
        run.flows({"wake_run": only(run).id})
    assert only(run).owed is not None
    assert only(run).wake_at == until
    run.pass_time(until + MINUTE)
    assert ways(run) == ["else"]
    assert only(run).wake_at == until + 2 * HOUR
    run.pass_time(until + 3 * HOUR)
    assert lists(run) == ["a", "silent"]


def test_who_waits_again_behind_a_way_listens_also_when_the_first_one_got_no_further() -> None:
    second = {"wait_for": {"did": "Thanked"}, "within": "3h", "then": [{"add_to": "a"}], "else": [{"add_to": "b"}]}
    run = shop(WAITING, second)
    run.flows(request(run))
    run._pump()
    run.now += HOUR
    run.calls.faults.plan("put", after=True)
    with pytest.raises(Unavailable):
        run.flows({"wake_run": only(run).id})
    run.pass_time(run.now + MINUTE)
    run.run([event("Thanked", "2026-03-02T11:30:00Z", user_id="ana")])
    assert lists(run) == ["a", "silent"]


@pytest.mark.parametrize("operation", ["outbox", "stream", "calls"])
def test_a_trigger_that_is_told_again_hands_on_what_its_run_asked_for(operation: str) -> None:
    run = shop({"send": "hello"}, {"add_to": "a"}, {"call": "crm", "data": {"way": "on"}})
    getattr(run, operation).faults.plan("put")
    with pytest.raises(Unavailable):
        run.flows(request(run))
    assert only(run).status == "ended"
    for _ in range(3):
        run.flows(request(run))
        run._pump()
    assert [mail.template for mail in run.outputs().messages] == ["hello"]
    assert lists(run) == ["a"]
    assert len({line.call_id for line in run.telling.called}) == 1


def test_another_trigger_with_the_same_key_hands_on_nothing() -> None:
    flow = {
        "name": "ask",
        "on": {"did": "Review Posted"},
        "run_once_per": "customer",
        "steps": [{"call": "crm", "data": {"way": "on"}}],
    }
    run = backtest(campaigns(flows=[flow], **CALLS))
    run.run([identified("ana"), *(event("Review Posted", f"2026-03-02T1{n}:00:00Z", user_id="ana") for n in (1, 2, 3))])
    assert ways(run) == ["on"]


def test_what_is_told_again_much_later_hands_on_nothing() -> None:
    run = shop({"call": "crm", "data": {"way": "on"}}, max_age="30d")
    run.flows(request(run))
    run._pump()
    run.now += 4 * DAY
    run.flows(request(run))
    run._pump()
    assert ways(run) == ["on"]


def test_a_run_keeps_its_id_when_its_person_becomes_another_before_the_trigger_is_told_again() -> None:
    flow = {"name": "ask", "on": {"did": "Review Posted"}, "steps": [{"call": "crm", "data": {"way": "on"}}]}
    run = backtest(campaigns(flows=[flow], **CALLS))
    run.run([identified("ana")])
    run.calls.faults.plan("put", after=True)
    with pytest.raises(Unavailable):
        run.run([event("Review Posted", "2026-03-02T11:00:00Z", anonymous_id="phone")])
    told = only(run)
    run.calls.take()
    run.run(
        [
            identified("ana", at="2026-03-02T11:10:00Z"),
            event("Identified", "2026-03-02T11:11:00Z", user_id="ana", anonymous_id="phone"),
        ]
    )
    on = run.campaigns.flows["ask"].on
    trigger = {
        "id": told.trigger_id, "profile_id": told.profile_id, "trigger": "event", "key": told.key.partition(":")[2],
        "name": on.name, "at": "2026-03-02T11:00:00Z", "data": {},
    }  # fmt: skip
    run.flows({"detail-type": "EventHappened", "detail": trigger})
    run._pump()
    assert len(run.journal.runs()) == 1
    assert len(run.telling.called) == 1


def test_asking_again_asks_for_the_very_same() -> None:
    steps = [
        {"update": {"tier": "gold", "plan": {"trigger": "data.plan"}}}, {"add_to": "a"}, {"remove_from": "b"}, {"send": "hello"},
        {"call": "crm", "data": {"plan": {"trigger": "data.plan"}}}, {"start": "other", "data": {"why": "x"}},
    ]  # fmt: skip
    other = {"name": "other", "on": "flow_requested", "steps": [{"add_to": "b"}]}
    run = backtest(campaigns(flows=[{"name": "ask", "on": "flow_requested", "steps": steps}, other], **CALLS))
    run.run([identified("ana")])
    run.flows({**request(run), "detail": {**request(run)["detail"], "data": {"plan": "p1"}}})
    stored = next(one for one in run.journal.runs() if one.flow == "ask")
    found = again(stored, run.campaigns.flows["ask"], stored.begun)
    assert found.sends == tuple(run.outbox.items)
    assert found.calls == tuple(run.calls.items)
    assert list(found.starts) == run.inbox.items
    assert [one.to_json() for one in found.events] == [record.data for record in run.stream.items]


def test_steps_that_the_deployed_version_no_longer_has_are_handed_on_all_the_same() -> None:
    run = shop({"call": "crm", "data": {"way": "on"}})
    run.calls.faults.plan("put")
    with pytest.raises(Unavailable):
        run.flows(request(run))
    redeploy(run, campaigns(flows=[{"name": "ask", "on": "flow_requested", "steps": [{"add_to": "a"}]}], **CALLS))
    run.flows(request(run))
    run._pump()
    assert ways(run) == ["on"]
