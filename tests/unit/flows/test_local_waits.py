"""Waiting until a local time, held against a naive reading of the calendar."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from homing.domain.flows.local_waits import reached
from homing.domain.flows.steps import Until
from homing.domain.time import DAY, HOUR, iso, to_datetime
from tests.fixtures.shop import instant

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]


def until(at: str, zone: ZoneInfo = BERLIN, **written: Any) -> str:
    return iso(reached(Until.model_validate(written), instant(at), zone))


def test_the_next_nine_o_clock_is_today_or_tomorrow() -> None:
    assert until("2026-03-02T06:00:00Z", until="09:00") == "2026-03-02T08:00:00Z"
    assert until("2026-03-02T10:00:00Z", until="09:00") == "2026-03-03T08:00:00Z"


def test_who_arrives_at_nine_sharp_does_not_wait() -> None:
    assert until("2026-03-02T08:00:00Z", until="09:00") == "2026-03-02T08:00:00Z"
    assert until("2026-03-02T08:00:00.000001Z", until="09:00") == "2026-03-03T08:00:00Z"


def test_weekdays_are_those_where_the_customer_is() -> None:
    # Monday 23:30 in Berlin is Monday 22:30 UTC; in Kolkata it is Tuesday 04:00.
    assert until("2026-03-02T22:30:00Z", until="09:00", weekdays=["tue"]) == "2026-03-03T08:00:00Z"
    kolkata = ZoneInfo("Asia/Kolkata")
    assert until("2026-03-02T22:30:00Z", kolkata, until="03:00", weekdays=["tue"]) == "2026-03-09T21:30:00Z"


def test_at_least_comes_before_the_time_of_day() -> None:
    assert until("2026-03-02T07:00:00Z", until="09:00", at_least="20h") == "2026-03-03T08:00:00Z"
    assert until("2026-03-02T09:00:00Z", until="09:00", at_least="24h") == "2026-03-04T08:00:00Z"


def test_a_day_that_is_past_is_no_wait() -> None:
    assert until("2026-03-02T07:00:00Z", until="09:00", day="2026-12-24") == "2026-12-24T08:00:00Z"
    assert until("2026-12-25T07:00:00Z", until="09:00", day="2026-12-24") == "2026-12-25T07:00:00Z"


def test_on_the_night_of_the_lost_hour_half_past_two_is_three() -> None:
    assert until("2026-03-28T23:30:00Z", until="02:30") == "2026-03-29T01:00:00Z"


def test_on_the_night_of_the_hour_that_comes_twice_the_first_counts() -> None:
    assert until("2026-10-24T22:30:00Z", until="02:30") == "2026-10-25T00:30:00Z"
    # Between the two half past twos: the next one is tomorrow's.
    assert until("2026-10-25T00:45:00Z", until="02:30") == "2026-10-26T01:30:00Z"


@given(
    at=st.integers(instant("2026-01-01T00:00:00Z") // HOUR * 4, instant("2027-01-01T00:00:00Z") // HOUR * 4),
    minutes=st.sampled_from([0, 30, 150, 540, 1439]),
    zone=st.sampled_from(ZONES),
    weekdays=st.none() | st.lists(st.sampled_from(["mon", "wed", "sun"]), min_size=1, unique=True),
)
def test_it_is_the_first_quarter_hour_that_shows_this_time_on_such_a_day(
    at: int, minutes: int, zone: str, weekdays: list[str] | None
) -> None:
    """Walks through all quarter hours: where the time does not exist, the first one after the gap; twice, the first."""
    tz, start = ZoneInfo(zone), at * HOUR // 4
    clock = f"{minutes // 60:02}:{minutes % 60 // 15 * 15:02}"
    written = {"until": clock, **({"weekdays": weekdays} if weekdays else {})}
    found = reached(Until.model_validate(written), start, tz)

    shown: dict[str, int] = {}
    for quarter in range(start - 2 * DAY, start + 9 * DAY, HOUR // 4):
        local = to_datetime(quarter).astimezone(tz)
        shown.setdefault(f"{local:%Y-%m-%d %H:%M}", quarter)
    candidates = []
    day = to_datetime(start).astimezone(tz).date()
    for ahead in range(9):
        one = day + timedelta(days=ahead)
        if weekdays and f"{one:%a}".lower() not in weekdays:
            continue
        # The first quarter hour of the day that shows this time or a later one.
        later = [q for text, q in shown.items() if text[:10] == str(one) and text[11:] >= clock]
        if later and min(later) >= start:
            candidates.append(min(later))
    assert found == min(candidates)
