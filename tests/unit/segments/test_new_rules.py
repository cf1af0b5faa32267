"""A deployment exchanges rules: memberships follow, what came due in the meantime happens at its own instant."""

from __future__ import annotations

from random import Random

import pytest

from homing.domain.profiles import codec, fold
from homing.domain.profiles.profile import Change, Profile
from tests.fixtures.shop import event, instant
from tests.unit.segments import compare, generate
from tests.unit.segments.oracle import Truth, World
from tests.unit.segments.random_rules import named
from tests.unit.segments.vocabulary import DAY, HOUR, MINUTE

MONDAY = "2026-03-02T10:00:00Z"


@pytest.mark.parametrize("seeds", [range(300), range(300, 600)], ids=str)
def test_after_a_deployment_membership_is_what_the_new_rules_say(seeds: range) -> None:
    for seed in seeds:
        _deploy(seed)


def _deploy(seed: int) -> None:
    """Two segments exchange their rules, so that all that the new ones ask for was remembered."""
    random = Random(seed)
    one, other = generate.case(random), generate.case(random)
    rules = {"s": one.segments["s"], "t": other.segments["s"]}
    rules = {name: rule for name, rule in rules.items() if "segment" not in named(rule)["keys"]}
    if len(rules) < 2 or one.stages or other.stages:
        return
    old = compare.engine_of(rules, one.zone, "1")
    exchanged = {"s": rules["t"], "t": rules["s"]}
    new = compare.engine_of(exchanged, one.zone, "2")
    profile, history = Profile("a"), []
    for raw in one.events():
        told = compare.event_of(raw)
        if not fold.is_duplicate(profile, told):
            history.append({**raw, "known": max(raw["received"], profile.evaluated_at)})
            old.receive(profile, told)
    old.finish(profile)
    profile = codec.decode("a", 1, codec.encode(profile))
    before, wake = set(profile.segments), profile.wake_at
    at = profile.evaluated_at + random.choice((1, MINUTE, HOUR, 3 * DAY))
    new.settle(profile, at)
    world = World(
        one.zone, new.campaigns.segments and {"s": rules["t"], "t": rules["s"]}, lambda n: compare.drawn("a", n)
    )
    begins = at if wake is None or wake > at else wake
    for probe in sorted({begins, at, *(change.at for change in profile.changes)}):
        members = set(before)
        for change in profile.changes:
            if change.at <= probe:
                (members.add if change.kind == "segment_entered" else members.discard)(change.name)
        for name in ("s", "t"):
            if probe >= begins:
                truth = Truth(world, history, probe).holds(world.segments[name])
                assert (name in members) == truth, (seed, name, probe, profile.changes)
    for change in profile.changes:
        # Only what time brought is news.
        assert ("news" in change.data) == (change.at < begins or wake is None or wake > at), (seed, change)


def test_what_came_due_before_the_deployment_is_told_at_its_own_instant() -> None:
    rule = {"did_not": "Product Viewed", "within": "1h"}
    old, new = (compare.engine_of({"quiet": rule}, revision=revision) for revision in "12")
    profile = Profile("p")
    old.receive(profile, event("Product Viewed", MONDAY, user_id="u"))
    new.settle(profile, instant("2026-03-02T15:00:00Z"))
    due = instant("2026-03-02T11:00:00Z")
    assert profile.changes == [Change("segment_entered", "quiet", due, str(due), {"segment": "quiet"})]


def test_memberships_that_differ_because_the_rules_do_are_no_news() -> None:
    old = compare.engine_of({"lookers": {"did": "Product Added"}, "gone": {"did": "Product Viewed"}}, revision="1")
    new = compare.engine_of({"lookers": {"did_not": "Product Added"}}, revision="2")
    profile = Profile("p")
    old.receive(profile, event("Product Viewed", MONDAY, user_id="u"))
    profile.changes = []
    at = instant("2026-03-03T10:00:00Z")
    new.settle(profile, at)
    assert profile.segments == {"lookers"}
    told = {"segment": "lookers", "news": False}
    assert profile.changes == [Change("segment_entered", "lookers", at, str(at), told)]
