"""Commands that read campaigns, often two folders of them, say in which one a mistake is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from homing.cli.main import command
from homing.domain.errors import InvalidCampaign
from tests.fixtures import small_history
from tests.fixtures.changed import STARTER

STORY = STARTER / "stories" / "birthday-leap-day.yaml"
COMMANDS = (
    "check --campaigns STARTER --against BAD",
    "backtest EVENTS --campaigns STARTER --against BAD",
    "backtest EVENTS --campaigns BAD --against STARTER",
    "plan --campaigns BAD --against STARTER",
    "plan --campaigns STARTER --against BAD",
    "story --campaigns BAD",
    "story STORY --campaigns BAD",
    "explain person-1 --events EVENTS --campaigns BAD",
    "explain person-1 --runs --events EVENTS --campaigns BAD",
    "flows --out OUT --campaigns BAD",
    "send-test birthday --to a@shop.example --list --campaigns BAD",
)


def run(line: str, bad: Path, tmp_path: Path) -> str:
    """What a command says, as the console script prints it."""
    events = tmp_path / "events.jsonl"
    events.write_text("".join(json.dumps(message) + "\n" for message in small_history.messages(2)))
    places = {"STARTER": STARTER, "BAD": bad, "EVENTS": events, "STORY": STORY, "OUT": tmp_path / "out"}
    done = CliRunner().invoke(command, [str(places.get(word, word)) for word in line.split()])
    assert done.exit_code in {1, 2}, done.output
    return str(done.exception) if isinstance(done.exception, InvalidCampaign) else done.stderr


@pytest.mark.parametrize("line", COMMANDS)
def test_a_folder_without_settings_is_named(line: str, tmp_path: Path) -> None:
    bad = tmp_path / "nothing"
    bad.mkdir()
    assert f"{bad}/settings.yaml:1:1: missing_file settings.yaml is missing" in run(line, bad, tmp_path)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_mistake_in_a_file_is_told_with_the_folder_that_it_is_in(line: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    shutil.copytree(STARTER, bad)
    flow = bad / "flows" / "win-back.yaml"
    flow.write_text(flow.read_text().replace("send: win-back", "send: winback"))
    assert f"{flow}:" in run(line, bad, tmp_path)


def test_campaigns_without_stories_have_none(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(STARTER, bare)
    shutil.rmtree(bare / "stories")
    assert f"{bare} has no stories: write them into {bare}/stories" in run("story --campaigns BAD", bare, tmp_path)
