"""What an answer means, and when a call is tried again."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Literal

from homing.domain.time import HOUR, MINUTE, SECOND, to_instant

# Who could not be reached for so long (from the first try on) is not called any more.
GIVE_UP_AFTER = 20 * HOUR
# SQS hides a message for 12 hours at most, counted from when it was handed out.
LONGEST_ASKED = 12 * HOUR - 5 * MINUTE
# How often a message may be handed out: more than 20 hours need with the shortest waits (tests/unit/webhooks). What is left
# of it is used up at once when the time is up, so that the message moves to the dead-letter queue by SQS's own rule, and can
# be moved back by its own, too.
MAX_RECEIVES = 25

_FIRST, _LONGEST = 30 * SECOND, 2 * HOUR
# Not now, says the receiver: time-out, conflict with another try, too early, too many.
_LATER = frozenset({408, 409, 425, 429})

Meaning = Literal["done", "refused", "again"]


def meaning(status: int) -> Meaning:
    """Of an HTTP status. Redirects are not followed: they may be a page of maintenance, or an address that has to be
    mended, after which the call still shall be made."""
    if 200 <= status < 300:
        return "done"
    if 400 <= status < 500 and status not in _LATER:
        return "refused"
    return "again"


def retry_after(header: str | None, now: int) -> int:
    """How long a receiver asks to wait: seconds or a date (RFC 9110). 0 where it asks for nothing that can be read."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]) * SECOND, LONGEST_ASKED)
    try:
        moment = parsedate_to_datetime(text)
        return min(max(0, to_instant(moment) - now), LONGEST_ASKED)
    except (ValueError, TypeError, OverflowError):
        return 0


def wait(receives: int, first_at: int, now: int, jitter: float, asked: int = 0) -> int:
    """How long until the next try after ``receives`` (1 is the first): 30 seconds, then twice as long each time, up to two
    hours, of which ``jitter`` (0 to 1) takes up to a quarter; at least what the receiver ``asked`` for; never beyond the
    20 hours. 0: they are over."""
    left = first_at + GIVE_UP_AFTER - now
    if left <= 0:
        return 0
    grown = min(_FIRST * 2 ** min(max(receives, 1) - 1, 20), _LONGEST)
    return max(min(max(int(grown * (1 - jitter / 4)), asked), left), SECOND)
