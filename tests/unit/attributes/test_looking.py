"""When somebody looks: visits, and mails opened and clicked by people."""

from __future__ import annotations

from typing import Any

from homing.domain.attributes.looking import KEEP
from homing.domain.engine import Engine
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, HOUR, MINUTE, iso
from tests.fixtures.shop import campaigns, event, instant

# A Monday, 8:00 in UTC, which is the shop's zone.
MONDAY = instant("2026-01-05T08:00:00Z")
VIEW, OPEN, CLICK = "Product Viewed", "Email Opened", "Email Link Clicked"
Done = tuple[int, str]


def known(*done: Done, name: str = "preferred_hour", **properties: Any) -> Any:
    """The attribute after events so long after MONDAY."""
    engine, profile = Engine(campaigns(segments={"s": {"computed": {name: {"exists": True}}}})), Profile("ana")
    for number, (after, what) in enumerate(done):
        said = {"send_id": f"s{number}"} if what.startswith("Email") else {}
        engine.receive(profile, event(what, iso(MONDAY + after), user_id="ana", id=f"m{number}", **said, **properties))
    return engine.attributes.get(name).value(profile, MONDAY + 400 * DAY)


def test_who_only_reads_mails_is_known_by_them() -> None:
    assert known((12 * HOUR, OPEN)) == 20
    assert known((12 * HOUR, OPEN), name="preferred_weekday") == "mon"


def test_an_open_weighs_as_much_as_a_view_and_a_click_three_times_that() -> None:
    views = [(0, VIEW), (1, VIEW)]
    assert known(*views, (12 * HOUR, OPEN)) == 8
    assert known(*views, (12 * HOUR, CLICK)) == 20
    # Of equals the later one.
    assert known((0, VIEW), (12 * HOUR, OPEN)) == 20


def test_machines_look_at_nothing() -> None:
    assert known((12 * HOUR, OPEN), (12 * HOUR, CLICK), machine=True) is None


def test_pictures_that_are_fetched_again_within_the_hour_count_once() -> None:
    morning = [(0, OPEN), (DAY, OPEN)]
    again = [(12 * HOUR + minute * MINUTE, OPEN) for minute in range(0, 60, 5)]
    assert known(*morning, *again) == 8
    # On other days they are other openings, and a click is not an open.
    assert known(*morning, *((day * DAY + 12 * HOUR, OPEN) for day in range(3))) == 20
    assert known(*morning, (12 * HOUR, OPEN), (12 * HOUR, CLICK)) == 20


def test_the_latest_thirty_count() -> None:
    mornings = [(day * DAY, OPEN) for day in range(KEEP)]
    evenings = [(KEEP * DAY + day * DAY + 12 * HOUR, OPEN) for day in range(KEEP)]
    assert known(*mornings, *evenings[:4]) == 8
    engine = Engine(campaigns(segments={"s": {"computed": {"preferred_hour": 20}}}))
    profile = Profile("ana")
    for number, (after, what) in enumerate([*mornings, *evenings]):
        engine.receive(profile, event(what, iso(MONDAY + after), user_id="ana", id=f"m{number}"))
        engine.finish(profile)
    assert len(profile.memory["c.readings"]) == KEEP
    assert engine.attributes.get("preferred_hour").value(profile, MONDAY + 400 * DAY) == 20


def test_openings_do_not_push_out_what_was_looked_at() -> None:
    views = [(minute * MINUTE, VIEW) for minute in range(8)]
    opened = [(DAY + day * DAY + 12 * HOUR, OPEN) for day in range(2)]
    engine = Engine(campaigns(segments={"s": {"computed": {"preferred_hour": 8, "favourite_product": "p1"}}}))
    profile = Profile("ana")
    for number, (after, what) in enumerate([*views, *opened]):
        engine.receive(profile, event(what, iso(MONDAY + after), user_id="ana", id=f"m{number}", product_id="p1"))
    engine.finish(profile)
    assert {slot: len(held) for slot, held in profile.memory.items() if slot.startswith("c.")} == {
        "c.touches": 8, "c.readings": 2,
    }  # fmt: skip


def test_nobody_remembers_openings_for_those_who_do_not_ask() -> None:
    def slots(**settings: Any) -> set[str]:
        return set(
            Engine(campaigns(segments={"s": {"computed": {"favourite_category": "Garden"}}}, **settings)).plan.slots
        )

    assert "c.readings" not in slots()
    assert "c.readings" in slots(topics={"marketing": {"title": "News", "send_time": "best"}})


def test_a_segment_of_evening_readers_hears_of_an_opening_that_lies_ahead() -> None:
    engine = Engine(campaigns(segments={"evening": {"computed": {"preferred_hour": {"at_least": 18}}}}))
    profile = Profile("ana")
    # A clock that is three minutes fast.
    ahead = event(OPEN, iso(MONDAY + 12 * HOUR), received=iso(MONDAY + 12 * HOUR - 3 * MINUTE), user_id="ana")
    engine.receive(profile, ahead)
    assert "evening" not in profile.segments
    engine.settle(profile, MONDAY + 12 * HOUR)
    assert "evening" in profile.segments
