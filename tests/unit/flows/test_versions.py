"""A flow that changes while people are on their way through it."""

from __future__ import annotations

from typing import Any

import pytest

from homing.domain.time import DAY, HOUR
from homing.local.backtest import Backtest
from tests.fixtures.shop import backtest, campaigns, event, identified, redeploy

OLD: list[dict[str, Any]] = [{"wait": "1d"}, {"send": "old"}]


def changed(old: dict[str, Any], new: dict[str, Any], **more: Any) -> Backtest:
    """Somebody is on the way when the flow changes."""
    flow = {"name": "ask", "on": "flow_requested"}
    run = backtest(campaigns(flows=[{**flow, **old}]))
    run.run([identified("ana")])
    run.request({"flow": "ask", "user_id": "ana"})
    run.pass_time(run.now + HOUR)
    fresh = campaigns(flows=[{**flow, **new}], **more)
    # The texts that running ones still need are there.
    fresh.templates.update(run.campaigns.templates)
    redeploy(run, fresh)
    return run


def ended(run: Backtest, days: int = 10) -> tuple[list[str], list[str]]:
    run.pass_time(run.now + days * DAY)
    return [line.template for line in run.outputs().messages], [one.reason for one in run.journal.runs()]


def test_running_ones_finish_on_the_version_that_they_began() -> None:
    run = changed({"steps": OLD}, {"steps": [{"send": "new"}]})
    assert ended(run) == (["old"], ["done"])


def test_a_change_of_words_only_is_no_new_version() -> None:
    run = changed({"steps": OLD}, {"steps": OLD, "description": "better words"})
    assert "move" not in [entry["did"] for one in run.journal.runs() for entry in one.trace]
    assert ended(run) == (["old"], ["done"])


def test_a_branch_of_an_older_version_is_judged_by_the_memory_that_there_is() -> None:
    branch = {"if": {"did": "Order Completed"}, "then": [{"send": "yes"}], "else": [{"send": "no"}]}
    run = changed({"steps": [{"wait": "1d"}, branch]}, {"steps": [{"wait": "1h"}, branch, {"send": "new"}]})
    run.run([event("Order Completed", "2026-03-02T15:00:00Z", user_id="ana", order_id="1")])
    assert ended(run) == (["yes"], ["done"])


def test_what_nobody_remembers_any_more_is_not_guessed() -> None:
    branch = {"if": {"did": "Quiz Taken"}, "then": [{"send": "yes"}], "else": [{"send": "no"}]}
    run = changed({"steps": [{"wait": "1d"}, branch]}, {"steps": [{"send": "new"}, {"send": "more"}]})
    run.run([event("Quiz Taken", "2026-03-02T15:00:00Z", user_id="ana")])
    assert ended(run) == ([], ["flow_changed"])


@pytest.mark.parametrize(
    ("new", "sent"),
    [
        # By the name of the step.
        ([{"send": "first"}, {"wait": "2d"}, {"send": "news", "id": "say"}, {"send": "bye"}], ["news", "bye"]),
        # A step of another kind stands there now, and none has that name.
        ([{"wait": "1d"}, {"end": "over"}], []),
    ],
)
def test_running_ones_move_to_the_step_of_the_same_name(new: list[dict[str, Any]], sent: list[str]) -> None:
    old = [{"wait": "1d"}, {"send": "old", "id": "say"}]
    run = changed({"steps": old}, {"steps": new, "when_changed": "move"})
    reason = "done" if sent else "flow_changed"
    assert ended(run) == (sent, [reason])


def test_without_names_they_move_to_the_same_place_where_a_step_of_that_kind_is() -> None:
    run = changed({"steps": OLD}, {"steps": [{"wait": "3d"}, {"send": "new"}], "when_changed": "move"})
    assert ended(run) == (["new"], ["done"])


def test_or_they_end() -> None:
    run = changed({"steps": OLD}, {"steps": [*OLD, {"send": "more"}], "when_changed": "end"})
    assert ended(run) == ([], ["flow_changed"])


def test_who_waits_for_something_goes_on_waiting_in_the_new_version() -> None:
    wait = {"wait_for": {"did": "Review Posted"}, "within": "3d", "id": "hear", "then": [{"send": "old"}]}
    new = {**wait, "within": "5d", "then": [{"send": "new"}]}
    run = changed({"steps": [wait]}, {"steps": [{"send": "first"}, new], "when_changed": "move"})
    run.run([event("Review Posted", "2026-03-04T10:00:00Z", user_id="ana")])
    assert ended(run) == (["new"], ["done"])


def test_a_step_that_moved_to_where_another_was_is_asked_for_all_the_same() -> None:
    old = [{"update": {"asked": 1}}, {"send": "first"}, {"wait": "1d"}, {"update": {"asked": 0}, "id": "later"}]
    new = [{"update": {"asked": 2}, "id": "later"}, {"send": "new"}]
    run = changed({"steps": old}, {"steps": new, "when_changed": "move"})
    assert ended(run) == (["first", "new"], ["done"])
    assert run.outputs().profiles[0].traits["asked"] == 2
