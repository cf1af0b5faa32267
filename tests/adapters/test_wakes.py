"""The fakes' wake-up index against the plainest possible one, and threads that share a codec."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from homing.adapters.memory import MemoryJournal, MemoryProfiles, WakeIndex
from homing.domain.delivery.ledger import Entry, Ledger
from homing.domain.errors import Conflict
from homing.domain.profiles.profile import Profile, TraitValue

INSTANTS = st.integers(0, 20)
CHANGES = st.lists(st.tuples(st.sampled_from("abcdef"), st.none() | INSTANTS, st.none() | INSTANTS), max_size=40)
PLACES = st.none() | st.tuples(INSTANTS, st.sampled_from("abcdef"))


@given(CHANGES, INSTANTS, st.integers(0, 8), PLACES)
def test_what_is_due_is_what_a_plain_dictionary_says(
    changes: list[tuple[str, int | None, int | None]], until: int, limit: int, after: tuple[int, str] | None
) -> None:
    index, plain = WakeIndex(), dict[str, int]()
    for key, at, asked in changes:
        index.set(key, 0, at)
        plain = {other: when for other, when in plain.items() if other != key} | ({} if at is None else {key: at})
        assert index.next() == min(plain.values(), default=None)
        if asked is not None:
            # Asking sorts a part of it, and changes nothing else.
            index.due(0, asked, limit)
    entries = sorted((at, key) for key, at in plain.items() if at <= until)
    for _ in range(2):
        assert index.due(0, until, limit) == [(key, at) for at, key in entries[:limit]]
        behind = [entry for entry in entries if after is None or entry > after]
        assert index.due(0, until, limit, after) == [(key, at) for at, key in behind[:limit]]
    assert index.due(1, until, limit) == []


def test_the_next_wake_up_is_the_earliest_of_all_buckets() -> None:
    profiles, journal = MemoryProfiles(), MemoryJournal()
    assert profiles.next_wake() is journal.next_wake() is None
    for number in range(20):
        profiles.write(Profile(f"p{number}", version=1, wake_at=100 - number), expected=0)
    assert profiles.next_wake() == 81
    entry = Entry("s1", "deferred", "marketing", "flow", "template", at=1, wake_at=7)
    journal.save_ledger(Ledger("ada").put(entry), expected=0)
    assert journal.next_wake() == 7
    journal.save_ledger(Ledger("ada", 2), expected=1)
    assert journal.next_wake() is None


def test_of_many_writers_of_one_version_one_wins_and_no_thread_harms_another() -> None:
    profiles = MemoryProfiles()

    def write(number: int) -> bool:
        traits = {f"t{i}": TraitValue(1, number, "web", "x" * 200) for i in range(30)}
        try:
            profiles.write(Profile("ada", version=1, traits=traits), expected=0)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = [number for number, wrote in enumerate(pool.map(write, range(200))) if wrote]
    ada = profiles.read(["ada"])["ada"]
    assert isinstance(ada, Profile)
    assert [ada.traits["t0"].at] == won
