"""Time may pass in one step or in many, and nothing becomes true before the profile would be woken."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.domain.engine import Engine
from homing.domain.events.event import Event
from homing.domain.profiles import codec
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, HOUR, MINUTE, SECOND, iso, to_instant
from tests.fixtures.shop import campaigns, event, instant

KINDS: list[Any] = [
    "cart_abandoned", "browse_abandoned", {"order_placed": {"nth": 1}}, {"order_placed": {"nth": 3}}, "birthday",
    "signup_anniversary",
]  # fmt: skip
FLOWS = [{"name": f"f{n}", "on": on, "steps": [{"send": "a"}]} for n, on in enumerate(KINDS)]
SEGMENTS = {
    "buyers": {"did": "Order Completed", "times": {"at_least": 2}, "within": "30d"},
    "lookers": {"all": [{"did": "Product Viewed", "within": "1h"}, {"did_not": "Order Completed", "within": "2d"}]},
}
ENGINE = Engine(campaigns(flows=FLOWS, segments=SEGMENTS))
NOON = "2026-03-02T12:30:00Z"
START = instant("2026-02-25T10:00:00Z")
traits = st.fixed_dictionaries({}, optional={
    "birthday": st.sampled_from(["1990-03-29", "--02-29", "2000-10-25", "1990-02-28", "nonsense", None]),
    "created_at": st.sampled_from(["2024-02-29T12:00:00Z", "2025-03-01", "2026-02-25", 7]),
    "timezone": st.sampled_from(["Europe/Berlin", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/Sao_Paulo", "x"]),
})  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """In order of arrival; late, early and double."""
    received, found = START, []
    for n in range(draw(st.integers(1, 9))):
        received += draw(st.sampled_from([0, SECOND, 20 * MINUTE, HOUR, 26 * HOUR, 40 * DAY]))
        late = draw(st.sampled_from([0, 0, 0, 3 * HOUR, 20 * MINUTE, -4 * MINUTE]))
        name = draw(
            st.sampled_from(["Product Viewed", "Product Viewed", "Product Added", "Order Completed", "Identified"])
        )
        more: dict[str, Any] = {"product_id": "p"}
        if name == "Identified":
            more = draw(traits)
        if name == "Order Completed":
            more = {"order_id": f"o{n}"}
        elif name == "Product Added" and draw(st.booleans()):
            more["cart_id"] = "c"
        at = iso(received - late + n * 1000)
        found.append(event(name, at, received=iso(received), user_id="u", id=f"m{n}", **more))
        if name == "Order Completed" and draw(st.booleans()):  # the webhook says it as well
            again = iso(received - late + n * 1000 + 3 * SECOND)
            found.append(event(name, again, received=iso(received), user_id="u", id=f"again{n}", **more))
    return found


@settings(max_examples=300, deadline=None)
@given(histories(), st.lists(st.sampled_from([1, MINUTE, 17 * MINUTE, 3 * HOUR, 2 * DAY]), max_size=12))
def test_one_step_through_time_tells_the_same_as_many(history: list[Event], steps: list[int]) -> None:
    told = []
    for small in (False, True):
        profile = Profile("p")
        for each in history:
            if small:
                at = profile.evaluated_at
                for step in steps:
                    at += step
                    if START <= at < each.received:
                        ENGINE.settle(profile, at)
                        profile = _stored(profile)
            ENGINE.receive(profile, each)
        at = profile.evaluated_at
        for step in steps if small else ():
            at += step
            ENGINE.settle(profile, at)
            profile = _stored(profile)
        ENGINE.settle(profile, history[-1].received + 500 * DAY)
        told.append(profile.changes)
    assert told[0] == told[1]


def _stored(profile: Profile) -> Profile:
    changes = profile.changes
    ENGINE.finish(profile)
    kept = codec.decode("p", 1, codec.encode(profile))
    kept.changes = changes
    return kept


@settings(max_examples=300, deadline=None)
@given(histories(), st.lists(st.integers(0, 400 * 24 * 60), min_size=8, max_size=8))
def test_nothing_becomes_true_before_the_profile_is_woken(history: list[Event], minutes: list[int]) -> None:
    profile = Profile("p")
    for each in history:
        ENGINE.receive(profile, each)
        _nothing_before_the_wake_up(profile, minutes)
    for _ in range(6):
        if profile.wake_at is None:
            break
        ENGINE.settle(profile, profile.wake_at)
        _nothing_before_the_wake_up(profile, minutes)


def _nothing_before_the_wake_up(profile: Profile, minutes: list[int]) -> None:
    now, wake = profile.evaluated_at, profile.wake_at
    probes = {now + m * MINUTE for m in minutes} | ({wake - 1, (now + wake) // 2} if wake else set())
    active = [trigger.active(profile, now).keys() for trigger in ENGINE.triggers]
    for probe in sorted(p for p in probes if now <= p and (wake is None or p < wake)):
        for trigger, keys in zip(ENGINE.triggers, active, strict=True):
            assert trigger.active(profile, probe).keys() <= keys, (trigger.kind, iso(probe))
        for name in SEGMENTS:
            assert ENGINE.is_member(profile, name, probe) == (name in profile.segments), name


@pytest.mark.parametrize("zone", sorted(z for z in available_timezones() if "/" in z and not z.startswith("Etc"))[::7])
def test_a_birthday_is_told_once_a_year_at_nine_by_the_clock_on_the_wall(zone: str) -> None:
    engine = Engine(campaigns(flows=[FLOWS[4]]))
    for born in ("1992-02-29", "1990-03-29", "1990-10-25", "1990-01-01", "1990-12-31"):
        profile = Profile("p")
        engine.receive(profile, event("Identified", "2026-01-05T12:00:00Z", user_id="u", birthday=born, timezone=zone))
        profile.changes = []
        engine.settle(profile, instant("2029-01-05T12:00:00Z"))
        day = date.fromisoformat(born)
        expected = []
        for year in (2026, 2027, 2028, 2029):
            leap = day.replace(year=year) if day.day != 29 or day.month != 2 or year == 2028 else date(year, 2, 28)
            local = datetime.combine(leap, time(9), ZoneInfo(zone)).astimezone(UTC)
            if datetime(2026, 1, 5, 12, tzinfo=UTC) < local <= datetime(2029, 1, 5, 12, tzinfo=UTC):
                expected.append((str(year), to_instant(local)))
        assert [(change.key, change.at) for change in profile.changes] == expected


def test_a_birthday_that_is_corrected_within_its_year_is_celebrated_once() -> None:
    from tests.fixtures.shop import backtest, identified, mails

    run = backtest(campaigns(flows=[FLOWS[4]]))
    run.run(
        [
            identified("ana", "2026-03-01T12:00:00Z", birthday="1990-03-10"),
            identified("ana", "2026-03-12T12:00:00Z", birthday="1990-03-20"),
            identified("ana", "2026-03-20T10:00:00Z", timezone="America/New_York"),
        ],
        until=instant("2026-12-01T00:00:00Z"),
    )
    assert mails(run) == [("ana@example.com", "a")]


def test_the_day_of_the_sign_up_is_no_anniversary() -> None:
    engine = Engine(campaigns(flows=[FLOWS[5]]))
    profile = Profile("p")
    engine.receive(profile, event("Identified", "2026-03-02T12:00:00Z", user_id="u", created_at="2026-03-02T12:00:00Z"))
    engine.settle(profile, instant("2028-03-03T00:00:00Z"))
    assert [(change.key, change.data) for change in profile.changes] == [("2027", {"years": 1}), ("2028", {"years": 2})]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_an_order_from_the_storefront_and_from_the_webhook_is_one_order(order: tuple[int, ...]) -> None:
    """In whatever order they arrive, each number is reached once."""
    engine = Engine(
        campaigns(
            flows=[{"name": f"n{n}", "on": {"order_placed": {"nth": n}}, "steps": [{"send": "a"}]} for n in (1, 2, 3)]
        )
    )
    profile = Profile("p")
    orders = ["2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z", "2026-03-02T12:00:00Z"]
    for n in order:
        for source, skew in (("sdk", 0), ("hook", 3)):
            at = iso(instant(orders[n]) + skew * SECOND)
            engine.receive(
                profile,
                event(
                    "Order Completed", at, received="2026-03-02T12:30:00Z", user_id="u", id=f"{source}{n}", order_id=n
                ),
            )
        engine.finish(profile)
    assert [change.data["nth"] for change in profile.changes] == [1, 2, 3]
