"""Pausing, resuming and stopping a flow: what it means for triggers, runs, sends that wait, and people on the way."""

from __future__ import annotations

from typing import Any

import pytest

from homing.domain.errors import Unavailable
from homing.domain.flows.control import Controls, FlowState, Given
from homing.domain.time import DAY, HOUR, MINUTE, SECOND, iso
from homing.services.flow_states import FlowStates
from tests.fixtures.desk import Desk
from tests.fixtures.shop import campaigns, event, identified, redeploy


def news(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "news", "on": "flow_requested", "steps": [*steps] or [{"send": "hello"}], **more}


def desk(*steps: dict[str, Any], people: list[str] | None = None, **more: Any) -> Desk:
    return Desk(campaigns(flows=[news(*steps, **more)]), people)


def state(shop: Desk, flow: str = "news") -> FlowState:
    return shop.run.journal.load_controls().of(flow)


def test_a_paused_flow_starts_its_runs_and_sends_nothing_until_it_is_resumed() -> None:
    shop = desk()
    assert shop.pause()["answer"] == "Accepted"
    assert shop.start(user_id="ana")["answer"] == "Accepted"
    shop.wait(HOUR)
    assert shop.mails == []
    assert [(run.status, run.position, run.parked) for run in shop.runs] == [("active", "0", True)]
    shop.resume()
    shop.wait()
    assert shop.mails == [("ana", "hello")]
    assert [(run.reason, run.parked) for run in shop.runs] == [("done", False)]


def test_a_running_run_stays_where_it_is_and_goes_on_from_there() -> None:
    shop = desk({"send": "one"}, {"wait": "1d"}, {"send": "two"}, {"wait": "1d"}, {"send": "three"})
    shop.start(user_id="ana")
    shop.wait(23 * HOUR)
    shop.pause()
    shop.wait(12 * HOUR)
    assert shop.mails == [("ana", "one")]
    shop.resume()
    shop.wait()
    assert shop.mails == [("ana", "one"), ("ana", "two")]
    # The next wait counts from the run's own time, so a pause moves nothing that is not late.
    shop.until("2026-03-04T09:59:00Z")
    assert len(shop.mails) == 2
    shop.until("2026-03-04T10:02:00Z")
    assert shop.mails[-1] == ("ana", "three")


def test_who_waits_longest_goes_on_first() -> None:
    shop = desk(people=["ana", "bob", "cem"])
    shop.pause()
    for name in ("cem", "ana", "bob"):
        shop.start(user_id=name)
        shop.wait(MINUTE)
    shop.resume()
    shop.wait()
    assert [name for name, _ in shop.mails] == ["cem", "ana", "bob"]


def test_a_mail_that_lies_in_the_queue_when_its_flow_is_paused_stays_until_it_is_resumed() -> None:
    shop = desk()
    shop.start(user_id="ana", pump=False)
    assert len(shop.run.outbox.items) == 1
    shop.pause()
    shop.wait(HOUR)
    assert shop.mails == []
    assert shop.decisions == [("deferred", "flow_paused")]
    shop.resume()
    shop.wait()
    assert shop.mails == [("ana", "hello")]


def test_a_mail_that_waits_for_the_morning_does_not_leave_while_its_flow_is_paused() -> None:
    bundle = campaigns(flows=[news()], quiet_hours={"from": "08:00", "until": "12:00"})
    shop = Desk(bundle)
    shop.start(user_id="ana")
    assert shop.decisions == [("deferred", "quiet_hours")]
    shop.pause()
    shop.wait(3 * HOUR)
    assert shop.decisions == [("deferred", "flow_paused")]
    shop.resume()
    shop.wait()
    assert shop.mails == [("ana", "hello")]


def test_what_is_too_old_when_the_flow_goes_on_is_dropped_with_its_reason() -> None:
    shop = desk(max_age="6h", expires_after="6h")
    shop.pause()
    shop.start(user_id="ana")
    shop.wait(7 * HOUR)
    shop.resume()
    shop.wait()
    assert shop.mails == []
    assert [run.reason for run in shop.runs] == ["too_old"]


