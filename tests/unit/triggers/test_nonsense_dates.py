"""Traits that should be dates and are none: those people are not triggered, and keep nobody back."""

from __future__ import annotations

from typing import Any

import pytest

from homing.domain.time import DAY
from homing.local.backtest import Backtest
from tests.fixtures.shop import backtest, campaigns, identified, instant

NONSENSE: list[Any] = [
    "next tuesday", "", " ", 17, -1, 1772445600, 3.5, True, "0000-00-00", "2026-02-30", "2026-13-01", "31.12.2026",
    "05/01/2026", "--02-30", "--", "2026", "2026-3-9", "２０２６-０３-０９", ["2026-05-01"], {"day": "2026-05-01"}, "x" * 300,
]  # fmt: skip
# Days that there are, so far away that no calendar holds what lies around them.
FAR: list[Any] = ["0001-01-01", "9999-12-31", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"]
OFFSETS: list[dict[str, Any]] = [
    {}, {"before": "14d"}, {"after": "36500d"}, {"before": "36500d"}, {"before": "90m"}, {"after": "30h"},
]  # fmt: skip


def shop(**on: Any) -> Backtest:
    trigger = {"date_reached": {"trait": "renews_on", "at": "09:00", **on}}
    flows = [
        {"name": "renew", "on": trigger, "steps": [{"send": "a"}]},
        {"name": "party", "on": "birthday", "steps": [{"send": "b"}]},
        {"name": "years", "on": "signup_anniversary", "steps": [{"send": "c"}]},
    ]
    return backtest(campaigns(flows=flows, time_zone="Europe/Berlin"))


def started(run: Backtest) -> list[str]:
    return [one.flow for one in run.journal.runs()]


@pytest.mark.parametrize("value", [*NONSENSE, *FAR], ids=repr)
@pytest.mark.parametrize("on", OFFSETS, ids=str)
def test_whose_date_is_none_is_not_triggered(value: Any, on: dict[str, Any]) -> None:
    run = shop(**on)
    run.run([identified("ana", renews_on=value)])
    run.pass_time(run.now + 90 * DAY)
    assert started(run) == []
    (line,) = run.outputs().profiles
    assert line.traits.get("renews_on", value) == value
    assert run.outputs().quarantine == []


@pytest.mark.parametrize("value", NONSENSE, ids=repr)
def test_whose_birthday_is_none_is_not_congratulated(value: Any) -> None:
    run = shop(yearly=True)
    run.run([identified("ana", renews_on=value, birthday=value, created_at=value)])
    run.pass_time(run.now + 400 * DAY)
    assert started(run) == []


@pytest.mark.parametrize("value", FAR, ids=repr)
@pytest.mark.parametrize("on", [{}, {"before": "700d"}, {"after": "36500d"}], ids=str)
def test_a_day_at_the_edge_of_the_calendar_comes_round_like_any_other(value: Any, on: dict[str, Any]) -> None:
    run = shop(yearly=True, **on)
    run.run([identified("ana", renews_on=value, birthday=value)])
    run.pass_time(run.now + 400 * DAY)
    assert started(run).count("renew") in {1, 2}
    assert started(run).count("party") in {1, 2}


def test_nobody_else_is_kept_back_in_the_same_batch_or_the_same_sweep() -> None:
    run = shop()
    wrong = [
        identified(f"n{number}", renews_on=value, birthday=value) for number, value in enumerate([*NONSENSE, *FAR])
    ]
    half = len(wrong) // 2
    run.run([*wrong[:half], identified("ana", renews_on="2026-03-20"), *wrong[half:]])
    run.pass_time(instant("2026-04-01T00:00:00Z"))
    assert [(one.flow, one.data["date"]) for one in run.journal.runs() if one.flow == "renew"] == [
        ("renew", "2026-03-20")
    ]
    assert [sent.mail.recipient for sent in run.mailer.sent if sent.mail.subject == "a"] in (["ana@example.com"], [])
    assert len(run.outputs().profiles) == len(wrong) + 1


def test_who_corrects_a_date_is_triggered_after_all() -> None:
    run = shop()
    run.run([identified("ana", renews_on="next tuesday")])
    run.run([identified("ana", at="2026-03-10T00:00:00Z", renews_on="2026-03-17")])
    run.pass_time(instant("2026-04-01T00:00:00Z"))
    assert started(run) == ["renew"]
