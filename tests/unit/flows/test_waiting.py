"""Waiting for something to happen: both ways on, exactly when it happens, whatever happens at the same time."""

from __future__ import annotations

from typing import Any

import pytest

from homing.domain.errors import Unavailable
from homing.domain.time import DAY, HOUR, MINUTE
from homing.local.backtest import Backtest
from tests.fixtures.shop import backtest, campaigns, event, identified, mails

WAITING: dict[str, Any] = {
    "wait_for": {"did": "Review Posted", "where": {"rating": {"at_least": 4}}},
    "within": "3d",
    "then": [{"send": "thanks"}],
    "else": [{"send": "reminder"}],
}


def started(*steps: dict[str, Any], segments: dict[str, Any] | None = None, **flow: Any) -> Backtest:
    asked = {"name": "ask", "on": "flow_requested", "steps": list(steps), **flow}
    run = backtest(campaigns(flows=[asked], segments=segments))
    run.run([identified("ana")])
    run.request({"flow": "ask", "user_id": "ana", "request_id": "r1"})
    return run


def posted(at: str, rating: int, **more: Any) -> Any:
    return event("Review Posted", at, user_id="ana", rating=rating, **more)


def runs(run: Backtest) -> list[tuple[str, str]]:
    return [(one.status, one.reason) for one in run.journal.runs()]


def test_what_is_waited_for_ends_the_wait_at_once() -> None:
    run = started(WAITING)
    run.run([posted("2026-03-03T10:00:00Z", 5)])
    assert [subject for _, subject in mails(run)] == ["thanks"]
    assert runs(run) == [("ended", "done")]


def test_something_else_of_the_kind_does_not() -> None:
    run = started(WAITING)
    run.run([posted("2026-03-03T10:00:00Z", 2)])
    assert mails(run) == []
    run.run([posted("2026-03-04T10:00:00Z", 4)])
    assert [subject for _, subject in mails(run)] == ["thanks"]


def test_when_the_time_is_up_the_other_way_is_taken_at_that_instant() -> None:
    run = started(WAITING, {"wait": "1h"}, {"send": "bye"})
    begun = run.now
    run.pass_time(begun + 4 * DAY)
    decided = [(line.template, line.decided_at) for line in run.outputs().messages]
    assert decided == [("reminder", begun + 3 * DAY), ("bye", begun + 3 * DAY + HOUR)]


def test_what_happened_before_the_wait_does_not_count() -> None:
    run = backtest(campaigns(flows=[{"name": "ask", "on": "flow_requested", "steps": [WAITING]}]))
    run.run([identified("ana"), posted("2026-03-02T10:30:00Z", 5)])
    run.request({"flow": "ask", "user_id": "ana"})
    run.pass_time(run.now + 4 * DAY)
    assert [subject for _, subject in mails(run)] == ["reminder"]


def test_an_event_of_the_last_moment_counts_though_the_function_comes_late() -> None:
    run = started(WAITING)
    # The bus tells nobody: only the timer is left.
    run._wanted = frozenset()
    run.run([posted("2026-03-05T09:59:59Z", 5)])
    run.pass_time(run.now + DAY)
    assert [subject for _, subject in mails(run)] == ["thanks"]


@pytest.mark.parametrize("way", [{"segment": "fans"}, {"any": [{"did": "Nothing Such"}, {"segment": "fans"}]}])
def test_entering_a_segment_can_be_waited_for(way: dict[str, Any]) -> None:
    fans = {"did": "Review Posted", "times": 2}
    run = started({"wait_for": way, "within": "3d", "then": [{"send": "fan"}]}, segments={"fans": fans})
    run.run([posted("2026-03-02T11:00:00Z", 1)])
    assert mails(run) == []
    run.run([posted("2026-03-02T12:00:00Z", 1)])
    assert [subject for _, subject in mails(run)] == ["fan"]


def test_leaving_a_segment_by_time_alone_can_be_waited_for() -> None:
    run = started(
        {"wait_for": {"left": "fresh"}, "within": "3d", "then": [{"send": "a"}]},
        segments={"fresh": {"did": "Identified", "within": "5h"}},
    )
    begun = run.now
    run.pass_time(begun + DAY)
    (line,) = run.outputs().messages
    assert line.decided_at is not None
    assert begun + 5 * HOUR <= line.decided_at <= begun + 5 * HOUR + MINUTE


def test_who_is_in_the_segment_already_goes_on_at_once() -> None:
    run = started(
        {"wait_for": {"segment": "known"}, "within": "3d", "then": [{"send": "a"}]},
        segments={"known": {"did": "Identified"}},
    )
    assert [subject for _, subject in mails(run)] == ["a"]


