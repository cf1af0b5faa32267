"""Word of people who are not there (any more): nothing fails, nobody is brought back."""

from __future__ import annotations

from typing import Any

import pytest

from homing.domain.errors import InvalidInput
from homing.domain.events.event import Event
from homing.domain.time import DAY, HOUR, iso
from homing.local.backtest import Backtest
from homing.services.update_profiles import StreamItem
from tests.fixtures.shop import campaigns, event, identified, instant, mails

TEN = instant("2026-03-02T10:00:00Z")
HELLO = {"name": "hello", "on": "flow_requested", "steps": [{"send": "a"}, {"wait": "1h"}, {"send": "b"}]}


def shop() -> Backtest:
    return Backtest(campaigns(flows=[HELLO]), isolate=True)


def word_of(profile_id: str, name: str = "Email Opened") -> Event:
    told = event(name, iso(TEN + HOUR))
    return told.model_copy(update={"context": {"profile_id": profile_id}, "source": "ses"})


def erase(run: Backtest, user: str) -> None:
    """What erasing deletes: the profile and all that points to it."""
    store: Any = run.profiles
    for kind, value in (("user_id", user), ("email", f"{user}@example.com")):
        key = run.identity.key(kind, value)
        store._profiles.pop(key, None)
        store._pointers.pop(key, None)


def test_an_open_of_a_mail_to_somebody_unknown_makes_nobody() -> None:
    run = shop()
    run.run([word_of("0" * 26)])
    assert run.counts["orphans"] == 1
    assert run.profiles.ids() == []


def test_an_open_of_a_mail_to_somebody_who_was_merged_counts_for_who_they_are() -> None:
    run = Backtest(campaigns(segments={"readers": {"did": "Email Opened"}}), isolate=True)
    run.run(
        [
            event("Page Viewed", iso(TEN), anonymous_id="a"),
            event("Page Viewed", iso(TEN), user_id="ana"),
            event("Page Viewed", iso(TEN + 1), user_id="ana", anonymous_id="a"),
            word_of(run.identity.key("anonymous_id", "a")),
        ]
    )
    assert [line.segments for line in run.outputs().profiles] == [["readers"]]


@pytest.mark.parametrize(
    "who", [{"user_id": "nobody"}, {"email": "no@example.com"}, {"profile_id": "x"}, {"user_id": 7}]
)
def test_a_flow_that_is_requested_for_somebody_unknown_starts_nothing(who: dict[str, Any]) -> None:
    run = shop()
    run.now = TEN
    run.request({"flow": "hello", **who})
    assert run.journal.runs() == []


def test_a_run_of_somebody_who_was_erased_ends_and_sends_nothing_more() -> None:
    run = shop()
    run.run([identified("ana")])
    run.request({"flow": "hello", "user_id": "ana"})
    erase(run, "ana")
    run.pass_time(TEN + DAY)
    assert mails(run) == [("ana@example.com", "a")]
    assert [(held.status, held.reason) for held in run.journal.runs()] == [("ended", "profile_gone")]
    assert run.profiles.ids() == []


def test_a_wake_up_of_somebody_who_was_erased_brings_nobody_back() -> None:
    run = shop()
    wake = StreamItem("1", b'{"wake":"' + b"0" * 26 + b'","at":1}', TEN)
    assert run.update([wake], batch="b").failed is None
    assert run.profiles.ids() == []


def test_somebody_who_comes_back_after_they_were_erased_is_new() -> None:
    run = shop()
    run.run([identified("ana")])
    erase(run, "ana")
    run.run([event("Page Viewed", iso(TEN + DAY), user_id="ana")])
    (profile,) = run.outputs().profiles
    assert (profile.first_at, profile.consents) == (TEN + DAY, {})


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"detail": 7},
        {"detail": {}},
        {"detail": {"id": 1, "profile_id": None, "trigger": 3, "name": 4, "key": [], "at": "soon"}},
        {"detail-type": "FlowRequested", "detail": {"flow": ["hello"], "user_id": {}}},
        {"detail-type": "FlowRequested", "detail": {"flow": "hello", "user_id": "ana"}, "time": 12},
    ],
)
def test_what_nobody_can_read_in_the_inbox_is_refused_as_such(message: dict[str, Any]) -> None:
    run = shop()
    with pytest.raises(InvalidInput):
        run.flows(message)


def test_data_of_a_trigger_that_is_no_object_is_none() -> None:
    run = shop()
    run.run([identified("ana")])
    detail = {
        "id": "1",
        "profile_id": "p",
        "trigger": "birthday",
        "name": "x",
        "key": "k",
        "at": iso(TEN),
        "data": "abc",
    }
    assert run.flows({"detail": detail}).counts["started"] == 0
