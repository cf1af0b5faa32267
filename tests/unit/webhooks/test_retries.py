"""When a call is tried again, and when no more."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.domain.time import HOUR, MINUTE, SECOND, parse_instant
from homing.domain.webhooks.retries import GIVE_UP_AFTER, LONGEST_ASKED, MAX_RECEIVES, meaning, retry_after, wait

NOW = parse_instant("2026-03-02T10:00:00Z")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((status, "done") for status in (200, 201, 202, 204, 299)),
        *((status, "refused") for status in (400, 401, 403, 404, 405, 410, 413, 422, 451)),
        *((status, "again") for status in (408, 409, 425, 429, 500, 502, 503, 504, 599)),
        *((status, "again") for status in (301, 302, 307, 308, 304)),
    ],
)
def test_what_an_answer_means(status: int, expected: str) -> None:
    assert meaning(status) == expected


def tries(jitter: float) -> list[int]:
    """When a system that never answers is tried, in time since the first try."""
    at, found = 0, [0]
    while pause := wait(len(found), 0, at, jitter):
        at += pause
        if at >= GIVE_UP_AFTER:
            break
        found.append(at)
    return found


def test_a_system_that_never_answers_is_tried_for_twenty_hours_ever_more_seldom() -> None:
    found = tries(0)
    gaps = [after - before for before, after in pairwise(found)]
    assert gaps[:9] == [30 * SECOND, *(minutes * MINUTE for minutes in (1, 2, 4, 8, 16, 32, 64)), 2 * HOUR]
    assert found[-1] >= GIVE_UP_AFTER - 2 * HOUR


@given(st.lists(st.floats(0, 1), min_size=MAX_RECEIVES, max_size=MAX_RECEIVES))
def test_the_queue_hands_a_call_out_often_enough_for_all_of_them(jitters: list[float]) -> None:
    at, receives = 0, 1
    for jitter in jitters:
        pause = wait(receives, 0, at, jitter)
        if not pause:
            break
        at, receives = at + pause, receives + 1
    assert at == GIVE_UP_AFTER
    assert receives < MAX_RECEIVES


@given(st.integers(1, 60), st.integers(0, 30 * HOUR), st.floats(0, 1), st.integers(0, 20 * HOUR))
def test_a_wait_is_as_long_as_asked_and_never_beyond_the_end(
    receives: int, passed: int, jitter: float, asked: int
) -> None:
    left = GIVE_UP_AFTER - passed
    found = wait(receives, 0, passed, jitter, asked)
    if left <= 0:
        assert found == 0
    else:
        assert found >= min(asked, left)
        assert SECOND <= found <= max(left, SECOND)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("120", 120 * SECOND), (" 7 ", 7 * SECOND), ("0", 0), ("999999999999999999", LONGEST_ASKED),
        ("Mon, 02 Mar 2026 10:05:00 GMT", 5 * MINUTE), ("Monday, 02-Mar-26 10:05:00 GMT", 5 * MINUTE),
        ("Mon, 02 Mar 2026 09:00:00 GMT", 0), ("Thu, 02 Mar 2028 10:05:00 GMT", LONGEST_ASKED),
        ("soon", 0), ("-5", 0), ("1.5", 0), ("", 0), (None, 0), ("٣", 0), ("Mon, 99 Foo 2026", 0),
    ],
)  # fmt: skip
def test_how_long_a_receiver_asks_to_wait(header: str | None, expected: int) -> None:
    assert retry_after(header, NOW) == expected
