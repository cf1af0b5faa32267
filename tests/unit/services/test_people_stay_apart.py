"""Who is who, whatever the order, the batches, the other writers and the crashes: nobody is mixed up, nothing is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from homing.adapters.memory import MemoryProfiles, MemoryQuarantine
from homing.domain.errors import Unavailable
from homing.domain.events.event import Event
from homing.domain.profiles.fold import message_hash
from homing.domain.profiles.identity import Identity, normalise
from homing.domain.profiles.memory import event_key
from homing.domain.profiles.profile import Profile
from homing.domain.time import iso
from homing.services.ports import Pointer
from homing.services.resolve import load, root
from homing.services.update_profiles import StreamItem, UpdateProfiles
from tests.fixtures.shop import campaigns, event, instant

START = instant("2026-03-02T10:00:00Z")
POOL = {
    "user_id": ["u1", "u2"],
    "loyalty_id": ["l1", "l2"],
    "email": ["e1@x.example", "e2@x.example"],
    "anonymous_id": ["a1", "a2", "a3"],
    "device_id": ["d1", "d2"],
}
STRONG = ("user_id", "loyalty_id", "email")
WEAK = ("anonymous_id", "device_id")
# Remembers every event, so that they can be counted.
SEGMENTS = {"all": {"did": "Ping", "times": {"at_least": 1000}}}


class Crash(BaseException):
    """The process died."""


class Store(MemoryProfiles):
    """Does something at planned calls: another writer, a crash, an error; before or after the call's effect."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.planned: dict[tuple[int, str], Callable[[], None]] = {}

    def _around(self, call: Callable[[], Any]) -> Any:
        self.calls += 1
        mine = self.calls
        if plan := self.planned.pop((mine, "before"), None):
            plan()
        result = call()
        if plan := self.planned.pop((mine, "after"), None):
            plan()
        return result

    def read(self, ids: Any) -> Any:
        ids = list(ids)
        return self._around(lambda: MemoryProfiles.read(self, ids))

    def write(self, profile: Profile, *, expected: int) -> None:
        self._around(lambda: MemoryProfiles.write(self, profile, expected=expected))

    def point(self, id: str, target: str, *, expected: int, shared: frozenset[str] = frozenset()) -> None:
        self._around(lambda: MemoryProfiles.point(self, id, target, expected=expected, shared=shared))

    def repoint(self, old: Pointer, new: Pointer) -> None:
        self._around(lambda: MemoryProfiles.repoint(self, old, new))


def service(store: MemoryProfiles) -> UpdateProfiles:
    return UpdateProfiles(campaigns(segments=SEGMENTS), Identity(b"k"), store, None, MemoryQuarantine())


def records(events: list[Event], first: int = 100) -> list[StreamItem]:
    return [StreamItem(str(first + n), e.to_json(), e.received) for n, e in enumerate(events)]


def deliver(update: UpdateProfiles, items: list[StreamItem]) -> None:
    """As the stream does: from the lowest failed record on, and all of it after a crash."""
    for _ in range(30):
        try:
            failed = update(items, batch="b").failed
        except Crash:
            continue
        if failed is None:
            return
        items = items[[item.sequence for item in items].index(failed) :]
    raise AssertionError("never got through")


people = st.dictionaries(st.sampled_from(sorted(POOL)), st.integers(0, 2), min_size=1, max_size=3)


def pings(drawn: list[dict[str, int]]) -> list[Event]:
    return [
        event("Ping", iso(START + n * 1000), id=f"m{n}", **{k: POOL[k][i % len(POOL[k])] for k, i in who.items()})
        for n, who in enumerate(drawn)
    ]


