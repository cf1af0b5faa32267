"""From what a run wrote nobody can tell which events arrived, so the audit is silent on them."""

from __future__ import annotations

from homing.domain.audit.arrivals import waiting
from homing.domain.time import DAY
from homing.local.audit.facts import facts_of
from homing.local.outputs import Outputs, Transition
from tests.fixtures.shop import campaigns, instant

END = instant("2026-06-30T23:59:59Z")


def test_without_the_events_no_trigger_is_called_dead() -> None:
    shop = campaigns(
        segments={"buyers": {"did": "Order Completed"}},
        flows=[{"name": "thanks", "on": {"order_placed": {"nth": 1}}, "steps": [{"send": "thanks"}]}],
    )
    moves = [
        Transition(at=END - days * DAY, profile_id=f"p{days}", user_id=None, segment="buyers", change="entered")
        for days in range(1, 90)
    ]
    facts = facts_of(shop, Outputs(messages=[], transitions=moves, profiles=[], quarantine=[]), {}, END)
    assert facts.sizes
    assert facts.arrivals == {}
    assert list(waiting(facts)) == []
