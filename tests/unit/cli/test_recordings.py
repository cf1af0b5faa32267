"""Recordings that are not as they should be: every command that reads one says so, and which lines it left out."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from homing.cli.main import command
from tests.fixtures import small_history
from tests.fixtures.changed import STARTER

READERS = ("backtest", "plan", "flows", "check", "explain", "explain --runs")


def run(reader: str, file: Path, out: Path) -> Result:
    arguments = {
        "backtest": ["backtest", str(file)],
        "backtest in parts": ["backtest", str(file), "--parts", "3"],
        "plan": ["plan", "--campaigns", str(STARTER), "--against", str(STARTER), "--events", str(file)],
        "flows": ["flows", "--events", str(file), "--out", str(out)],
        "check": ["check", "--events", str(file)],
        "explain": ["explain", "person-1", "--events", str(file)],
        "explain --runs": ["explain", "person-1", "--runs", "--events", str(file)],
    }
    return CliRunner().invoke(command, arguments[reader])


def text(messages: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(message) + "\n" for message in messages)


@pytest.mark.parametrize("reader", READERS)
def test_a_recording_that_is_packed_is_to_be_unpacked_first(reader: str, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl.gz"
    file.write_bytes(gzip.compress(text(small_history.messages(3)).encode()))
    done = run(reader, file, tmp_path / "out")
    assert done.exit_code == 2
    assert f"{file} is compressed (gzip): unpack it first" in done.stderr


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("layout", ["in one line", "a line each", "indented"])
def test_a_recording_that_is_one_array_is_to_be_written_a_message_a_line(
    reader: str, layout: str, tmp_path: Path
) -> None:
    messages = small_history.messages(3)
    file = tmp_path / "events.json"
    lines = ",\n".join(json.dumps(message) for message in messages)
    written = {
        "in one line": json.dumps(messages),
        "a line each": f"[\n{lines}\n]\n",
        "indented": json.dumps(messages, indent=1),
    }
    file.write_text(written[layout])
    done = run(reader, file, tmp_path / "out")
    assert done.exit_code == 2
    assert f"{file} is one JSON array: write one message a line (JSON lines)" in done.stderr


@pytest.mark.parametrize("reader", ["backtest", "plan", "flows", "explain", "explain --runs"])
@pytest.mark.parametrize(("content", "more"), [("", ""), ("\n\n", ""), ("garbage\n", ":1: the line is not JSON")])
def test_a_recording_without_any_event_holds_no_events(reader: str, content: str, more: str, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(content)
    done = run(reader, file, tmp_path / "out")
    assert done.exit_code == 2
    assert f"{file} holds no events" in done.stderr
    assert f"{file}{more}" in done.stderr


def test_somebody_of_whom_a_recording_has_nothing_is_still_told_to_be_unknown(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(text(small_history.messages(1)))
    done = run("explain", file, tmp_path)
    assert f"{file} knows nobody called 'person-1'" in done.stderr


def broken(tmp_path: Path) -> Path:
    """Lines 2 and 5 that nobody can read, and 7 that the API would refuse."""
    lines = text(small_history.messages(6)).splitlines()
    nobody = json.dumps({"type": "track", "event": "Product Viewed", "timestamp": "2026-03-03T10:00:00Z"})
    for at, line in ((2, "{"), (5, '{"type": "track"}'), (7, nobody)):
        lines.insert(at - 1, line)
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.mark.parametrize("reader", ["plan", "flows", "backtest", "backtest in parts"])
def test_lines_that_are_left_out_are_counted_and_told_with_their_numbers(reader: str, tmp_path: Path) -> None:
    done = run(reader, broken(tmp_path), tmp_path / "out")
    assert done.exit_code == 0, done.output
    for told in (
        "line 2: the line is not JSON",
        "line 5: the message has no timestamp, so it has no place in time",
        "line 7: ",
    ):
        assert told in done.output
    count = "quarantined or refused: 3" if reader.startswith("backtest") else "3 lines were left out"
    assert count in done.output


def test_of_many_lines_that_are_left_out_the_first_five_are_told(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("{\n" * 8 + text(small_history.messages(3)))
    told = run("plan", file, tmp_path).stdout
    assert "line 5: the line is not JSON" in told
    assert "line 6: " not in told
    assert "and 3 more." in told


def test_programs_get_the_lines_of_a_plan_and_a_backtest_too(tmp_path: Path) -> None:
    file = broken(tmp_path)
    plan = ["plan", "--campaigns", str(STARTER), "--against", str(STARTER), "--events", str(file), "--json"]
    refused = json.loads(CliRunner().invoke(command, plan).stdout)["refused"]
    assert refused["number"] == 3
    assert [one["line"] for one in refused["first"]] == [2, 5, 7]
    summary = json.loads(CliRunner().invoke(command, ["backtest", str(file), "--json"]).stdout)
    assert (summary["refused_lines"], summary["first_refused"]) == (3, refused["first"])