def test_an_opened_mail_is_told_from_one_of_another_run() -> None:
    steps = [
        {"send": "news"},
        {"wait_for": {"message": "news", "was": "opened"}, "within": "2d", "then": [{"send": "more"}]},
    ]
    run = started(*steps, run_once_per="trigger")
    first = run.journal.runs()[0]
    run.run([event("Cart Viewed", "2026-03-02T11:00:00Z", user_id="ana")])
    run.request({"flow": "ask", "user_id": "ana", "request_id": "r2"})
    run.run([opened("2026-03-02T12:00:00Z", run, "news", first.sent["news"][0])])
    by_run = {line.run_id: line.template for line in run.outputs().messages if line.template == "more"}
    assert list(by_run) == [first.id]


def opened(at: str, run: Backtest, template: str, send: str, **more: Any) -> Any:
    return event(
        "Email Opened", at, context={"profile_id": run.identity.key("user_id", "ana")}, user_id="ana", send_id=send,
        template=template, **more,
    )  # fmt: skip


@pytest.mark.parametrize(("machine", "expected"), [(True, "plain"), (None, "opened")])
def test_a_branch_asks_what_people_did_with_the_mail_not_machines(machine: bool | None, expected: str) -> None:
    run = started(
        {"send": "news"},
        {"wait": "1d"},
        {"if": {"message": "news", "was": "opened"}, "then": [{"send": "opened"}], "else": [{"send": "plain"}]},
    )
    send = run.journal.runs()[0].sent["news"][0]
    more = {} if machine is None else {"machine": machine}
    run.run([opened("2026-03-02T12:00:00Z", run, "news", send, **more)])
    run.pass_time(run.now + 2 * DAY)
    assert [line.template for line in run.outputs().messages] == ["news", expected]


def test_bought_means_after_the_mail() -> None:
    steps = [
        {"wait": "1d"},
        {"send": "news"},
        {"wait": "1d"},
        {"if": {"message": "news", "was": "bought"}, "then": [{"send": "yes"}], "else": [{"send": "no"}]},
    ]
    run = started(*steps)
    run.run([event("Order Completed", "2026-03-02T12:00:00Z", user_id="ana", order_id="1")])
    run.pass_time(run.now + 4 * DAY)
    assert [line.template for line in run.outputs().messages] == ["news", "no"]

    run = started(*steps)
    run.run([event("Order Completed", "2026-03-03T12:00:00Z", user_id="ana", order_id="1")])
    run.pass_time(run.now + 4 * DAY)
    assert [line.template for line in run.outputs().messages] == ["news", "yes"]


@pytest.mark.parametrize(
    ("operation", "lost"),
    [("save_agenda", False), ("save_agenda", True), ("save_run", False), ("save_run", True), ("load_agenda", False)],
)
def test_a_failure_on_the_way_is_made_up_for(operation: str, lost: bool) -> None:
    run = started({"wait": "1h"}, WAITING)
    run.journal.faults.plan(operation, after=lost)
    with pytest.raises(Unavailable):
        run.pass_time(run.now + 2 * HOUR)
    run.flows({"wake_run": run.journal.runs()[0].id})
    run.run([posted("2026-03-03T10:00:00Z", 5)])
    assert [subject for _, subject in mails(run)] == ["thanks"]


def test_what_happens_while_the_run_is_being_stored_is_not_missed() -> None:
    run = started({"wait": "1h"}, WAITING)
    store, save = run.journal, run.journal.save_run
    heard = []

    def slow(saved: Any, *, expected: int) -> None:
        if not heard:
            heard.append(saved)
            # The event is folded and told before the run is stored as waiting.
            run.update_now(posted("2026-03-02T11:00:30Z", 5))  # type: ignore[attr-defined]
        save(saved, expected=expected)

    def update_now(one: Any) -> None:
        run._update(one.to_json())
        images, run._images = run._images, []
        run._tell(images)
        for told in run.bus.take():
            run._flow(told)

    run.update_now = update_now  # type: ignore[attr-defined]
    store.save_run = slow  # type: ignore[method-assign]
    run.pass_time(run.now + 2 * HOUR)
    assert [subject for _, subject in mails(run)] == ["thanks"]


def test_a_goal_reached_while_waiting_for_it_ends_the_run() -> None:
    order = {"did": "Order Completed"}
    run = started({**WAITING, "wait_for": order}, stop_when=order)
    run.run([event("Order Completed", "2026-03-02T12:00:00Z", user_id="ana", order_id="1")])
    assert runs(run) == [("ended", "goal_met")]
