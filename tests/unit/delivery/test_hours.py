"""Quiet hours, send windows and the best hour, on the customer's own clock; compared with looking at every minute."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.domain.campaigns import Settings
from homing.domain.delivery.gate import decide
from homing.domain.delivery.hours import Hours, best_instant
from homing.domain.delivery.message import SendRequest
from homing.domain.engine import Engine
from homing.domain.flows.language import Flow
from homing.domain.profiles.profile import Profile
from homing.domain.segments.said import portion
from homing.domain.segments.when import WEEKDAYS, During
from homing.domain.time import DAY, HOUR, MINUTE, iso
from tests.fixtures.shop import BRAND, campaigns, event, identified, instant

BERLIN = ZoneInfo("Europe/Berlin")
NOW = instant("2026-03-04T12:00:00Z")


def shop(**more: Any) -> Settings:
    return Settings.model_validate({"brand": BRAND, **more})


def person(zone: str | None = None) -> Profile:
    profile = Profile("p")
    traits = {} if zone is None else {"timezone": zone}
    Engine(campaigns()).receive(profile, identified("ana", "2024-01-01T00:00:00Z", **traits))
    return profile


def flow(**more: Any) -> dict[str, Flow]:
    steps = [{"send": "t"}]
    return {"f": Flow.model_validate({"name": "f", "on": "flow_requested", "steps": steps, **more})}


def request(at: int = NOW, **more: Any) -> SendRequest:
    return SendRequest("s", "p", "r", "f", "t", "marketing", "flow_requested", at, at, **more)


def naive_covers(window: dict[str, Any], t: int, zone: ZoneInfo) -> bool:
    """Whether the wall clock at ``t`` shows a time in the window. Only for hours of which there is one."""
    here = datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC")) + timedelta(microseconds=t)
    here = here.astimezone(zone)
    start, end = window.get("from", "00:00"), window.get("until", "24:00")
    clock, days = f"{here:%H:%M}", window.get("weekdays", WEEKDAYS)
    today, yesterday = WEEKDAYS[here.weekday()], WEEKDAYS[here.weekday() - 1]
    if start < end:
        return today in days and start <= clock < end
    return (today in days and clock >= start) or (yesterday in days and clock < end)


windows = st.fixed_dictionaries(
    {"from": st.sampled_from(["06:00", "09:30", "20:00"]), "until": st.sampled_from(["05:00", "11:00", "22:30"])},
    optional={"weekdays": st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=4, unique=True)},
)
zones = st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"])
# Both nights on which clocks change, and a leap day.
starts = st.sampled_from(["2026-03-27", "2026-10-23", "2026-10-30", "2028-02-27", "2026-07-01"])


@settings(max_examples=60, deadline=None)
@given(windows, zones, starts, st.integers(0, 5 * 24 * 2))
def test_a_window_opens_at_the_first_minute_at_which_the_wall_clock_says_so(
    window: dict[str, Any], zone: str, day: str, half_hour: int
) -> None:
    tz = ZoneInfo(zone)
    t = instant(f"{day}T00:00:00Z") + half_hour * 30 * MINUTE
    opens = Hours(tz, window=During.model_validate(window)).opens(t)
    wanted = next(at for at in range(t, t + 9 * DAY, 15 * MINUTE) if naive_covers(window, at, tz))
    assert opens is not None
    assert iso(opens) == iso(wanted)


@pytest.mark.parametrize(
    ("decided", "until"),
    [
        # 2:30 does not exist in this night: the window opens with the first time that does.
        ("2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z"),
        ("2026-03-29T01:00:00Z", None),
        # 2:30 comes twice in this one: it opens with the first, and does not close in between.
        ("2026-10-25T00:15:00Z", "2026-10-25T00:30:00Z"),
        ("2026-10-25T01:15:00Z", None),
        # The last day of February in a leap year, and in another.
        ("2028-02-29T00:00:00Z", "2028-02-29T01:30:00Z"),
        ("2027-02-28T23:59:59Z", "2027-03-01T01:30:00Z"),
    ],
)
def test_windows_on_nights_with_another_length(decided: str, until: str | None) -> None:
    rules = shop(send_window={"from": "02:30", "until": "22:00"})
    verdict = decide(request(instant(decided)), person("Europe/Berlin"), [], [], rules, instant(decided))
    assert (verdict.until and iso(verdict.until)) == until
    assert verdict.reason == ("send_window" if until else "")


@pytest.mark.parametrize("zone", [None, "Nowhere/Land", "../x", ""])
def test_without_a_known_zone_the_shops_clock_counts(zone: str | None) -> None:
    rules = shop(time_zone="Asia/Tokyo", send_window={"from": "09:00", "until": "18:00"})
    assert decide(request(), person(zone), [], [], rules, NOW).until == instant("2026-03-05T00:00:00Z")
    assert decide(request(), person("Europe/Berlin"), [], [], rules, NOW).decision == "send"


def test_the_flows_window_beats_the_topics_and_that_the_shops() -> None:
    topics = {"marketing": {"title": "News", "send_window": {"from": "14:00", "until": "15:00"}}}
    rules = shop(send_window={"from": "16:00", "until": "17:00"}, topics=topics)
    own = flow(send_window={"weekdays": ["wed"]})
    assert decide(request(), person(), [], [], rules, NOW, flows=own).decision == "send"
    assert decide(request(), person(), [], [], rules, NOW).until == NOW + 2 * HOUR
    del topics["marketing"]["send_window"]
    rules = shop(send_window={"from": "16:00", "until": "17:00"}, topics=topics)
    assert decide(request(), person(), [], [], rules, NOW).until == NOW + 4 * HOUR


def test_a_window_that_the_quiet_hours_leave_nothing_of_never_opens() -> None:
    rules = shop(send_window={"from": "22:00", "until": "23:00"}, quiet_hours={"from": "21:00", "until": "08:00"})
    verdict = decide(request(), person(), [], [], rules, NOW)
    assert (verdict.decision, verdict.reason) == ("drop", "send_window_until_expired")


def test_a_window_that_opens_after_the_expiry_is_a_drop() -> None:
    weekends = shop(send_window={"weekdays": ["sat", "sun"]})
    assert decide(request(), person(), [], [], weekends, NOW).reason == "send_window_until_expired"
    patient = shop(send_window={"weekdays": ["sat", "sun"]}, send_expires_after="5d")
    assert decide(request(), person(), [], [], patient, NOW).until == instant("2026-03-07T00:00:00Z")


def test_a_place_that_comes_in_the_night_is_taken_in_the_morning() -> None:
    from homing.domain.delivery.ledger import Entry

    rules = shop(cap={"messages": 1, "within": "1d"}, quiet_hours={"from": "22:00", "until": "08:00"})
    sent = Entry("old", "sent", "marketing", "f", "t", NOW - 13 * HOUR)
    verdict = decide(request(), person(), [], [sent], rules, NOW)
    assert (verdict.reason, verdict.until) == ("cap", instant("2026-03-05T08:00:00Z"))


# The best hour


@pytest.mark.parametrize(
    ("best", "decided", "leaves"),
    [
        ([19], "2026-03-04T12:00:00Z", "2026-03-04T18:00:00Z"),
        # Within the hour it goes at once; after it, tomorrow.
        ([13], "2026-03-04T12:40:00Z", "2026-03-04T12:40:00Z"),
        ([12], "2026-03-04T12:00:00Z", "2026-03-05T11:00:00Z"),
        # Their hour lies in the night, so that of their segment counts, else the shop's, else at once.
        ([3, 19], "2026-03-04T12:00:00Z", "2026-03-04T18:00:00Z"),
        ([3, 4, 10], "2026-03-04T12:00:00Z", "2026-03-05T09:00:00Z"),
        ([3], "2026-03-04T12:00:00Z", "2026-03-04T12:00:00Z"),
        ([], "2026-03-04T12:00:00Z", "2026-03-04T12:00:00Z"),
        # The window opens in the middle of the hour.
        ([8], "2026-03-04T12:00:00Z", "2026-03-05T07:30:00Z"),
        # The night on which clocks are put forward: 19:00 comes an hour earlier.
        ([19], "2026-03-28T19:00:00Z", "2026-03-29T17:00:00Z"),
    ],
)
def test_the_best_hour_and_what_counts_where_there_is_none(best: list[int], decided: str, leaves: str) -> None:
    open_ = Hours(BERLIN, window=During.model_validate({"from": "08:30", "until": "21:00"}))
    start = instant(decided)
    assert iso(best_instant(best, open_, start, start + DAY)) == leaves


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 23), max_size=3), windows, zones, starts, st.integers(0, 5 * 24 * 4),
    st.sampled_from([6, 24, 30]),
)  # fmt: skip
def test_the_best_hour_is_what_looking_at_every_quarter_finds(
    best: list[int], window: dict[str, Any], zone: str, day: str, quarter: int, within: int
) -> None:
    tz = ZoneInfo(zone)
    open_ = Hours(tz, window=During.model_validate(window))
    start = instant(f"{day}T00:00:00Z") + quarter * 15 * MINUTE
    until = start + within * HOUR
    found = best_instant(best, open_, start, until)

    def hour(t: int) -> int:
        return (datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC")) + timedelta(microseconds=t)).astimezone(tz).hour

    wanted = start
    for one in best:
        fitting = (t for t in range(start, until + 1, 15 * MINUTE) if hour(t) == one and naive_covers(window, t, tz))
        if (first := next(fitting, None)) is not None:
            wanted = first
            break
    assert iso(found) == iso(wanted)


def test_a_mail_waits_for_the_best_hour_once_and_no_longer_than_it_may() -> None:
    rules = shop(send_time_within="24h")
    best = flow(send_time="best")
    verdict = decide(request(), person(), [], [], rules, NOW, flows=best, best=[18])
    assert (verdict.decision, verdict.reason, verdict.until) == ("defer", "send_time", NOW + 6 * HOUR)
    # What a cap held up meanwhile goes as soon as it may.
    late = decide(request(), person(), [], [], rules, NOW + 7 * HOUR, flows=best, best=[18])
    assert late.decision == "send"
    hasty = shop(send_time_within="5h")
    assert decide(request(), person(), [], [], hasty, NOW, flows=best, best=[18]).decision == "send"


def test_behaviour_tells_the_hour_then_a_segment_then_the_shop() -> None:
    from homing.domain.delivery.best_time import best_hours

    bundle = campaigns(
        segments={"early": {"trait": {"plan": "early"}}}, flows=[{"name": "f", "on": "flow_requested", "steps": [{"send": "t"}]}],
        topics={"marketing": {"title": "News", "send_time": "best"}}, send_hours={"early": 7}, send_hour=11,
    )  # fmt: skip
    engine, profile = Engine(bundle), Profile("p")
    engine.receive(profile, identified("ana", "2026-03-01T00:00:00Z"))
    assert best_hours(bundle, engine, profile, NOW) == [11]
    engine.receive(profile, identified("ana", "2026-03-01T01:00:00Z", plan="early"))
    assert best_hours(bundle, engine, profile, NOW) == [7, 11]
    engine.receive(profile, event("Product Viewed", "2026-03-02T20:15:00Z", user_id="ana", product_id="p1"))
    assert best_hours(bundle, engine, profile, NOW) == [20, 7, 11]
    late = "2026-03-02T21:40:00Z"
    engine.receive(profile, event("Email Link Clicked", late, user_id="ana", send_id="s", machine=True))
    assert best_hours(bundle, engine, profile, NOW) == [20, 7, 11]
    engine.receive(profile, event("Email Link Clicked", late, user_id="ana", send_id="s"))
    assert best_hours(bundle, engine, profile, NOW) == [21, 7, 11]


# Hold-outs


def test_held_out_people_get_nothing_but_what_an_order_needs_and_the_decision_says_why() -> None:
    topics = {"marketing": {"title": "News"}, "orders": {"title": "Orders", "transactional": True}}
    place = portion("nobody gets any", "p")
    rules = shop(topics=topics, holdout={"percent": place + 1, "of": "nobody gets any"})
    verdict = decide(request(), person(), [], [], rules, NOW)
    assert (verdict.decision, verdict.reason) == ("drop", "held_out")
    assert verdict.values is not None
    assert verdict.values["holdout"] == "nobody gets any"
    due = SendRequest("s", "p", "r", "f", "t", "orders", "flow_requested", NOW, NOW)
    assert decide(due, person(), [], [], rules, NOW).decision == "send"
    others = shop(topics=topics, holdout={"percent": place, "of": "nobody gets any"})
    assert decide(request(), person(), [], [], others, NOW).decision == "send"


def test_a_flow_holds_out_under_its_own_name() -> None:
    place = portion("f", "p")
    assert (
        decide(request(), person(), [], [], shop(), NOW, flows=flow(holdout={"percent": place + 1})).reason
        == "held_out"
    )
    assert (
        decide(request(), person(), [], [], shop(), NOW, flows=flow(holdout={"percent": place - 1})).decision == "send"
    )


def test_who_did_not_agree_is_not_part_of_a_hold_out() -> None:
    profile = Profile("p")
    Engine(campaigns()).receive(profile, identified("ana", "2026-01-01T00:00:00Z", consent={}))
    assert decide(request(), profile, [], [], shop(holdout={"percent": 99}), NOW).reason == "no_consent"
