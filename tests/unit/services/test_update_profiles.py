"""Folding batches: idempotent after crashes, lost writes and redeliveries; bad records never block good ones."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from homing.adapters.memory import MemoryArchive, MemoryProfiles, MemoryQuarantine
from homing.domain.events.event import Event
from homing.domain.profiles.identity import Identity
from homing.domain.profiles.profile import Profile
from homing.services.ports import Pointer
from homing.services.update_profiles import StreamItem, UpdateProfiles
from tests.fixtures.shop import campaigns, event, identified, instant

SEGMENTS = {"buyers": {"did": "Order Completed"}}
FLOWS = [{"name": "cart", "on": "cart_abandoned", "steps": [{"send": "x"}]}]
NOW = instant("2026-03-02T10:00:00Z")


def items(events: list[Event]) -> list[StreamItem]:
    return [StreamItem(str(100 + n), e.to_json(), e.received) for n, e in enumerate(events)]


def updater(**more: Any) -> UpdateProfiles:
    profiles = MemoryProfiles()
    bundle = campaigns(segments=SEGMENTS, flows=FLOWS)
    return UpdateProfiles(bundle, Identity(b"k"), profiles, MemoryArchive(), MemoryQuarantine(), **more)


def profile_of(update: UpdateProfiles, user: str) -> Profile:
    item = update.profiles.read([key := update.identity.key("user_id", user)])[key]
    assert isinstance(item, Profile)
    return item


def test_a_batch_costs_one_write_for_each_person_in_it() -> None:
    update = updater()
    events = [event("Page Viewed", f"2026-03-02T10:00:{n:02d}Z", user_id=user) for n, user in enumerate("abcab" * 4)]
    result = update(items(events), batch="shard-1")
    assert result.failed is None
    assert result.counts["profiles_written"] == 3
    assert profile_of(update, "a").version == 1


def test_a_batch_that_is_delivered_again_changes_nothing() -> None:
    update = updater()
    events = [identified("ana"), event("Order Completed", "2026-03-02T10:05:00Z", user_id="ana", order_id="1")]
    update(items(events), batch="b")
    before = profile_of(update, "ana")
    result = update(items(events), batch="b")
    assert result.counts["duplicates"] == 2
    assert profile_of(update, "ana") == before


def test_a_record_nobody_can_read_is_kept_with_the_reason_and_the_others_are_folded() -> None:
    update = updater()
    good = items([identified("ana")])[0]
    nobody = json.loads(identified("ana").to_json()) | {"identifiers": {}}
    records = [StreamItem("1", b"\xff not json", NOW), StreamItem("2", json.dumps(nobody).encode(), NOW), good]
    result = update(records, batch="shard-7")
    assert result.failed is None
    assert result.counts["quarantined"] == 2
    assert profile_of(update, "ana").email == "ana@example.com"
    assert isinstance(update.quarantine, MemoryQuarantine)
    kept = update.quarantine.records
    assert next(bad.raw for bad in kept) == b"\xff not json"
    assert kept[1].code == "missing_identifier"


def test_a_lost_conditional_write_is_read_and_folded_again() -> None:
    update = updater()
    update(items([identified("ana")]), batch="1")
    store = update.profiles
    write, lost = store.write, []

    def overtaken(profile: Profile, *, expected: int) -> None:
        if not lost:
            lost.append(True)
            store.write = write  # type: ignore[method-assign]
            update(items([event("Page Viewed", "2026-03-02T11:00:00Z", user_id="ana")]), batch="other")
        write(profile, expected=expected)

    store.write = overtaken  # type: ignore[method-assign]
    update(items([event("Order Completed", "2026-03-02T11:00:01Z", user_id="ana", order_id="1")]), batch="2")
    profile = profile_of(update, "ana")
    assert profile.version == 3
    assert profile.segments == {"buyers"}
    assert len(profile.seen) == 3


def test_an_unavailable_table_reports_the_first_record_of_the_person_it_failed_for() -> None:
    update = updater()
    store = update.profiles
    assert isinstance(store, MemoryProfiles)
    write = store.write

    def failing(profile: Profile, *, expected: int) -> None:
        if profile.identifiers.get("user_id") == {"ben"}:
            from homing.domain.errors import Unavailable

            raise Unavailable("throttled")
        write(profile, expected=expected)

    store.write = failing  # type: ignore[method-assign]
    events = [
        event("Page Viewed", f"2026-03-02T10:00:0{n}Z", user_id=user) for n, user in enumerate(["ana", "ben", "cy"])
    ]
    result = update(items(events), batch="b")
    assert result.failed == "101"
    assert profile_of(update, "cy").version == 1


def test_an_anonymous_visitor_who_logs_in_leaves_a_pointer_and_keeps_the_history() -> None:
    update = updater()
    update(items([event("Page Viewed", "2026-03-02T10:00:00Z", anonymous_id="a")]), batch="1")
    update(items([event("Page Viewed", "2026-03-02T10:01:00Z", user_id="ana")]), batch="2")
    update(items([event("Identified", "2026-03-02T10:02:00Z", user_id="ana", anonymous_id="a")]), batch="3")
    anonymous = update.identity.key("anonymous_id", "a")
    known = update.identity.key("user_id", "ana")
    held = update.profiles.read([anonymous, known])
    pointers = [item for item in held.values() if isinstance(item, Pointer)]
    profiles = [item for item in held.values() if isinstance(item, Profile)]
    assert len(pointers) == len(profiles) == 1
    assert profiles[0].first_at == instant("2026-03-02T10:00:00Z")


def test_a_crash_between_a_merge_and_its_pointer_is_healed_by_the_redelivery() -> None:
    update = updater()
    update(items([event("Page Viewed", "2026-03-02T10:00:00Z", anonymous_id="a", id="1")]), batch="1")
    update(items([event("Page Viewed", "2026-03-02T10:01:00Z", user_id="ana", id="2")]), batch="2")
    merging = items([event("Identified", "2026-03-02T10:02:00Z", user_id="ana", anonymous_id="a", id="3")])
    store = update.profiles
    point = store.point

    def crash(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    store.point = crash  # type: ignore[method-assign]
    with contextlib.suppress(KeyboardInterrupt):
        update(merging, batch="3")
    store.point = point  # type: ignore[method-assign]
    update(merging, batch="3")
    held = store.read([update.identity.key("anonymous_id", "a"), update.identity.key("user_id", "ana")])
    assert sorted(type(item).__name__ for item in held.values()) == ["Pointer", "Profile"]


def test_the_archive_names_nobody() -> None:
    update = updater()
    update(items([identified("ana", first_name="Ana-Lena")]), batch="shard-1")
    assert isinstance(update.archive, MemoryArchive)
    text = json.dumps(update.archive.objects)
    assert list(update.archive.objects) == ["events/date=2026-03-02/shard-1"]
    assert "ana@example.com" not in text
    assert "Ana-Lena" not in text


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=0, max_size=6), st.data())
def test_any_split_into_batches_gives_the_same_profiles_and_tells_the_world_the_same(
    cuts: list[int], data: Any
) -> None:
    moments = data.draw(st.lists(st.integers(0, 4000), min_size=6, max_size=6).map(sorted))
    kinds = data.draw(
        st.lists(st.sampled_from(["Product Added", "Order Completed", "Page Viewed"]), min_size=6, max_size=6)
    )
    events = [
        event(kind, f"2026-03-02T{10 + s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}Z", user_id="ana", product_id="p",
              id=f"e{n}", **({"order_id": f"o{n}"} if kind == "Order Completed" else {}))
        for n, (s, kind) in enumerate(zip(moments, kinds, strict=True))
    ]  # fmt: skip
    told: list[list[Any]] = []
    final: list[Profile] = []
    for edges in ([], sorted({*cuts})):
        changes: list[Any] = []
        update = updater()
        store = update.profiles
        assert isinstance(store, MemoryProfiles)
        store.on_write = lambda profile, changes=changes: changes.extend(profile.changes)  # type: ignore[attr-defined]
        for start, end in zip([0, *edges], [*edges, len(events)], strict=True):
            if events[start:end]:
                update(items(events[start:end]), batch="b")
        told.append(changes)
        final.append(profile_of(update, "ana"))
    final[1].version = final[0].version
    assert final[0] == final[1]
    assert told[0] == told[1]
