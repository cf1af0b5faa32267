"""A new domain begins with few mails a day; what is over the day's number waits for the next."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from homing.adapters.memory import MemoryBook
from homing.domain.campaigns import Campaigns, WarmUp
from homing.domain.delivery import warmup
from homing.domain.delivery.rate import shares
from homing.domain.time import DAY, HOUR
from homing.services.sending_rate import Pace
from tests.fixtures.shop import START, instant
from tests.unit.delivery.test_sending_rate import Watch, shop

PLAN = WarmUp.model_validate({"from": "2026-12-01", "days": 30, "start": 200, "up_to": 50_000})
FIRST = date(2026, 12, 1)


def test_the_limit_grows_by_the_same_factor_each_day_and_then_ends() -> None:
    limits = [warmup.limit(PLAN, FIRST + timedelta(days=day)) for day in range(30)]
    assert limits[0] == 200
    factor = 250 ** (1 / 30)
    assert all(limit is not None and abs(limit - 200 * factor**day) < 1 for day, limit in enumerate(limits))
    assert warmup.limit(PLAN, FIRST + timedelta(days=30)) is None
    assert warmup.limit(PLAN, FIRST - timedelta(days=5)) == 200
    assert warmup.limit(None, FIRST) is None


def test_who_waits_comes_back_after_midnight_by_the_precedence_of_the_flow() -> None:
    now = instant("2026-12-01T22:30:00Z")
    midnight = instant("2026-12-01T23:00:00Z")
    turns = [warmup.next_turn(now, "Europe/Berlin", priority, [0, 5, 10, 10]) for priority in (10, 5, 0)]
    assert turns == [midnight, midnight + warmup.WAVE, midnight + 2 * warmup.WAVE]


def bundle(start: int) -> Campaigns:
    return shop(warm_up=WarmUp.model_validate({"from": START[:10], "start": start}))


@pytest.mark.parametrize("copies", [1, 3])
def test_no_day_has_more_than_its_number_and_nearly_all_of_it_is_used(copies: int) -> None:
    offers, store, watch = bundle(200), MemoryBook(), Watch(instant(START))
    crowd = [
        Pace(store, offers, shares(14, copies), holder=f"w{n}", clock=watch, wait=watch.wait) for n in range(copies)
    ]
    day = warmup.day_of(watch.now, offers.settings.time_zone)
    end = warmup.next_turn(watch.now, offers.settings.time_zone, 0, [])
    sent, waits = 0, 0
    while waits < 20:
        for pace in crowd:
            pause = pace("marketing", "f")
            sent += pause is None
            waits += pause is not None
            if pause is not None:
                assert (pause.reason, pause.until) == ("warm_up", end)
    assert warmup.day_of(watch.now, offers.settings.time_zone) == day
    assert sent == 200
    watch.now = end + HOUR
    assert all(pace("marketing", "f") is None for pace in crowd)


def test_transactional_mail_is_counted_and_never_held() -> None:
    offers, store, watch = bundle(2), MemoryBook(), Watch(instant(START))
    pace = Pace(store, offers, shares(14, 1), holder="w", clock=watch, wait=watch.wait)
    assert [pace("receipts", "f") for _ in range(6)] == [None] * 6
    assert pace("marketing", "f") is not None
    watch.now += DAY
    assert pace("marketing", "f") is None
