"""What the rate, the warm-up or the stop holds up, on its way through send_email and back from SES."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from homing.adapters.memory import MemoryBook
from homing.domain.campaigns import WarmUp
from homing.domain.delivery.book import Book
from homing.domain.delivery.rate import LEASE, shares
from homing.domain.errors import Unavailable
from homing.domain.time import DAY, HOUR, to_datetime
from homing.services.sending_rate import Pace, Reckoning
from tests.unit.delivery.test_send_email import START, World


def paced(book: MemoryBook | None = None, **settings: Any) -> tuple[World, MemoryBook]:
    world, store = World(**settings), book or MemoryBook()
    pace = Pace(store, world.campaigns, shares(14, 2), holder="w", clock=lambda: world.now, wait=lambda seconds: None)
    world.send = replace(world.send, pace=pace)
    return world, store


def test_a_stopped_topic_is_kept_with_its_reason_and_sent_when_it_goes_on() -> None:
    store = MemoryBook()
    store.save(Book(1, stopped={"marketing": {"at": START, "what": "bounce"}}), expected=0)
    world, _ = paced(store)
    decision = world.send(world.request())
    assert (decision.status, decision.reason) == ("deferred", "reputation_stop")
    assert decision.entry is not None
    assert decision.entry.wake_at == START + HOUR
    assert world.mailer.sent == []
    Reckoning(store, lambda: world.now).resume("marketing")
    world.now += HOUR
    assert world.send(world.request()).status == "sent"


def test_what_is_over_the_days_number_leaves_on_the_next_day() -> None:
    first = to_datetime(START).date().isoformat()
    world, _ = paced(warm_up=WarmUp.model_validate({"from": first, "start": 1}), send_expires_after=3 * DAY)
    assert world.send(world.request("s1")).status == "sent"
    held = world.send(world.request("s2"))
    assert (held.status, held.reason) == ("deferred", "warm_up")
    assert held.entry is not None
    assert held.entry.wake_at is not None
    world.now = held.entry.wake_at
    assert world.send(world.request("s2")).status == "sent"


def test_a_lease_that_can_not_be_stored_claims_nothing() -> None:
    world, store = paced()
    store.faults.plan("save")
    with pytest.raises(Unavailable):
        world.send(world.request())
    assert world.journal.load_ledger(world.profile.id).entries == {}
    world.now += LEASE
    assert world.send(world.request()).status == "sent"
