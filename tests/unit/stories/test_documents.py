"""The page about stories says what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from homing.cli.story import command
from homing.domain.stories import expected, language
from homing.domain.stories.expectations import WORDS
from homing.domain.stories.read import read_story
from homing.local.stories.files import campaigns_of
from homing.local.stories.player import play

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "stories.md").read_text(encoding="utf-8")
STARTER = ROOT / "layers" / "campaigns"


def test_the_story_on_the_page_holds_and_is_the_one_of_the_starter_campaigns() -> None:
    (shown,) = re.findall(r"```yaml\n# stories/cart-recovery.yaml\n(.*?)```", PAGE, re.S)
    assert shown == (STARTER / "stories" / "cart-recovery.yaml").read_text(encoding="utf-8")
    story, problems = read_story(shown, "cart-recovery.yaml")
    assert story is not None, problems
    assert play(story, *campaigns_of(STARTER)).failures == []


MODELS = (language.Does, expected.MailIs, expected.RunIs, expected.DecisionIs, language.Request)
FIELDS = {name for model in MODELS for name in model.model_fields}


@pytest.mark.parametrize("word", sorted({*language.DEEDS, *language.STEPS, *WORDS, *FIELDS}))
def test_every_word_is_on_the_page(word: str) -> None:
    assert re.search(rf"\b{word.rstrip('_')}\b", PAGE), word


def test_every_option_is_on_the_page() -> None:
    named = {option for one in command.params for option in one.opts if option.startswith("--")} - {"--verbose"}
    assert {option for option in named if option not in PAGE} == set()
