"""A plan looks back by days of the shop, as its figures count."""

from __future__ import annotations

from collections import Counter

from homing.domain.time import parse_instant
from homing.local.figures import Figures, FlowFigures, SegmentFigures, Shop
from homing.local.plans.played import Side


def test_the_last_days_of_history_are_those_of_the_shop_so_that_none_of_their_mails_is_left_out() -> None:
    # Three days in Berlin, midnight to midnight, which touch four in UTC.
    by_day = Counter({"2026-03-01": 1, "2026-03-02": 2, "2026-03-03": 4})
    figures = Figures(
        begins=parse_instant("2026-02-28T23:00:00Z"),
        until=parse_instant("2026-03-03T22:59:59Z"),
        flows={"win-back": FlowFigures(mails=by_day)},
        segments={"vip": SegmentFigures(7, 0, 7, by_day)},
        shop=Shop(time_zone="Europe/Berlin"),
    )
    side = Side(figures, {}, 0)
    assert side.length == 3
    assert side.pace("win-back", 3) == 7
    assert [side.grown("vip", days) for days in (1, 2, 3)] == [4, 6, 7]
    # A minute after midnight there is one more day in Berlin, and still the same one in UTC.
    figures.until = parse_instant("2026-03-03T23:01:00Z")
    assert (side.length, side.grown("vip", 1)) == (4, 0)
