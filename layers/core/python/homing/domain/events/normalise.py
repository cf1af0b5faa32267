"""What every source does to identifiers and times before they are believed."""

from __future__ import annotations

import re
from typing import Any

from homing.domain.errors import InvalidInput
from homing.domain.time import MINUTE, SECOND, parse_instant

# Clocks this close are the same clock: the difference is the way of the request through the network.
TOLERATED_SKEW = 30 * SECOND
# What claims to be later than this after its arrival is taken to have happened on arrival plus this.
FUTURE = 5 * MINUTE
EARLIEST = parse_instant("2000-01-01T00:00:00Z")
_LATEST = parse_instant("9000-01-01T00:00:00Z")

MAX_IDENTIFIER = 512
_NAMING = (str, int, float)
# What broken code sends instead of nobody. Believed, it would melt all of its senders into one person.
_NOBODY = frozenset(
    {"", "null", "undefined", "none", "nan", "nil", "(null)", "[object object]", "00000000-0000-0000-0000-000000000000"}
)
_EMAIL = re.compile(r"[^@\s,;:<>()\[\]\"\\]{1,64}@(?:[^@\s,;:<>()\[\]\"\\.]+\.)+[^@\s,;:<>()\[\]\"\\.]{2,63}")
_EPOCH_TEXT = re.compile(r"\d{9,16}(?:\.\d+)?")


def identifier(value: Any) -> str | None:
    """An identifier as text: numbers become text, and what names nobody (null, "", "undefined") None.

    Raises InvalidInput when it is longer than 512 characters.
    """
    if value is None or isinstance(value, bool) or not isinstance(value, _NAMING):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    if text.lower() in _NOBODY:
        return None
    if len(text) > MAX_IDENTIFIER:
        raise InvalidInput(f"an identifier has at most {MAX_IDENTIFIER} characters", code="identifier_too_long")
    return text


def email_address(value: Any) -> str | None:
    """The address when it is one, without surrounding space; None for anything else."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    return text if len(text) <= 254 and _EMAIL.fullmatch(text) else None


def moment(value: Any) -> int:
    """An instant from what senders write: ISO 8601 with any offset and precision, or seconds, milliseconds or
    microseconds since 1970 (told apart by size). Raises InvalidInput."""
    if isinstance(value, str) and _EPOCH_TEXT.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        for limit, unit in ((1e11, SECOND), (1e14, 1000), (1e17, 1)):
            if 0 < value < limit:
                return round(value * unit)
    elif isinstance(value, str):
        return parse_instant(value.strip())
    raise InvalidInput("a time is written in ISO 8601, such as 2026-11-22T08:30:00Z", code="bad_time")


def occurred_at(stated: Any, *, received: int, sent: Any = None) -> int:
    """When an event happened, by our clock.

    ``stated`` is what the sender's clock showed then, ``sent`` what it showed when the request left. Their difference
    to our clock is the error of the sender's clock and is taken off, but only when it is more than 30 s: a message
    that is sent again carries a new ``sentAt``, and its ``occurred_at`` must not move by the few milliseconds in which
    one request travels faster than another. Without ``stated`` it happened on arrival. Nothing happens later than
    5 minutes after it arrived, nor before the year 2000 (InvalidInput, ``bad_time``).
    """
    if stated is None or stated == "":
        return received
    at = moment(stated)
    if sent:
        try:
            skew = received - moment(sent)
        except InvalidInput:
            skew = 0
        if abs(skew) > TOLERATED_SKEW:
            at += skew
    if not EARLIEST <= at < _LATEST:
        raise InvalidInput("the time lies before the year 2000, or is none at all", code="bad_time")
    return min(at, received + FUTURE)
