"""Why each message was sent or not, in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from homing.cli.explain import command
from homing.domain.delivery.ledger import Entry
from homing.domain.explain.messages import decision
from homing.domain.time import DAY, HOUR, iso, zone
from homing.local.explain.story import replayed
from tests.fixtures.desk import Desk
from tests.fixtures.shop import campaigns, instant
from tests.unit.explain.test_story import identify, record, track

START = instant("2026-03-02T19:00:00Z")
BERLIN = zone("Europe/Berlin")
STARTER = Path(__file__).parents[3] / "layers/campaigns"


def told(path: Path, events: list[Any], *, flows: list[dict[str, Any]], **settings: Any) -> list[list[str]]:
    bundle = campaigns(flows=flows, time_zone="Europe/Berlin", **settings)
    story = replayed(bundle, {}, record(path / "events.jsonl", events), "ana", beyond=30 * DAY)
    return [[decision(entry, BERLIN) for _, entry in one.decisions] for one in story.messages or []]


CART = {"name": "cart", "on": "cart_abandoned", "steps": [{"send": "reminder"}]}
AGREED = identify(START, "ana", email="ana@shop.example", consent={"marketing": True})
ADDED = track("Product Added", START + 2 * HOUR, userId="ana", product_id="p1", cart_id="c1")


def test_a_mail_that_waited_for_the_morning_says_so_and_what_it_rests_on(tmp_path: Path) -> None:
    (steps,) = told(tmp_path, [AGREED, ADDED], flows=[CART], quiet_hours={"from": "21:00", "until": "08:00"})
    assert steps == [
        "waits until 3 Mar 2026, 08:00: it is night for them (Europe/Berlin)",
        "sent: they agreed to it (yes through the shop's SDK on 2 Mar 2026, 20:00)",
    ]


def test_who_did_not_agree_gets_nothing_and_the_reason(tmp_path: Path) -> None:
    events = [identify(START, "ana", email="ana@shop.example", consent={"marketing": False}), ADDED]
    assert told(tmp_path, events, flows=[CART]) == [
        ["not sent: they did not agree to this topic (no through the shop's SDK on 2 Mar 2026, 20:00)"]
    ]


def test_a_cap_names_itself_and_what_came_too_late(tmp_path: Path) -> None:
    events = [AGREED, ADDED, track("Product Added", START + 5 * HOUR, userId="ana", product_id="p2", cart_id="c2")]
    first, second = told(tmp_path, events, flows=[CART], cap={"messages": 1, "within": "7d"})
    assert first[0].startswith("sent: ")
    assert second == [
        "given up: they had enough mails for now (at most 1 in 7d of all topics) until 9 Mar 2026, 22:30, and it expires "
        "on 5 Mar 2026, 01:30"
    ]


@pytest.mark.parametrize(
    ("status", "reason", "values", "sentence"),
    [
        (
            "deferred", "cap", {"behind": "s2", "flow": "vip", "priority": 9, "own_priority": 0},
            "waits until 2 Mar 2026, 21:00: vip goes first (priority 9 against 0; send s2)",
        ),
        (
            "dropped", "held_out", {"holdout": "global", "percent": 5.0, "place": 3.21},
            "not sent: they are in a hold-out (5\u00a0% under global, their place is 3.21)",
        ),
        ("dropped", "render_failed: cart is missing", None, "not sent: render_failed: cart is missing"),
        ("unknown", "worker_lost", None, "perhaps sent: the sender was interrupted, so nobody knows; it is never repeated"),
        ("dropped", "expired", {"expired": iso(START)}, "not sent: it could not go out in time (on 2 Mar 2026, 20:00)"),
        ("deferred", "throttled, queued again", None, "waits: the mail service asked to slow down"),
        ("sent", "", {"transactional": True, "topic": "orders"}, "sent: the topic orders needs no consent"),
    ],
)  # fmt: skip
def test_every_decision_is_a_sentence(status: Any, reason: str, values: Any, sentence: str) -> None:
    entry = Entry("s", status, "marketing", "f", "t", START, reason=reason, values=values, wake_at=START + HOUR)
    assert decision(entry, BERLIN) == sentence


def test_the_command_tells_of_all_messages_or_one(tmp_path: Path) -> None:
    events = record(tmp_path / "events.jsonl", [AGREED, ADDED])
    run = CliRunner().invoke(command, ["ana", "--messages", "--events", str(events), "--campaigns", str(STARTER)])
    assert run.exit_code == 0, run.output
    assert "cart-recovery: cart-reminder" in run.output
    assert "they agreed to it" in run.output
    asked = ["ana", "--messages", "--json", "--events", str(events), "--campaigns", str(STARTER)]
    (message,) = json.loads(CliRunner().invoke(command, asked).stdout)["messages"]
    assert message["status"] == "sent"
    one = ["ana", "--message", message["send_id"], "--events", str(events), "--campaigns", str(STARTER)]
    assert message["send_id"] in CliRunner().invoke(command, one).output
    one[2] = "nothing"
    refused = CliRunner().invoke(command, one)
    assert refused.exit_code == 2
    assert "no message 'nothing'" in refused.output


def test_a_mail_of_a_paused_flow_says_since_when_and_when_it_is_given_up() -> None:
    shop = Desk(campaigns(flows=[{"name": "news", "on": "flow_requested", "steps": [{"send": "hello"}]}]))
    shop.start(user_id="ana", pump=False)
    shop.pause()
    (held,) = [entry for ledger in shop.run.journal.ledgers() for entry in ledger.entries.values()]
    assert decision(held, BERLIN) == (
        "waits: its flow is paused since 2 Mar 2026, 11:00; given up on 4 Mar 2026, 11:00"
    )
    shop.stop()
    (dropped,) = [entry for ledger in shop.run.journal.ledgers() for entry in ledger.entries.values()]
    assert decision(dropped, BERLIN) == "not sent: its flow was stopped"
