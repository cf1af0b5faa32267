"""The 20 real sessions of OTTO through `homing replay`: each abandoned cart gets exactly one mail, on time."""

from __future__ import annotations

import json
import re
from pathlib import Path

from click.testing import CliRunner

from homing.adapters.files import read_folder
from homing.cli.main import command
from homing.domain.content.publish import publish
from homing.domain.time import SECOND, parse_instant
from homing.local.backtest import Backtest
from homing.local.host import LocalHost
from homing.local.outputs import Message, Outputs
from homing.local.recording import read_recording
from homing.local.replay import Replay, start_of
from homing.sources.segment_spec import read_message
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


OF_MAILS = {"tired-of-mail", "keen-readers", "engaged"}


def decided(message: Message) -> tuple[object, ...]:
    """A decision, without the seconds that streams take to carry it."""
    return message.message_id, message.status, message.reason, message.to, message.triggered_at, message.subject


def test_the_local_host_and_the_backtest_decide_alike(tmp_path: Path) -> None:
    recording = read_recording(otto.write_jsonl(tmp_path / "otto.jsonl"))
    with LocalHost.deployed(start=start_of(recording)) as host:
        replay = Replay(host)
        for _ in replay.run(recording):
            pass
        replayed = replay.outputs()
    backtest = Backtest(publish(read_folder(Path(__file__).parents[3] / "layers/campaigns")))
    events = [
        read_message(line.message, received=parse_instant(line.message["timestamp"])) for line in recording.messages
    ]
    backtest.run(events)
    backtest.pass_time(recording.end())
    tested = backtest.outputs()
    assert {decided(message) for message in replayed.messages} == {decided(message) for message in tested.messages}
    # That mails were delivered, and not opened, is known to the local host alone: history has no mail.
    assert {t.model_dump_json() for t in replayed.transitions if t.segment not in OF_MAILS} == {
        t.model_dump_json() for t in tested.transitions if t.segment not in OF_MAILS
    }