def check(store: MemoryProfiles, update: UpdateProfiles, events: list[Event]) -> None:
    held = {key: store.read([key])[key] for key in store.ids()}
    profiles = [item for item in held.values() if isinstance(item, Profile)]
    stated = components([e for e in events if any(kind in e.identifiers for kind in STRONG)])
    for profile in profiles:
        assert len(profile.identifiers.get("user_id", ())) <= 1, "two customers became one"
        named = {f"{kind}:{value}" for kind in STRONG for value in profile.identifiers.get(kind, ())}
        assert len({stated[name] for name in named}) <= 1, "people whom no event names together became one"
    folded = Counter(key for p in profiles for entries in p.memory.values() for _, key, _ in entries)
    assert folded == Counter(event_key(e) for e in events), "an event was lost or counted twice"
    for e in events:
        keys = update.identity.keys(e.identifiers)
        # A device that was only ever seen with one that is nobody's leads to nobody.
        ids = [key for kind, key in keys.items() if kind in STRONG or len(keys) == 1]
        items = load(store, ids)
        for key in ids:
            assert isinstance(items.get(root(items, key)), Profile), "an identifier leads nowhere"
    for kind in WEAK:
        for device in {e.identifiers[kind] for e in events if kind in e.identifiers}:
            check_device(store, update, kind, device, events)


def under_names(store: MemoryProfiles, events: list[Event]) -> set[frozenset[int]]:
    """What was done under a name, person by person. Whose an anonymous event is may depend on when a merge was decided."""
    named = {event_key(e) for e in events if any(kind in e.identifiers for kind in STRONG)}
    found = {frozenset(k for held in p.memory.values() for _, k, _ in held if k in named) for p in _profiles(store)}
    return found - {frozenset()}


def components(events: list[Event]) -> dict[str, str]:
    """Strong identifiers that events name together, in a chain: at most these are one person."""
    parent: dict[str, str] = {}

    def find(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    for e in events:
        named = [find(f"{kind}:{normalise(kind, e.identifiers[kind])}") for kind in STRONG if kind in e.identifiers]
        for other in named[1:]:
            parent[find(other)] = find(named[0])
    return {name: find(name) for name in list(parent)}


def check_device(store: MemoryProfiles, update: UpdateProfiles, kind: Any, device: str, events: list[Event]) -> None:
    """What is done there now, by nobody knows whom, is nobody's once two people were seen with it."""
    there = {
        event_key(e)
        for e in events
        if e.identifiers.get(kind) == device and any(strong in e.identifiers for strong in STRONG)
    }
    seen = {p.id for p in _profiles(store) for held in p.memory.values() if there & {key for _, key, _ in held}}
    probe = event("Ping", iso(START + 10**9), id=f"probe {device}", **{kind: device})
    update(records([probe], 900), batch="probe")
    (holder,) = [p for p in _profiles(store) if message_hash(f"probe {device}") in p.seen]
    if len(seen) > 1:
        assert not any(holder.identifiers.get(k) for k in STRONG), "somebody's browsing went to another person"
    elif seen:
        assert holder.id in seen or not any(holder.identifiers.get(k) for k in STRONG)


@settings(max_examples=150, deadline=None)
@given(st.lists(people, min_size=1, max_size=10), st.lists(st.integers(1, 9), max_size=3))
def test_any_people_in_any_batches_are_kept_apart_and_every_event_is_counted_once(
    drawn: list[dict[str, int]], cuts: list[int]
) -> None:
    events = pings(drawn)
    store = Store()
    update = service(store)
    edges = sorted({0, *cuts, len(events)} & set(range(len(events) + 1)))
    for start, end in pairwise(edges):
        deliver(update, records(events[start:end]))
    check(store, update, events)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(people, min_size=2, max_size=8),
    st.lists(st.tuples(st.integers(1, 12), st.sampled_from(["before", "after"]), st.booleans()), max_size=3),
    st.integers(1, 7),
)
# A device was marked as shared before the address of its person led to them.
@example(
    [
        {"device_id": 0},
        {"anonymous_id": 0, "email": 1},
        {"device_id": 0, "email": 0},
        {"anonymous_id": 0, "device_id": 0},
    ],
    [(6, "after", True)],
    1,
)
@example(
    [
        {"anonymous_id": 0, "device_id": 0},
        {"anonymous_id": 1, "email": 1, "device_id": 0},
        {"anonymous_id": 0, "email": 0},
    ],
    [(2, "after", True)],
    3,
)
def test_a_crash_or_an_error_at_any_call_and_a_redelivery_lose_and_double_nothing(
    drawn: list[dict[str, int]], faults: list[tuple[int, str, bool]], cut: int
) -> None:
    events = pings(drawn)
    store = Store()
    update = service(store)

    def fail(crash: bool) -> Callable[[], None]:
        def now() -> None:
            raise Crash if crash else Unavailable("planned")

        return now

    for call, when, crash in faults:
        store.planned[call, when] = fail(crash)
    for part in (events[:cut], events[cut:]):
        if part:
            deliver(update, records(part))
    store.planned.clear()
    calm = Store()
    for part in (events[:cut], events[cut:]):
        if part:
            deliver(service(calm), records(part))
    if any(crash for _, _, crash in faults):
        assert under_names(store, events) == under_names(calm, events)
    check(store, update, events)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(people, min_size=2, max_size=8), st.integers(1, 7), st.integers(1, 8), st.sampled_from(["before", "after"])
)
# A link was made by somebody else, who did not know of the second person on the device.
@example(
    [
        {"email": 0, "anonymous_id": 0},
        {"anonymous_id": 0, "device_id": 0, "email": 1},
        {"email": 0, "anonymous_id": 0},
    ],
    2,
    2,
    "after",
)
def test_two_batches_at_once_lose_and_double_nothing(
    drawn: list[dict[str, int]], cut: int, call: int, when: str
) -> None:
    events = pings(drawn)
    store = Store()
    update = service(store)
    mine, other = events[:cut], events[cut:]
    store.planned[call, when] = lambda: deliver(update, records(other, 500)) if other else None
    deliver(update, records(mine))
    if (call, when) in store.planned:
        store.planned.pop((call, when))()
    check(store, update, events)


