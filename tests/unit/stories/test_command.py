"""``homing story``: what a marketer sees."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from homing.cli.check import command as check
from homing.cli.story import command
from tests.unit.stories.support import FOLDER, HEAD

HELD = "ana: {does: Rang}", "expect: {description: She is greeted, mail: hello}"
MISSED = *HELD, "expect: {description: And once more, mail: hello}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, steps in (("held", HELD), ("missed", MISSED)):
        (tmp_path / f"{name}.yaml").write_text(HEAD + "".join(f"  - {step}\n" for step in steps), encoding="utf-8")
    return tmp_path


def story(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(one) for one in (*arguments, "--campaigns", FOLDER)])


def test_a_story_that_holds_is_a_line(folder: Path) -> None:
    result = story(folder / "held.yaml")
    assert result.exit_code == 0
    first, last = result.output.splitlines()
    assert re.fullmatch(r"✓ held: A story  \(1 expectation, \d\.\d\d s\)", first)
    assert re.fullmatch(r"1 story, 1 expectation, \d\.\d s: all as expected", last)


def test_a_story_that_does_not_hold_is_told_with_its_place_and_what_happened(folder: Path) -> None:
    file = folder / "missed.yaml"
    result = story(file)
    assert result.exit_code == 1
    assert (
        f"{file}:9:42: And once more\n    expected  1 new mail, hello\n    instead   none that was not expected"
        in result.output
    )
    assert "    What happened:\n    Mon  2 Mar 2026 14:00 CET  ana: Rang\n" in result.output
    assert result.output.splitlines()[-2].endswith("✗ And once more (line 9)")


def test_a_folder_is_all_of_its_stories(folder: Path) -> None:
    result = story(folder)
    assert result.exit_code == 1
    assert "✓ held" in result.output
    assert "✗ missed" in result.output
    assert "2 stories, 3 expectations" in result.output
    assert "1 not as expected" in result.output


def test_verbose_tells_all_that_happens(folder: Path) -> None:
    assert "ana: gets hello (hello) at ana@example.com" not in story(folder / "held.yaml").output
    assert "ana: gets hello (hello) at ana@example.com" in story(folder / "held.yaml", "--verbose").output


def test_a_program_gets_json(folder: Path) -> None:
    (folder / "odd.yaml").write_text(HEAD + "  - ana: {dose: Rang}\n", encoding="utf-8")
    result = story(folder, "--json")
    assert result.exit_code == 1
    held, missed, odd = json.loads(result.output)
    assert (held["name"], held["held"], held["expectations"], held["failures"]) == ("held", True, 1, [])
    assert missed["failures"][0]["description"] == "And once more"
    assert (missed["failures"][0]["line"], missed["failures"][0]["column"]) == (9, 42)
    assert "ana: Rang" in missed["timeline"][0]
    assert odd["problems"][0]["code"] == "unknown_key"
    assert odd["timeline"] == []


def test_a_warning_keeps_no_story_from_being_played(folder: Path) -> None:
    (folder / "held.yaml").write_text(
        HEAD + "  - ana: {does: Product Vieved}\n  - expect: {no_mail: true}\n", encoding="utf-8"
    )
    result = story(folder / "held.yaml")
    assert result.exit_code == 0
    assert "held.yaml:7:17: unknown_event warning: no event is called 'Product Vieved'" in result.output


def test_a_story_that_expects_nothing_is_played_and_never_passes(folder: Path) -> None:
    file = folder / "idle.yaml"
    file.write_text(HEAD + "  - ana: {does: Rang}\n", encoding="utf-8")
    result = story(file)
    assert result.exit_code == 1
    assert f"{file}:6:1: nothing_expected warning: nothing is expected, so this tests nothing" in result.output
    assert "✗ idle: A story" in result.output
    assert "ana: gets hello (hello) at ana@example.com" in result.output
    assert result.output.splitlines()[-1].endswith("s: 1 without anything expected")
    assert story(folder).output.splitlines()[-1].endswith("s: 1 not as expected, 1 without anything expected")
    (told,) = json.loads(story(file, "--json").output)
    assert (told["held"], told["problems"][0]["code"]) == (False, "nothing_expected")


def test_a_story_that_cannot_be_read_is_counted_as_such(folder: Path) -> None:
    for name, text in (
        ("a", b"story: [\n"), ("b", "description: Grüße\n".encode("latin-1")), ("c", b"on: birthday\nsteps: [{send: hello}]\n"),
    ):  # fmt: skip
        file = folder / f"{name}.yaml"
        file.write_bytes(text)
        result = story(file)
        assert result.exit_code == 1
        assert result.output.splitlines()[-1].endswith("s: 1 can't be played")
    assert story(folder).output.splitlines()[-1].endswith("s: 1 not as expected, 3 can't be played")


def test_where_there_is_no_story_says_so(tmp_path: Path) -> None:
    assert story(tmp_path).exit_code == 2
    missing = story(tmp_path / "nothing.yaml")
    assert missing.exit_code == 2
    assert "there is no story" in missing.output


def test_campaigns_with_mistakes_are_told_before_any_story(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "settings.yaml").write_text("brand: {name: x}\n", encoding="utf-8")
    result = CliRunner().invoke(command, [str(folder / "held.yaml"), "--campaigns", str(tmp_path)])
    assert result.exit_code == 1
    assert "settings.yaml:1:8: missing_key" in str(result.exception)


def test_homing_check_reads_the_stories_too(tmp_path: Path) -> None:
    import shutil

    shutil.copytree(FOLDER, tmp_path / "c")
    (tmp_path / "c/stories/odd.yaml").write_text(HEAD + "  - ana: {opens: helo}\n", encoding="utf-8")
    (tmp_path / "c/stories/odd.txt").write_text("", encoding="utf-8")
    result = CliRunner().invoke(check, ["--campaigns", str(tmp_path / "c")])
    assert result.exit_code == 1
    assert (
        "stories/odd.yaml:7:18: unknown_template there is no template 'helo' (did you mean 'hello'?)" in result.output
    )
    assert "stories/odd.txt:1:1: unknown_file files in stories/ end in .yaml" in result.output


def test_stories_are_no_part_of_what_is_deployed(tmp_path: Path) -> None:
    import shutil

    from homing.adapters.files import read_folder
    from homing.domain.content.publish import publish

    shutil.copytree(FOLDER, tmp_path / "c")
    shutil.rmtree(tmp_path / "c/stories")
    with_stories, without = publish(read_folder(FOLDER)), publish(read_folder(tmp_path / "c"))
    assert with_stories == without
    assert with_stories.revision == without.revision
