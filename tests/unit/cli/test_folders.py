"""Where commands find campaigns, where they write, and how they end when they can't."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from homing.cli import folders, main
from homing.domain.errors import HomingError

ROOT = Path(__file__).parents[3]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main.command, list(arguments))


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two events, and two lines that are none."""
    path = tmp_path / "events.jsonl"
    event = {"type": "track", "event": "Product Viewed", "userId": "ada", "properties": {"product_id": "p1"}}
    lines = [json.dumps(event | {"timestamp": f"2026-03-0{day}T09:00:00.5Z"}) for day in (2, 4)]
    path.write_text("\n".join([lines[0], "{torn", json.dumps(event), lines[1]]) + "\n")
    return path


def test_campaigns_are_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert folders.default_campaigns() == Path("layers/campaigns")
    monkeypatch.chdir(ROOT / "docs")
    assert folders.default_campaigns() == ROOT / "layers/campaigns"
    monkeypatch.chdir(tmp_path)
    assert folders.default_campaigns() == ROOT / "layers/campaigns"


def test_campaigns_of_the_working_directory_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "layers/campaigns").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert folders.default_campaigns() == Path("layers/campaigns")


def test_check_publish_preview_and_backtest_run_outside_the_checkout(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("check").exit_code == 0
    assert run("publish").exit_code == 0
    assert (tmp_path / "build/campaigns/bundle.json").exists()
    assert run("preview", "--json").exit_code == 0
    assert run("backtest", str(recording)).exit_code == 0


def test_a_backtest_leaves_out_what_it_cannot_read_and_says_so(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run("backtest", str(recording), "--json", "--out", str(out))
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert (summary["events"], summary["quarantined"], summary["unreadable_lines"]) == (2, 2, 2)
    assert summary["until"] == "2026-03-11T09:00:00.500000Z"
    lines = [json.loads(line) for line in (out / "quarantine.jsonl").read_text().splitlines()]
    assert [(line["source"], line["code"], line["where"]) for line in lines] == [
        ("file", "bad_json", f"{recording}:2"),
        ("file", "missing_timestamp", f"{recording}:3"),
    ]
    assert "quarantined or refused: 2 (2 unreadable lines)" in run("backtest", str(recording)).stdout


@pytest.mark.parametrize("name", ["replay", "backtest"])
def test_an_end_before_the_beginning_is_wrong_use(name: str, recording: Path) -> None:
    result = run(name, str(recording), "--until", "2026-01-01T00:00:00Z")
    assert result.exit_code == 2
    assert "first event is of 2026-03-02T09:00:00.500000Z" in result.output


@pytest.mark.parametrize("name", ["replay", "backtest", "demo", "preview"])
def test_a_folder_that_cannot_be_written_stops_a_run_before_it_begins(
    name: str, recording: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    events = [str(recording)] if name in {"replay", "backtest"} else []
    result = run(name, *events, "--out", str(tmp_path / "file" / "out"))
    assert result.exit_code == 1
    assert isinstance(result.exception, HomingError)
    assert "Not a directory" in str(result.exception)


def test_a_bundle_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("publish", "--out", str(tmp_path / "file" / "bundle.json"))
    assert isinstance(result.exception, HomingError)


@pytest.mark.parametrize(
    ("arguments", "instead"),
    [
        (("explain", "ana", "--events"), ""),
        (("check", "--events"), ""),
        (("flows", "--out", "OUT", "--events"), ""),
        (("plan", "--against", "HERE", "--events"), ", or --archive FOLDER"),
        (("recommend",), ", or --archive FOLDER"),
        (("replay",), ""),
        (("audit",), ""),
    ],
    ids=lambda part: part[0] if isinstance(part, tuple) else "",
)
def test_a_folder_in_place_of_a_recording_is_told_with_what_to_give(
    arguments: tuple[str, ...], instead: str, tmp_path: Path
) -> None:
    given = [str(tmp_path) if one in {"OUT", "HERE"} else one for one in arguments]
    result = run(*given, str(tmp_path))
    assert result.exit_code == 2
    assert f"{tmp_path} is a folder: give a file of JSON lines{instead}\n" in result.output
    recording = tmp_path / "events.jsonl"
    recording.touch()
    assert f"give a file of JSON lines ({recording}?){instead}\n" in run(*given, str(tmp_path)).output


@pytest.mark.parametrize("port", ["99999", "-1"])
def test_a_port_that_does_not_exist_is_wrong_use(port: str) -> None:
    assert run("serve", "--port", port).exit_code == 2


def test_a_port_that_is_taken_is_a_failure() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run("serve", "--port", str(taken.getsockname()[1]))
    assert isinstance(result.exception, HomingError)
    assert "--port" in str(result.exception)


def test_an_error_of_the_machine_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise OSError(28, "No space left on device", "out/messages.jsonl")

    monkeypatch.setattr(main, "command", fail)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "homing: out/messages.jsonl: No space left on device\n"
