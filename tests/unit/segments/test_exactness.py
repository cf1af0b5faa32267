"""Membership and its flips equal a brute-force reading of the whole history, at every instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from homing.domain.campaigns import Campaigns, Settings
from homing.domain.engine import Engine
from homing.domain.events.event import Event
from homing.domain.profiles import codec, fold
from homing.domain.profiles.profile import Profile
from homing.domain.segments.language import Segment
from tests.fixtures.shop import BRAND
from tests.unit.segments import oracle

START = datetime(2026, 3, 1, tzinfo=UTC)
names = st.sampled_from(["Product Viewed", "Product Added", "Order Completed"])
windows = st.sampled_from(["1m", "5m", "1h", "2h", "1d"])
tests = st.one_of(
    st.builds(lambda v: {"equals": v}, st.sampled_from(["a", "b"])),
    st.builds(lambda v: {"in": v}, st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=2)),
    st.builds(lambda v: {"exists": v}, st.booleans()),
)
times = st.one_of(
    st.builds(lambda n: {"at_least": n}, st.integers(1, 3)),
    st.builds(lambda n: {"at_most": n}, st.integers(0, 2)),
    st.builds(lambda n: {"exactly": n}, st.integers(1, 2)),
)


@st.composite
def did(draw: st.DrawFn) -> dict[str, Any]:
    rule: dict[str, Any] = {"did": draw(names)}
    if draw(st.booleans()):
        rule["within"] = draw(windows)
    grouped = draw(st.integers(0, 3)) == 0
    if grouped:
        rule["same"] = "product_id"
        rule["times"] = {"at_least": draw(st.integers(1, 3))}
    elif draw(st.booleans()):
        rule["times"] = draw(times)
    if draw(st.integers(0, 3)) == 0:
        rule["where"] = {"product_id": draw(tests)}
    return rule


leaves = st.one_of(
    did(),
    did(),
    st.builds(lambda n, w: {"did_not": n, "within": w}, names, windows),
    st.builds(lambda t: {"trait": {"tier": t}}, tests),
    st.builds(lambda w: {"known_for": {"at_least": w}}, windows),
)
rules = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=5,
)


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Events in order of arrival; some late, some stamped a little in the future, some delivered twice."""
    arrived = 0
    history: list[dict[str, Any]] = []
    for index in range(draw(st.integers(1, 10))):
        arrived += draw(st.sampled_from([0, 1, 30, 60, 300, 3600, 7200])) * 10**6 + draw(st.sampled_from([0, 1]))
        lateness = draw(st.sampled_from([0, 0, 0, 1, 60, 3600, -60])) * 10**6
        kind = draw(st.integers(0, 4))
        properties: dict[str, Any] = {}
        if kind == 0:
            name = "Identified"
            properties = {"tier": draw(st.sampled_from(["a", "b"]))}
        else:
            name = draw(names)
            if draw(st.booleans()):
                properties = {"product_id": draw(st.sampled_from(["a", "b"]))}
        event = {
            "id": f"m{index}",
            "name": name,
            # One tick apart: two statements at the same instant have no order to get right.
            "occurred": max(arrived - lateness, 0) + index,
            "received": arrived + 10,
            "properties": properties,
        }
        history.append(event)
        if draw(st.integers(0, 5)) == 0:
            history.append({**event, "received": arrived + 20})
    return history


def as_event(raw: dict[str, Any]) -> Event:
    return Event(
        message_id=raw["id"],
        type="identify" if raw["name"] == "Identified" else "track",
        name=raw["name"],
        identifiers={"user_id": "u"},
        occurred_at=START + timedelta(microseconds=raw["occurred"]),
        received_at=START + timedelta(microseconds=raw["received"]),
        properties=raw["properties"],
    )


def engine_for(rule: dict[str, Any]) -> Engine:
    segment = Segment.model_validate({"name": "s", "when": rule})
    return Engine(Campaigns(revision="1", settings=Settings(brand=BRAND), segments={"s": segment}))


BASE = as_event({"id": "x", "name": "y", "occurred": 0, "received": 0, "properties": {}}).occurred


@settings(max_examples=1500, deadline=None)
@given(rules, histories(), st.lists(st.booleans(), min_size=25, max_size=25))
def test_membership_equals_brute_force_on_both_sides_of_every_change(
    rule: dict[str, Any], history: list[dict[str, Any]], stores: list[bool]
) -> None:
    engine = engine_for(rule)
    profile = Profile("p")
    for raw, store in zip(history, stores, strict=False):
        if not fold.is_duplicate(profile, event := as_event(raw)):
            engine.receive(profile, event)
        if store:  # a batch ends here: the profile is pruned, stored and read back
            engine.finish(profile)
            changes = profile.changes
            profile = codec.decode("p", 0, codec.encode(profile))
            profile.changes = changes
    end = history[-1]["received"]
    engine.settle(profile, BASE + end + 3 * 86400 * 10**6)
    flips = {change.at - BASE: change.kind == "segment_entered" for change in profile.changes}
    probes = {history[0]["received"]}
    for instant in [*flips, *(raw["received"] for raw in history)]:
        probes |= {instant - 1, instant, instant + 1}
    for raw in history:
        for window in ("1m", "5m", "1h", "2h", "1d"):
            edge = raw["occurred"] + oracle.seconds(window) * 10**6
            probes |= {edge - 1, edge, edge + 1}
    told = sorted(flips.items())
    for probe in sorted(p for p in probes if p >= history[0]["received"]):
        ours = next((member for at, member in reversed(told) if at <= probe), False)
        assert ours == oracle.holds(rule, history, probe), (probe, told)


@settings(max_examples=400, deadline=None)
@given(rules, histories(), st.randoms(use_true_random=False), st.integers(0, 10))
def test_any_order_any_split_and_any_merge_give_the_same_profile(
    rule: dict[str, Any], history: list[dict[str, Any]], random: Any, cut: int
) -> None:
    engine = engine_for(rule)
    events = [as_event(raw) for raw in history]
    end = max(event.received for event in events) + 400 * 10**6

    def folded(chosen: list[Event]) -> Profile:
        profile = Profile("p")
        for event in chosen:
            fold.fold(profile, event, engine.plan)
        return profile

    whole = folded(events)
    fold.prune(whole, engine.plan, end)
    shuffled = events[:]
    random.shuffle(shuffled)
    left, right = folded(shuffled[:cut]), folded(shuffled[cut // 2 :])
    fold.prune(left, engine.plan, end - 200 * 10**6)
    fold.merge(left, right)
    fold.prune(left, engine.plan, end)
    assert fold.normal_form(left) == fold.normal_form(whole)
