"""What can't matter any more is forgotten, and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from homing.domain.profiles.memory import Entry, Plan, prune
from homing.domain.time import DAY

NOW = 1_000 * DAY
_entries = st.lists(st.integers(0, 12), max_size=9, unique=True).map(
    lambda ages: [(NOW - age * DAY // 2, age, None) for age in sorted(ages)]
)


@given(entries=_entries, keep=st.integers(1, 6), days=st.sampled_from([None, 1, 3, 6]))
def test_of_a_window_the_latest_few_inside_it_are_kept(entries: list[Entry], keep: int, days: int | None) -> None:
    plan = Plan()
    slot = plan.need({"Seen"}, keep=keep, window=None if days is None else days * DAY)
    memory = {slot: entries, "nobody's": [(NOW, 1, None)]}
    prune(memory, plan.slots, NOW)
    kept = [entry for entry in entries if days is None or entry[0] + days * DAY > NOW][:keep]
    assert memory == ({slot: kept} if kept else {})


@given(entries=_entries, keep=st.integers(1, 6))
def test_of_what_came_first_the_earliest_few_are_kept(entries: list[Entry], keep: int) -> None:
    plan = Plan()
    slot = plan.need({"Seen"}, keep=keep, earliest=True)
    memory = {slot: entries}
    prune(memory, plan.slots, NOW)
    assert memory == ({slot: entries[-keep:]} if entries else {})
