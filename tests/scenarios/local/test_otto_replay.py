"""The 20 real sessions of OTTO through `homing replay`: each abandoned cart gets exactly one mail, on time."""

from __future__ import annotations

import json
import re
from pathlib import Path

from click.testing import CliRunner
from homing.cli.main import command
from homing.domain.time import SECOND
from homing.local.outputs import Outputs

from tests.fixtures import otto


def test_each_abandoned_cart_gets_exactly_one_mail_with_exactly_its_items(tmp_path: Path) -> None:
    sessions = otto.sessions()
    recording, out = otto.write_jsonl(tmp_path / "otto.jsonl"), tmp_path / "out"
    result = CliRunner().invoke(
        command, ["replay", str(recording), "--out", str(out), "--json"], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary["quarantined"] == 0
    assert "function_errors" not in summary
    carts = [line for line in Outputs.read(out).messages if line.trigger == "cart_abandoned"]
    aids = {str(event["aid"]) for session in sessions for event in session["events"]}
    ours = {(line.to, line.triggered_at): set(re.findall(r"\b\d{4,7}\b", line.text)) & aids for line in carts}
    theirs = {
        (f"otto-{session['session']}@customers.example", at * 1000): set(items)
        for session in sessions
        for at, items in otto.expected_cart_mails(session)
    }
    assert ours == theirs
    assert len(carts) == len(theirs)
    for line in carts:
        assert line.status == "sent"
        assert line.sent_at is not None
        assert line.triggered_at is not None
        # The minute schedule, and the two streams' batching windows of a second each.
        assert 0 <= line.sent_at - line.triggered_at <= 62 * SECOND
    assert {path.name for path in out.iterdir()} == {
        "messages.jsonl", "transitions.jsonl", "profiles.jsonl", "quarantine.jsonl", "report.html", "archive",
    }  # fmt: skip
