"""Flows that begin at a time of the shop's clock: summer time, days of the month, strokes of a clock that speaks UTC."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.domain.flows.schedule import LATE, occurrence, stroke, strokes, upcoming
from homing.domain.flows.trigger import Trigger
from homing.domain.segments.when import WEEKDAYS
from homing.domain.time import DAY, HOUR, MINUTE, SECOND, iso, to_instant
from tests.fixtures.desk import Desk
from tests.fixtures.shop import campaigns, instant

BERLIN, NEW_YORK, LORD_HOWE, KATHMANDU = map(
    ZoneInfo, ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
)
NINE = time(9)


def on(**more: Any) -> Trigger:
    return Trigger.model_validate({"schedule": {"segment": "everybody", **more}})


def test_a_clock_that_speaks_utc_strikes_at_each_time_at_which_it_can_be_nine() -> None:
    assert strokes(on(), NINE, BERLIN) == ["07:00", "08:00"]
    assert strokes(on(), NINE, KATHMANDU) == ["03:15"]
    assert strokes(on(), NINE, LORD_HOWE) == ["22:00", "22:30"]


def test_a_time_that_is_missing_in_one_night_has_a_stroke_of_its_own() -> None:
    assert strokes(on(), time(2, 30), BERLIN) == ["00:30", "01:00", "01:30"]
    # Clocks are changed on Sundays: other days have no such night.
    assert strokes(on(weekdays=["mon"]), time(2, 30), BERLIN) == ["00:30", "01:30"]


def by_hand(schedule: Trigger, at: time, zone: ZoneInfo, day: date) -> int | None:
    """Whether it is such a day, and the first minute of it on which a clock in the zone shows the time, or has passed it."""
    last = calendar.monthrange(day.year, day.month)[1]
    if schedule.weekdays and WEEKDAYS[day.weekday()] not in schedule.weekdays:
        return None
    if schedule.days and day.day not in schedule.days and not (-1 in schedule.days and day.day == last):
        return None
    minute = datetime.combine(day, time(0), UTC) - timedelta(hours=15)
    while True:
        local = minute.astimezone(zone)
        if (local.date(), local.time()) >= (day, at):
            return to_instant(minute)
        minute += timedelta(minutes=1)


@given(
    day=st.dates(date(2026, 1, 1), date(2031, 12, 31)),
    at=st.sampled_from([time(0), time(2, 30), time(3), NINE, time(23, 30)]),
    zone=st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE, KATHMANDU]),
    days=st.sampled_from([{}, {"weekdays": ["sun"]}, {"weekdays": ["mon", "fri"]}, {"days": [1, -1]}, {"days": [31]}]),
)
def test_every_occurrence_is_found_at_its_stroke_and_at_no_other(
    day: date, at: time, zone: ZoneInfo, days: dict[str, Any]
) -> None:
    schedule = on(**days)
    expected = by_hand(schedule, at, zone, day)
    if expected is None:
        noon = to_instant(datetime.combine(day, at, zone).astimezone(UTC))
        found = occurrence(schedule, at, zone, noon)
        assert found is None or found != noon
        return
    assert stroke(expected) in strokes(schedule, at, zone)
    assert occurrence(schedule, at, zone, expected) == expected
    assert occurrence(schedule, at, zone, expected + LATE) is not None
    assert upcoming(schedule, at, zone, expected - 1) == expected
    # The stroke of the other half of the year is an hour off, and says so.
    for other in strokes(schedule, at, zone):
        if other != stroke(expected):
            assert stroke(occurrence(schedule, at, zone, expected) or 0) != other


def test_a_day_that_no_month_has_never_comes() -> None:
    assert upcoming(on(days=[31]), NINE, BERLIN, instant("2026-02-01T00:00:00Z")) == instant("2026-03-31T07:00:00Z")


def desk(people: list[str] | None = None, **schedule: Any) -> Desk:
    flow = {
        "name": "monday", "on": {"schedule": {"segment": "everybody", "at": "09:00", **schedule}},
        "steps": [{"send": "hello"}],
    }  # fmt: skip
    segments = {"everybody": {"not": {"did": "Never"}}}
    return Desk(campaigns(segments=segments, flows=[flow], time_zone="Europe/Berlin"), people or ["ana", "bob"])


def strike(shop: Desk, at: str, utc: str) -> None:
    """The clock strikes: a message of the flow inbox."""
    shop.run.now = max(shop.run.now, instant(at))
    shop.run.flows({"schedule": "monday", "utc": utc})
    shop.run._pump()


def test_everybody_in_the_segment_gets_it_when_the_time_comes() -> None:
    shop = desk(weekdays=["tue"])
    strike(shop, "2026-03-03T07:00:01Z", "07:00")
    assert shop.mails == []
    strike(shop, "2026-03-03T08:00:01Z", "08:00")
    assert sorted(name for name, _ in shop.mails) == ["ana", "bob"]
    assert {run.data["segment"] for run in shop.runs} == {"everybody"}
    assert [one.detail_type for one in shop.bus.items] == ["ScheduleReached", "FlowRequestFinished"]
    assert shop.finished()[0]["request_id"] == "monday@2026-03-03T08:00:00Z"


def test_however_often_the_clock_strikes_it_is_one_occurrence() -> None:
    shop = desk()
    for at in ("2026-03-03T08:00:00Z", "2026-03-03T08:00:40Z", "2026-03-03T11:30:00Z"):
        strike(shop, at, "08:00")
    assert len(shop.mails) == 2
    strike(shop, "2026-03-04T08:00:00Z", "08:00")
    assert len(shop.mails) == 4


def test_a_year_of_strokes_is_a_year_of_mornings() -> None:
    shop = desk(["ana"])
    day = instant("2026-03-02T00:00:00Z")
    for _ in range(365):
        day += DAY
        for hour in (7, 8):
            strike(shop, iso(day + hour * HOUR), f"0{hour}:00")
    hours = {run.triggered_at // HOUR % 24 for run in shop.runs}
    assert len(shop.runs) == 365
    assert hours == {7, 8}


def test_a_stroke_that_comes_half_a_day_late_starts_nothing() -> None:
    shop = desk()
    strike(shop, "2026-03-03T19:59:00Z", "08:00")
    assert len(shop.mails) == 2
    strike(shop, "2026-03-04T20:00:01Z", "08:00")
    assert len(shop.mails) == 2


def test_a_flow_that_is_deployed_in_the_morning_does_not_make_up_for_it() -> None:
    """In summer the stroke of winter comes an hour after nine."""
    shop = desk()
    strike(shop, "2026-06-02T08:00:00Z", "08:00")
    assert shop.mails == []


def test_a_stroke_that_comes_a_moment_early_counts() -> None:
    shop = desk()
    strike(shop, iso(instant("2026-03-03T08:00:00Z") - SECOND), "08:00")
    assert len(shop.mails) == 2


def test_nobody_begins_while_the_flow_is_paused_or_stopped() -> None:
    shop = desk()
    shop.pause("monday")
    strike(shop, "2026-03-03T08:00:00Z", "08:00")
    shop.wait(HOUR)
    assert shop.mails == []
    shop.resume("monday")
    shop.wait(5 * MINUTE)
    assert len(shop.mails) == 2
    shop.stop("monday")
    strike(shop, "2026-03-04T08:00:00Z", "08:00")
    shop.wait(HOUR)
    assert len(shop.mails) == 2


def test_a_flow_that_is_gone_or_is_another_by_now_is_left_alone() -> None:
    shop = desk()
    shop.run.flows({"schedule": "tuesday", "utc": "08:00"})
    assert shop.run.journal.jobs() == []


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("fails", ["save_job", "inbox", "bus"])
def test_a_failure_on_the_way_is_made_up_for(fails: str, lost: bool) -> None:
    from homing.domain.errors import Unavailable

    shop = desk()
    faults = {"inbox": shop.run.inbox.faults, "bus": shop.bus.faults}.get(fails, shop.run.journal.faults)
    faults.plan("put" if fails in {"inbox", "bus"} else fails, after=lost)
    with pytest.raises(Unavailable):
        strike(shop, "2026-03-03T08:00:00Z", "08:00")
    strike(shop, "2026-03-03T08:01:00Z", "08:00")
    shop.wait(5 * MINUTE)
    assert len(shop.mails) == 2


def test_a_backtest_strikes_as_the_clock_does() -> None:
    shop = desk(weekdays=["mon", "thu"])
    shop.until("2026-04-01T00:00:00Z")
    begun = sorted({iso(run.triggered_at) for run in shop.runs})
    # Mondays and Thursdays after the 2nd of March; clocks were put forward on the 29th.
    assert begun == [
        f"2026-03-{day:02}T{hour}:00:00Z"
        for day, hour in ((5, "08"), (9, "08"), (12, "08"), (16, "08"), (19, "08"), (23, "08"), (26, "08"), (30, "07"))
    ]
    assert len(shop.mails) == 16


def test_a_backtest_without_schedules_has_no_clock_to_wind() -> None:
    shop = Desk(campaigns(flows=[{"name": "hello", "on": "flow_requested", "steps": [{"send": "hello"}]}]))
    shop.until("2027-04-01T00:00:00Z")
    assert shop.run._next_wake() is None
