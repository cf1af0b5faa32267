"""The contract of the journal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from homing.adapters.buckets import wake_bucket
from homing.adapters.dynamodb_journal import DynamoJournal
from homing.domain.delivery.ledger import Entry, Ledger
from homing.domain.errors import Conflict
from homing.domain.flows.agenda import Agenda
from homing.domain.flows.control import Controls, FlowState, Given
from homing.domain.flows.job import Job
from homing.domain.flows.run import Run
from homing.domain.profiles.identity import Identity
from homing.domain.profiles.profile import WAKE_BUCKETS
from homing.domain.progress import Place
from homing.services.ports import JOBS, MEMBER_SHARDS, Due, FirstMembers, Journal


def a_run(id_: str = "r1", **values: object) -> Run:
    run = Run(
        id=id_,
        flow="cart-recovery",
        revision="abc",
        profile_id="ada",
        key="c1",
        trigger="cart_abandoned",
        trigger_id="t1",
        triggered_at=10,
        started_at=11,
        data={"cart": {"items": [{"product_id": "p1", "price": "9.90"}]}},
        trace=({"at": 11, "step": "0", "did": "started"},),
    )
    return run.change(**values)


def test_a_run_starts_once(journal: Journal) -> None:
    assert journal.start_run(a_run()) is True
    assert journal.start_run(a_run()) is False
    assert journal.start_run(a_run(started_at=99)) is False
    assert journal.load_run("r1") == a_run()


def test_a_run_that_ended_does_not_start_again(journal: Journal) -> None:
    journal.start_run(a_run())
    journal.save_run(a_run(status="ended", ended_at=50, version=1), expected=0)
    assert journal.start_run(a_run()) is False


def test_an_unknown_run_is_none(journal: Journal) -> None:
    assert journal.load_run("r9") is None


def test_a_run_is_saved_at_its_expected_version_only(journal: Journal) -> None:
    journal.start_run(a_run())
    journal.save_run(a_run(position="1", version=1), expected=0)
    with pytest.raises(Conflict):
        journal.save_run(a_run(position="2", version=1), expected=0)
    with pytest.raises(Conflict):
        journal.save_run(a_run("r2", version=1), expected=0)
    assert journal.load_run("r1") == a_run(position="1", version=1)


def entry(send_id: str, **values: object) -> Entry:
    return Entry(send_id, "deferred", "marketing", "cart-recovery", "cart-reminder", at=5).change(**values)


def test_nobody_has_a_ledger_at_first(journal: Journal) -> None:
    assert journal.load_ledger("ada") == Ledger("ada")


def test_a_ledger_is_saved_at_its_expected_version_only(journal: Journal) -> None:
    first = Ledger("ada").put(entry("s1", request={"send_id": "s1", "data": {"n": 1}}))
    journal.save_ledger(first, expected=0)
    with pytest.raises(Conflict):
        journal.save_ledger(first, expected=0)
    second = first.put(entry("s2", status="sent", provider_id="x"))
    journal.save_ledger(second, expected=1)
    with pytest.raises(Conflict):
        journal.save_ledger(second, expected=1)
    assert journal.load_ledger("ada") == second


def test_runs_and_ledgers_come_due_earliest_first(journal: Journal) -> None:
    # Ids with the same letters lie in the same bucket.
    bucket = wake_bucket("abc")
    journal.start_run(a_run("abc", wake_at=30))
    journal.start_run(a_run("acb", wake_at=10))
    journal.start_run(a_run("bac", wake_at=31))
    journal.start_run(a_run("bca"))
    journal.save_ledger(Ledger("cab").put(entry("s1", wake_at=25)).put(entry("s2", wake_at=20)), expected=0)
    found = [Due("run", "acb", 10), Due("ledger", "cab", 20), Due("run", "abc", 30)]
    assert journal.due(bucket, 30, 10) == found
    assert journal.due(bucket, 30, 1) == found[:1]
    assert journal.due((bucket + 1) % 8, 30, 10) == []


def test_a_run_and_a_ledger_of_the_same_id_are_apart(journal: Journal) -> None:
    journal.start_run(a_run("ada", wake_at=1))
    journal.save_ledger(Ledger("ada").put(entry("s1", wake_at=2)), expected=0)
    assert journal.due(wake_bucket("ada"), 9, 9) == [Due("run", "ada", 1), Due("ledger", "ada", 2)]


def test_an_ended_run_is_never_due(journal: Journal) -> None:
    journal.start_run(a_run(wake_at=1))
    journal.save_run(a_run(wake_at=1, status="ended", ended_at=5, version=1), expected=0)
    assert journal.due(wake_bucket("r1"), 99, 9) == []


def test_members_enter_and_leave(journal: Journal) -> None:
    for number in range(40):
        journal.set_member("vip", f"p{number}", member=True, version=1)
    journal.set_member("vip", "p7", member=False, version=2)
    journal.set_member("other", "x", member=True, version=1)
    assert sorted(journal.members("vip")) == sorted(f"p{number}" for number in range(40) if number != 7)
    assert list(journal.members("unknown")) == []


def test_a_change_of_membership_that_comes_late_is_ignored(journal: Journal) -> None:
    journal.set_member("vip", "ada", member=False, version=5)
    journal.set_member("vip", "ada", member=True, version=4)
    assert list(journal.members("vip")) == []
    journal.set_member("vip", "ada", member=True, version=6)
    journal.set_member("vip", "ada", member=False, version=5)
    assert list(journal.members("vip")) == ["ada"]


def test_the_same_change_of_membership_twice_is_once(journal: Journal) -> None:
    journal.set_member("vip", "ada", member=True, version=5)
    journal.set_member("vip", "ada", member=True, version=5)
    assert list(journal.members("vip")) == ["ada"]


def hashed(number: int) -> str:
    """An id as people have them."""
    return Identity(b"secret").key("user_id", str(number))


def test_the_first_members_are_those_with_the_smallest_ids(journal: Journal) -> None:
    ids = sorted(hashed(number) for number in range(120))
    for id_ in ids:
        journal.set_member("vip", id_, member=True, version=1)
    journal.set_member("vip", ids[3], member=False, version=2)
    there = [id_ for id_ in ids if id_ != ids[3]]
    assert journal.first_members("vip", 20) == FirstMembers(there[:20], there[19])
    assert journal.first_members("vip", 118) == FirstMembers(there[:118], there[117])
    assert journal.first_members("vip", 119) == FirstMembers(there, None)
    assert journal.first_members("unknown", 20) == FirstMembers([], None)


def test_of_a_segment_that_people_only_pass_through_a_bounded_part_is_read(journal: Journal) -> None:
    ids = sorted(hashed(number) for number in range(100))
    for id_ in ids:
        journal.set_member("door", id_, member=id_ in {ids[0], ids[80]}, version=1)
    # Nine marks or members are looked at for each one asked for: the 36th id is the last that is known.
    assert journal.first_members("door", 4) == FirstMembers([ids[0]], ids[35])
    assert journal.first_members("door", 100) == FirstMembers([ids[0], ids[80]], None)


def test_ended_runs_expire_unless_they_are_once_for_ever(dynamodb: Any) -> None:
    journal = DynamoJournal(dynamodb, "journal", clock=lambda: 0)
    day = 86_400_000_000
    for run in (a_run("keyed"), a_run("once", key=""), a_run("active")):
        journal.start_run(run)
    journal.save_run(a_run("keyed", status="ended", ended_at=10 * day, version=1), expected=0)
    journal.save_run(a_run("once", key="", status="ended", ended_at=10 * day, version=1), expected=0)
    items = dynamodb.scan(TableName="journal")["Items"]
    expiry = {item["pk"]["S"]: item.get("expires_at") for item in items}
    assert expiry == {"run#keyed": {"N": str(100 * 86_400)}, "run#once": None, "run#active": None}


def test_an_agenda_is_empty_until_it_is_saved_and_then_at_its_version_only(journal: Journal) -> None:
    empty = journal.load_agenda("ada")
    assert empty == Agenda("ada")
    noted = empty.wait("r1", 3_000_000, {"event:order-1f", "segment_entered:vip"}, now=0).begin("ask", 5, "t1", 10)
    journal.save_agenda(noted, expected=0)
    assert journal.load_agenda("ada") == noted
    assert journal.load_agenda("ada").awaiting("segment_entered:vip") == ["r1"]
    for expected in (0, 1):
        with pytest.raises(Conflict):
            journal.save_agenda(noted, expected=expected)
    journal.save_agenda(noted.done(["r1"]), expected=noted.version)
    assert journal.load_agenda("ada").waiting == {}


def test_versions_of_a_flow_are_kept_side_by_side(journal: Journal) -> None:
    journal.keep_flow("ask", "aa", {"name": "ask", "steps": [{"send": "a"}]})
    journal.keep_flow("ask", "bb", {"name": "ask", "steps": [{"send": "b"}]})
    journal.keep_flow("ask", "aa", {"name": "ask", "steps": [{"send": "a"}]})
    assert journal.load_flow("ask", "aa") == {"name": "ask", "steps": [{"send": "a"}]}
    assert journal.load_flow("ask", "cc") is None


def test_nothing_is_paused_at_first(journal: Journal) -> None:
    assert journal.load_controls() == Controls()
    assert journal.load_controls().of("cart-recovery") == FlowState()


def test_the_states_of_flows_are_saved_at_their_expected_version_only(journal: Journal) -> None:
    first = Controls().carry_out(Given("pause", "cart-recovery", "r1", 5, "ada", "typo"), 6)
    journal.save_controls(first, expected=0)
    with pytest.raises(Conflict):
        journal.save_controls(first, expected=0)
    second = first.carry_out(Given("stop", "cart-recovery", "r2", 7), 8)
    journal.save_controls(second, expected=1)
    assert journal.load_controls() == second


def a_job(**values: object) -> Job:
    return replace(
        Job("news/r1", "start", ("news",), "r1", 5, of={"segment": "vip"}, data={"n": [1]}, cursor={"shard": 2}),
        **values,
    )


def test_a_job_is_made_once_and_saved_at_its_expected_version_only(journal: Journal) -> None:
    assert journal.load_job("news/r1") is None
    journal.save_job(a_job(), expected=0)
    with pytest.raises(Conflict):
        journal.save_job(a_job(), expected=0)
    changed = a_job().change(cursor={"shard": 3, "after": "p1"}, people=7)
    journal.save_job(changed, expected=1)
    with pytest.raises(Conflict):
        journal.save_job(changed, expected=1)
    assert journal.load_job("news/r1") == changed


def test_jobs_come_due_in_a_bucket_of_their_own_until_they_are_over(journal: Journal) -> None:
    journal.save_job(a_job(wake_at=10), expected=0)
    assert journal.due(JOBS, 9, 10) == []
    assert journal.due(JOBS, 10, 10) == [Due("job", "news/r1", 10)]
    assert [found for bucket in range(WAKE_BUCKETS) for found in journal.due(bucket, 99, 10)] == []
    journal.save_job(a_job(wake_at=10).end("finished", 12), expected=1)
    assert journal.due(JOBS, 99, 10) == []


def everything_parked(journal: Journal, flow: str) -> list[Due]:
    return sorted(
        (due for shard in range(WAKE_BUCKETS) for due in journal.parked(flow, shard, 100)), key=lambda due: due.at
    )


def test_what_is_parked_is_never_due_and_is_found_by_its_flow(journal: Journal) -> None:
    journal.start_run(a_run("r1", wake_at=10, parked=True))
    journal.start_run(a_run("r2", wake_at=8, parked=True))
    journal.start_run(a_run("r3", wake_at=9, parked=True, flow="welcome"))
    journal.hold("cart-recovery", "ada", 11)
    journal.save_job(a_job(id="cart-recovery/r1", flows=("cart-recovery",), wake_at=12, parked=True), expected=0)
    assert [found for bucket in range(JOBS + 1) for found in journal.due(bucket, 99, 10)] == []
    assert everything_parked(journal, "cart-recovery") == [
        Due("run", "r2", 8), Due("run", "r1", 10), Due("hold", "ada", 11), Due("job", "cart-recovery/r1", 12),
    ]  # fmt: skip
    assert everything_parked(journal, "welcome") == [Due("run", "r3", 9)]
    assert everything_parked(journal, "cart") == []


def test_what_goes_on_is_no_longer_parked(journal: Journal) -> None:
    journal.start_run(a_run("r1", wake_at=10, parked=True))
    journal.hold("cart-recovery", "ada", 11)
    journal.save_run(a_run("r1", wake_at=20, parked=False, version=1), expected=0)
    journal.hold("cart-recovery", "ada", None)
    assert everything_parked(journal, "cart-recovery") == []
    assert journal.due(wake_bucket("r1"), 20, 10) == [Due("run", "r1", 20)]
    journal.save_run(a_run("r1", wake_at=20, parked=True, version=2), expected=1)
    assert journal.due(wake_bucket("r1"), 20, 10) == []
    assert everything_parked(journal, "cart-recovery") == [Due("run", "r1", 20)]


def test_what_is_parked_is_read_in_pages(journal: Journal) -> None:
    # Ids with the same letters lie in the same shard.
    for at, id_ in enumerate(("abc", "acb", "bac", "bca")):
        journal.start_run(a_run(id_, wake_at=at, parked=True))
    journal.hold("cart-recovery", "cab", 2)
    shard, found, after = wake_bucket("abc"), list[Due](), None
    while page := journal.parked("cart-recovery", shard, 2, after):
        assert len(page) <= 2
        found += page
        after = Place(page[-1].at, page[-1].kind, page[-1].id)
    assert [due.id for due in found] == ["abc", "acb", "cab", "bac", "bca"]
    assert journal.parked("cart-recovery", shard, 0) == []


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_members_are_read_shard_by_shard_in_pages(journal: Journal, limit: int) -> None:
    people = [f"p{number}" for number in range(60)]
    for id_ in people:
        journal.set_member("vip", id_, member=True, version=1)
    for id_ in people[::3]:
        journal.set_member("vip", id_, member=False, version=2)
    found = []
    for shard in range(MEMBER_SHARDS):
        after = ""
        while page := journal.members_after("vip", shard, after, limit):
            assert page == sorted(page)
            assert len(page) <= limit
            found += page
            after = page[-1]
            if len(page) < limit:
                break
    assert sorted(found) == sorted(id_ for number, id_ in enumerate(people) if number % 3)
    assert journal.members_after("nobody", 0, "", limit) == []
