"""Stories of who is whom: shared tablets, family addresses, logins in any order."""

from __future__ import annotations

from typing import Any

import pytest

from homing.domain.engine import REVIEW
from homing.domain.profiles import people
from homing.domain.profiles.identity import is_shared_id
from homing.domain.profiles.profile import Profile
from homing.domain.time import MINUTE, iso
from homing.local.backtest import Backtest
from homing.services.resolve import load, root
from tests.fixtures.shop import backtest, campaigns, event, instant, mails

TEN = instant("2026-03-02T10:00:00Z")
CART = {"name": "cart", "on": "cart_abandoned", "steps": [{"send": "reminder"}]}
BROWSED = {"name": "browsed", "on": "browse_abandoned", "steps": [{"send": "looked"}]}
NEWS = {"consent": {"marketing": True}}


def at(minute: int) -> str:
    return iso(TEN + minute * MINUTE)


def shop(**more: Any) -> Backtest:
    return backtest(campaigns(**more))


def person(run: Backtest, kind: str, value: str) -> Profile:
    key = run.identity.key(kind, value)
    items = load(run.profiles, [key])
    found = items[root(items, key)]
    assert isinstance(found, Profile)
    return found


def everybody(run: Backtest) -> list[Profile]:
    found = run.profiles.read(run.profiles.ids()).values()
    return [profile for profile in found if isinstance(profile, Profile)]


def view(minute: int, product: str, **who: str) -> Any:
    return event("Product Viewed", at(minute), product_id=product, price=10, **who)


def test_bens_present_for_ana_which_he_looks_at_on_the_family_tablet_is_in_nobodys_mail() -> None:
    run = shop(flows=[BROWSED], browse={"views": 2})
    run.run(
        [
            event("Identified", at(0), user_id="ana", anonymous_id="tablet", email="ana@x.example", **NEWS),
            event("Identified", at(10), user_id="ben", anonymous_id="tablet", email="ben@x.example", **NEWS),
            *(view(minute, "ring", anonymous_id="tablet") for minute in (20, 21, 22, 23)),
        ],
        until=TEN + 3 * 24 * 60 * MINUTE,
    )
    assert mails(run) == []
    for name in ("ana", "ben"):
        assert not any(person(run, "user_id", name).memory.get("@views", [])), name


def test_alone_on_the_tablet_she_is_written_to() -> None:
    run = shop(flows=[BROWSED], browse={"views": 2})
    run.run(
        [
            event("Identified", at(0), user_id="ana", anonymous_id="tablet", email="ana@x.example", **NEWS),
            *(view(minute, "ring", anonymous_id="tablet") for minute in (20, 21, 22, 23)),
        ],
        until=TEN + 3 * 24 * 60 * MINUTE,
    )
    assert mails(run) == [("ana@x.example", "looked")]


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (0, 1, 2, 2), (1, 0, 1, 2, 0)])
def test_whoever_logged_in_first_a_cart_that_is_filled_without_a_name_is_nobodys(order: tuple[int, ...]) -> None:
    run = shop(flows=[CART])
    pieces = [
        event("Identified", at(0), id="1", user_id="ana", device_id="till", email="ana@x.example", **NEWS),
        event("Identified", at(0), id="2", user_id="ben", device_id="till", email="ben@x.example", **NEWS),
        event("Product Added", at(5), id="3", device_id="till", product_id="ring", cart_id="c"),
    ]
    run.run([pieces[n] for n in order], until=TEN + 24 * 60 * MINUTE)
    assert mails(run) == []


def test_what_ana_does_under_her_name_on_a_shared_device_is_hers_alone() -> None:
    run = shop(flows=[CART])
    run.run(
        [
            event("Identified", at(0), user_id="ana", device_id="till", email="ana@x.example", **NEWS),
            event("Identified", at(1), user_id="ben", device_id="till", email="ben@x.example", **NEWS),
            event("Product Added", at(2), user_id="ana", device_id="till", product_id="ring", cart_id="c"),
        ],
        until=TEN + 24 * 60 * MINUTE,
    )
    assert mails(run) == [("ana@x.example", "reminder")]


def test_a_device_of_two_who_turn_out_to_be_one_is_theirs_again() -> None:
    run = shop()
    run.run(
        [
            event("Identified", at(0), anonymous_id="phone", email="ana@x.example"),
            # Logged in, and the shop does not say her address yet: this may be somebody else.
            event("Page Viewed", at(1), anonymous_id="phone", user_id="ana"),
            event("Page Viewed", at(2), anonymous_id="phone", id="between"),
            event("Identified", at(3), user_id="ana", email="ana@x.example"),
            view(4, "ring", anonymous_id="phone"),
        ]
    )
    ana = person(run, "user_id", "ana")
    assert ana.id == person(run, "email", "ana@x.example").id
    assert ana.last_at == TEN + 4 * MINUTE
    (nobody,) = [profile for profile in everybody(run) if is_shared_id(profile.id)]
    assert nobody.first_at == nobody.last_at == TEN + 2 * MINUTE


