"""The console script: what it lists, and how it ends."""

from __future__ import annotations

import importlib
import sys

import click
import pytest
from click.testing import CliRunner

from homing.cli import main
from homing.domain.errors import HomingError, InvalidCampaign


def test_every_listed_command_has_its_module_and_says_what_it_does() -> None:
    for name, (module, text) in main.COMMANDS.items():
        command = importlib.import_module(f"homing.cli.{module}").command
        assert isinstance(command, click.Command)
        assert command.name == name
        assert text.endswith(".")


def test_help_lists_the_commands_without_importing_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "homing.cli.serve", raising=False)
    result = CliRunner().invoke(main.command, ["--help"])
    assert result.exit_code == 0
    assert all(name in result.output for name in main.COMMANDS)
    assert "homing.cli.serve" not in sys.modules


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(main.command, ["--version"]).output.startswith("homing, version ")


@pytest.mark.parametrize("arguments", [["dance"], ["replay"], ["replay", "nowhere.jsonl"], ["serve", "--port", "x"]])
def test_wrong_use_exits_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(main.command, arguments).exit_code == 2


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (HomingError("the shop is closed"), "homing: the shop is closed"),
        (
            InvalidCampaign("no such key", code="unknown_key", file="a.yaml", line=3),
            "a.yaml:3:1: unknown_key no such key",
        ),
    ],
)
def test_our_own_errors_are_one_line_and_exit_1(
    error: HomingError, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(main, "command", fail)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.strip() == text