def _profiles(store: MemoryProfiles) -> list[Profile]:
    return [item for key in store.ids() if isinstance(item := store.read([key])[key], Profile)]


def test_when_the_winner_of_a_merge_can_not_be_written_what_the_loser_brought_comes_again() -> None:
    store = Store()
    update = service(store)
    events = pings([{"anonymous_id": 0}, {"user_id": 0}, {"user_id": 0, "anonymous_id": 0}])

    def throttled() -> None:
        raise Unavailable("throttled")

    store.planned[2, "before"] = throttled
    assert update(records(events), batch="b").failed == "100"


def test_one_customer_written_in_two_ways_is_one() -> None:
    store = Store()
    update = service(store)
    events = [
        event("Ping", iso(START), id="m0", anonymous_id="a", user_id="A1"),
        event("Ping", iso(START + 1000), id="m1", user_id="Ａ１", anonymous_id="b"),
        event("Ping", iso(START + 2000), id="m2", user_id="Ａ１", anonymous_id="a"),
    ]
    for e in events:
        deliver(update, records([e]))
    check(store, update, events)
    assert len(store.ids()) == 1


def test_a_device_at_which_forty_people_gave_their_address_does_not_stop_the_shard() -> None:
    store = Store()
    update = service(store)
    events = []
    for n in range(40):
        alone = event("Ping", iso(START + 2 * n), id=f"alone{n}", email=f"{n}@x.example")
        events += [
            alone,
            event("Ping", iso(START + 2 * n + 1), id=f"there{n}", email=f"{n}@x.example", device_id="till"),
        ]
    for e in events:
        deliver(update, records([e]))
    check(store, update, events)
    late = event("Ping", iso(START + 10**6), id="late", email="0@x.example")
    assert update(records([late]), batch="late").failed is None
    assert len([p for p in _profiles(store) if p.identifiers.get("email")]) == 40
    anonymous = event("Ping", iso(START + 10**6 + 1), id="anonymous", device_id="till")
    before = store.calls
    deliver(update, records([anonymous]))
    assert store.calls - before <= 4, "what forty people left behind is read with every event"
    (till,) = [p for p in _profiles(store) if message_hash("anonymous") in p.seen]
    assert not till.identifiers.get("email")


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_whoever_is_met_first_the_same_people_remember_the_same(order: tuple[int, ...]) -> None:
    known = [{"anonymous_id": 0}, {"user_id": 0, "anonymous_id": 0}, {"user_id": 0, "email": 0}]
    events = pings(known)
    store = Store()
    for n in order:
        deliver(service(store), records([events[n]]))
    (profile,) = _profiles(store)
    assert {len(entries) for entries in profile.memory.values()} == {3}


