"""Filters for money, days and counts, in the shop's language."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from homing.domain.content.words import listed, ordinal, words
from homing.domain.errors import InvalidInput

if TYPE_CHECKING:
    from liquid import RenderContext

_CATEGORIES = ("zero", "one", "two", "few", "many", "other")


class MoneyStyle(NamedTuple):
    """How a language writes a currency: ``{prefix}1{group}234{point}50{suffix}``."""

    prefix: str
    suffix: str
    group: str
    point: str
    digits: int
    smallest_grouped: int


@lru_cache(maxsize=256)
def money_style(language: str, currency: str) -> MoneyStyle:
    """Learned from one example that Babel writes; a mail then formats without it (20 times as fast)."""
    from babel.core import UnknownLocaleError
    from babel.numbers import format_currency, get_currency_precision

    def example(amount: Decimal) -> str:
        try:
            return format_currency(amount, currency, locale=language.replace("-", "_"))
        except (UnknownLocaleError, ValueError):
            return format_currency(amount, currency, locale="en")

    digits = get_currency_precision(currency)
    text = example(Decimal("1234567") + (Decimal("0.89") if digits == 2 else Decimal("0.891") if digits == 3 else 0))
    first, seven = text.index("1"), text.index("7")
    tail = text[seven + 1 :]
    point = tail[0] if digits else ""
    suffix = tail[1 + digits :] if digits else tail
    between = text[first + 1]
    group = "" if between == "2" else between
    grouped = 4 if group and group in example(Decimal(1234)) else 5
    return MoneyStyle(text[:first], suffix, group, point, digits, grouped)


def format_money(amount: Decimal, currency: str, language: str) -> str:
    """``€19.90`` in English, ``19,90 €`` in German; rounded half up to the currency's digits."""
    style = money_style(language, currency.upper())
    quantum = Decimal(1).scaleb(-style.digits)
    rounded = amount.quantize(quantum, ROUND_HALF_UP)
    whole, _, fraction = f"{abs(rounded)}".partition(".")
    if style.group and len(whole) >= style.smallest_grouped:
        whole = f"{int(whole):,}".replace(",", style.group)
    sign = "-" if rounded < 0 else ""
    return f"{sign}{style.prefix}{whole}{style.point if fraction else ''}{fraction}{style.suffix}"


def to_decimal(value: Any) -> Decimal:
    """Money as Decimal: floats by their shortest text, so 19.9 is 19.9. Raises InvalidInput."""
    try:
        amount = value if isinstance(value, Decimal) else Decimal(str(value).strip())
    except InvalidOperation as error:
        raise InvalidInput(f"{value!r} is not an amount of money", code="bad_money") from error
    if not amount.is_finite():
        raise InvalidInput(f"{value!r} is not an amount of money", code="bad_money")
    return amount


@lru_cache(maxsize=1024)
def _day(value: date, style: str, language: str) -> str:
    from babel.core import Locale, UnknownLocaleError
    from babel.dates import format_date, format_skeleton

    try:
        locale = Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        locale = Locale.parse("en")
    if style == "weekday":
        return format_date(value, "EEEE", locale=locale)
    if style == "day_and_month":
        return format_skeleton("MMMMd", value, locale=locale)
    return format_date(value, "long", locale=locale)


def _to_date(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return datetime.fromisoformat(str(value)).date()
    except ValueError as error:
        raise InvalidInput(f"{value!r} is not a day", code="bad_time") from error


@lru_cache(maxsize=1024)
def plural_category(number: Decimal, language: str) -> str:
    """``one``, ``two``, ``few``, ``many``, ``zero`` or ``other``, as CLDR has it for the language."""
    from babel.core import Locale, UnknownLocaleError

    try:
        locale = Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        locale = Locale.parse("en")
    return str(locale.plural_form(number))


class Filters:
    """The filters that Homing adds to Liquid's own."""

    def __init__(self, language: str, currency: str) -> None:
        self.language = language
        self.currency = currency

    def all(self) -> dict[str, Callable[..., Any]]:
        """By the names that templates use."""
        return {
            "money": self.money,
            "long_date": lambda value: _day(_to_date(value), "long", self.language),
            "day_and_month": lambda value: _day(_to_date(value), "day_and_month", self.language),
            "weekday": lambda value: _day(_to_date(value), "weekday", self.language),
            "relative_day": self.relative_day,
            "list": self.list,
            "plural": self.plural,
            "ordinal": lambda value: ordinal(int(value), self.language),
        }

    def money(self, value: Any, currency: Any = None) -> str:
        """``{{ item.price | money: item.currency }}``; without a currency it is the shop's."""
        return format_money(to_decimal(value), str(currency) if currency else self.currency, self.language)

    def relative_day(self, value: Any, *, context: RenderContext) -> str:
        """``tomorrow``, or the weekday of one of the next six days, or the day and month; as of the mail's ``now``."""
        now = context.get(["now"], token=None, default=None)
        day = _to_date(value)
        if now is None:
            return _day(day, "day_and_month", self.language)
        away = (day - _to_date(now)).days
        known = words(self.language)
        if known is not None and away in known.days:
            return known.days[away]
        return _day(day, "weekday" if 0 < away < 7 else "day_and_month", self.language)

    # How python-liquid knows that a filter wants the context.
    relative_day.with_context = True  # type: ignore[attr-defined]

    def list(self, value: Any) -> str:
        """``{{ cart.items | map: "name" | list }}`` is ``Mug, Rug and Pot``."""
        if isinstance(value, str) or not isinstance(value, Iterable):
            return str(value)
        return listed([str(item) for item in value], self.language)

    def plural(self, value: Any, one: str = "", other: str = "", **forms: str) -> str:
        """``{{ cart.count | plural: "item", "items" }}`` is ``1 item`` or ``3 items``; languages with more forms name
        them: ``plural: one: "rzecz", few: "rzeczy", other: "rzeczy"``."""
        if unknown := forms.keys() - _CATEGORIES:
            raise InvalidInput(f"plural has no form {min(unknown)!r}: they are {', '.join(_CATEGORIES)}", code="render")
        category = plural_category(to_decimal(value), self.language)
        forms = {"one": one, "other": other} | forms
        return f"{value} {forms.get(category) or forms['other'] or one}"
