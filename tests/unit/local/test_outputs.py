"""The files that replay, demo and backtest write."""

from __future__ import annotations

import json
from pathlib import Path

from homing.local.outputs import Message, Outputs, ProfileLine, QuarantineLine, Transition

OUTPUTS = Outputs(
    messages=(
        Message(
            message_id="m1",
            profile_id="p1",
            to="ada@example.com",
            flow="cart-recovery",
            run_id="r1",
            template="cart",
            trigger="cart_abandoned",
            triggered_at=1_000_000,
            decided_at=2_000_000,
            sent_at=3_000_001,
            status="sent",
            subject="Still there",
            html="<p>",
            text="t",
            headers={"List-Unsubscribe": "<https://x>"},
        ),
        Message(message_id="m2", profile_id="p1", status="dropped", reason="no_consent"),
    ),
    transitions=(Transition(at=5, profile_id="p1", user_id="u1", segment="vip", change="entered"),),
    profiles=(ProfileLine(profile_id="p1", identifiers={"email": ["ada@example.com"]}, first_at=7),),
    quarantine=(QuarantineLine(at=9, code="missing_user", raw="{"),),
    archive={"events/date=1970-01-01/a.jsonl": b'{"name":"Product Viewed"}\n'},
)


def test_outputs_read_back_what_they_wrote(tmp_path: Path) -> None:
    OUTPUTS.write(tmp_path)
    assert Outputs.read(tmp_path) == OUTPUTS


def test_times_in_the_files_are_iso_8601_in_utc(tmp_path: Path) -> None:
    OUTPUTS.write(tmp_path)
    first = json.loads((tmp_path / "messages.jsonl").read_text().splitlines()[0])
    assert first["sent_at"] == "1970-01-01T00:00:03.000001Z"
    assert first["triggered_at"] == "1970-01-01T00:00:01Z"


def test_events_are_the_lines_of_the_archive() -> None:
    assert OUTPUTS.events == [{"name": "Product Viewed"}]


def test_a_missing_folder_reads_as_nothing(tmp_path: Path) -> None:
    assert Outputs.read(tmp_path / "nowhere") == Outputs()
