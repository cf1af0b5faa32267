"""The contract of the profile store."""

from __future__ import annotations

import pytest

from homing.domain.delivery.message import Stop
from homing.domain.errors import Conflict
from homing.domain.profiles.profile import WAKE_BUCKETS, Change, Consent, Profile, TraitValue
from homing.services.ports import Pointer, ProfileStore


def ada(version: int = 1, **values: object) -> Profile:
    return Profile(
        id="ada",
        version=version,
        identifiers={"email": {"ada@example.com"}, "anonymous_id": {"a1", "a2"}},
        traits={"first_name": TraitValue(2, 5, "web", "Ada")},
        consents={"marketing": Consent(2, 5, False, "web", "Send me offers")},
        segments={"vip", "hesitating"},
        first_at=5,
        **values,  # type: ignore[arg-type]
    )


def test_an_unknown_id_is_absent(profiles: ProfileStore) -> None:
    assert profiles.read(["nobody"]) == {}
    assert profiles.read([]) == {}


def test_a_profile_comes_back_as_it_was_written(profiles: ProfileStore) -> None:
    profiles.write(ada(wake_at=77), expected=0)
    found = profiles.read(["ada", "nobody", "ada"])
    assert found == {"ada": ada(wake_at=77)}


def test_a_profile_without_segments_or_identifiers_can_be_stored(profiles: ProfileStore) -> None:
    profiles.write(Profile("x", version=1), expected=0)
    assert profiles.read(["x"]) == {"x": Profile("x", version=1)}


def test_a_new_profile_conflicts_with_one_that_is_there(profiles: ProfileStore) -> None:
    profiles.write(ada(), expected=0)
    with pytest.raises(Conflict):
        profiles.write(ada(), expected=0)


def test_only_the_expected_version_is_replaced(profiles: ProfileStore) -> None:
    profiles.write(ada(1), expected=0)
    profiles.write(ada(2), expected=1)
    with pytest.raises(Conflict):
        profiles.write(ada(2), expected=1)
    with pytest.raises(Conflict):
        profiles.write(ada(9), expected=8)
    held = profiles.read(["ada"])["ada"]
    assert isinstance(held, Profile)
    assert held.version == 2


def test_a_version_is_expected_even_where_nothing_is_stored(profiles: ProfileStore) -> None:
    with pytest.raises(Conflict):
        profiles.write(ada(2), expected=1)


def test_changing_a_profile_in_hand_does_not_move_the_stored_version(profiles: ProfileStore) -> None:
    profiles.write(ada(1), expected=0)
    first = profiles.read(["ada"])["ada"]
    assert isinstance(first, Profile)
    first.version = 2
    profiles.write(first, expected=1)
    with pytest.raises(Conflict):
        profiles.write(ada(2), expected=1)


def test_a_hundred_and_more_profiles_are_read_at_once(profiles: ProfileStore) -> None:
    ids = [f"p{number}" for number in range(230)]
    for id_ in ids:
        profiles.write(Profile(id_, version=1), expected=0)
    assert sorted(profiles.read(ids)) == sorted(ids)


def test_a_profile_becomes_a_pointer(profiles: ProfileStore) -> None:
    profiles.write(Profile("anonymous", version=3, wake_at=10), expected=0)
    profiles.point("anonymous", "ada", expected=3)
    assert profiles.read(["anonymous"]) == {"anonymous": Pointer("anonymous", "ada")}
    assert profiles.due(Profile("anonymous").wake_bucket, 99, 10) == []


def test_a_pointer_is_made_where_nothing_is(profiles: ProfileStore) -> None:
    profiles.point("anonymous", "ada", expected=0)
    assert profiles.read(["anonymous"]) == {"anonymous": Pointer("anonymous", "ada")}


@pytest.mark.parametrize("expected", [0, 3])
def test_pointing_to_the_same_target_again_is_quiet(profiles: ProfileStore, expected: int) -> None:
    profiles.point("anonymous", "ada", expected=0)
    profiles.point("anonymous", "ada", expected=expected)


@pytest.mark.parametrize("expected", [0, 1, 3])
def test_a_pointer_is_not_turned_elsewhere(profiles: ProfileStore, expected: int) -> None:
    profiles.point("anonymous", "ada", expected=0)
    with pytest.raises(Conflict):
        profiles.point("anonymous", "eve", expected=expected)


def test_a_pointer_does_not_replace_another_version(profiles: ProfileStore) -> None:
    profiles.write(Profile("anonymous", version=3), expected=0)
    for expected in (0, 2):
        with pytest.raises(Conflict):
            profiles.point("anonymous", "ada", expected=expected)


@pytest.mark.parametrize("expected", [0, 1])
def test_a_profile_never_overwrites_a_pointer(profiles: ProfileStore, expected: int) -> None:
    profiles.point("ada", "eve", expected=0)
    with pytest.raises(Conflict):
        profiles.write(ada(expected + 1), expected=expected)


def test_a_pointer_remembers_who_else_was_seen_with_a_device(profiles: ProfileStore) -> None:
    profiles.write(Profile("device", version=2), expected=0)
    profiles.point("device", "ada", expected=2, shared=frozenset({"eve", "bob"}))
    profiles.point("device", "ada", expected=0)
    assert profiles.read(["device"]) == {"device": Pointer("device", "ada", frozenset({"eve", "bob"}))}
    with pytest.raises(Conflict):
        profiles.point("device", "ada", expected=0, shared=frozenset({"cy"}))