def test_a_mail_that_expires_while_its_flow_is_paused_is_dropped_then() -> None:
    bundle = campaigns(flows=[news(expires_after="6h")], quiet_hours={"from": "08:00", "until": "12:00"})
    shop = Desk(bundle)
    shop.start(user_id="ana")
    shop.pause()
    shop.wait(7 * HOUR)
    assert shop.decisions == [("dropped", "expired")]


def test_a_run_whose_next_step_came_due_too_long_ago_ends() -> None:
    shop = desk({"send": "one"}, {"wait": "1d"}, {"send": "two"}, max_age="12h")
    shop.start(user_id="ana")
    shop.pause()
    shop.wait(DAY + 13 * HOUR)
    shop.resume()
    shop.wait()
    assert shop.mails == [("ana", "one")]
    assert [run.reason for run in shop.runs] == ["too_old"]


def test_what_was_waited_for_and_happened_during_the_pause_counts() -> None:
    waiting = {
        "wait_for": {"did": "Review Posted"},
        "within": "3d",
        "then": [{"send": "thanks"}],
        "else": [{"send": "please"}],
    }
    shop = desk(waiting, people=["ana", "bob"])
    shop.start(user_id="ana")
    shop.start(user_id="bob")
    shop.pause()
    shop.run.run([event("Review Posted", iso(shop.now + HOUR), user_id="ana")])
    shop.wait(HOUR)
    assert shop.mails == []
    shop.resume()
    shop.wait()
    assert shop.mails == [("ana", "thanks")]
    shop.wait(3 * DAY)
    assert shop.mails == [("ana", "thanks"), ("bob", "please")]


def test_something_else_that_happened_during_the_pause_leaves_the_run_waiting() -> None:
    waiting = {
        "wait_for": {"any": [{"did": "Review Posted", "where": {"rating": {"at_least": 4}}}, {"did": "Shared"}]},
        "within": "3d", "then": [{"send": "thanks"}], "else": [{"send": "please"}],
    }  # fmt: skip
    shop = desk(waiting)
    shop.start(user_id="ana")
    shop.pause()
    shop.run.run([event("Review Posted", iso(shop.now + HOUR), user_id="ana", rating=1)])
    shop.resume()
    shop.wait()
    shop.run.run([event("Shared", iso(shop.now + HOUR), user_id="ana")])
    assert shop.mails == [("ana", "thanks")]


def test_a_cart_mail_after_a_pause_shows_the_cart_as_it_now_is() -> None:
    flow = {"name": "carts", "on": "cart_abandoned", "steps": [{"send": "cart"}]}
    shop = Desk(campaigns(flows=[flow]))
    item = {"user_id": "ana", "cart_token": "c1", "price": 9}
    shop.pause("carts")
    shop.run.run([event("Product Added", "2026-03-02T11:00:00Z", product_id="p1", **item)])
    shop.wait(40 * MINUTE)
    assert [run.parked for run in shop.runs] == [True]
    shop.run.run([event("Product Added", iso(shop.now), product_id="p2", **item)])
    shop.resume("carts")
    shop.wait()
    (sent,) = shop.run.mailer.sent
    assert "p1x1" in sent.mail.text
    assert "p2x1" in sent.mail.text


def test_other_flows_do_not_notice() -> None:
    other = {"name": "other", "on": "flow_requested", "steps": [{"send": "hi"}]}
    shop = Desk(campaigns(flows=[news(), other]))
    shop.pause()
    shop.start(flow="other", user_id="ana")
    assert shop.mails == [("ana", "hi")]


def test_a_held_mail_does_not_hold_up_those_behind_it() -> None:
    """Under a cap of one a day the paused flow would go first: it waits, and the other takes the place."""
    flows = [news(priority=5), {"name": "other", "on": "flow_requested", "steps": [{"send": "hi"}]}]
    topics = {"marketing": {"title": "News", "cap": {"messages": 1, "within": "1d"}}}
    shop = Desk(campaigns(flows=flows, topics=topics, quiet_hours={"from": "08:00", "until": "12:00"}))
    shop.start(user_id="ana")
    shop.start(flow="other", user_id="ana")
    shop.pause()
    shop.until("2026-03-02T12:05:00Z")
    assert shop.mails == [("ana", "hi")]


