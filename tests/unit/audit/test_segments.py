"""Sizes, overlaps, conflicts, use and flapping."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from homing.domain.attributes.language import StagedAttribute
from homing.domain.audit import segments as asked
from homing.domain.audit.audit import audit
from homing.domain.audit.facts import Move, days_between, members_of, sizes_of
from homing.domain.time import DAY, HOUR
from tests.fixtures import shop
from tests.unit.audit.support import UNTIL, conflicting, days, facts, people, person, told

BOUGHT: dict[str, Any] = {"did": "Order Completed"}
SATURDAY = shop.instant("2026-03-28T00:00:00Z")


def sized(sizes: list[float]) -> Any:
    return facts(segments={"vip": BOUGHT}, sizes={"vip": dict(zip(days(len(sizes)), sizes, strict=True))})


def test_a_segment_that_lost_a_third_over_night_has_drifted() -> None:
    (finding,) = asked.drifts(sized([300, 302, 299, 301] * 7 + [200]))
    assert told([finding]) == [("size_drifted", "warning", "vip")]
    assert finding.numbers["usual"] == 300
    assert finding.numbers["since"] == UNTIL
    assert "usually had 300 (-33%)" in finding.words


def test_a_drift_began_when_the_size_left_its_range() -> None:
    (finding,) = asked.drifts(sized([300.0] * 24 + [290, 420, 450, 480, 500]))
    assert finding.numbers["since"] == days(4)[0]


def test_steady_growth_weekly_ups_and_downs_and_tiny_segments_are_no_drift() -> None:
    assert not list(asked.drifts(sized([1000 + 30 * day for day in range(29)])))
    assert not list(asked.drifts(sized([100, 100, 100, 100, 100, 160, 170] * 4 + [100])))
    # Twelve people more: three times as many, and nobody's business.
    assert not list(asked.drifts(sized([6.0] * 28 + [18])))
    # Too little is known of what is usual.
    assert not list(asked.drifts(sized([300.0] * 10 + [100])))


def test_a_segment_that_filled_out_of_nothing_has_drifted() -> None:
    (finding,) = asked.drifts(sized([0.0] * 28 + [250]))
    assert "(from nobody)" in finding.words


def test_twins_and_parts_are_told_and_what_a_rule_says_itself_is_not() -> None:
    found = facts(
        segments={
            "buyers": BOUGHT,
            "customers": BOUGHT,
            "some": {"trait": {"tier": "gold"}},
            "written": {"all": [{"segment": "buyers"}, {"trait": {"tier": "gold"}}]},
            "apart": {"trait": {"tier": "tin"}},
            "few": {"trait": {"tier": "lead"}},
        },
        members={
            "buyers": people(range(300)),
            "customers": people(range(4, 301)),
            "some": people(range(10, 60)),
            "written": people(range(250, 300)),
            "apart": people(range(1000, 1400)),
            "few": people(range(5)),
        },
    )
    pairs = asked.overlaps(found)
    assert pairs[0].jaccard == 296 / 301
    assert told(asked.overlapping(found, pairs)) == [
        ("near_duplicate", "warning", "customers, buyers"),
        ("subset", "info", "some, customers"),
        ("subset", "info", "written, customers"),
        ("subset", "info", "some, buyers"),
    ]


def test_people_in_segments_that_exclude_each_other_are_a_conflict_and_so_are_their_flows() -> None:
    flows = [
        {"name": f"to-{name}", "on": {"segment_entered": name}, "steps": [{"send": name}]} for name in ("new", "lapsed")
    ]
    bundle = conflicting(
        shop.campaigns(segments={"new": BOUGHT, "lapsed": BOUGHT}, flows=flows), "new", "lapsed", "gone"
    )
    found = facts(campaigns=bundle, members={"new": people(range(50)), "lapsed": people(range(47, 90))})
    conflict, both = asked.conflicts(found)
    assert told([conflict, both]) == [
        ("conflict", "error", "lapsed, new"),
        ("conflicting_flows", "warning", "to-lapsed, to-new"),
    ]
    assert conflict.words.startswith("3 people are in both lapsed and new")
    assert conflict.numbers["examples"] == sorted(person(number) for number in (47, 48, 49))
    apart = facts(campaigns=bundle, members={"new": people(range(40)), "lapsed": people(range(47, 90))})
    assert not list(asked.conflicts(apart))


def test_a_segment_is_used_by_starts_branches_goals_templates_and_other_segments() -> None:
    names = ["start", "branch", "goal", "below", "inside", "shown", "stage", "nobodys"]
    flow = {
        "name": "flow", "on": {"segment_entered": "start"}, "stop_when": {"segment": "goal"},
        "steps": [{"if": {"any": [{"segment": "branch"}]}, "then": [{"send": "mail"}]}],
    }  # fmt: skip
    rules: dict[str, Any] = {name: {"trait": {"segment": "nobodys"}} for name in names}
    rules["inside"] = {"not": {"segment": "below"}}
    bundle = shop.campaigns(segments=rules, flows=[flow])
    mail = bundle.templates["mail"].model_copy(update={"html": '{% if segments contains "shown" %}Hello{% endif %}'})
    stages = [{"name": "on", "when": [{"segment": "stage"}]}]
    attribute = StagedAttribute.model_validate({"name": "ladder", "stages": stages})
    bundle = bundle.model_copy(update={"templates": {"mail": mail}, "attributes": {"ladder": attribute}})
    used = {line.segment: line.used_by for line in asked.growth(facts(campaigns=bundle))}
    assert used == {
        "start": ("flow flow",), "branch": ("flow flow",), "goal": ("flow flow",), "below": ("segment inside",),
        "inside": (), "shown": ("template mail",), "stage": ("attribute ladder",), "nobodys": (),
    }  # fmt: skip


def test_empty_and_small_segments_weigh_more_when_a_campaign_uses_them() -> None:
    flow = {"name": "flow", "on": {"segment_entered": "used"}, "steps": [{"send": "mail"}]}
    found = facts(
        segments={"used": BOUGHT, "unused": BOUGHT, "big": BOUGHT}, flows=[flow],
        members={"used": people(()), "unused": people(range(5)), "big": people(range(99))},
    )  # fmt: skip
    assert told(asked.unused_and_small(found)) == [
        ("never_used", "info", "big"),
        ("never_used", "info", "unused"),
        ("too_small", "info", "unused"),
        ("empty", "warning", "used"),
    ]


def moves(*at: int, who: str = "ana", segment: str = "vip") -> list[Move]:
    return [Move(instant, who, segment, index % 2 == 0) for index, instant in enumerate(at)]


def test_who_enters_and_leaves_six_times_within_two_weeks_flaps() -> None:
    found = facts(segments={"vip": BOUGHT}, moves=moves(*range(0, 6 * DAY, DAY)) + moves(0, who="ben"))
    (finding,) = asked.flapping(found)
    assert told([finding]) == [("flapping", "warning", "vip")]
    assert (finding.numbers["people"], finding.numbers["ever"], finding.numbers["worst"]) == (1, 2, 6)
    slow = facts(segments={"vip": BOUGHT}, moves=moves(*range(0, 60 * DAY, 3 * DAY)))
    assert not list(asked.flapping(slow))


@given(st.lists(st.integers(0, 200), min_size=1, max_size=25), st.integers(1, 60))
def test_the_most_changes_in_a_window_are_those_that_counting_finds(instants: list[int], window: int) -> None:
    ordered = sorted(instants)
    naive = max(sum(start - window < at <= start for at in ordered) for start in range(261))
    assert asked._most_within(ordered, window) == naive


@given(st.lists(st.tuples(st.integers(0, 9 * 24), st.integers(0, 6), st.booleans()), max_size=60))
def test_sizes_are_those_of_people_counted_at_the_end_of_each_day(history: list[tuple[int, int, bool]]) -> None:
    start = shop.instant("2026-03-01T00:00:00Z")
    kept = [
        Move(start + hour * HOUR, str(who), "vip", entered)
        for hour, who, entered in sorted(history, key=lambda h: h[0])
    ]
    span = days_between("2026-03-01", "2026-03-10")
    sizes = sizes_of(kept, span, ["vip"])["vip"]
    for number, day in enumerate(span, start=1):
        latest = {move.profile_id: move.entered for move in kept if move.at < start + number * DAY}
        assert sizes[day] == sum(latest.values())
    assert members_of(kept, ["vip"])["vip"].size == sizes[span[-1]]


def test_moves_are_seen_from_night_to_night_as_far_as_both_samples_reach() -> None:
    nights = {"2026-03-01": {"vip": {"1", "3", "5"}}, "2026-03-02": {"vip": {"1", "4"}}}
    below: dict[str, dict[str, str | None]] = {"2026-03-01": {"vip": "5"}, "2026-03-02": {"vip": None}}
    seen = sorted((move.profile_id, move.entered) for move in asked.moves_between(nights, below))
    # Nobody knows of 5, at the first night's edge.
    assert seen == [("3", False), ("4", True)]


def test_what_is_known_and_wanted_is_left_out() -> None:
    def codes(*ignore: str) -> list[tuple[str, str, str]]:
        settings = {"audit": {"ignore": list(ignore)}}
        found = facts(segments={"a": BOUGHT, "b": BOUGHT}, members={"a": people(range(50))}, settings=settings)
        return told(audit(found).findings)

    assert codes() == [("never_used", "info", "a"), ("never_used", "info", "b")]
    assert codes("never_used a") == [("never_used", "info", "b")]
    assert codes("never_used") == []
