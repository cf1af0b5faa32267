"""RFM from end to end: nights pass, thresholds move, people are scored in stream."""

from __future__ import annotations

from homing.domain.attributes.rankings import Rankings, Thresholds, quantiles
from homing.domain.engine import Engine
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, HOUR, WEEK
from tests.fixtures.shop import backtest, campaigns, event, identified, instant

RULES = {
    "champions": {"computed": {"rfm_segment": "champions"}},
    "recent": {"computed": {"r_score": 5}},
}


def test_without_anybody_who_asks_no_night_is_spent_on_it() -> None:
    run = backtest(campaigns())
    run.run([event("Order Completed", "2026-03-02T10:00:00Z", user_id="ana", total=20)])
    run.pass_time(instant("2026-03-09T10:00:00Z"))

    assert run.rank().customers == 0
    assert run.rankings.at(run.now) is None


def test_from_the_first_night_with_twenty_customers_on_people_have_scores() -> None:
    run = backtest(campaigns(segments=RULES))
    for number in range(25):
        day = f"2026-03-{number // 5 + 2:02}T{10 + number % 5}:00:00Z"
        run.run([identified(f"c{number}", at=day)])
        for _ in range(1 + number % 5):
            run.run([event("Order Completed", day, user_id=f"c{number}", total=10 * (number % 5) + 5)])
        if number == 14:
            assert run.rankings.at(run.now) is None
            assert not run.telling.transitions

    run.pass_time(instant("2026-03-14T00:00:00Z"))

    held = run.rankings.at(instant("2026-03-14T00:00:00Z"))
    assert held is not None
    assert held.customers == 25
    assert held.effective_at == instant("2026-03-13T03:00:00Z")
    assert held.orders == (1, 2, 3, 4)
    # Within a week everybody was scored, though nobody did anything.
    best = {
        line.user_id for line in run.telling.transitions if line.segment == "champions" and line.change == "entered"
    }
    # F and M are 1 to 5, five people each, and so is R, by the day of their orders; fours and fives are champions.
    assert {"c23", "c24"} <= best
    assert best <= {f"c{number}" for number in range(10, 25) if number % 5 >= 3}
    first = min(line.at for line in run.telling.transitions if line.segment == "champions")
    assert first >= instant("2026-03-05T03:00:00Z")


def test_recency_leaves_a_score_at_the_microsecond() -> None:
    thresholds = Thresholds(0, 100, (3, 10, 30, 90), (1, 2, 3, 4), (1, 2, 3, 4))
    engine = Engine(campaigns(segments=RULES), rankings=Rankings([thresholds]))
    profile = Profile("ana")
    ordered = instant("2026-03-02T10:00:00Z")
    engine.receive(profile, event("Order Completed", "2026-03-02T10:00:00Z", user_id="ana", total=20))
    assert "recent" in profile.segments

    engine.settle(profile, ordered + 4 * DAY - 1)
    assert "recent" in profile.segments
    engine.settle(profile, ordered + 4 * DAY)
    assert "recent" not in profile.segments
    left = next(change for change in profile.changes if change.kind == "segment_left")
    assert left.at == ordered + 4 * DAY


def test_new_thresholds_reach_everybody_within_a_week_and_not_all_at_once() -> None:
    old = Thresholds(0, 100, (3, 10, 30, 90), (1, 2, 3, 4), (1, 2, 3, 4))
    start = instant("2026-03-02T10:00:00Z")
    changed = set()
    for number in range(40):
        rankings = Rankings([old])
        engine = Engine(campaigns(segments=RULES), rankings=rankings)
        profile = Profile(f"person-{number}")
        engine.receive(profile, event("Order Completed", "2026-03-02T10:00:00Z", user_id="ana", total=20))
        # A better shop: nobody who did not buy yesterday is recent.
        rankings.add(Thresholds(start + HOUR, 100, (0, 1, 2, 3), (1, 2, 3, 4), (1, 2, 3, 4)))
        engine.settle(profile, start + HOUR + WEEK)
        left = next(change for change in profile.changes if change.kind == "segment_left")
        assert start + DAY <= left.at <= start + HOUR + WEEK
        changed.add(left.at)
    assert len(changed) > 10


def test_quantiles_are_the_ones_that_are_written_down() -> None:
    assert quantiles([5]) == (5, 5, 5, 5)
    assert quantiles([1, 2, 3, 4, 5]) == (1, 2, 3, 4)
    assert quantiles(range(1, 11)) == (2, 4, 6, 8)
    assert quantiles([1, 1, 1, 1, 1, 1, 7]) == (1, 1, 1, 1)
    assert quantiles(reversed(range(1, 12))) == (3, 5, 7, 9)
