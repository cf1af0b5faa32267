"""Un-merging: two people who became one profile by mistake are two again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.adapters.memory import MemoryArchive, MemoryProfiles, MemoryQuarantine
from homing.domain.delivery.message import Stop
from homing.domain.errors import InvalidInput
from homing.domain.events.event import Event, IdentifierKind
from homing.domain.profiles import carts
from homing.domain.profiles.identity import Identity
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, HOUR, iso
from homing.services.rebuild import Rebuild
from homing.services.resolve import load, root
from homing.services.unmerge import Unmerge, Unmerged
from homing.services.update_profiles import StreamItem, UpdateProfiles
from tests.fixtures.shop import campaigns, event, instant

START = instant("2026-03-02T10:00:00Z")
NOW = START + 5 * DAY
SEGMENTS = {
    "lookers": {"did": "Product Viewed", "times": {"at_least": 2}},
    "buyers": {"did": "Order Completed"},
}
BEN: list[tuple[IdentifierKind, str]] = [("email", "ben@x.example")]


class World:
    """One table, one archive. Ana and Ben are newsletter readers whom a careless till made one customer."""

    def __init__(self) -> None:
        self.profiles = MemoryProfiles()
        self.archive = MemoryArchive()
        self.identity = Identity(b"k")
        self.number = 0

    def deliver(self, *events: Event) -> None:
        update = UpdateProfiles(
            campaigns(segments=SEGMENTS), self.identity, self.profiles, self.archive, MemoryQuarantine()
        )
        for e in events:
            self.number += 1
            item = StreamItem(str(self.number), e.to_json(), e.received)
            assert update([item], batch=f"b{self.number:06d}").failed is None

    def unmerge(self, apart: list[tuple[IdentifierKind, str]] | None = None, **more: Any) -> Unmerged:
        command = Unmerge(campaigns(segments=SEGMENTS), self.identity, self.profiles, self.archive, lambda: NOW)
        return command(self.at("user_id", "ana").id, BEN if apart is None else apart, **more)

    def at(self, kind: str, value: str) -> Profile:
        key = self.identity.key(kind, value)
        items = load(self.profiles, [key])
        profile = items[root(items, key)]
        assert isinstance(profile, Profile)
        return profile


@pytest.fixture
def world() -> World:
    """Ana and Ben, each with a browser of their own, then one customer."""
    made = World()
    made.deliver(
        event(
            "Identified", iso(START), id="m1", email="ben@x.example", anonymous_id="b", first_name="Ben", plan="gold"
        ),
        event("Product Viewed", iso(START + HOUR), id="m2", anonymous_id="b", product_id="p"),
        event("Product Viewed", iso(START + 2 * HOUR), id="m3", anonymous_id="b", product_id="q"),
        event("Product Added", iso(START + 2 * HOUR), id="m4", anonymous_id="b", product_id="q", cart_id="cart-ben"),
        event("Identified", iso(START + 3 * HOUR), id="m5", user_id="ana", anonymous_id="a", first_name="Ana"),
        event("Product Viewed", iso(START + 4 * HOUR), id="m6", anonymous_id="a", product_id="p"),
        event("Product Added", iso(START + 4 * HOUR), id="m7", user_id="ana", product_id="r", cart_id="cart-ana"),
        event("Order Completed", iso(START + 5 * HOUR), id="m8", user_id="ana", order_id="1", cart_id="other"),
        # The mistake: somebody typed Ben's address into Ana's account.
        event("Page Viewed", iso(START + 6 * HOUR), id="m9", user_id="ana", email="ben@x.example"),
    )
    assert made.at("email", "ben@x.example").id == made.at("user_id", "ana").id
    assert made.at("user_id", "ana").segments == {"lookers", "buyers"}
    return made


def count(profile: Profile) -> int:
    return max(len(held) for held in profile.memory.values()) if profile.memory else 0


def test_each_gets_their_own_behaviour_carts_traits_and_segments_back(world: World) -> None:
    done = world.unmerge()
    ana, ben = world.at("user_id", "ana"), world.at("email", "ben@x.example")
    assert ana.id != ben.id
    assert world.at("anonymous_id", "a").id == ana.id
    assert world.at("anonymous_id", "b").id == ben.id
    # His name was overwritten by hers, and the archive holds no names.
    assert (ana.trait("first_name"), ben.trait("first_name"), ben.trait("plan")) == ("Ana", None, "gold")
    assert (ana.segments, ben.segments) == ({"buyers"}, {"lookers"})
    assert "cart-ana" in ana.carts
    assert "cart-ben" in ben.carts
    assert "cart-ben" not in ana.carts
    assert done.events == {"left": 5, "apart": 4, "nobody": 0}
    assert done.unclear == []


def test_the_next_event_that_names_both_does_not_make_them_one_again(world: World) -> None:
    world.unmerge()
    world.deliver(event("Page Viewed", iso(NOW + HOUR), user_id="ana", email="ben@x.example"))
    world.deliver(event("Page Viewed", iso(NOW + 2 * HOUR), user_id="ana", anonymous_id="b"))
    assert world.at("user_id", "ana").id != world.at("email", "ben@x.example").id
    assert world.at("user_id", "ana").doubts == set()


def test_nothing_that_changes_starts_a_flow(world: World) -> None:
    told: list[Any] = []
    world.profiles.on_write = lambda profile: told.extend(profile.changes)
    world.unmerge()
    assert told
    assert all(change.data.get("news") is False for change in told)


def test_a_dry_run_says_the_same_and_writes_nothing(world: World) -> None:
    writes = world.profiles.writes
    planned = world.unmerge(dry_run=True)
    assert world.profiles.writes == writes
    assert world.unmerge().to_dict() == planned.to_dict()


def test_running_it_again_changes_nothing_and_picks_up_what_came_meanwhile(world: World) -> None:
    first = world.unmerge()
    ana, ben = world.at("user_id", "ana"), world.at("email", "ben@x.example")
    again = world.unmerge()
    assert again.second_id == first.second_id
    for before, after in ((ana, world.at("user_id", "ana")), (ben, world.at("email", "ben@x.example"))):
        assert (before.memory, before.carts, before.traits) == (after.memory, after.carts, after.traits)
        assert before.segments == after.segments


def test_events_that_arrive_while_it_runs_are_not_lost(world: World) -> None:
    write, met = world.profiles.write, []

    def slow(profile: Profile, *, expected: int) -> None:
        if len(met) < 3:
            met.append(True)
            n = len(met)
            world.profiles.write = write  # type: ignore[method-assign]
            world.deliver(
                event("Product Viewed", iso(NOW - HOUR + n), id=f"live-ana{n}", user_id="ana", product_id="z"),
                event("Product Viewed", iso(NOW - HOUR + n), id=f"live-ben{n}", email="ben@x.example", product_id="z"),
            )
            world.profiles.write = slow  # type: ignore[method-assign]
        write(profile, expected=expected)

    world.profiles.write = slow  # type: ignore[method-assign]
    world.unmerge()
    world.profiles.write = write  # type: ignore[method-assign]
    world.unmerge()
    ana, ben = world.at("user_id", "ana"), world.at("email", "ben@x.example")
    assert ana.segments == {"buyers", "lookers"}
    assert ben.segments == {"lookers"}


def test_a_browser_that_both_used_is_nobodys_afterwards(world: World) -> None:
    world.deliver(
        event("Page Viewed", iso(START + 7 * HOUR), id="n1", user_id="ana", anonymous_id="both"),
        event("Page Viewed", iso(START + 8 * HOUR), id="n2", email="ben@x.example", anonymous_id="both"),
    )
    assert world.unmerge().shared_devices == 1
    world.deliver(event("Order Completed", iso(NOW + HOUR), id="n3", anonymous_id="both", order_id="9"))
    assert world.at("email", "ben@x.example").segments == {"lookers"}
    assert world.at("user_id", "ana").last_at == START + 7 * HOUR


def test_whoever_is_named_may_be_the_one_whose_id_the_profile_has() -> None:
    world = World()
    world.deliver(
        event("Order Completed", iso(START), id="m1", email="ben@x.example", order_id="1"),
        event("Product Viewed", iso(START + HOUR), id="m2", user_id="ana", product_id="p"),
        event("Product Viewed", iso(START + 2 * HOUR), id="m3", user_id="ana", product_id="p"),
        event("Page Viewed", iso(START + 3 * HOUR), id="m4", user_id="ana", email="ben@x.example"),
    )
    merged = world.at("user_id", "ana").id
    kind: IdentifierKind = "user_id" if merged == world.identity.key("user_id", "ana") else "email"
    done = world.unmerge([(kind, "ana" if kind == "user_id" else "ben@x.example")])
    assert done.named_stay
    assert world.at("user_id", "ana").segments == {"lookers"}
    assert world.at("email", "ben@x.example").segments == {"buyers"}


def test_a_refusal_that_may_have_been_eithers_is_both_s_and_stops_go_along(world: World) -> None:
    world.profiles.stop(Stop(world.at("user_id", "ana").id, topics={"*": 7}))
    world.deliver(event("Unsubscribed", iso(START + 7 * HOUR), id="n1", email="ben@x.example", topic="marketing"))
    world.archive.objects.pop("events/date=2026-03-02/b000010")
    done = world.unmerge()
    assert all(world.at(*who).consents["marketing"].refused for who in (("user_id", "ana"), ("email", "ben@x.example")))
    assert world.profiles.stops([done.second_id])[done.second_id].topics == {"*": 7}


def test_traits_that_the_archive_does_not_explain_stay_and_are_told(world: World) -> None:
    world.archive.objects.pop("events/date=2026-03-02/b000001")
    done = world.unmerge()
    assert done.unclear == ["email", "plan"]
    assert world.at("user_id", "ana").trait("plan") == "gold"


@pytest.mark.parametrize(
    ("apart", "says"),
    [
        ([], "name at least one"),
        ([("email", "nobody@x.example")], "does not lead to"),
        (
            [("email", "ben@x.example"), ("user_id", "ana"), ("anonymous_id", "a"), ("anonymous_id", "b")],
            "nobody would",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(world: World, apart: list[tuple[IdentifierKind, str]], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        world.unmerge(apart)


ANAS: list[dict[str, str]] = [{"user_id": "ana"}, {"anonymous_id": "a"}, {"user_id": "ana", "anonymous_id": "a"}]
BENS: list[dict[str, str]] = [
    {"email": "ben@x.example"},
    {"anonymous_id": "b"},
    {"email": "ben@x.example", "anonymous_id": "b"},
]
happening = st.tuples(
    st.sampled_from(["Product Viewed", "Order Completed", "Product Added"]),
    st.sampled_from([*ANAS, *BENS]),
    st.integers(0, 4 * 24 - 1),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(happening, min_size=2, max_size=20), st.integers(0, 20))
def test_after_a_mistaken_merge_each_is_as_if_it_had_never_happened(
    drawn: list[tuple[str, dict[str, str], int]], mistake: int
) -> None:
    def events() -> list[Event]:
        return [
            event(
                name,
                iso(START + hour * HOUR),
                received=iso(START + 4 * DAY + n),
                id=f"m{n}",
                product_id="p",
                order_id=str(n),
                cart_id=f"cart-{'ana' if who in ANAS else 'ben'}",
                **who,
            )
            for n, (name, who, hour) in enumerate(drawn)
        ]

    known = [
        event("Page Viewed", iso(START), id="k1", user_id="ana", anonymous_id="a"),
        event("Page Viewed", iso(START), id="k2", email="ben@x.example", anonymous_id="b"),
    ]
    link = {"id": "link", "received": iso(START + 4 * DAY + HOUR)}
    world, calm = World(), World()
    mixed = events()
    world.deliver(
        *known,
        *mixed[:mistake],
        event("Page Viewed", iso(START), user_id="ana", email="ben@x.example", **link),
        *mixed[mistake:],
    )
    calm.deliver(*known, *mixed[:mistake], event("Page Viewed", iso(START), user_id="ana", **link), *mixed[mistake:])
    world.unmerge()
    rebuild = Rebuild(campaigns(segments=SEGMENTS), calm.identity, calm.profiles, calm.archive, lambda: NOW)
    rebuild()
    for who in (("user_id", "ana"), ("email", "ben@x.example"), ("anonymous_id", "a"), ("anonymous_id", "b")):
        mine, theirs = world.at(*who), calm.at(*who)
        assert mine.memory == theirs.memory, who
        assert mine.segments == theirs.segments, who
        assert mine.identifiers == theirs.identifiers, who
        assert (mine.first_at, mine.last_at) == (theirs.first_at, theirs.last_at), who
        for token in ("cart-ana", "cart-ben"):
            assert carts.state(mine.carts, token, NOW, 30 * DAY) == carts.state(theirs.carts, token, NOW, 30 * DAY), who
