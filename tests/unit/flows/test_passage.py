"""What runs did, by step: counted advance by advance it comes to the same as counted from the stored runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from homing.domain.flows.passage import FlowNumbers, Passage, counted
from homing.domain.time import DAY, HOUR, iso
from homing.local.backtest import Backtest
from tests.fixtures.desk import Desk
from tests.fixtures.shop import backtest, campaigns, event, identified

STEPS: list[dict[str, Any]] = [
    {"send": "hello"},
    {"wait": "1d"},
    {"if": {"trait": {"country": "DE"}}, "then": [{"send": "german"}], "else": [{"end": "foreign"}]},
    {
        "wait_for": {"did": "Review Posted"}, "within": "2d", "then": [{"send": "thanks"}],
        "else": [{"split": "s", "ways": [{"arm": "all", "percent": 100, "then": [{"send": "late"}]}]}],
    },
]  # fmt: skip


def played(**flow: Any) -> Backtest:
    """Four people: a German who reviews, one who does not, one who orders while waiting, and somebody abroad."""
    asked = {"name": "ask", "on": "flow_requested", "stop_when": {"did": "Order Completed"}, "steps": STEPS, **flow}
    run = backtest(campaigns(flows=[asked]))
    run.run([identified(name, country="DE") for name in ("ana", "ben", "cyd")] + [identified("dan", country="FR")])
    for name in ("ana", "ben", "cyd", "dan"):
        run.request({"flow": "ask", "user_id": name})
    return run


def numbers(run: Backtest) -> FlowNumbers:
    return counted("ask", run.flows.engine.flows["ask"].version, run.journal.runs())


def test_runs_that_wait_are_counted_where_they_wait() -> None:
    found = numbers(played())
    assert found.to_dict() == {
        "flow": "ask", "version": found.version, "runs": 4, "active": 4, "others": 0,
        "did": {"0": 4, "1": 4}, "ways": {}, "waiting": {"1": 4}, "left": {}, "ended": {}, "mails": {},
    }  # fmt: skip


def test_every_way_and_every_end_is_counted_where_it_was() -> None:
    run = played()
    run.pass_time(run.now + DAY)
    at = run.now
    run.run(
        [
            event("Review Posted", iso(at + DAY), user_id="ana"),
            event("Order Completed", iso(at + DAY), user_id="cyd", order_id="1"),
        ]
    )
    run.pass_time(at + 3 * DAY)
    found = numbers(run)
    assert dict(found.did) == {
        "0": 4,
        "1": 4,
        "2": 4,
        "2.then.0": 3,
        "3": 3,
        "3.then.0": 1,
        "3.else.0": 1,
        "3.else.0.all.0": 1,
    }
    assert dict(found.ways) == {"2.then": 3, "2.else": 1, "3.then": 1, "3.else": 1, "3.else.0.all": 1}
    assert {step: dict(reasons) for step, reasons in found.left.items()} == {
        "2.else.0": {"foreign": 1}, "3": {"goal_met": 1}
    }  # fmt: skip
    assert dict(found.ended) == {"done": 2, "foreign": 1, "goal_met": 1}
    assert (found.goal, found.active, found.to_dict()["waiting"]) == (1, 0, {})


def test_counting_each_advance_is_counting_the_runs() -> None:
    run = played()
    kept: dict[str, Any] = {one.id: one for one in run.journal.runs()}
    told = FlowNumbers("ask", run.flows.engine.flows["ask"].version)
    for one in kept.values():
        told.add(Passage.of(None, one))
    for days in range(1, 6):
        if days == 2:
            run.run([event("Review Posted", iso(run.now + 1), user_id="ana")])
        run.pass_time(run.now + DAY)
        for one in run.journal.runs():
            if one.version != kept[one.id].version:
                # As it comes back from a log line.
                told.add(Passage.from_dict(Passage.of(kept[one.id], one).to_dict()))
                kept[one.id] = one
        assert told.to_dict() == numbers(run).to_dict()


def test_what_a_service_tells_of_each_advance_comes_to_the_same() -> None:
    desk = Desk(campaigns(flows=[{"name": "ask", "on": "flow_requested", "steps": STEPS}]), ["ana", "ben", "cyd"])
    told = FlowNumbers("ask", desk.run.flows.engine.flows["ask"].version)
    desk.run.flows = replace(desk.run.flows, told=lambda *run: told.add(Passage.of(*run)))
    desk.start(flow="ask", user_id="ana")
    desk.pause("ask")
    # Ben's run waits for the flow to go on before it takes its first step.
    desk.start(flow="ask", user_id="ben")
    assert told.to_dict()["waiting"] == {"0": 1, "1": 1}
    assert told.runs == 2
    desk.resume("ask")
    desk.wait(HOUR)
    assert told.to_dict()["waiting"] == {"1": 2}
    assert told.to_dict() == numbers(desk.run).to_dict()
    desk.stop("ask")
    desk.wait(5 * DAY)
    assert told.to_dict() == numbers(desk.run).to_dict()
    assert dict(told.ended) == {"stopped": 2}


def test_runs_of_another_version_are_only_told() -> None:
    run = played()
    found = counted("ask", "another", run.journal.runs())
    assert (found.runs, found.others) == (0, 4)
