"""SES reports, Homing suppresses, settles and remembers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from homing.adapters.memory import MemoryBook, MemoryJournal, MemoryProfiles, MemoryStream
from homing.domain.delivery.book import Book
from homing.domain.delivery.ledger import Entry
from homing.domain.delivery.message import Stop
from homing.domain.errors import Conflict, InvalidInput, Unavailable
from homing.domain.events.event import Event
from homing.domain.profiles.identity import Identity
from homing.domain.time import parse_instant
from homing.services.record_engagement import RecordEngagement
from homing.services.sending_rate import Reckoning

NOW = parse_instant("2026-11-22T12:00:00Z")
SENT = "2026-11-22T11:59:00Z"
IDENTITY = Identity(b"secret")
ADDRESS_KEY = IDENTITY.key("email", "ana@example.com")


class World:
    def __init__(self, status: Any = "unknown") -> None:
        self.stream, self.profiles, self.journal = MemoryStream(), MemoryProfiles(), MemoryJournal()
        entry = Entry(
            "s1",
            status,
            "marketing",
            "cart-recovery",
            "reminder",
            at=NOW,
            lease="l",
            lease_until=NOW + 1,
            wake_at=NOW + 9,
        )
        self.journal.save_ledger(self.journal.load_ledger("p1").put(entry), expected=0)
        self.record = RecordEngagement(self.stream, IDENTITY, self.profiles, self.journal, lambda: NOW)

    @property
    def entry(self) -> Entry:
        return self.journal.load_ledger("p1").entries["s1"]

    def happened(self, kind: str, *, tags: bool = True, **details: Any) -> dict[str, Any]:
        place = {"Rendering Failure": "failure", "DeliveryDelay": "deliveryDelay"}.get(kind, kind.lower())
        mail: dict[str, Any] = {"messageId": "ses-1", "timestamp": SENT}
        if tags:
            mail["tags"] = {"homing_send": ["s1"], "homing_profile": ["p1"]}
        return {"detail": {"eventType": kind, "mail": mail, place: details}}


def bounced(kind: str = "Permanent") -> dict[str, Any]:
    return {"bounceType": kind, "bouncedRecipients": [{"emailAddress": "Ana <Ana@Example.com>"}]}


def test_the_event_goes_to_the_profile_under_its_own_key() -> None:
    world = World()
    world.record(world.happened("Open", timestamp="2026-11-22T11:59:30Z"))
    (record,) = world.stream.items
    event = Event.from_json(record.data)
    assert record.key == "p1"
    assert (event.name, event.context) == ("Email Opened", {"profile_id": "p1"})
    assert event.occurred == parse_instant("2026-11-22T11:59:30Z")


@pytest.mark.parametrize("kind", ["Send", "Delivery", "DeliveryDelay", "Open", "Click", "Bounce", "Complaint"])
@pytest.mark.parametrize("status", ["sending", "unknown", "deferred"])
def test_any_sign_of_the_message_settles_the_send(kind: str, status: str) -> None:
    world = World(status)
    world.record(world.happened(kind))
    assert (world.entry.status, world.entry.provider_id, world.entry.sent_at) == ("sent", "ses-1", parse_instant(SENT))
    assert world.entry.wake_at is None


@pytest.mark.parametrize("kind", ["Reject", "Rendering Failure"])
@pytest.mark.parametrize("status", ["sending", "unknown", "sent"])
def test_what_ses_threw_away_was_not_sent(kind: str, status: str) -> None:
    world = World(status)
    world.record(world.happened(kind, reason="Bad content"))
    assert world.entry.status == "dropped"
    assert world.entry.reason.startswith("ses_re")
    world.record(world.happened("Send"))
    assert world.entry.status == "dropped"


def test_a_settled_send_costs_no_write() -> None:
    world = World("sent")
    world.record(world.happened("Delivery"))
    assert world.journal.load_ledger("p1").version == 1


def test_another_writer_of_the_ledger_is_waited_for() -> None:
    world = World()
    world.journal.faults.plan("save_ledger", times=3, error=Conflict("lost"))
    assert world.record(world.happened("Send"))["SendsSettled"] == 1
    assert world.entry.status == "sent"


@pytest.mark.parametrize(("kind", "details", "why"), [
    ("Bounce", bounced(), "bounce"),
    ("Complaint", {"complainedRecipients": [{"emailAddress": "ana@example.com"}]}, "complaint"),
])  # fmt: skip
@pytest.mark.parametrize("tags", [True, False])
def test_a_hard_bounce_or_complaint_stops_mail_to_the_address_at_once(
    kind: str, details: dict[str, Any], why: str, tags: bool
) -> None:
    world = World()
    world.stream.faults.plan("put")
    if tags:
        with pytest.raises(Unavailable):
            world.record(world.happened(kind, **details))
    else:
        world.record(world.happened(kind, tags=False, **details))
    assert world.profiles.stops([ADDRESS_KEY]) == {ADDRESS_KEY: Stop(ADDRESS_KEY, why, NOW)}


def test_a_full_mailbox_does_not() -> None:
    world = World()
    world.record(world.happened("Bounce", **bounced("Transient")))
    assert world.profiles.stops([ADDRESS_KEY]) == {}


def test_mail_that_is_not_ours_is_counted_and_leaves_no_event() -> None:
    world = World()
    assert world.record(world.happened("Open", tags=False)) == {"EmailOpened": 1}
    assert not world.stream.items


def test_a_bad_record_does_not_hold_up_its_neighbours_and_is_not_lost() -> None:
    world = World()
    good = world.happened("Open")["detail"]
    with pytest.raises(InvalidInput):
        world.record({"Records": [{"eventType": "Open"}, good]})
    assert len(world.stream.items) == 1


def test_an_invocation_done_twice_gives_the_same_event() -> None:
    world = World()
    for _ in range(2):
        world.record(world.happened("Click", link="https://shop.example/", timestamp=SENT))
    first, second = (Event.from_json(record.data) for record in world.stream.items)
    assert first == second


def test_too_many_hard_bounces_stop_the_topics_marketing_mail_and_a_full_mailbox_counts_for_nothing() -> None:
    world, store = World("sent"), MemoryBook()
    book = Book(version=1).sent({"marketing": 250})
    for number in range(9):
        book, _ = book.heard("marketing", "bounce", f"other{number}", NOW)
    store.save(book, expected=0)
    world.record = replace(world.record, reckoning=Reckoning(store, lambda: NOW))
    assert "SendingStopped" not in world.record(world.happened("Bounce", **bounced("Transient")))
    assert world.record(world.happened("Bounce", **bounced()))["SendingStopped"] == 2
    assert set(store.load().stopped) == {"marketing", "*"}
    assert world.record(world.happened("Bounce", **bounced()))["SendingStopped"] == 0