def test_a_pointer_that_is_as_it_was_read_is_turned_elsewhere(profiles: ProfileStore) -> None:
    profiles.point("device", "ada", expected=0)
    one, two = Pointer("device", "ada"), Pointer("device", "eve", frozenset({"ada"}))
    profiles.repoint(one, two)
    assert profiles.read(["device"]) == {"device": two}
    three = Pointer("device", "bob")
    profiles.repoint(two, three)
    assert profiles.read(["device"]) == {"device": three}


@pytest.mark.parametrize(
    "old",
    [Pointer("device", "eve"), Pointer("device", "ada"), Pointer("device", "ada", frozenset({"cy"}))],
    ids=["another target", "another mark", "another person"],
)
def test_a_pointer_that_somebody_changed_since_is_left_alone(profiles: ProfileStore, old: Pointer) -> None:
    profiles.point("device", "ada", expected=0, shared=frozenset({"bob"}))
    with pytest.raises(Conflict):
        profiles.repoint(old, Pointer("device", "eve"))
    assert profiles.read(["device"]) == {"device": Pointer("device", "ada", frozenset({"bob"}))}


def test_neither_a_profile_nor_nothing_is_turned_into_a_pointer_by_repointing(profiles: ProfileStore) -> None:
    profiles.write(ada(), expected=0)
    for id_ in ("ada", "nobody"):
        with pytest.raises(Conflict):
            profiles.repoint(Pointer(id_, "eve"), Pointer(id_, "bob"))
    assert profiles.read(["ada", "nobody"]) == {"ada": ada()}


def test_what_is_doubted_dismissed_apart_and_shared_comes_back(profiles: ProfileStore) -> None:
    held = ada(doubts={"email|x"}, dismissed={"email|y"}, apart={"z"}, shared={"w"}, merged={"v"})
    profiles.write(held, expected=0)
    assert profiles.read(["ada"]) == {"ada": held}


def sleepers(bucket: int, count: int) -> list[str]:
    """Ids that lie in one bucket of the wake-up index."""
    ids = (f"s{number}" for number in range(1000))
    return [id_ for id_ in ids if Profile(id_).wake_bucket == bucket][:count]


def test_due_profiles_come_earliest_first_up_to_the_limit(profiles: ProfileStore) -> None:
    one, two, three, four = sleepers(3, 4)
    for id_, at in ((one, 30), (two, 10), (three, 20), (four, 31)):
        profiles.write(Profile(id_, version=1, wake_at=at), expected=0)
    assert profiles.due(3, 30, 10) == [(two, 10), (three, 20), (one, 30)]
    assert profiles.due(3, 30, 2) == [(two, 10), (three, 20)]
    assert profiles.due(3, 9, 10) == []
    assert profiles.due(4, 99, 10) == []


def test_asking_what_is_due_takes_nothing_away(profiles: ProfileStore) -> None:
    (one,) = sleepers(0, 1)
    profiles.write(Profile(one, version=1, wake_at=5), expected=0)
    assert profiles.due(0, 5, 10) == profiles.due(0, 5, 10) == [(one, 5)]


def test_a_profile_is_due_at_its_latest_wake_up_only(profiles: ProfileStore) -> None:
    (one,) = sleepers(1, 1)
    for version, at in enumerate((50, 20, 50, None, 20), start=1):
        profiles.write(Profile(one, version=version, wake_at=at), expected=version - 1)
    assert profiles.due(1, 99, 10) == [(one, 20)]
    profiles.write(Profile(one, version=6), expected=5)
    assert profiles.due(1, 99, 10) == []


def test_each_profile_lies_in_one_bucket(profiles: ProfileStore) -> None:
    for number in range(20):
        profiles.write(Profile(f"p{number}", version=1, wake_at=number), expected=0)
    found = [id_ for bucket in range(WAKE_BUCKETS) for id_, _at in profiles.due(bucket, 99, 99)]
    assert sorted(found) == sorted(f"p{number}" for number in range(20))


def test_a_cart_is_closed_up_to_the_latest_order(profiles: ProfileStore) -> None:
    profiles.close_cart("c1", 200)
    profiles.close_cart("c1", 100)
    profiles.close_cart("c1", 300)
    assert profiles.closed_carts(["c1", "c2"]) == {"c1": 300}
    assert profiles.closed_carts([]) == {}


def test_stops_add_up(profiles: ProfileStore) -> None:
    profiles.stop(Stop("s1", topics={"marketing": 10}))
    profiles.stop(Stop("s1", topics={"marketing": 5, "*": 7}))
    profiles.stop(Stop("s1", suppressed="bounce", at=9))
    profiles.stop(Stop("s1", suppressed="complaint", at=12))
    assert profiles.stops(["s1", "s2"]) == {"s1": Stop("s1", "bounce", 9, {"marketing": 10, "*": 7})}


def test_profiles_carts_and_stops_of_one_id_are_apart(profiles: ProfileStore) -> None:
    profiles.write(ada(), expected=0)
    profiles.close_cart("ada", 1)
    profiles.stop(Stop("ada", topics={"*": 1}))
    assert profiles.read(["ada"]) == {"ada": ada()}
    assert profiles.closed_carts(["ada"]) == {"ada": 1}
    assert profiles.stops(["ada"]) == {"ada": Stop("ada", topics={"*": 1})}


def test_changes_are_carried_by_the_stream_and_not_read_back(profiles: ProfileStore) -> None:
    profiles.write(ada(changes=[Change("segment_entered", "vip", 5)]), expected=0)
    held = profiles.read(["ada"])["ada"]
    assert isinstance(held, Profile)
    assert held.id == "ada"
