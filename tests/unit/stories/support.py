"""A shop for stories, and stories in a few lines."""

from __future__ import annotations

from pathlib import Path

from homing.domain.stories.check import wrong_names
from homing.domain.stories.read import read_story
from homing.local.stories.files import campaigns_of
from homing.local.stories.player import Played, play

FOLDER = Path(__file__).parents[2] / "fixtures" / "story_campaigns"
HEAD = """description: A story
at: 2026-03-02T14:00
people:
  ana: {email: ana@example.com, consent: true}
  ben: {email: ben@example.com, time_zone: Asia/Tokyo, consent: true}
story:
"""


def problems(text: str) -> list[str]:
    """What is wrong with a file, as ``line:column code message``."""
    story, found = read_story(text, "s.yaml")
    if story is not None:
        found += wrong_names(story, campaigns_of(FOLDER)[1])
    return [f"{one.line}:{one.column} {one.code} {one.message}" for one in found]


def played(*steps: str, head: str = HEAD) -> Played:
    """What comes of a story with these steps, a line each."""
    story, found = read_story(head + "".join(f"  - {step}\n" for step in steps), "s.yaml")
    assert story is not None, found
    campaigns, known = campaigns_of(FOLDER)
    assert wrong_names(story, known) == []
    return play(story, campaigns, known)


def missed(*steps: str) -> list[tuple[str, str]]:
    """What was expected, and what there was instead, where that is not the same."""
    return [(one.expected, one.instead.strip()) for one in played(*steps).failures]