def test_a_chain_of_fifty_pointers_is_walked_once() -> None:
    store = Store()
    update = service(store)
    key = update.identity.key
    deliver(update, records([event("Ping", iso(START), id="m0", user_id="u")]))
    last = key("user_id", "u")
    for n in range(50):
        store.point(key("anonymous_id", str(n)), last, expected=0)
        last = key("anonymous_id", str(n))
    first = [event("Ping", iso(START + 1), id="m1", anonymous_id="49")]
    again = [event("Ping", iso(START + 2), id="m2", anonymous_id="49")]
    middle = [event("Ping", iso(START + 3), id="m3", anonymous_id="25")]
    deliver(update, records(first))
    for events in (again, middle):
        before, writes = store.calls, store.writes
        deliver(update, records(events))
        assert (store.calls - before, store.writes - writes) == (3, 1), "two rounds of reading and one write"
    check(store, update, [event("Ping", iso(START), id="m0", user_id="u"), *first, *again, *middle])


def test_somebody_else_who_shortens_a_chain_meanwhile_disturbs_nobody() -> None:
    store = Store()
    update = service(store)
    key = update.identity.key
    deliver(update, records([event("Ping", iso(START), id="m0", user_id="u")]))
    for n, target in ((1, key("user_id", "u")), (2, key("anonymous_id", "1"))):
        store.point(key("anonymous_id", str(n)), target, expected=0)
    pointer = Pointer(key("anonymous_id", "2"), key("anonymous_id", "1"))
    call = store.calls + 5
    store.planned[call, "before"] = lambda: MemoryProfiles.repoint(
        store, pointer, Pointer(pointer.id, key("user_id", "u"))
    )
    assert update(records([event("Ping", iso(START + 1), id="m1", anonymous_id="2")]), batch="b").failed is None
    assert not store.planned
    assert store.read([pointer.id]) == {pointer.id: Pointer(pointer.id, key("user_id", "u"))}


interleaved = st.lists(
    st.tuples(st.integers(1, 12), st.sampled_from(["before", "after"]), st.integers(0, 2)), min_size=1, max_size=4
)


@settings(max_examples=150, deadline=None)
@given(st.lists(people, min_size=3, max_size=9), interleaved)
# The winner of a merge became somebody else between announcing and writing it.
@example(
    [
        {"anonymous_id": 0, "device_id": 1, "email": 0},
        {"user_id": 1, "loyalty_id": 0, "anonymous_id": 0},
        {"anonymous_id": 0, "email": 0, "user_id": 0},
        {"anonymous_id": 0, "email": 0, "loyalty_id": 0},
    ],
    [(1, "after", 1), (8, "after", 2)],
)
# The loser was merged into somebody else before it was announced.
@example(
    [
        {"anonymous_id": 0, "device_id": 0, "email": 0},
        {"loyalty_id": 1, "anonymous_id": 0, "email": 0},
        {"loyalty_id": 0},
        {"loyalty_id": 1},
        {"anonymous_id": 0},
        {"email": 0, "loyalty_id": 0},
        {"anonymous_id": 1},
    ],
    [(7, "after", 2)],
)
# A visitor became known between being read and being absorbed.
@example(
    [
        {"anonymous_id": 0},
        {"loyalty_id": 1},
        {"anonymous_id": 0},
        {"anonymous_id": 0},
        {"loyalty_id": 1, "anonymous_id": 0},
        {"anonymous_id": 0, "device_id": 0, "email": 0},
    ],
    [(3, "after", 2)],
)
def test_three_shards_that_interrupt_each_other_lose_double_and_mix_up_nothing(
    drawn: list[dict[str, int]], interruptions: list[tuple[int, str, int]]
) -> None:
    events = pings(drawn)
    store = Store()
    update = service(store)
    shards = {n: records(events[n::3], 100 * (n + 1)) for n in range(3)}

    def go(shard: int) -> Callable[[], None]:
        def now() -> None:
            if items := shards.pop(shard, None):
                deliver(update, items)

        return now

    for call, when, shard in interruptions:
        store.planned[call, when] = go(shard)
    for shard in range(3):
        go(shard)()
    store.planned.clear()
    check(store, update, events)


