"""Rebuilding: after definitions changed, people are remembered as if the new ones had always been."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.adapters.memory import MemoryArchive, MemoryProfiles, MemoryQuarantine
from homing.domain.campaigns import Campaigns
from homing.domain.errors import InvalidInput, Unavailable
from homing.domain.events.event import Event
from homing.domain.profiles.fold import normal_form
from homing.domain.profiles.identity import Identity
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, HOUR, iso
from homing.services.archived import Part
from homing.services.rebuild import Rebuild
from homing.services.update_profiles import StreamItem, UpdateProfiles
from tests.fixtures.shop import campaigns, event, instant

START = instant("2026-03-02T10:00:00Z")
NOW = START + 60 * DAY
OLD = {"lookers": {"did": "Product Viewed", "within": "30d"}}
NEW = {
    "often": {"did": "Product Viewed", "same": "product_id", "times": {"at_least": 3}, "within": "90d"},
    "readers": {"did": "Page Viewed", "times": {"at_least": 4}},
    "quiet": {"not": {"did": "Product Viewed", "within": "20d"}},
    "big": {"did": "Order Completed", "where": {"total": {"at_least": 50}}},
}
FLOW = {"name": "hello", "on": {"segment_entered": "often"}, "steps": [{"send": "hello"}]}


class World:
    """A table and an archive that deployments share."""

    def __init__(self) -> None:
        self.profiles = MemoryProfiles()
        self.archive = MemoryArchive()
        self.identity = Identity(b"k")
        self.number = 0

    def deliver(self, bundle: Campaigns, *events: Event) -> None:
        update = UpdateProfiles(bundle, self.identity, self.profiles, self.archive, MemoryQuarantine())
        for e in events:
            self.number += 1
            item = StreamItem(str(self.number), e.to_json(), e.received)
            assert update([item], batch=f"b{self.number:06d}").failed is None

    def rebuild(self, bundle: Campaigns, part: Part | None = None) -> dict[str, int]:
        return Rebuild(bundle, self.identity, self.profiles, self.archive, lambda: NOW)(part).to_dict()

    def all(self) -> dict[str, Profile]:
        found = self.profiles.read(self.profiles.ids())
        return {id_: item for id_, item in found.items() if isinstance(item, Profile)}

    def one(self) -> Profile:
        (profile,) = self.all().values()
        return profile


def bundle(segments: dict[str, Any], revision: str, **more: Any) -> Campaigns:
    return campaigns(segments=segments, **more).model_copy(update={"revision": revision})


def view(n: int, product: str = "p", **who: str) -> Event:
    return event("Product Viewed", iso(START + n * HOUR), id=f"m{n}", product_id=product, **(who or {"user_id": "ana"}))


def test_a_rule_that_asks_for_more_than_was_kept_sees_what_was_archived() -> None:
    world = World()
    world.deliver(bundle(OLD, "1"), *[view(n) for n in range(5)])
    assert world.one().segments == {"lookers"}
    assert world.rebuild(bundle(NEW, "2"))["written"] == 1
    assert world.one().segments == {"often", "quiet"}


def test_what_changes_by_a_rebuild_is_no_news_and_starts_no_flow() -> None:
    world = World()
    world.deliver(bundle(OLD, "1"), *[view(n) for n in range(5)])
    told: list[Any] = []
    world.profiles.on_write = lambda profile: told.extend(profile.changes)
    world.rebuild(bundle(NEW, "2", flows=[FLOW]))
    assert {change.kind for change in told} == {"segment_entered"}
    assert all(change.data.get("news") is False for change in told)


def test_a_second_rebuild_writes_nothing() -> None:
    world = World()
    world.deliver(bundle(OLD, "1"), *[view(n) for n in range(5)], view(9, user_id="ben"))
    assert world.rebuild(bundle(NEW, "2"))["written"] == 2
    again = world.rebuild(bundle(NEW, "2"))
    assert (again["written"], again["unchanged"]) == (0, 2)


def test_parts_together_are_everybody_once() -> None:
    world = World()
    world.deliver(bundle(OLD, "1"), *[view(n, user_id=f"u{n % 23}") for n in range(60)])
    counts = [world.rebuild(bundle(NEW, "2"), Part.parse(f"{n}/4")) for n in (1, 2, 3, 4)]
    assert sum(count["written"] for count in counts) == 23
    assert all(count["written"] > 0 for count in counts)


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "a/b", "1/0"])
def test_a_part_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="write 1/8"):
        Part.parse(text)


def test_what_was_archived_under_an_earlier_name_comes_to_the_person_it_is_now() -> None:
    world = World()
    world.deliver(
        bundle(OLD, "1"),
        view(0, anonymous_id="a"),
        view(1, user_id="ana"),
        view(2, anonymous_id="a", user_id="ana"),
    )
    world.rebuild(bundle(NEW, "2"))
    assert world.one().segments >= {"often"}


def test_who_was_erased_does_not_come_back() -> None:
    world = World()
    world.deliver(bundle(OLD, "1"), view(0))
    world.profiles = MemoryProfiles()
    assert world.rebuild(bundle(NEW, "2"))["gone"] == 1
    assert world.profiles.ids() == []


def test_traits_consent_and_carts_stay_as_people_wrote_them() -> None:
    world = World()
    world.deliver(
        bundle(OLD, "1"),
        event("Identified", iso(START), user_id="ana", email="ana@x.example", city="Kiel", consent={"marketing": True}),
        event("Product Added", iso(NOW - HOUR), user_id="ana", cart_id="c1", product_id="p"),
    )
    before = world.one()
    world.rebuild(bundle(NEW, "2"))
    after = world.one()
    assert (after.traits, after.consents, after.carts) == (before.traits, before.consents, before.carts)
    assert after.identifiers == before.identifiers


def test_an_unreadable_object_is_counted_and_the_rest_is_rebuilt() -> None:
    world = World()
    world.deliver(bundle(OLD, "1"), *[view(n) for n in range(4)])
    world.archive.objects["events/date=2026-03-02/b000002"] = [{"profile_id": "x"}]
    done = world.rebuild(bundle(NEW, "2"))
    assert (done["unreadable"], done["written"]) == (1, 1)


def test_another_writer_in_between_costs_another_try_and_loses_nothing() -> None:
    world = World()
    world.deliver(bundle(OLD, "1"), *[view(n) for n in range(5)])
    write, overtaken = world.profiles.write, []

    def slow(profile: Profile, *, expected: int) -> None:
        if not overtaken:
            overtaken.append(True)
            world.deliver(bundle(NEW, "2"), view(40, "q"))
        write(profile, expected=expected)

    world.profiles.write = slow  # type: ignore[method-assign]
    world.rebuild(bundle(NEW, "2"))
    (slot,) = [held for held in world.one().memory.values() if isinstance(held, dict)]
    assert {value: len(held) for value, held in slot.items()} == {"p": 3, "q": 1}


def test_a_table_that_is_down_stops_the_rebuild_with_what_to_do() -> None:
    world = World()
    world.deliver(bundle(OLD, "1"), view(0))
    world.profiles.faults.plan("write")
    with pytest.raises(Unavailable):
        world.rebuild(bundle(NEW, "2"))
    assert world.rebuild(bundle(NEW, "2"))["written"] == 1


happening = st.tuples(
    st.sampled_from(["Product Viewed", "Page Viewed", "Order Completed", "Identified"]),
    st.sampled_from(
        [
            {"user_id": "ana"},
            {"anonymous_id": "a"},
            {"user_id": "ana", "anonymous_id": "a"},
            {"user_id": "ben"},
            {"user_id": "ben", "anonymous_id": "a"},
        ]
    ),
    st.integers(0, 50 * 24),
    st.sampled_from(["p", "q", "r"]),
    st.sampled_from([10, 60]),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(happening, min_size=1, max_size=25), st.integers(0, 25), st.integers(0, 25), st.booleans())
def test_a_rebuilt_profile_is_the_one_that_the_new_plan_would_have_kept(
    drawn: list[tuple[str, dict[str, str], int, str, int]], cut: int, during: int, twice: bool
) -> None:
    events = [
        event(
            name,
            iso(START + hour * HOUR),
            received=iso(START + hour * HOUR + 1000 + n),
            id=f"m{n}",
            product_id=product,
            total=total,
            **who,
        )
        for n, (name, who, hour, product, total) in enumerate(drawn)
    ]
    old, new = bundle(OLD, "1"), bundle(NEW, "2")
    world, calm = World(), World()
    calm.deliver(new, *events)
    world.deliver(old, *events[:cut])
    late = events[cut:]
    write = world.profiles.write
    pending = late[:during]

    def with_traffic(profile: Profile, *, expected: int) -> None:
        # Live traffic between reading and writing.
        if pending:
            mine, pending[:] = list(pending), []
            world.deliver(new, *mine)
        write(profile, expected=expected)

    world.profiles.write = with_traffic  # type: ignore[method-assign]
    world.rebuild(new)
    world.profiles.write = write  # type: ignore[method-assign]
    world.deliver(new, *pending, *late[during:])
    if twice:
        world.rebuild(new)
    calm.rebuild(new)
    world.rebuild(new)
    assert memories(world) == memories(calm)


def memories(world: World) -> dict[str, Any]:
    return {id_: (normal_form(p)["memory"], p.segments, p.first_at, p.last_at) for id_, p in world.all().items()}


def test_what_the_archive_only_knows_as_a_hash_is_not_counted_under_another_name() -> None:
    rule = {"carts": {"did": "Product Added", "same": "cart_id", "times": {"at_least": 2}, "within": "90d"}}
    world = World()
    world.deliver(
        bundle(rule, "1"),
        event("Product Added", iso(NOW - HOUR), user_id="ana", cart_id="c1", product_id="p"),
    )
    before = world.one().memory
    assert world.rebuild(bundle(rule, "1"))["unchanged"] == 1
    assert world.one().memory == before


def test_a_message_id_that_named_somebody_is_told_by_its_instant() -> None:
    world = World()
    world.deliver(
        bundle(OLD, "1"),
        event("Page Viewed", iso(START), id="ana@x.example-1", user_id="ana", email="ana@x.example"),
    )
    world.deliver(
        bundle(NEW, "2"),
        event("Page Viewed", iso(START + HOUR), id="ana@x.example-2", user_id="ana", email="ana@x.example"),
    )
    world.rebuild(bundle(NEW, "2"))
    (held,) = world.one().memory.values()
    assert [at for at, _, _ in held] == [START + HOUR, START]


def test_what_a_new_rule_wants_to_know_of_an_event_is_added_to_what_is_kept_of_it() -> None:
    count = {"did": "Order Completed", "times": {"at_least": 1}, "within": "90d"}
    total = {"did": "Order Completed", "sum": {"of": "total", "at_least": 50}, "within": "90d"}
    world = World()
    world.deliver(
        bundle({"orders": count}, "1"),
        event("Order Completed", iso(NOW - HOUR), user_id="ana", order_id="1", total=60, cart_id="c"),
    )
    world.rebuild(bundle({"orders": count, "spenders": total}, "2"))
    assert world.one().segments == {"orders", "spenders"}