def test_two_addresses_on_one_device_are_two_people() -> None:
    run = shop()
    run.run(
        [
            event("Identified", at(0), device_id="d", email="ana@x.example"),
            event("Identified", at(1), device_id="d", email="ben@x.example"),
        ]
    )
    assert person(run, "email", "ana@x.example").id != person(run, "email", "ben@x.example").id


def test_who_changes_the_address_of_an_account_is_the_same_person_with_two() -> None:
    run = shop()
    run.run(
        [
            event("Identified", at(0), user_id="ana", email="old@x.example"),
            event("Identified", at(1), user_id="ana", email="new@x.example"),
            event("Identified", at(2), device_id="d", email="old@x.example"),
            event("Page Viewed", at(3), device_id="d", user_id="ana"),
        ]
    )
    (ana,) = everybody(run)
    assert ana.identifiers["email"] == {"old@x.example", "new@x.example"}
    assert ana.doubts == set()


def test_a_family_address_makes_nobody_one_and_both_are_on_the_review_list() -> None:
    run = shop()
    run.run(
        [
            event("Identified", at(0), user_id="ana", email="family@x.example"),
            event("Identified", at(1), user_id="ben", email="Family@X.example "),
        ]
    )
    ana, ben = person(run, "user_id", "ana"), person(run, "user_id", "ben")
    assert sorted(run.journal.members(REVIEW)) == sorted([ana.id, ben.id])
    assert people.open_doubts(ana) == [people.Doubt("email", ben.id)]
    assert people.open_doubts(ben) == [people.Doubt("email", ana.id)]


def test_a_loyalty_card_that_two_accounts_swipe_is_doubtful_and_joins_nobody() -> None:
    run = shop()
    run.run(
        [
            event("Order Completed", at(0), user_id="ana", loyalty_id="L1", order_id="1"),
            event("Order Completed", at(1), user_id="ben", loyalty_id="L1", order_id="2"),
            event("Order Completed", at(2), loyalty_id="L1", order_id="3"),
        ]
    )
    assert person(run, "loyalty_id", "L1").id == person(run, "user_id", "ana").id
    assert len(everybody(run)) == 2
    assert len(list(run.journal.members(REVIEW))) == 2


def test_a_doubt_that_a_later_event_settles_leaves_the_list() -> None:
    run = shop()
    run.run(
        [
            event("Identified", at(0), anonymous_id="phone", email="ana@x.example"),
            event("Page Viewed", at(1), anonymous_id="phone", user_id="ana"),
        ]
    )
    assert len(list(run.journal.members(REVIEW))) == 2
    run.run([event("Identified", at(2), user_id="ana", email="ana@x.example")])
    assert list(run.journal.members(REVIEW)) == []


def test_the_review_list_is_told_to_nobody_on_the_bus() -> None:
    run = shop()
    told: list[Any] = []
    put = run.bus.put
    run.bus.put = lambda events: (told.extend(events), put(events))[1]  # type: ignore[method-assign, func-returns-value]
    run.run(
        [
            event("Identified", at(0), user_id="ana", email="family@x.example"),
            event("Identified", at(1), user_id="ben", email="family@x.example"),
        ]
    )
    assert [e for e in told if e.detail.get("name", "").startswith("@")] == []


def test_a_till_that_hundreds_use_fills_no_list_and_costs_no_writes() -> None:
    run = shop()
    for n in range(60):
        run.run([event("Order Completed", at(n), user_id=f"u{n}", device_id="till", order_id=str(n))])
    assert len(list(run.journal.members(REVIEW))) == 2
    before = run.profiles.writes
    run.run([event("Order Completed", at(99), user_id="u3", device_id="till", order_id="x")])
    assert run.profiles.writes == before + 1


def test_an_address_that_everybody_types_is_doubted_a_bounded_number_of_times() -> None:
    run = shop()
    for n in range(60):
        run.run([event("Page Viewed", at(n), user_id=f"u{n}", email="test@test.example")])
    assert max(len(profile.doubts) for profile in everybody(run)) == people.MAX_DOUBTS


def test_an_alias_joins_a_visitor_and_an_address_and_never_two_accounts() -> None:
    run = shop()
    run.run(
        [
            event("Identified", at(0), anonymous_id="visitor", email="ana@x.example"),
            event("Aliased", at(1), anonymous_id="visitor", user_id="ana"),
            event("Page Viewed", at(2), user_id="ben", anonymous_id="bens"),
            event("Aliased", at(3), anonymous_id="bens", user_id="ana"),
        ]
    )
    assert person(run, "email", "ana@x.example").id == person(run, "user_id", "ana").id
    assert person(run, "user_id", "ben").id != person(run, "user_id", "ana").id


def test_a_login_keeps_what_the_visitor_did_before_it() -> None:
    run = shop(segments={"lookers": {"did": "Product Viewed"}})
    run.run(
        [
            view(0, "ring", anonymous_id="a", device_id="d"),
            event("Identified", at(1), anonymous_id="a", user_id="ana"),
        ]
    )
    (ana,) = everybody(run)
    assert ana.segments == {"lookers"}
    assert person(run, "device_id", "d").id == ana.id
