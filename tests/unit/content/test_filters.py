"""Money, days and counts as people write them."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from homing.domain.content.engine import environments
from homing.domain.content.filters import Filters, format_money, plural_category, to_decimal
from homing.domain.content.publish import publish
from homing.domain.content.render import Renderer
from homing.domain.content.words import listed, ordinal
from homing.domain.errors import InvalidCampaign, InvalidInput
from tests.unit.content.support import campaign_files, context


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


@pytest.mark.parametrize(
    ("language", "long", "short", "weekday"),
    [
        ("en", "April 14, 2026", "April 14", "Tuesday"),
        ("en-GB", "14 April 2026", "14 April", "Tuesday"),
        ("de", "14. April 2026", "14. April", "Dienstag"),
        ("de-AT", "14. April 2026", "14. April", "Dienstag"),
        ("fr", "14 avril 2026", "14 avril", "mardi"),
        ("es", "14 de abril de 2026", "14 de abril", "martes"),
        ("nl", "14 april 2026", "14 april", "dinsdag"),
        ("it", "14 aprile 2026", "14 aprile", "martedì"),
    ],
)
def test_days_in_the_languages_of_most_shops(language: str, long: str, short: str, weekday: str) -> None:
    filters = Filters(language, "EUR").all()
    shown = [filters[name](date(2026, 4, 14)) for name in ("long_date", "day_and_month", "weekday")]
    assert shown == [long, short, weekday]


def liquid(language: str, template: str, **values: object) -> str:
    """What a template comes to, in a mail of Tuesday, April 14."""
    now = datetime(2026, 4, 14, 23, 30, tzinfo=timezone(timedelta(hours=2)))
    return environments(language, "EUR").text.from_string(template).render(now=now, **values)


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", "yesterday, today, tomorrow, Thursday, Monday, April 21, April 12"),
        ("de", "gestern, heute, morgen, übermorgen, Montag, 21. April, vorgestern"),
        ("fr", "hier, aujourd’hui, demain, après-demain, lundi, 21 avril, avant-hier"),
        ("es", "ayer, hoy, mañana, pasado mañana, lunes, 21 de abril, anteayer"),
        ("nl", "gisteren, vandaag, morgen, overmorgen, maandag, 21 april, eergisteren"),
        ("it", "ieri, oggi, domani, dopodomani, lunedì, 21 aprile, l’altro ieri"),
        ("da", "13. april, 14. april, onsdag, torsdag, mandag, 21. april, 12. april"),
    ],
)
def test_days_close_to_the_mail_have_names(language: str, shown: str) -> None:
    days = [date(2026, 4, day) for day in (13, 14, 15, 16, 20, 21, 12)]
    template = "{% for day in days %}{{ day | relative_day }}{% unless forloop.last %}, {% endunless %}{% endfor %}"
    assert liquid(language, template, days=days) == shown


@pytest.mark.parametrize(
    ("language", "three", "two"),
    [
        ("en", "a, b and c", "a and b"), ("de", "a, b und c", "a und b"), ("fr", "a, b et c", "a et b"),
        ("es", "a, b y c", "a y b"), ("nl", "a, b en c", "a en b"), ("it", "a, b e c", "a e b"),
        ("pl", "a, b i c", "a i b"), ("xx", "a, b and c", "a and b"),
    ],
)  # fmt: skip
def test_lists_end_in_and(language: str, three: str, two: str) -> None:
    shown = [liquid(language, "{{ x | list }}", x=x) for x in (["a", "b", "c"], ["a", "b"], ["a"], [], "a")]
    assert shown == [three, two, "a", "", "a"]


@pytest.mark.parametrize("language", ["de", "fr", "es", "nl", "it"])
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_lists_are_what_babel_makes_of_them(language: str, count: int) -> None:
    from babel.lists import format_list

    items = ["Tasse", "Kanne", "Brett", "Tuch", "Salz", "Topf", "Löffel"][:count]
    assert listed(items, language) == format_list(items, locale=language)


@pytest.mark.parametrize(
    ("last", "shown"), [("hijos", "padres e hijos"), ("hielo", "padres y hielo"), ("Ida", "padres e Ida")]
)
def test_spanish_avoids_two_same_sounds(last: str, shown: str) -> None:
    assert listed(["padres", last], "es") == shown


def test_lists_are_escaped_as_any_text_is() -> None:
    shown = environments("en", "EUR").html.from_string("{{ x | list }}").render(x=["<a>", "b & c"])
    assert shown == "&lt;a&gt; and b &amp; c"


@pytest.mark.parametrize(
    ("language", "number", "shown"),
    [("fr", 1, "1er"), ("fr", 2, "2e"), ("es", 3, "3.º"), ("nl", 1, "1e"), ("it", 5, "5º"), ("en-GB", 22, "22nd")],
)
def test_ordinals_in_other_languages(language: str, number: int, shown: str) -> None:
    assert ordinal(number, language) == shown


@pytest.mark.parametrize(
    ("language", "counts"),
    [
        ("en", {"0": "other", "1": "one", "2": "other", "1.5": "other"}),
        ("de", {"0": "other", "1": "one", "2": "other"}),
        ("fr", {"0": "one", "1": "one", "2": "other", "1.5": "one"}),
        ("es", {"0": "other", "1": "one", "2": "other"}),
        ("it", {"0": "other", "1": "one", "100": "other"}),
        ("pl", {"1": "one", "2": "few", "5": "many", "12": "many", "22": "few", "1.5": "other"}),
        ("cs", {"1": "one", "3": "few", "5": "other", "1.5": "many"}),
        ("ar", {"0": "zero", "1": "one", "2": "two", "3": "few", "11": "many", "100": "other"}),
    ],
)
def test_counts_fall_into_the_categories_of_their_language(language: str, counts: dict[str, str]) -> None:
    assert {count: plural_category(Decimal(count), language) for count in counts} == counts


def test_forms_of_a_plural_can_be_named() -> None:
    template = "{% for n in (0..5) %}{{ n | plural: one: 'rzecz', few: 'rzeczy', other: 'sztuk' }} {% endfor %}"
    assert liquid("pl", template) == "0 sztuk 1 rzecz 2 rzeczy 3 rzeczy 4 rzeczy 5 sztuk "
    assert liquid("fr", "{{ 0 | plural: 'article', 'articles' }}") == "0 article"
    with pytest.raises(InvalidInput, match="no form 'sme'"):
        liquid("en", "{{ 1 | plural: 'a', sme: 'b' }}")


@pytest.mark.parametrize(
    ("trait", "language"),
    [
        ({}, "en"), ({"language": "de"}, "de"), ({"locale": "de_AT"}, "de"), ({"locale": "fr-CA"}, "fr-CA"),
        ({"locale": "fr-FR"}, "fr-CA"), ({"language": "ja"}, "en"), ({"language": "de", "locale": "en-US"}, "de"),
        ({"language": "DE"}, "de"), ({"language": 5}, "en"), ({"language": "x" * 500}, "en"), ({"locale": "de_DE.UTF-8"}, "de"),
    ],
)  # fmt: skip
def test_mails_are_written_in_the_customers_language_where_the_shop_writes_in_it(
    trait: dict[str, Any], language: str
) -> None:
    files = campaign_files("<mj-text>[{{ 1234.5 | money }} {{ now | weekday }}]</mj-text>")
    files["settings.yaml"] += b"languages: [de, fr-CA]\n"
    campaigns = publish(files)
    filters = Filters(language, "EUR").all()
    shown = Renderer(campaigns).render("note", context(campaigns, **trait)).text
    expected = f"[{filters['money']('1234.5')} {filters['weekday'](date(2026, 4, 14))}]"
    assert expected.replace("\xa0", " ") in shown.replace("\xa0", " ")


def test_a_language_that_there_is_not_is_refused_in_the_settings() -> None:
    files = campaign_files()
    files["settings.yaml"] += b"languages: [german]\n"
    with pytest.raises(InvalidCampaign, match="did you mean 'de'"):
        publish(files)