def one(name: str, n: int, **who: str) -> Event:
    return event("Ping", iso(START + n), id=name, **who)


def holders(store: MemoryProfiles, name: str) -> list[Profile]:
    return [p for p in _profiles(store) if message_hash(name) in p.seen]


def test_a_redelivery_after_the_device_became_nobodys_is_not_counted_again() -> None:
    store = Store()
    update = service(store)
    early = one("early", 1, anonymous_id="a")
    for e in (one("m0", 0, user_id="ana", anonymous_id="a"), early, one("m2", 2, user_id="ben", anonymous_id="a")):
        deliver(update, records([e]))
    assert update(records([early]), batch="again").counts["duplicates"] == 1
    assert [p.identifiers["user_id"] for p in holders(store, "early")] == [{"ana"}]


def test_a_redelivery_after_the_device_is_somebodys_again_is_not_counted_again() -> None:
    store = Store()
    update = service(store)
    between = one("between", 2, anonymous_id="a")
    for e in (
        one("m0", 0, email="ana@x.example", anonymous_id="a"),
        one("m1", 1, user_id="ana", anonymous_id="a"),
        between,
        one("m3", 3, user_id="ana", email="ana@x.example"),
    ):
        deliver(update, records([e]))
    assert update(records([between]), batch="again").counts["duplicates"] == 1
    assert [p.identifiers.get("user_id") for p in holders(store, "between")] == [None]


@pytest.mark.parametrize("first", ["user_id", "email"])
def test_whichever_of_two_profiles_absorbs_the_other_the_device_is_theirs_again(first: str) -> None:
    store = Store()
    update = service(store)
    who = [{"user_id": "ana"}, {"email": "ana@x.example"}]
    if first == "email":
        who.reverse()
    for n, names in enumerate(who):
        deliver(update, records([one(f"m{n}", n, anonymous_id="a", **names)]))
    deliver(update, records([one("m2", 2, user_id="ana", email="ana@x.example")]))
    deliver(update, records([one("last", 3, anonymous_id="a")]))
    assert [p.identifiers.get("user_id") for p in holders(store, "last")] == [{"ana"}]


def test_a_profile_that_has_the_id_of_a_shared_device_leaves_the_mark_behind_when_it_is_merged() -> None:
    store = Store()
    update = service(store)
    for e in (
        one("m0", 0, anonymous_id="a"),
        one("m1", 1, anonymous_id="a", email="ana@x.example"),
        one("m2", 2, anonymous_id="a", user_id="ben"),
        one("m3", 3, user_id="ana"),
        one("m4", 4, user_id="ana", email="ana@x.example"),
    ):
        deliver(update, records([e]))
    device = update.identity.key("anonymous_id", "a")
    held = store.read([device])[device]
    assert isinstance(held, Pointer)
    assert held.shared == {update.identity.key("user_id", "ben")}
    deliver(update, records([one("last", 5, anonymous_id="a")]))
    assert [set(p.identifiers) for p in holders(store, "last")] == [{"anonymous_id"}]


def test_anas_browser_on_bens_device_without_a_name_is_nobodys() -> None:
    store = Store()
    update = service(store)
    for e in (
        one("m0", 0, user_id="ana", anonymous_id="a"),
        one("m1", 1, user_id="ben", device_id="d"),
        one("both", 2, anonymous_id="a", device_id="d"),
        one("again", 3, device_id="d"),
    ):
        deliver(update, records([e]))
    for name in ("both", "again"):
        assert all("user_id" not in p.identifiers for p in holders(store, name))
    deliver(update, records([one("hers", 4, anonymous_id="a")]))
    assert [p.identifiers.get("user_id") for p in holders(store, "hers")] == [{"ana"}]


def test_a_known_person_keeps_the_id_when_a_visitor_turns_out_to_be_them() -> None:
    store = Store()
    update = service(store)
    for e in (
        one("m0", 0, user_id="ana", device_id="d"),
        one("m1", 1, anonymous_id="a"),
        one("m2", 2, anonymous_id="a", device_id="d"),
    ):
        deliver(update, records([e]))
    assert [p.id for p in _profiles(store)] == [update.identity.key("user_id", "ana")]
