"""``homing backtest`` as it is called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from homing.adapters.files import read_folder
from homing.cli.backtest_stage import Execution, play
from homing.cli.main import command
from homing.domain.content.publish import publish
from homing.domain.errors import HomingError
from homing.local.figures import Figures
from tests.fixtures import small_shops

CAMPAIGNS = Path(__file__).parents[3] / "layers" / "campaigns"


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    # Last come first: nobody promises an order.
    path.write_text("".join(json.dumps(message) + "\n" for message in reversed(small_shops.history(1, people=6))))
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, ["backtest", *arguments])


def told(*arguments: str) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return {name: value for name, value in found.items() if name not in {"seconds", "events_per_second", "parts"}}


def test_parts_give_the_same_summary(events: Path) -> None:
    assert told(str(events)) == told(str(events), "--parts", "3")


def test_only_the_flows_that_somebody_names_decide(events: Path, tmp_path: Path) -> None:
    everything, some = tmp_path / "all", tmp_path / "some"
    told(str(events), "--out", str(everything))
    told(str(events), "--flows", "cart-recovery, win-back", "--out", str(some))

    def flows(out: Path) -> set[str]:
        return {json.loads(line)["flow"] for line in (out / "messages.jsonl").read_text().splitlines()}

    assert flows(some) == {"cart-recovery"}
    assert flows(everything) > flows(some)
    # Segments stay.
    assert (some / "transitions.jsonl").read_bytes() == (everything / "transitions.jsonl").read_bytes()


def test_a_flow_that_there_is_not_is_told_with_the_one_that_was_meant(events: Path) -> None:
    result = run(str(events), "--flows", "cart-recovry")
    assert result.exit_code == 2
    assert "there is no flow 'cart-recovry' (did you mean 'cart-recovery'?)" in result.stderr


def test_against_other_campaigns_differences_are_told_person_by_person(events: Path, tmp_path: Path) -> None:
    import shutil

    other, out = tmp_path / "main", tmp_path / "out"
    shutil.copytree(CAMPAIGNS, other)
    settings = (other / "settings.yaml").read_text()
    (other / "settings.yaml").write_text(settings.replace("after: 30m", "after: 3h"))
    summary = told(str(events), "--against", str(other), "--out", str(out))
    lines = [json.loads(line) for line in (out / "differences.jsonl").read_text().splitlines()]
    mails = [line for line in lines if line["what"] == "message" and line["flow"] == "cart-recovery"]
    assert mails
    assert {line["kind"] for line in mails} >= {"other_time"}
    assert summary["differences"]["against"] == str(other)
    assert summary["differences"]["people"] == len({line["profile_id"] for line in lines})
    figures = Figures.from_dict(json.loads((out / "backtest.json").read_text()))
    assert figures.differences is not None
    assert figures.differences.there is not None
    assert figures.differences.mails_here == figures.decisions()["sent"]
    assert figures.differences.mails_there == figures.differences.there.decisions()["sent"]
    # Held against itself nothing differs.
    same = told(str(events), "--against", str(CAMPAIGNS))["differences"]
    assert (same["people"], same["messages"], same["transitions"]) == (0, {}, {})


def test_held_against_the_same_campaigns_nothing_differs(events: Path, tmp_path: Path) -> None:
    lines = run(str(events), "--against", str(CAMPAIGNS)).stdout.splitlines()
    assert f"against '{CAMPAIGNS}': nothing differs" in lines


def test_segments_that_only_one_side_has_are_named_and_their_moves_are_no_differences(
    events: Path, tmp_path: Path
) -> None:
    import shutil

    other = tmp_path / "main"
    shutil.copytree(CAMPAIGNS, other)
    (other / "segments" / "lookers.yaml").write_text("when: {did: Product Added}\n")
    gone = told(str(events), "--against", str(other))["differences"]
    assert (gone["new_segments"], gone["gone_segments"], "lookers" in gone["transitions"]) == ([], ["lookers"], False)
    lines = run(str(events), "--campaigns", str(other), "--against", str(CAMPAIGNS)).stdout.splitlines()
    assert "segments that are new, whose moves are not counted: lookers" in lines


def test_one_is_not_told_as_many(tmp_path: Path) -> None:
    file = tmp_path / "one.jsonl"
    message = {
        "type": "track", "event": "Rang", "userId": "1", "messageId": "m", "timestamp": "2026-03-02T10:00:00Z",
    }  # fmt: skip
    file.write_text(json.dumps(message) + "\n")
    text = run(str(file)).stdout
    assert "1 event until" in text
    assert "1 profile, " in text


def test_one_of_events_and_stage_is_said(events: Path) -> None:
    for arguments in ((), (str(events), "--stage", "prod")):
        result = run(*arguments)
        assert result.exit_code == 2
        assert "say EVENTS, or --stage NAME" in result.stderr


class Machine:
    """Stands in for Step Functions: each look finds it further, and the last one over."""

    def __init__(self, *, status: str = "SUCCEEDED", **more: str) -> None:
        self.last = {"status": status, **more}
        self.looks = 0
        self.started: dict[str, Any] = {}

    def start_execution(self, **request: Any) -> dict[str, str]:
        self.started = request
        return {"executionArn": "arn:execution:1"}

    def describe_execution(self, **_: Any) -> dict[str, str]:
        self.looks += 1
        return {"status": "RUNNING"} if self.looks < 4 else self.last

    def list_map_runs(self, **_: Any) -> dict[str, Any]:
        labels = ["Rank", "Play"][: self.looks - 1]
        return {
            "mapRuns": [{"mapRunArn": f"arn:aws:states:eu:1:mapRun:homing-prod-backtest/{one}:uuid"} for one in labels]
        }

    def describe_map_run(self, **request: Any) -> dict[str, Any]:
        return {"itemCounts": {"succeeded": self.looks, "total": 7}}


class Staged:
    """Stands in for the files of the bucket."""

    def __init__(self) -> None:
        self.begun: tuple[Any, ...] = ()

    def begin(self, *told: Any) -> None:
        self.begun = told

    def result(self) -> Figures:
        return Figures(events=12)


def test_a_stage_plays_its_archive_and_shows_how_far_it_is() -> None:
    machine, staged, waited = Machine(), Staged(), list[float]()
    shown: list[tuple[str, int, int]] = []
    campaigns = publish(read_folder(CAMPAIGNS))
    figures = play(
        staged, Execution(machine, "arn:machine", waited.append), "b-1", campaigns, None,  # type: ignore[arg-type]
        1_772_409_600_000_000, lambda *one: shown.append(one),
    )  # fmt: skip
    assert figures.events == 12
    assert staged.begun == (campaigns, None, "")
    assert machine.started["stateMachineArn"] == "arn:machine"
    assert json.loads(machine.started["input"]) == {"id": "b-1", "since": "2026-03-02"}
    assert shown == [
        ("Dividing the archive", 0, 0), ("Ranking customers", 2, 7), ("Ranking customers", 3, 7), ("Deciding", 3, 7),
    ]  # fmt: skip
    assert len(waited) == 3


def test_a_machine_that_failed_says_what_its_function_said() -> None:
    cause = json.dumps({"errorMessage": "the archive holds no events since 2026-03-02", "stackTrace": ["…"]})
    machine = Machine(status="FAILED", error="InvalidInput", cause=cause)
    with pytest.raises(HomingError, match="b-1 failed: InvalidInput: the archive holds no events since 2026-03-02"):
        Execution(machine, "arn:machine", lambda _: None)("b-1", "2026-03-02", lambda *_: None)
