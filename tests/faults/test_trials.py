"""Flows that wait, branch, call and start others, alone: one fault at each place where it hurts, whoever it hits."""

from __future__ import annotations

from bisect import bisect_left
from functools import cache

import pytest

from homing.services.resolve import resolve
from tests.faults import plan, trials
from tests.faults.plan import Fault
from tests.faults.shop import Story, shop
from tests.faults.verdict import judge
from tests.faults.when import END, START, moment
from tests.faults.world import World


def played(*faults: Fault) -> World:
    """The days of those who try something, and of nobody else."""
    world = World(shop(), START, faults)
    trials.tell(Story(world), lambda: world.deploy(shop(changed=True)))
    world.run_until(END)
    return world


@cache
def calm() -> World:
    """Without faults."""
    return played()


def wrong(*faults: Fault) -> list[str]:
    world = played(*faults)
    assert world.struck.total() >= 1
    return judge(world, calm()).wrong


def ways(world: World) -> dict[str, str]:
    """Who went which way."""
    runs = [run for run in world.journal.runs() if run.flow == "trial"]
    people = resolve(world.profiles, {run.profile_id for run in runs})
    return {
        min(people[run.profile_id].identifiers["user_id"]): str(note["did"])
        for run in runs
        for note in run.trace
        if note["did"] in {"then", "else"}
    }


def test_without_faults_everybody_goes_the_way_that_was_known_in_time() -> None:
    assert ways(calm()) == trials.WAYS
    assert judge(calm()).wrong == []
    assert sum(run.flow == "tip" for run in calm().journal.runs()) == 2


# Sites of run_flows, and what happens there; each to every fourth call, from one that differs.
CASES = [
    ("Journal.start_run", plan.DIES_AFTER, 0), ("Journal.start_run", plan.LOST, 1),
    ("Journal.start_run", plan.DIES_BEFORE, 2), ("Journal.save_run", plan.DIES_AFTER, 0),
    ("Journal.save_run", plan.DIES_BEFORE, 1), ("Journal.save_run", plan.ZOMBIE, 2),
    ("Journal.save_agenda", plan.DIES_BEFORE, 0), ("Journal.save_agenda", plan.DIES_AFTER, 1),
    ("Journal.load_agenda", plan.ZOMBIE, 2), ("ProfileStore.read", plan.ZOMBIE, 3), ("Calls.put", plan.DIES_AFTER, 0),
    ("Calls.put", plan.ERROR, 1), ("Stream.put", plan.PARTIAL, 2), ("Stream.put", plan.DIES_BEFORE, 3),
    ("FlowInbox.put", plan.DIES_AFTER, 0), ("Outbox.put", plan.DIES_BEFORE, 0),
]  # fmt: skip


@pytest.mark.parametrize(("site", "kind", "first"), CASES)
def test_one_fault_on_the_way_of_a_run_changes_nothing_that_counts(site: str, kind: str, first: int) -> None:
    calls = calm().calls[f"run_flows: {site}"]
    assert calls > first
    found = {
        number: told
        for number in range(first, calls, 4)
        if (told := wrong(Fault("run_flows", site, kind, 1, first=number)))
    }
    assert found == {}


def number(site: str, time: str) -> int:
    """Which call of a site by run_flows is the first at a time or after it."""
    return bisect_left(calm().called_at[f"run_flows: {site}"], moment(time))


@pytest.mark.parametrize("kind", [plan.ZOMBIE, plan.LATE_ANSWER])
@pytest.mark.parametrize(
    "site", ["ProfileStore.read", "Journal.load_run", "Journal.load_agenda", "Journal.save_agenda"]
)
def test_an_event_that_comes_while_the_run_is_about_to_wait_is_not_missed(site: str, kind: str) -> None:
    """Sue is quick: whoever starts her run has read who she is, and is slow to store it."""
    assert wrong(Fault("run_flows", site, kind, 1, first=number(site, "1 08:44"))) == []


@pytest.mark.parametrize(
    ("site", "kind", "later"),
    [
        ("Journal.save_run", plan.DIES_BEFORE, 0), ("Journal.save_run", plan.DIES_BEFORE, 1),
        ("Journal.save_run", plan.DIES_AFTER, 0), ("Journal.save_run", plan.ZOMBIE, 0), ("Stream.put", plan.DIES_AFTER, 0),
        ("Outbox.put", plan.DIES_AFTER, 0), ("Calls.put", plan.DIES_AFTER, 0), ("Calls.put", plan.LOST, 0),
        ("ProfileStore.read", plan.ZOMBIE, 0),
    ],
)  # fmt: skip
def test_who_is_given_up_and_heard_of_right_after_goes_one_way(site: str, kind: str, later: int) -> None:
    """Rob was offline: what he did in time is told when the time is up, and something went wrong just then."""
    assert wrong(Fault("run_flows", site, kind, 1, first=number(site, "1 14:42") + later)) == []


@pytest.mark.parametrize("time", ["1 10:11", "1 11:11"])
@pytest.mark.parametrize(
    ("site", "kind"),
    [
        ("Journal.save_run", plan.DIES_BEFORE), ("Journal.save_run", plan.DIES_AFTER), ("Journal.save_run", plan.ZOMBIE),
        ("Calls.put", plan.DIES_AFTER), ("Calls.put", plan.LOST), ("Stream.put", plan.ERROR), ("ProfileStore.read", plan.ZOMBIE),
    ],
)  # fmt: skip
def test_who_is_somebody_else_or_answers_right_after_a_poll_went_on_goes_one_way(
    site: str, kind: str, time: str
) -> None:
    """Abe stands in another arm once he logged in; bea answers a second after she was taken for somebody who does not."""
    first = number(site, time)
    # One of the four is theirs.
    told = [wrong(Fault("run_flows", site, kind, 1, first=first + later)) for later in range(6)]
    assert told == [[]] * 6


@pytest.mark.parametrize("site", ["Journal.start_run", "Journal.save_agenda", "Journal.keep_flow"])
def test_who_becomes_somebody_before_the_run_could_be_stored_gets_nothing_twice(site: str) -> None:
    """Wes starts on a device, and logs in while his run can't begin."""
    first = 0 if site == "Journal.keep_flow" else number(site, "1 09:00")
    world = played(Fault("run_flows", site, plan.ERROR, plan.FOR_EVER, first=first))
    assert judge(world, calm()).wrong == []
    assert world.struck.total() > 5


@pytest.mark.parametrize("kind", [plan.LOST, plan.DIES_AFTER, plan.TIMED_OUT, plan.ZOMBIE])
def test_a_call_whose_answer_is_lost_comes_again_under_its_id(kind: str) -> None:
    world = played(Fault("call_webhooks", "Caller.post", kind, plan.FOR_EVER, first=3))
    assert judge(world, calm()).wrong == []
    heard = [said["id"] for said in world.systems.heard]
    assert len(heard) > len(set(heard)) == len({said["id"] for said in calm().systems.heard})


def test_a_version_that_nobody_can_load_for_a_day_is_waited_for() -> None:
    world = played(Fault("run_flows", "Journal.load_flow", plan.ERROR, plan.FOR_EVER))
    assert judge(world, calm()).wrong == []
    assert {way for user, way in ways(world).items() if user in {"quin", "rob"}} <= {"then", "else"}
