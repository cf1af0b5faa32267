"""The gate at its edges: windows, nights, words and stops."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.domain.campaigns import Settings
from homing.domain.delivery.gate import decide, quiet_until, refusal
from homing.domain.delivery.ledger import Entry
from homing.domain.delivery.message import SendRequest, Stop
from homing.domain.engine import Engine
from homing.domain.events.event import Event
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, HOUR, MINUTE, iso
from tests.fixtures.shop import BRAND, campaigns, event, identified, instant

NOW = instant("2026-03-02T10:00:00Z")
TOPICS = {
    "marketing": {"title": "News"},
    "carts": {"title": "Carts", "covered_by": "marketing"},
    "orders": {"title": "Orders", "transactional": True},
}


def shop(**more: Any) -> Settings:
    return Settings.model_validate({"brand": BRAND, "topics": TOPICS, **more})


def person(*events: Event, **traits: Any) -> Profile:
    engine, profile = Engine(campaigns()), Profile("p")
    for each in events or (identified("ana", **traits),):
        engine.receive(profile, each)
    return profile


def request(topic: str = "marketing", **more: Any) -> SendRequest:
    return replace(SendRequest("s", "p", "r", "f", "t", topic, "flow_requested", NOW, NOW), **more)


def sent(at: int, send_id: str = "old", status: Any = "sent", **more: Any) -> Entry:
    return Entry(send_id, status, "marketing", "f", "t", at, **more)


@pytest.mark.parametrize(("ago", "decision"), [(DAY - 1, "defer"), (DAY, "send"), (DAY + 1, "send")])
def test_a_place_under_the_cap_is_free_exactly_when_the_window_ends(ago: int, decision: str) -> None:
    verdict = decide(request(), person(), [], [sent(NOW - ago)], shop(cap={"messages": 1, "within": "1d"}), NOW)
    assert verdict.decision == decision
    if decision == "defer":
        assert verdict.until == NOW + 1


@pytest.mark.parametrize("status", ["dropped", "deferred"])
def test_what_did_not_leave_takes_no_place_under_the_cap(status: str) -> None:
    verdict = decide(
        request(), person(), [], [sent(NOW, status=status)], shop(cap={"messages": 1, "within": "1d"}), NOW
    )
    assert verdict.decision == "send"


def test_transactional_mail_takes_no_place_and_needs_none() -> None:
    strict = shop(cap={"messages": 1, "within": "1d"}, quiet_hours={"from": "00:00", "until": "23:59"})
    assert decide(request("orders"), person(), [], [sent(NOW)], strict, NOW).decision == "send"
    free = shop(cap={"messages": 1, "within": "1d"})
    assert decide(request(), person(), [], [sent(NOW, counts=False)], free, NOW).decision == "send"


def test_a_deferral_that_would_end_at_the_expiry_is_a_drop() -> None:
    rules = shop(cap={"messages": 1, "within": "1d"}, send_expires_after="1h")
    edge = [sent(NOW - DAY + HOUR)]
    assert decide(request(), person(), [], edge, rules, NOW).reason == "cap_until_expired"
    before = [sent(NOW - DAY + HOUR - 1)]
    assert decide(request(), person(), [], before, rules, NOW).until == NOW + HOUR - 1


ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Nowhere/Land", "../x", ""]
clock = st.builds(lambda h, m: f"{h:02d}:{m:02d}", st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))


@settings(max_examples=400, deadline=None)
@given(clock, clock, st.sampled_from(ZONES), st.integers(0, 366 * 24 * 4))
def test_a_night_ends_within_a_day_and_then_it_is_not_quiet(start: str, end: str, zone: str, quarter: int) -> None:
    quiet = shop(quiet_hours={"from": start, "until": end}).quiet_hours
    assert quiet is not None
    profile = person(identified("ana", "2026-01-01T00:00:00Z", timezone=zone))
    now = instant("2026-01-01T00:00:00Z") + quarter * 15 * MINUTE
    until = quiet_until(profile, quiet, "UTC", now)
    if until is not None:
        assert now < until <= now + DAY + HOUR
        assert quiet_until(profile, quiet, "UTC", until) is None or start == end


@pytest.mark.parametrize(
    ("now", "until"),
    [
        # Clocks are put back at 3:00 summer time: 2:15 comes twice, and the night ended with the first 2:30.
        ("2026-10-25T00:15:00Z", "2026-10-25T00:30:00Z"),
        ("2026-10-25T01:15:00Z", None),
        # Put forward: 2:30 does not exist, the night ends with the first time that does.
        ("2026-03-29T00:59:00Z", "2026-03-29T01:00:00Z"),
        ("2026-03-29T01:00:00Z", None),
    ],
)
def test_quiet_hours_end_once_in_the_night_in_which_the_clocks_change(now: str, until: str | None) -> None:
    quiet = shop(quiet_hours={"from": "22:00", "until": "02:30"}).quiet_hours
    assert quiet is not None
    profile = person(identified("ana", "2026-01-01T00:00:00Z", timezone="Europe/Berlin"))
    found = quiet_until(profile, quiet, "UTC", instant(now))
    assert (found and iso(found)) == until


def said(name: str, at: int, topic: str = "marketing") -> Event:
    return event(name, iso(NOW + at), user_id="ana", topic=topic)


@pytest.mark.parametrize(
    ("events", "topic", "why"),
    [
        ([identified("ana")], "carts", None),
        ([identified("ana")], "orders", None),
        ([event("Page Viewed", iso(NOW), user_id="ana")], "marketing", "no_consent"),
        ([said("Unsubscribed", -HOUR), identified("ana")], "marketing", "unsubscribed"),
        ([said("Unsubscribed", -HOUR), identified("ana")], "carts", "unsubscribed"),
        ([said("Unsubscribed", -HOUR), said("Subscribed", 0)], "marketing", None),
        ([said("Subscribed", 0), said("Unsubscribed", 0)], "marketing", "unsubscribed"),
        ([said("Subscribed", -HOUR), said("Unsubscribed", 0, "*")], "carts", "unsubscribed"),
        ([said("Unsubscribed", -HOUR, "*"), said("Subscribed", 0)], "carts", None),
        ([said("Unsubscribed", 0, "*")], "orders", None),
    ],
)
def test_the_word_that_counts(events: list[Event], topic: str, why: str | None) -> None:
    assert refusal(person(*events), topic, shop().topics, []) == why


@pytest.mark.parametrize(
    ("stop", "topic", "why"),
    [
        (Stop("p", topics={"marketing": NOW - 1}), "marketing", None),
        (Stop("p", topics={"marketing": NOW}), "marketing", "unsubscribed"),
        (Stop("p", topics={"*": NOW + 1}), "carts", "unsubscribed"),
        (Stop("p", topics={"*": NOW + 1}), "orders", None),
        (Stop("p", suppressed="complaint"), "orders", "suppressed_complaint"),
    ],
)
def test_a_stop_holds_against_every_word_but_a_later_explicit_one(stop: Stop, topic: str, why: str | None) -> None:
    assert refusal(person(said("Subscribed", 0)), topic, shop().topics, [stop]) == why


def test_a_stop_is_not_lifted_by_what_an_sdk_repeats_at_log_in() -> None:
    stop = Stop("p", topics={"marketing": NOW - DAY})
    assert refusal(person(identified("ana")), "marketing", shop().topics, [stop]) == "unsubscribed"
