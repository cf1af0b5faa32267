"""Money, days and counts as people write them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from homing.domain.content.filters import Filters, format_money, ordinal, to_decimal
from homing.domain.errors import InvalidInput


@pytest.mark.parametrize(
    ("amount", "currency", "language", "shown"),
    [
        ("19.9", "EUR", "en", "€19.90"),
        ("19.90", "EUR", "de", "19,90\xa0€"),
        ("1234.5", "USD", "en", "$1,234.50"),
        ("1234567.8", "EUR", "de", "1.234.567,80\xa0€"),
        ("1234.5", "EUR", "fr", "1\u202f234,50\xa0€"),
        ("1980", "JPY", "en", "¥1,980"),
        ("0.005", "EUR", "en", "€0.01"),
        ("-5", "EUR", "en", "-€5.00"),
        ("5", "CHF", "de-CH", "CHF\xa05.00"),
        ("1", "EUR", "xx", "€1.00"),
    ],
)
def test_money_is_written_as_the_language_does(amount: str, currency: str, language: str, shown: str) -> None:
    assert format_money(Decimal(amount), currency, language) == shown


@pytest.mark.parametrize("language", ["en", "de", "fr", "it", "es", "nl", "pl", "sv", "pt", "ja", "cs", "da", "de-AT"])
@pytest.mark.parametrize("amount", ["0", "7.5", "999.99", "1000", "12345.67", "9999999.99"])
def test_money_is_what_babel_writes(amount: str, language: str) -> None:
    from babel.numbers import format_currency

    for currency in ("EUR", "USD", "SEK", "JPY"):
        expected = format_currency(Decimal(amount), currency, locale=language.replace("-", "_"))
        whole = Decimal(amount) == int(Decimal(amount)) or currency != "JPY"
        if whole:
            assert format_money(Decimal(amount), currency, language) == expected


@pytest.mark.parametrize("value", ["a lot", "", None, "NaN", "Infinity", []])
def test_what_is_no_amount_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        to_decimal(value)


def test_floats_are_money_by_their_shortest_text() -> None:
    assert to_decimal(19.9) == Decimal("19.9")


def test_days_are_written_for_people() -> None:
    english, german = Filters("en", "EUR").all(), Filters("de", "EUR").all()
    day = date(2026, 4, 14)
    assert [english[name](day) for name in ("long_date", "day_and_month", "weekday")] == [
        "April 14, 2026", "April 14", "Tuesday",
    ]  # fmt: skip
    assert [german[name]("2026-04-14T10:00:00Z") for name in ("long_date", "day_and_month", "weekday")] == [
        "14. April 2026", "14. April", "Dienstag",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("number", "shown"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (5, "5th"), (11, "11th"), (21, "21st")]
)
def test_ordinals(number: int, shown: str) -> None:
    assert ordinal(number, "en") == shown
    assert ordinal(number, "de") == f"{number}."


def test_counts_agree_with_their_noun() -> None:
    plural = Filters("en", "EUR").all()["plural"]
    assert [plural(count, "item", "items") for count in (0, 1, 2)] == ["0 items", "1 item", "2 items"]
