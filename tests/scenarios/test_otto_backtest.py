"""The 20 real sessions of OTTO through the backtest: each abandoned cart gets exactly one mail, at the right instant."""

from __future__ import annotations

import re
from pathlib import Path

from homing.adapters.files import read_folder
from homing.domain.content.publish import publish
from homing.domain.events.event import Event
from homing.domain.time import parse_instant
from homing.local.backtest import Backtest
from homing.sources.segment_spec import read_message
from tests.fixtures import otto

CAMPAIGNS = Path(__file__).parents[2] / "layers" / "campaigns"


def as_events(messages: list[dict[str, object]]) -> list[Event]:
    """As received at their own timestamps."""
    return [read_message(message, received=parse_instant(str(message["timestamp"]))) for message in messages]


def test_each_abandoned_cart_gets_exactly_one_mail_with_exactly_its_items() -> None:
    sessions = otto.sessions()
    backtest = Backtest(publish(read_folder(CAMPAIGNS)))
    messages = sorted((m for s in sessions for m in otto.messages(s)), key=lambda m: str(m["timestamp"]))
    backtest.run(as_events(messages))
    backtest.pass_time(backtest.now + 3 * 86_400_000_000)
    outputs = backtest.outputs()
    carts = [line for line in outputs.messages if line.trigger == "cart_abandoned"]
    assert {line.status for line in carts} == {"sent"}
    ours = {}
    for line in carts:
        aids = set(re.findall(r"\b\d{4,7}\b", line.text)) & {str(e["aid"]) for s in sessions for e in s["events"]}
        ours[line.to, line.triggered_at] = aids
        assert line.sent_at is not None
        assert line.triggered_at is not None
        assert 0 <= line.sent_at - line.triggered_at <= 60_000_000
    theirs = {
        (f"otto-{session['session']}@customers.example", at * 1000): set(items)
        for session in sessions
        for at, items in otto.expected_cart_mails(session)
    }
    assert ours == theirs
    assert len(carts) == len(theirs)