def test_a_stopped_flow_starts_nothing_and_ends_what_runs() -> None:
    shop = desk({"send": "one"}, {"wait": "1d"}, {"send": "two"}, people=["ana", "bob"])
    shop.start(user_id="ana")
    assert shop.stop()["state"] == "stopped"
    refused = shop.start(user_id="bob")
    assert (refused["answer"], refused["reason"]) == ("Refused", "flow_stopped")
    shop.wait(2 * DAY)
    assert shop.mails == [("ana", "one")]
    assert [(run.status, run.reason) for run in shop.runs] == [("ended", "stopped")]


def test_sends_that_have_not_left_are_dropped_by_a_stop() -> None:
    shop = Desk(campaigns(flows=[news()], quiet_hours={"from": "08:00", "until": "12:00"}))
    shop.start(user_id="ana")
    shop.stop()
    shop.wait(DAY)
    assert shop.mails == []
    assert shop.decisions == [("dropped", "flow_stopped")]


def test_after_a_stop_it_can_be_resumed_and_started_but_what_ended_stays_ended() -> None:
    shop = desk({"send": "one"}, {"wait": "1d"}, {"send": "two"}, people=["ana", "bob"])
    shop.start(user_id="ana")
    shop.wait(MINUTE)
    shop.stop()
    shop.wait(MINUTE)
    # Before ana's run woke and noticed.
    assert shop.resume()["state"] == "running"
    shop.wait(MINUTE)
    assert shop.start(user_id="bob")["answer"] == "Accepted"
    shop.wait(2 * DAY)
    assert shop.mails == [("ana", "one"), ("bob", "one"), ("bob", "two")]
    assert sorted(run.reason for run in shop.runs) == ["done", "stopped"]


def test_what_a_pause_held_ends_with_a_stop() -> None:
    shop = desk(people=["ana", "bob"])
    shop.pause()
    shop.start(user_id="ana")
    shop.start(user_id="bob")
    shop.stop()
    shop.wait()
    assert [run.reason for run in shop.runs] == ["stopped", "stopped"]
    assert shop.mails == []


def test_a_trigger_from_the_time_of_the_stop_that_comes_late_starts_nothing() -> None:
    shop = desk()
    shop.stop()
    asked = iso(shop.now + MINUTE)
    shop.wait(5 * MINUTE)
    shop.resume()
    assert shop.start(user_id="ana", at=asked)["reason"] == "flow_stopped"
    assert shop.start(user_id="ana")["answer"] == "Accepted"


def test_an_order_is_carried_out_once_however_often_it_is_delivered() -> None:
    shop = desk()
    shop.pause(request_id="p1")
    shop.resume(request_id="r1")
    version = shop.run.journal.load_controls().version
    # The queue delivers the pause again: the flow goes on all the same.
    assert shop.pause(request_id="p1")["answer"] == "Accepted"
    assert state(shop).state == "running"
    assert shop.run.journal.load_controls().version == version


def test_orders_that_overtook_each_other_are_told_by_their_time() -> None:
    shop = desk()
    earlier = iso(shop.now)
    shop.wait(MINUTE)
    shop.resume()
    refused = shop.pause(at=earlier)
    assert (refused["answer"], refused["reason"]) == ("Refused", "overtaken")
    assert state(shop).state == "running"


@pytest.mark.parametrize("detail_type", ["FlowPauseRequested", "FlowResumeRequested", "FlowStopRequested"])
def test_an_order_for_a_flow_that_is_not_there_is_refused(detail_type: str) -> None:
    refused = desk().ask(detail_type, flow="knews")
    assert (refused["reason"], refused["where"]) == ("unknown_flow", "detail.flow")


def test_who_paused_what_and_why_is_kept() -> None:
    shop = desk()
    shop.pause(by="Ada", reason="typing mistake", request_id="p1")
    (kept,) = shop.run.journal.load_controls().orders
    assert (kept.order, kept.flow, kept.by, kept.reason, kept.request_id) == (
        "pause",
        "news",
        "Ada",
        "typing mistake",
        "p1",
    )
    # The bus is told neither.
    assert "Ada" not in str(shop.bus.items)
    assert "typing" not in str(shop.bus.items)


