"""The contract of how far the sweeps have come, and of reading an index of wake-ups from there."""

from __future__ import annotations

from typing import Any

import pytest

from homing.adapters.buckets import wake_bucket
from homing.adapters.dynamodb_progress import DynamoProgress
from homing.adapters.memory import MemoryProgress
from homing.domain.delivery.ledger import Entry, Ledger
from homing.domain.errors import Conflict
from homing.domain.flows.run import Run
from homing.domain.profiles.profile import Profile
from homing.domain.progress import Pass, Place, Progress
from homing.services.ports import Journal, ProfileStore


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> Any:
    if request.param == "memory":
        return MemoryProgress()
    return DynamoProgress(request.getfixturevalue("dynamodb"), "journal")


def test_it_comes_back_as_it_was_stored(store: Any) -> None:
    assert store.load() == Progress()
    places = {0: Place(5, "run", "r1"), 7: Place(9, "ledger", "ada")}
    progress = Progress(1, {"runs": Pass(places), "profiles": Pass({3: Place(1, "profile", "bob")}, caught_up=11)})
    store.save(progress, expected=0)
    assert store.load() == progress


def test_of_two_sweeps_one_has_to_look_again(store: Any) -> None:
    store.save(Progress(1), expected=0)
    for expected in (0, 2):
        with pytest.raises(Conflict):
            store.save(Progress(9), expected=expected)
    store.save(Progress(2, {"runs": Pass({})}), expected=1)
    assert store.load().passes.keys() == {"runs"}


def same_bucket(count: int) -> list[str]:
    """Ids of one bucket, out of order."""
    ids = [f"s{number}" for number in range(8 * count)]
    return [id_ for id_ in reversed(ids) if wake_bucket(id_) == 3][:count]


def a_run(id_: str, at: int | None, version: int = 0) -> Run:
    return Run(id_, "flow", "rev", "ada", id_, "cart_abandoned", "t", 1, 1, wake_at=at, version=version)


# Three of each instant: pages end in the middle of those that come due together.
INSTANTS = [10 + number // 3 for number in range(12)]


def test_profiles_are_read_page_by_page_from_any_place(profiles: ProfileStore) -> None:
    for id_, at in zip(same_bucket(12), INSTANTS, strict=True):
        profiles.write(Profile(id_, version=1, wake_at=at), expected=0)
    everything = profiles.due(3, 99, 99)
    assert [at for _, at in everything] == INSTANTS
    found, after = list[tuple[str, int]](), None
    while page := profiles.due(3, 99, 5, after):
        found += page
        after = Place(page[-1][1], "profile", page[-1][0])
    assert found == everything
    for number, (id_, at) in enumerate(everything):
        assert profiles.due(3, 99, 99, Place(at, "profile", id_)) == everything[number + 1 :]
        assert profiles.due(3, 12, 99, Place(at, "profile", id_)) == [
            one for one in everything[number + 1 :] if one[1] <= 12
        ]


def test_runs_and_ledgers_are_read_page_by_page_from_any_place(journal: Journal) -> None:
    ids = same_bucket(12)
    for number, (id_, at) in enumerate(zip(ids, INSTANTS, strict=True)):
        if number % 4:
            journal.start_run(a_run(id_, at))
        else:
            entry = Entry("s1", "deferred", "marketing", "flow", "mail", at=1, wake_at=at)
            journal.save_ledger(Ledger(id_).put(entry), expected=0)
    everything = journal.due(3, 99, 99)
    assert [due.at for due in everything] == INSTANTS
    found, after = list[Any](), None
    while page := journal.due(3, 99, 5, after):
        found += page
        after = Place(page[-1].at, page[-1].kind, page[-1].id)
    assert found == everything


def test_a_place_whose_entry_is_gone_is_a_place_still(journal: Journal, profiles: ProfileStore) -> None:
    ids = same_bucket(3)
    for id_, at in zip(ids, (10, 20, 30), strict=True):
        journal.start_run(a_run(id_, at))
        profiles.write(Profile(id_, version=1, wake_at=at), expected=0)
    journal.save_run(a_run(ids[1], None, version=1), expected=0)
    profiles.write(Profile(ids[1], version=2), expected=1)
    assert [due.id for due in journal.due(3, 99, 9, Place(20, "run", ids[1]))] == [ids[2]]
    assert profiles.due(3, 99, 9, Place(20, "profile", ids[1])) == [(ids[2], 30)]


def test_behind_a_place_of_the_future_nothing_is_due(journal: Journal, profiles: ProfileStore) -> None:
    (id_,) = same_bucket(1)
    journal.start_run(a_run(id_, 10))
    profiles.write(Profile(id_, version=1, wake_at=10), expected=0)
    assert journal.due(3, 50, 9, Place(60, "run", "r9")) == []
    assert profiles.due(3, 50, 9, Place(60, "profile", "p9")) == []
