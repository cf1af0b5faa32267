"""Warm-up of a new domain: so many mails a day at most, more each day.

Mailbox providers distrust a domain that mails thousands on its first day. AWS says to begin with few mails to those who
are glad of them and to increase the volume day by day
(https://docs.aws.amazon.com/ses/latest/dg/dedicated-ip-warming.html). The curve is ours, the plainest one that does so:
geometric, the same factor each day.
"""

from __future__ import annotations

import math
from datetime import date, time, timedelta

from homing.domain.campaigns import WarmUp
from homing.domain.time import MINUTE, local_instant, to_datetime, zone

# The flows with the higher priority come back first, each wave so long after the one before.
WAVE = 10 * MINUTE
_WAVES = 12


def day_of(now: int, zone_name: str) -> date:
    """The shop's calendar day."""
    return to_datetime(now).astimezone(zone(zone_name)).date()


def limit(plan: WarmUp | None, day: date) -> int | None:
    """How many mails may leave on that day; None where there is no limit (any more).

    On day d of n (from 0): ``floor(start * (up_to / start) ** (d / n))``. Before the first day the first day's number.
    """
    if plan is None:
        return None
    passed = (day - plan.from_).days
    if passed >= plan.days:
        return None
    growth = math.log(max(plan.up_to, plan.start) / plan.start)
    # A hair more, so that what is a whole number is not floored to the one below.
    return math.floor(plan.start * math.exp(growth * max(passed, 0) / plan.days) + 1e-6)


def next_turn(now: int, zone_name: str, priority: int, priorities: list[int]) -> int:
    """When a mail that has no room today is looked at again: the shop's next midnight, and later for each flow that comes
    before its own. ``priorities`` are those of all flows."""
    begin = local_instant(day_of(now, zone_name) + timedelta(days=1), time(0), zone(zone_name))
    ahead = sum(1 for other in set(priorities) if other > priority)
    return begin + min(ahead, _WAVES) * WAVE
