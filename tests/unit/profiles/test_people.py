"""Who is whom: the rule by itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.domain.events.event import IdentifierKind
from homing.domain.profiles import people
from homing.domain.profiles.people import FOR_GOOD, MAX_CLAIMS, STRONG, WEAK
from homing.domain.profiles.profile import Profile

identifiers = st.dictionaries(
    st.sampled_from([*STRONG, *WEAK]), st.sets(st.sampled_from("abc"), min_size=1, max_size=2), max_size=4
)
kinds: st.SearchStrategy[IdentifierKind] = st.sampled_from([*STRONG, *WEAK])


@pytest.mark.parametrize(
    ("left", "right", "verdict"),
    [
        ({"user_id": {"ana"}, "email": {"a@x"}}, {"email": {"a@x"}}, "same"),
        ({"user_id": {"ana"}, "email": {"f@x"}}, {"user_id": {"ben"}, "email": {"f@x"}}, "different"),
        ({"user_id": {"ana", "ana2"}}, {"user_id": {"ana2"}}, "same"),
        ({"loyalty_id": {"1"}, "email": {"f@x"}}, {"loyalty_id": {"2"}, "email": {"f@x"}}, "different"),
        ({"user_id": {"ana"}, "loyalty_id": {"1"}}, {"loyalty_id": {"1"}, "email": {"b@x"}}, "same"),
        ({"email": {"a@x"}, "device_id": {"d"}}, {"email": {"b@x"}, "device_id": {"d"}}, "different"),
        ({"user_id": {"ana"}}, {"email": {"a@x"}}, "unproven"),
        ({"anonymous_id": {"a"}}, {"anonymous_id": {"a"}}, "unproven"),
    ],
)
def test_the_strongest_kind_that_both_have_decides(
    left: people.Identifiers, right: people.Identifiers, verdict: str
) -> None:
    assert people.compare(left, right) == people.compare(right, left) == verdict


@given(identifiers, identifiers)
def test_weak_identifiers_never_change_the_verdict(left: dict[str, set[str]], right: dict[str, set[str]]) -> None:
    bare = [{k: v for k, v in side.items() if k in STRONG} for side in (left, right)]
    assert people.compare(left, right) == people.compare(*bare)


@given(identifiers, identifiers, kinds, st.booleans())
def test_joining_does_not_depend_on_who_is_asked_first(
    left: dict[str, set[str]], right: dict[str, set[str]], by: IdentifierKind, stated: bool
) -> None:
    assert people.may_join(left, right, by=by, stated=stated) == people.may_join(right, left, by=by, stated=stated)


@given(identifiers, identifiers, kinds, st.booleans())
def test_nothing_joins_people_who_differ_and_no_device_joins_two_who_are_known(
    left: dict[str, set[str]], right: dict[str, set[str]], by: IdentifierKind, stated: bool
) -> None:
    joined = people.may_join(left, right, by=by, stated=stated)
    strongest = next((kind for kind in STRONG if left.get(kind) and right.get(kind)), None)
    if strongest is not None:
        assert joined == bool(left[strongest] & right[strongest])
    elif by in WEAK and people.is_known(left) and people.is_known(right):
        assert joined == stated
    else:
        assert joined


@given(identifiers, identifiers)
def test_a_visitor_joins_whoever_their_browser_belongs_to(
    left: dict[str, set[str]], right: dict[str, set[str]]
) -> None:
    visitor = {kind: values for kind, values in left.items() if kind in WEAK}
    assert people.may_join(visitor, right, by="anonymous_id")


@given(st.lists(st.sampled_from("pqrstuv"), max_size=12))
def test_claims_on_a_device_are_bounded_and_never_given_up(order: list[str]) -> None:
    claims: frozenset[str] = frozenset()
    for person in order:
        more = people.claimed(claims, person)
        assert more >= claims
        claims = more
    assert len(claims) <= MAX_CLAIMS + 1
    assert (FOR_GOOD in claims) == (len(set(order)) > MAX_CLAIMS)


def test_a_doubt_is_known_under_every_name_of_the_other_one() -> None:
    mine, other = Profile("me", doubts={people.mark("email", "old")}), Profile("new", merged={"old"})
    assert people.is_noted(mine, "email", other)
    assert not people.is_noted(mine, "device_id", other)


def test_doubts_about_whom_one_has_become_or_was_told_apart_from_are_settled() -> None:
    marks = {people.mark("email", name) for name in ("merged", "apart", "dismissed", "open")}
    profile = Profile(
        "me", doubts=marks, merged={"merged"}, apart={"apart"}, dismissed={people.mark("email", "dismissed")}
    )
    assert people.open_doubts(profile) == [people.Doubt("email", "open")]


@pytest.mark.parametrize(
    ("left", "right", "apart"),
    [
        (Profile("l", apart={"r"}), Profile("r"), True),
        (Profile("l"), Profile("r", apart={"l"}), True),
        (Profile("l", merged={"old"}), Profile("r", apart={"old"}), True),
        (Profile("l", apart={"x"}), Profile("r", apart={"y"}), False),
    ],
)
def test_apart_is_said_by_either_of_them_under_any_of_their_names(left: Profile, right: Profile, apart: bool) -> None:
    assert people.is_apart(left, right) is people.is_apart(right, left) is apart
