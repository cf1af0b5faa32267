"""Numbers, money, dates and names as a person would write them."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from homing.domain.time import DAY, HOUR, MINUTE, to_datetime

_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}
_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def esc(value: object) -> str:
    """Text, safe between tags and in quoted attributes."""
    return html.escape(str(value), quote=True)


def decimal(value: Any) -> Decimal:
    """Money of an event's property; anything that is no number is 0."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)
    return number if number.is_finite() else Decimal(0)


def money(amount: Decimal, currency: str, *, cents: bool = True) -> str:
    """``€1,234.50``; without a familiar symbol ``CHF 1,234.50``."""
    digits = 2 if cents and currency != "JPY" else 0
    rounded = amount.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    sign = "−" if rounded < 0 else ""
    return f"{sign}{_SYMBOLS.get(currency, currency + chr(0xA0))}{abs(rounded):,.{digits}f}"


def sums(amounts: Mapping[str, Decimal], *, cents: bool = True) -> str:
    """Money in one or several currencies, the largest first; ``–`` for none."""
    ranked = sorted(amounts.items(), key=lambda pair: -pair[1])
    return " + ".join(money(amount, currency, cents=cents) for currency, amount in ranked if amount) or "–"


def count(number: int, singular: str, plural: str = "") -> str:
    """``1 mail``, ``1,204 mails``."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def spelled(number: int) -> str:
    """Numbers to twelve in letters, as at the start of a sentence."""
    return _WORDS[number] if number < len(_WORDS) else f"{number:,}"


def percent(part: int | float, whole: int | float) -> str:
    """``34%``; one decimal under ten per cent; ``–`` of nothing."""
    if not whole:
        return "–"
    share = 100 * part / whole
    return f"{share:.1f}%" if 0 < share < 10 else f"{share:.0f}%"


def share(part: int | float, whole: int | float) -> str:
    """``34%``: whole per cents, and ``under 1%`` or ``over 99%`` rather than none or all; ``–`` of nothing."""
    if not whole:
        return "–"
    found = 100 * part / whole
    if 0 < found < 1 or 99 < found < 100:
        return "under 1%" if found < 1 else "over 99%"
    return f"{found:.0f}%"


def day(instant: int, tz: ZoneInfo) -> str:
    """``Tue 3 Nov``."""
    local = to_datetime(instant).astimezone(tz)
    return f"{local:%a} {local.day} {local:%b}"


def clock(instant: int, tz: ZoneInfo) -> str:
    """``14:05``."""
    return f"{to_datetime(instant).astimezone(tz):%H:%M}"


def moment(instant: int, tz: ZoneInfo) -> str:
    """``Tue 3 Nov, 14:05``."""
    return f"{day(instant, tz)}, {clock(instant, tz)}"


def period(start: int, end: int, tz: ZoneInfo) -> str:
    """``12 October to 1 November 2026``; the end is taken as exclusive."""
    first, last = to_datetime(start).astimezone(tz), to_datetime(max(start, end - 1)).astimezone(tz)
    if first.date() == last.date():
        return f"{first.day} {first:%B %Y}"
    if first.year != last.year:
        return f"{first.day} {first:%B %Y} to {last.day} {last:%B %Y}"
    if first.month != last.month:
        return f"{first.day} {first:%B} to {last.day} {last:%B %Y}"
    return f"{first.day} to {last.day} {last:%B %Y}"


def ago(duration: int) -> str:
    """A duration for reading: ``31 minutes``, ``5 hours``, ``2 days``."""
    for size, word in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if duration >= size * (2 if size == DAY else 1):
            return count(round(duration / size), word)
    return "moments"


def humanise(word: str) -> str:
    """``cart-recovery`` and ``no_consent`` as words: ``Cart recovery``, ``No consent``."""
    spaced = re.sub(r"[-_]+", " ", word).strip()
    return re.sub(r"\bvip\b", "VIP", spaced[:1].upper() + spaced[1:], flags=re.IGNORECASE)
