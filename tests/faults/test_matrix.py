"""A sample of the fault matrix; ``make faults`` plays all of it."""

from __future__ import annotations

import inspect
from collections import Counter
from dataclasses import replace

import pytest

from homing.adapters.memory.faults import SITES
from homing.services import codes, ports, sending_rate
from homing.services.resolve import resolve
from tests.faults import matrix, plan
from tests.faults import trials as story_of_trials
from tests.faults.plan import CALLERS, Fault
from tests.faults.verdict import judge

CELLS = plan.cells()


def sample() -> list[Fault]:
    """Of each kind and number of times two cells, at places spread over the matrix."""
    groups: dict[tuple[str, int], list[Fault]] = {}
    for fault in CELLS:
        groups.setdefault((fault.kind, fault.times), []).append(fault)
    chosen = [cells[at * 7 % len(cells)] for n, cells in enumerate(groups.values()) for at in (n, n + len(cells) // 2)]
    return list(dict.fromkeys(chosen))


SAMPLE = sample()


def test_every_method_of_every_port_is_a_registered_site() -> None:
    """A new way out of the process has to be registered, and thereby comes into the matrix."""
    methods = {
        f"{name}.{method}"
        for module in (ports, codes, sending_rate)
        for name, port in vars(module).items()
        if inspect.isclass(port) and getattr(port, "_is_protocol", False) and port.__module__ == module.__name__
        for method, function in vars(port).items()
        if inspect.isfunction(function) and not method.startswith("_")
    }
    assert {site.name for site in SITES} == methods


def test_every_site_is_called_by_a_function_or_stands_aside_for_a_reason() -> None:
    called = {name for names in CALLERS.values() for name in names}
    assert called == {site.name for site in SITES if not site.aside}


def test_the_story_reaches_every_site_of_every_function_and_no_other() -> None:
    reached = set(matrix.calm().calls) | set(matrix.run(matrix.LOST_REPLY).calls)
    assert reached == {f"{function}: {name}" for function, names in CALLERS.items() for name in names}


def test_the_matrix_is_as_large_as_promised() -> None:
    assert len(CELLS) == len(set(CELLS)) >= 1_600
    assert {fault.kind for fault in CELLS} == set(plan.KINDS)
    assert {(fault.kind, fault.times) for fault in SAMPLE} == {(fault.kind, fault.times) for fault in CELLS}
    assert len({fault.place for fault in SAMPLE}) >= 20


def test_the_calm_story_has_everything_that_can_go_wrong() -> None:
    """Deferred by a cap and by quiet hours, dropped for each reason, sent to people who were two before."""
    calm = matrix.calm()
    assert judge(calm).wrong == []
    said = Counter(entry.reason for ledger in calm.journal.ledgers() for entry in ledger.entries.values())
    assert {"unsubscribed", "no_consent", "suppressed_bounce", "suppressed_complaint", "cart_ordered"} <= said.keys()
    assert len({mail.email for mail in calm.post.taken}) >= 10
    sent = {mail.template for mail in calm.post.taken}
    assert {"reminder", "last-call", "welcome", "news", "thanks", "glad", "pity"} == sent


def test_in_the_calm_story_every_wait_ends_the_way_that_was_known_in_time_and_on_the_version_it_began_on() -> None:
    calm = matrix.calm()
    people = resolve(calm.profiles, {run.profile_id for run in calm.journal.runs()})
    trials = [run for run in calm.journal.runs() if run.flow == "trial"]
    went = {
        min(people[run.profile_id].identifiers["user_id"]): next(
            note["did"] for note in run.trace if note["did"] in {"then", "else"}
        )
        for run in trials
    }
    assert went == story_of_trials.WAYS
    assert len({run.flow_version for run in trials}) == 2
    assert sum(run.flow == "tip" for run in calm.journal.runs()) == 2
    # Every call is heard once, those of the time in which the CRM was down after some tries.
    assert Counter(said["id"] for said in calm.systems.heard).most_common(1)[0][1] == 1
    assert calm.calls["call_webhooks: Caller.post"] > len(calm.systems.heard)


@pytest.mark.parametrize("fault", SAMPLE, ids=str)
def test_the_promise_holds_in_a_cell(fault: Fault) -> None:
    assert matrix.cell(fault).verdict.wrong == []


@pytest.mark.parametrize("times", plan.TIMES.values())
@pytest.mark.parametrize("kind", [plan.LOST, plan.NEVER_TOOK, plan.TIMED_OUT, plan.DIES_BEFORE, plan.DIES_AFTER])
def test_when_ses_tells_nothing_exactly_the_lost_replies_stay_unknown(kind: str, times: int) -> None:
    outcome = matrix.cell(Fault("send_email", "Mailer.send", kind, times), feedback=False)
    assert outcome.verdict.wrong == []
    assert outcome.verdict.lost_replies >= 1


@pytest.mark.parametrize("lost", [plan.LOST, plan.NEVER_TOOK])
@pytest.mark.parametrize("again", [plan.TWICE, plan.REORDERED, plan.LOST, plan.DIES_AFTER])
@pytest.mark.parametrize("asker", ["run_flows", "wake_due"])
def test_what_is_unknown_stays_so_when_its_message_comes_again(asker: str, again: str, lost: str) -> None:
    """Nothing is heard of SES, and every request is on the outbox more than once."""
    unheard = Fault("send_email", "Mailer.send", lost, plan.FOR_EVER)
    outcome = matrix.run(unheard, Fault(asker, "Outbox.put", again, 4), feedback=False)
    assert outcome.verdict.wrong == []
    assert outcome.verdict.unknown > 5


@pytest.mark.parametrize("seed", range(1, 13))
def test_the_promise_holds_in_a_random_walk(seed: int) -> None:
    assert matrix.walk(seed).verdict.wrong == []


def test_two_faults_for_ever_at_one_place_are_mended_a_day_after_each_other() -> None:
    """Two days late nothing is too old for the flows of this shop; by the deployed defaults it would be."""
    faults = [
        Fault("update_profiles", "ProfileStore.write", kind, plan.FOR_EVER, 59) for kind in (plan.THROTTLED, plan.ERROR)
    ]
    assert matrix.run(*faults).verdict.wrong == []


def test_a_seed_replays_byte_for_byte() -> None:
    first, second, other = matrix.walk(7), matrix.walk(7), matrix.walk(8)
    assert first == second
    assert first.digest != other.digest


def test_a_cell_whose_fault_never_strikes_is_not_taken_for_a_good_one() -> None:
    never = replace(CELLS[0], first=10_000)
    assert matrix.run(never).struck == 0
