"""A plan over real sessions: cart mails before and after a second cart mail, against an independent reading of the raw file."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from homing.cli.plan import command
from tests.fixtures import otto
from tests.fixtures.changed import STARTER, changed_starter

_HOUR = 3_600_000


def test_a_second_cart_mail_reaches_who_did_not_order_within_twenty_hours(tmp_path: Path) -> None:
    sessions = otto.sessions()
    end = max(event["ts"] for session in sessions for event in session["events"])
    events = otto.write_jsonl(tmp_path / "events.jsonl")
    changed = changed_starter(tmp_path / "changed")
    arguments = ["--campaigns", str(changed), "--against", str(STARTER), "--events", str(events), "--json"]
    done = CliRunner().invoke(command, arguments)
    found = json.loads(done.stdout)
    (row,) = (row for row in found["flows"] if row["name"] == "cart-recovery")

    first = second = 0
    for session in sessions:
        orders = [event["ts"] for event in session["events"] if event["type"] == "orders"]
        for at, _ in otto.expected_cart_mails(session):
            # Cart mails leave at once, and no cap holds any of them back here.
            first += at <= end
            second += at + 20 * _HOUR <= end and not any(at < order <= at + 20 * _HOUR for order in orders)
    assert row["history"] == [first, first + second]
    assert second > 0
