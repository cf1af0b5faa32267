"""Marketing mail stops itself before SES stops the account, and not for a single complaint."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.adapters.memory import MemoryBook
from homing.domain.delivery.book import Book
from homing.domain.delivery.rate import shares
from homing.domain.delivery.reputation import Kind, Window, chance
from homing.domain.errors import InvalidInput
from homing.domain.time import HOUR
from homing.services.sending_rate import Pace, Reckoning
from tests.fixtures.shop import START, instant
from tests.unit.delivery.test_sending_rate import Watch, shop

NOW = instant(START)


def heard(sent: int, kind: Kind, count: int) -> Window:
    window = Window().sent(sent)
    for _ in range(count):
        window = window.heard(kind)
    return window


@given(of=st.integers(1, 300), count=st.integers(0, 30), rate=st.sampled_from([0.0004, 0.02, 0.3]))
def test_the_chance_is_the_exact_binomial_one(of: int, count: int, rate: float) -> None:
    oracle = sum(comb(of, k) * rate**k * (1 - rate) ** (of - k) for k in range(count, of + 1))
    assert chance(count, of, rate) == pytest.approx(oracle, abs=1e-9)


@pytest.mark.parametrize(
    ("sent", "kind", "count", "stops"),
    [
        (10, "complaint", 1, False),
        (499, "complaint", 3, False),
        (1_000, "complaint", 1, False),
        (1_000, "complaint", 2, False),
        (1_000, "complaint", 3, True),
        (10_000, "complaint", 8, False),
        (10_000, "complaint", 9, True),
        (100, "bounce", 50, False),
        (250, "bounce", 9, False),
        (250, "bounce", 10, True),
        (10_000, "bounce", 399, False),
        (10_000, "bounce", 400, True),
    ],
)
def test_when_it_stops(sent: int, kind: Kind, count: int, stops: bool) -> None:
    assert (heard(sent, kind, count).too_bad() is not None) is stops


def test_it_stops_before_ses_would_review_the_account() -> None:
    """At SES's own limits, whatever the volume above the least sample, mail has been stopped already."""
    for sent in range(2_000, 10_001, 500):
        assert heard(sent, "bounce", round(0.05 * sent)).too_bad() is not None
    for sent in range(4_000, 10_001, 500):
        assert heard(sent, "complaint", -(-sent // 1000) + 1).too_bad() is not None


@given(st.lists(st.integers(0, 3_000), max_size=40))
def test_the_window_holds_the_last_sends_and_stays_small(messages: list[int]) -> None:
    window = Window()
    for count in messages:
        window = window.sent(count)
    total = sum(messages)
    assert len(window.parts) <= 10
    assert min(total, 9_001) <= window.totals()[0] <= min(total, 10_000)


def test_what_is_told_twice_counts_once() -> None:
    once, _ = Book().heard("marketing", "bounce", "s1:bounce", NOW)
    assert once.heard("marketing", "bounce", "s1:bounce", NOW) == (once, ())


def test_a_stopped_topic_waits_until_somebody_lets_it_go_on() -> None:
    store, watch = MemoryBook(), Watch(NOW)
    pace = Pace(store, shop(), shares(50, 1), holder="w", clock=watch, wait=watch.wait)
    reckoning = Reckoning(store, watch)
    for _ in range(1_000):
        assert pace("marketing", "f") is None
    watch.now += HOUR
    assert pace("marketing", "f") is None
    stopped = [reckoning.heard("marketing", "complaint", f"s{n}") for n in range(3)]
    assert stopped == [(), (), ("marketing", "*")]
    watch.now += HOUR
    pause = pace("marketing", "f")
    assert pause is not None
    assert (pause.reason, pause.until) == ("reputation_stop", watch.now + HOUR)
    assert pause.values["what"] == "complaint"
    assert pace("receipts", "f") is None
    reckoning.resume("marketing")
    reckoning.resume()
    with pytest.raises(InvalidInput):
        reckoning.resume()
    watch.now += HOUR
    assert pace("marketing", "f") is None
