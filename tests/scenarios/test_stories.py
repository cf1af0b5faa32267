"""Every story holds: those of the starter campaigns, and those of a shop whose flows use what the starter ones do not.

Each is what a marketer runs with ``homing story``. That they notice a broken flow is tested too: stories that hold whatever
a flow does would test nothing.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from homing.domain.campaigns import Campaigns
from homing.domain.flows.language import Flow
from homing.domain.stories.check import Known
from homing.domain.stories.language import Story
from homing.domain.stories.read import read_story
from homing.local.stories.files import campaigns_of, own_campaigns, story_files, tell
from homing.local.stories.player import play

ROOT = Path(__file__).parents[2]
STARTER = ROOT / "layers" / "campaigns"
FIXTURE = ROOT / "tests" / "fixtures" / "story_campaigns"
FILES = story_files([STARTER, FIXTURE])


def name(file: Path) -> str:
    return f"{'starter' if file.is_relative_to(STARTER) else 'fixture'}-{file.stem}"


@pytest.mark.parametrize("file", FILES, ids=name)
def test_it_holds(file: Path) -> None:
    (told,) = tell([file], None, STARTER)
    assert [str(problem) for problem in told.problems] == []
    assert told.played is not None
    shown = [f"{one.line}: {one.expected} / {one.instead}" for one in told.played.failures]
    assert told.held, "\n".join([*shown, *told.played.timeline])
    assert told.played.checks


def test_each_starter_flow_has_a_story_that_runs_it() -> None:
    campaigns, known = campaigns_of(STARTER)
    began = {run.flow for file in story_files([STARTER]) for run in runs(campaigns, known, file)}
    # Nobody is asked to confirm where no topic has a double opt-in; tests/fixtures/story_campaigns has one.
    assert began >= set(campaigns.flows) - {"confirm-subscription"}


def runs(campaigns: Campaigns, known: Known, file: Path) -> list[Any]:
    from homing.local.stories.player import Player

    player = Player(read(file), campaigns, known)
    player.play()
    return player.stage.journal.runs()


@cache
def read(file: Path) -> Story:
    story, problems = read_story(file.read_bytes(), file.name)
    assert story is not None, problems
    return story


BROKEN = {
    "a cart is written to again and again": ("cart-recovery", {"run_once_per": "trigger", "steps": [
        {"send": "cart-reminder"}, {"wait": "1d"}, {"send": "cart-vip"}]}),
    "regulars get the note for everybody": ("cart-recovery", {"steps": [{"send": "cart-reminder"}]}),
    "yesterday's carts start something": ("cart-recovery", {"max_age": "3d"}),
    "carts wait for the morning": ("cart-recovery", {"ignore_quiet_hours": False}),
    "a second look every time": ("browse-follow-up", {"again_after": None}),
    "who bought is shown it again": ("browse-follow-up", {"stop_when": {"did": "Product Added"}}),
    "who put it into the cart is shown it again": ("browse-follow-up", {"stop_when": {"did": "Order Completed"}}),
    "until the next morning instead of 18 hours": ("browse-follow-up", {"steps": [
        {"wait": {"until": "10:00"}}, {"send": "browse-follow-up"}]}),
    "a thank-you for each order": ("first-order-thank-you", {"on": "order_placed", "run_once_per": "order"}),
    "asked how they like what they sent back": ("first-order-thank-you", {"exit_when": None}),
    "asked after a week": ("first-order-thank-you", {"steps": [
        {"wait": "2h"}, {"send": "first-order-thank-you"}, {"wait": {"until": "10:00", "at_least": "7d"}},
        {"send": "first-order-all-well"}]}),
    "the fourth order": ("fifth-order", {"on": {"order_placed": {"nth": 4}}}),
    "hello to who came back": ("win-back", {"stop_when": None}),
    "hello twice in half a year": ("win-back", {"again_after": None}),
    "written to again, though they looked": ("win-back", {"steps": [
        {"wait": {"until": "10:00", "at_least": "1d"}}, {"send": "win-back"},
        {"wait": "14d"}, {"wait": {"until": "10:00", "weekdays": ["tue", "wed", "thu"]}}, {"send": "stay-in-touch"}]}),
    "a birthday without its present": ("birthday", {"steps": [{"send": "order-milestone"}]}),
    "a hello that waits": ("come-back", {"steps": [{"wait": "1h"}, {"send": "win-back"}]}),
}  # fmt: skip


@pytest.mark.parametrize(("flow", "change"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_flow_is_noticed(flow: str, change: dict[str, Any]) -> None:
    campaigns, known = campaigns_of(STARTER)
    written = {**known.written[flow], **change}
    broken = Flow.model_validate({key: value for key, value in written.items() if value is not None})
    changed = campaigns.model_copy(update={"flows": {**campaigns.flows, flow: broken}})
    assert any(play(read(file), changed, known).failures for file in story_files([STARTER]))


def test_stories_are_told_about_the_campaigns_that_they_lie_in() -> None:
    assert own_campaigns(FIXTURE / "stories" / "paused.yaml") == FIXTURE
    assert own_campaigns(ROOT / "README.md") is None
