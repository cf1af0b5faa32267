"""The documents say what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from homing.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if not (page.parent / link).exists()]
    assert missing == []


def test_the_flow_in_the_readme_is_the_one_that_is_deployed() -> None:
    shown = re.search(r"```yaml\n# (\S+)\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    assert shown is not None
    assert shown[2].strip() == (ROOT / shown[1]).read_text(encoding="utf-8").strip()


def test_every_command_is_documented() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [name for name in COMMANDS if f"homing {name}" not in text] == []


def test_every_command_that_is_documented_exists() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = set(re.findall(r"(?:^|\$ (?:\.venv/bin/)?|`)homing ([a-z]+)(?=[ `\n])", text, re.M))
    assert named <= {*COMMANDS, "demo"}


def test_every_target_of_make_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    for page in PAGES:
        named = set(re.findall(r"(?:\$ |`)make ([a-z0-9]+)", page.read_text(encoding="utf-8")))
        assert named <= targets, page.name