def test_only_so_many_orders_are_kept() -> None:
    controls = Controls()
    for number in range(300):
        controls = controls.carry_out(Given("pause" if number % 2 else "resume", "news", f"r{number}", number), number)
    assert len(controls.orders) == 100
    assert controls.orders[-1].request_id == "r299"
    assert Controls.from_dict(controls.to_dict()) == controls


def test_a_sender_that_looked_before_the_pause_knows_of_it_within_ten_seconds() -> None:
    shop = desk()
    states = FlowStates(shop.run.journal, shop.run.clock)
    assert states.of("news").state == "running"
    shop.pause()
    shop.run.now += 9 * SECOND
    assert states.of("news").state == "running"
    shop.run.now += SECOND
    assert states.of("news").state == "paused"
    # Who knows of it looks again before acting on it.
    shop.resume()
    assert states.of("news").state == "running"


def test_a_pause_costs_no_reads_and_no_writes_however_long_it_lasts() -> None:
    shop = desk(people=[f"p{number}" for number in range(50)])
    shop.pause()
    for number in range(50):
        shop.start(user_id=f"p{number}")
    before = len(shop.runs), shop.run.journal.next_wake()
    assert before == (50, None)


def test_a_new_version_of_the_flow_during_the_pause_leaves_the_runs_on_theirs() -> None:
    other = {"name": "other", "on": "flow_requested", "steps": [{"send": "one"}]}
    shop = desk({"send": "one"})
    shop.pause()
    shop.start(user_id="ana")
    redeploy(shop.run, campaigns(flows=[news({"send": "another"}), other]))
    shop.resume()
    shop.wait()
    assert shop.mails == [("ana", "one")]


def test_a_flow_that_is_paused_again_holds_again() -> None:
    shop = desk(people=["ana", "bob"])
    shop.pause()
    shop.start(user_id="ana")
    shop.resume()
    shop.pause()
    shop.start(user_id="bob")
    shop.wait(HOUR)
    mailed = len(shop.mails)
    shop.resume()
    shop.wait(HOUR)
    assert mailed <= 1
    assert sorted(shop.mails) == [("ana", "hello"), ("bob", "hello")]


def test_somebody_new_is_parked_once() -> None:
    shop = desk()
    shop.pause()
    for _ in range(3):
        shop.start(user_id="ana", request_id="r1")
    assert len(shop.runs) == 1
    shop.run.run([identified("bob", iso(shop.now))])
    shop.resume()
    shop.wait()
    assert shop.mails == [("ana", "hello")]


def again(call: Any) -> Any:
    """The queue delivers again what failed."""

    def handle(message: Any) -> Any:
        try:
            return call(message)
        except Unavailable:
            return call(message)

    return handle


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize(
    "operation", ["save_run", "start_run", "load_controls", "save_controls", "save_job", "hold", "parked"]
)
def test_a_failure_on_the_way_is_made_up_for(operation: str, order: int, lost: bool) -> None:
    """Ana's mail waits for half past ten, bob's run begins in the pause: neither is lost, neither comes twice."""
    shop = Desk(campaigns(flows=[news()], quiet_hours={"from": "08:00", "until": "10:30"}), ["ana", "bob"])
    shop.start(user_id="ana")
    shop.run.flows, shop.run.send = again(shop.run.flows), again(shop.run.send)
    orders = (shop.pause, lambda: shop.start(user_id="bob", request_id="b"), shop.resume)
    for number, give in enumerate(orders):
        if number == order:
            shop.run.journal.faults.plan(operation, after=lost and operation not in {"load_controls", "parked"})
        give()
        shop.wait(40 * MINUTE)
    shop.wait(HOUR)
    assert sorted(shop.mails) == [("ana", "hello"), ("bob", "hello")]
    assert {run.status for run in shop.runs} == {"ended"}


def test_the_state_of_flows_is_read_once_in_ten_seconds_however_many_mails_leave_and_never_written() -> None:
    people = [f"p{number}" for number in range(120)]
    shop = desk(people=people)
    for name in people:
        shop.start(user_id=name, pump=False)
    requests = shop.run.outbox.take()
    journal, reads, writes = shop.run.journal, [0], [0]
    load, save, hold = journal.load_controls, journal.save_controls, journal.hold
    journal.load_controls = lambda: (reads.__setitem__(0, reads[0] + 1), load())[1]  # type: ignore[method-assign]
    journal.save_controls = lambda *a, **k: (writes.__setitem__(0, writes[0] + 1), save(*a, **k))[1]  # type: ignore[method-assign]
    journal.hold = lambda *a: (writes.__setitem__(0, writes[0] + 1), hold(*a))[1]  # type: ignore[method-assign]
    for request in requests:
        assert shop.run.send(request).status == "sent"
        shop.run.now += SECOND
    # Two minutes at one mail a second.
    assert (reads[0], writes[0]) == (12, 0)


