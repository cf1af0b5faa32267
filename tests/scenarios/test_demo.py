from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from homing.cli.backtest import command as backtest
from homing.cli.demo import command

pytestmark = pytest.mark.xdist_group("host")


def test_a_small_demo_sends_mails_refuses_nonsense_and_writes_a_page_that_needs_nothing_else(tmp_path: Path) -> None:
    arguments = ["--customers", "25", "--days", "3", "--seed", "3", "--out", str(tmp_path), "--json"]
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary["events"] > 60
    assert summary["mails"] >= 1
    assert summary["refused"] >= 4
    assert "function_errors" not in summary
    page = (tmp_path / "report.html").read_text()
    assert f"{summary['mails']:,}</dd>" in (tmp_path / "flows.html").read_text()
    assert "From a visit to an order" in page
    assert "The mails themselves" in page
    assert "<script" not in page.split("srcdoc")[0]
    # All pictures of the catalog are inside.
    assert "images/" not in page
    lines = [json.loads(line) for line in (tmp_path / "messages.jsonl").read_text().splitlines()]
    assert sum(line["status"] == "sent" for line in lines) == summary["mails"]
    # The recording is the same shop: the same people, the same carts left behind.
    assert summary["recording"] == str(tmp_path / "events.jsonl")
    again = CliRunner().invoke(
        backtest, [summary["recording"], "--until", "2026-10-15T00:00:00+02:00", "--out", str(tmp_path / "again")]
    )
    assert again.exit_code == 0, again.output
    assert f"{summary['profiles']} profiles" in again.output
    decided = [json.loads(line) for line in (tmp_path / "again" / "messages.jsonl").read_text().splitlines()]
    carts = [
        Counter((line["status"], line["to"], line["triggered_at"]) for line in found if line["flow"] == "cart-recovery")
        for found in (lines, decided)
    ]
    assert carts[0] == carts[1] != Counter()
