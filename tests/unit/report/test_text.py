from __future__ import annotations

from decimal import Decimal

import pytest

from homing.domain.time import DAY, HOUR, MINUTE, parse_instant, zone
from homing.local.report import charts, text


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("1234.5", "EUR", "€1,234.50"),
        ("0.005", "USD", "$0.01"),
        ("-3", "GBP", "−£3.00"),
        ("1234.5", "JPY", "¥1,235"),
        ("7", "CHF", "CHF\xa07.00"),
    ],
)
def test_money(amount: str, currency: str, written: str) -> None:
    assert text.money(Decimal(amount), currency) == written


@pytest.mark.parametrize(("part", "whole", "written"), [(1, 3, "33%"), (1, 30, "3.3%"), (0, 5, "0%"), (1, 0, "–")])
def test_percent(part: int, whole: int, written: str) -> None:
    assert text.percent(part, whole) == written


@pytest.mark.parametrize(
    ("start", "end", "written"),
    [
        ("2026-10-12", "2026-10-13", "12 October 2026"),
        ("2026-10-12", "2026-10-15", "12 to 14 October 2026"),
        ("2026-10-12", "2026-11-02", "12 October to 1 November 2026"),
        ("2026-12-30", "2027-01-02", "30 December 2026 to 1 January 2027"),
    ],
)
def test_periods(start: str, end: str, written: str) -> None:
    assert text.period(parse_instant(start), parse_instant(end), zone("UTC")) == written


@pytest.mark.parametrize(
    ("duration", "written"),
    [(30 * MINUTE, "30 minutes"), (HOUR, "1 hour"), (26 * HOUR, "26 hours"), (3 * DAY, "3 days"), (5, "moments")],
)
def test_durations(duration: int, written: str) -> None:
    assert text.ago(duration) == written


@pytest.mark.parametrize("value", ["n/a", None, float("nan"), "Infinity"])
def test_money_that_is_no_number_is_nothing(value: object) -> None:
    assert text.decimal(value) == 0


def test_words_of_files_are_written_as_words() -> None:
    assert text.humanise("cart-recovery") == "Cart recovery"
    assert text.humanise("cart-vip") == "Cart VIP"


def test_a_small_line_of_nothing_is_still_a_picture() -> None:
    assert "NaN" not in charts.line([], 0, "nothing")
    assert 'aria-label="nothing"' in charts.line([0, 0], 0, "nothing")