def test_what_a_pause_holds_is_read_once_when_it_goes_on_and_no_sweep_sees_it() -> None:
    people = [f"p{number}" for number in range(200)]
    shop = desk(people=people)
    shop.pause()
    for name in people:
        shop.start(user_id=name)
    journal, seen = shop.run.journal, {"due": 0, "parked": 0}
    due, parked = journal.due, journal.parked

    def counted(name: str, read: Any) -> Any:
        def call(*arguments: Any) -> Any:
            found = read(*arguments)
            seen[name] += len(found)
            return found

        return call

    journal.due, journal.parked = counted("due", due), counted("parked", parked)  # type: ignore[method-assign]
    for _ in range(60):
        shop.run.now += MINUTE
        shop.run.wake()
    assert seen == {"due": 0, "parked": 0}
    shop.resume()
    shop.wait(HOUR)
    assert len(shop.mails) == 200
    assert seen["parked"] == 200


def overtaken(shop: Desk, method: str) -> None:
    """The worker that is about to write stands still for an hour. Meanwhile the flow goes on, and all that the pause held is
    looked through; then it writes what it had in mind. Nobody else has the message that it works on."""
    journal = shop.run.journal
    write = getattr(journal, method)

    def slow(*arguments: Any, **more: Any) -> Any:
        setattr(journal, method, write)
        shop.resume()
        while waiting := [job for job in journal.jobs() if job.kind == "rearm" and job.state == "waiting"]:
            shop.run.now += 10 * MINUTE
            shop.run.flows({"wake_job": waiting[0].id})
        return write(*arguments, **more)

    setattr(journal, method, slow)


def test_a_run_that_is_parked_by_a_worker_that_slept_through_the_resumption_goes_on() -> None:
    shop = desk({"send": "one"}, {"wait": "1h"}, {"send": "two"})
    shop.start(user_id="ana")
    shop.pause()
    overtaken(shop, "save_run")
    shop.wait(70 * MINUTE)
    assert shop.mails == [("ana", "one"), ("ana", "two")]


def test_a_run_that_begins_parked_by_such_a_worker_goes_on() -> None:
    shop = desk()
    shop.pause()
    overtaken(shop, "start_run")
    shop.start(user_id="ana")
    assert shop.mails == [("ana", "hello")]


@pytest.mark.parametrize("method", ["hold", "save_ledger"])
def test_a_mail_that_is_held_by_such_a_worker_leaves(method: str) -> None:
    shop = desk()
    shop.start(user_id="ana", pump=False)
    (request,) = shop.run.outbox.take()
    shop.pause()
    overtaken(shop, method)
    assert shop.run.send(request).status == "sent"
    assert shop.mails == [("ana", "hello")]


def test_a_job_that_is_parked_by_such_a_worker_goes_on() -> None:
    shop = Desk(campaigns(segments={"all": {"not": {"did": "Never"}}}, flows=[news()]), ["ana", "bob"])
    shop.start(segment="all", per_minute=1)
    shop.pause()
    overtaken(shop, "save_job")
    shop.wait(HOUR)
    assert sorted(shop.mails) == [("ana", "hello"), ("bob", "hello")]


def test_an_index_that_is_a_moment_behind_hides_nothing_for_long() -> None:
    """What was parked right before the flow went on is not in the index yet when it is first looked through."""
    shop = desk()
    shop.pause()
    shop.start(user_id="ana")
    parked, until = shop.run.journal.parked, shop.now + MINUTE
    shop.run.journal.parked = lambda *a: parked(*a) if shop.now >= until else []  # type: ignore[method-assign]
    shop.resume()
    assert shop.mails == []
    shop.wait(4 * MINUTE)
    assert shop.mails == [("ana", "hello")]
