"""`homing flows` and `homing explain --run` against a deployed stage: its logs, its journal, its profiles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result

from homing.adapters.dynamodb_journal import DynamoJournal
from homing.adapters.dynamodb_profiles import DynamoProfiles
from homing.adapters.files import read_folder
from homing.cli.main import command
from homing.domain.content.publish import publish
from homing.domain.flows.passage import Passage
from homing.domain.flows.run import Run
from homing.domain.profiles.identity import Identity
from homing.domain.time import DAY, HOUR
from homing.local.backtest import LOCAL_SECRET, Backtest
from homing.runtime import clock, parts
from tests.account import create_table
from tests.fixtures.shop import event, identified

STARTER = Path(__file__).parents[3] / "layers/campaigns"


class Stage:
    """A shop that was played in memory, put where a stage ``try`` would have it."""

    def __init__(self, region: str) -> None:
        self.campaigns = publish(read_folder(STARTER))
        self.lines: list[dict[str, str]] = []
        self.queries: list[dict[str, Any]] = []
        run = Backtest(self.campaigns)
        run.flows = replace(run.flows, told=lambda *run: self.lines.append(Passage.of(*run).to_dict()))
        added = event("Product Added", "2026-03-02T11:00:00Z", user_id="ana", cart_id="c1", product_id="p")
        run.run([identified("ana", loyalty_tier="gold"), added])
        run.pass_time(run.now + 3 * HOUR)
        self.now = run.now
        (self.run,) = run.journal.runs()
        dynamodb = boto3.client("dynamodb", region_name=region)
        create_table(dynamodb, "homing-try-journal", "pk", "sk")
        create_table(dynamodb, "p", "id")
        journal = DynamoJournal(dynamodb, "homing-try-journal", clock=lambda: self.now)
        profiles = DynamoProfiles(dynamodb, "p")
        for id_, held in run.profiles.read(run.profiles.ids()).items():
            profiles.write(held, expected=0)  # type: ignore[arg-type]
            journal.save_ledger(run.journal.load_ledger(id_), expected=0)
        journal.start_run(self.run)

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803
        outputs = {"ProfilesTableName": "p", "ArchiveBucketName": "a", "CampaignsRevision": self.campaigns.revision}
        return {"Stacks": [{"Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in outputs.items()]}]}

    def start_query(self, **asked: Any) -> dict[str, str]:
        self.queries.append(asked)
        return {"queryId": asked["logGroupName"]}

    def get_query_results(self, *, queryId: str) -> dict[str, Any]:  # noqa: N803
        sent = [{"flow": "cart-recovery", "template": "cart-vip", "status": "sent"}]
        rows = [*self.lines] if queryId.endswith("run_flows") else sent
        cells = [[{"field": k, "value": v} for k, v in {**row, "times": "1"}.items() if v] for row in rows]
        return {"status": "Complete", "results": cells}


@pytest.fixture
def stage(aws: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", aws)
    parts.reset()
    made, client = Stage(aws), parts.client
    monkeypatch.setattr(
        parts,
        "client",
        lambda service, own=None: made if service in {"cloudformation", "logs"} else client(service, own),
    )
    monkeypatch.setattr(parts, "identity", lambda _: Identity(LOCAL_SECRET))
    monkeypatch.setattr(clock, "now", lambda: made.now)
    yield made
    monkeypatch.undo()
    parts.reset()


def homing(*arguments: str) -> Result:
    return CliRunner().invoke(command, [*arguments, "--stage", "try", "--campaigns", str(STARTER)])


def test_pictures_of_a_stage_have_the_numbers_of_its_logs(stage: Stage, tmp_path: Path) -> None:
    result = homing("flows", "--out", str(tmp_path), "--days", "7", "--json")
    assert result.exit_code == 0, result.output
    cart = json.loads(result.output)["cart-recovery"]
    assert (cart["runs"], cart["ways"], cart["ended"]) == (1, {"0.then": 1}, {"done": 1})
    assert cart["mails"] == {"0.then.0": {"sent": 1}}
    assert {asked["logGroupName"] for asked in stage.queries} == {
        "/aws/lambda/homing-try-run_flows", "/aws/lambda/homing-try-send_email"
    }  # fmt: skip
    assert {(asked["endTime"] - asked["startTime"]) * 1_000_000 for asked in stage.queries} == {7 * DAY}
    assert "The stage try" in (tmp_path / "flows.html").read_text(encoding="utf-8")


def test_a_run_of_a_stage_is_explained_by_what_is_stored(stage: Stage) -> None:
    shown = homing("explain", "--run", stage.run.id)
    assert shown.exit_code == 0, shown.output
    for words in (
        "remembered today",
        "In vip? → yes flows/cart-recovery.yaml:",
        "loyalty_tier is gold",
        "sent: they agreed",
    ):
        assert words in shown.output, words
    listed = homing("explain", "ana", "--runs", "--json")
    assert [row["run"] for row in json.loads(listed.output)] == [stage.run.id]


def test_a_run_that_a_stage_does_not_know_is_told(stage: Stage) -> None:
    refused = homing("explain", "--run", "nothing")
    assert refused.exit_code == 2
    assert "no run 'nothing'" in refused.output


def test_a_run_whose_profile_is_gone_is_told_without_values(stage: Stage) -> None:
    gone: Run = stage.run.change(id="gone", profile_id="nobody")
    parts.journal("homing-try-journal").start_run(gone)
    shown = homing("explain", "--run", "gone")
    assert shown.exit_code == 0, shown.output
    assert "its profile is gone" in shown.output
    assert "In vip? → yes" in shown.output
