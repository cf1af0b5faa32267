"""A send is never doubled, whatever SES and the network do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from homing.adapters.memory import MemoryJournal, MemoryMailer, MemoryProfiles
from homing.domain.content.render import Renderer
from homing.domain.delivery.links import Links
from homing.domain.delivery.message import SendRequest, Stop
from homing.domain.engine import Engine
from homing.domain.errors import Conflict, Unavailable
from homing.domain.profiles.identity import Identity
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, MINUTE
from homing.services.send_email import LEASE, SendEmail
from tests.fixtures.shop import campaigns, identified, instant

FLOW = {"name": "f", "on": "flow_requested", "steps": [{"send": "hello"}]}
START = instant("2026-03-02T10:00:00Z")


class World:
    """A sender with everything in memory, and a hand-moved clock."""

    def __init__(self, **settings: Any) -> None:
        self.campaigns = campaigns(flows=[FLOW], **settings)
        self.identity = Identity(b"secret")
        self.profiles, self.journal, self.mailer = MemoryProfiles(), MemoryJournal(), MemoryMailer()
        self.now = START
        engine = Engine(self.campaigns)
        event = identified("ana")
        self.profile = Profile(self.identity.key("user_id", "ana"))
        engine.receive(self.profile, event)
        self.profiles.write(replace_version(self.profile, 1), expected=0)
        tokens = iter(f"lease-{n}" for n in range(100))
        self.send = SendEmail(
            self.campaigns, self.identity, self.profiles, self.journal, self.mailer, Renderer(self.campaigns),
            Links(b"secret", "https://api.example"), lambda: self.now, lambda: next(tokens), engine=engine,
        )  # fmt: skip

    def request(self, send_id: str = "s1") -> SendRequest:
        return SendRequest(send_id, self.profile.id, "run", "f", "hello", "marketing", "flow_requested", START, START)

    def status(self, send_id: str = "s1") -> str:
        return self.journal.load_ledger(self.profile.id).entries[send_id].status


def replace_version(profile: Profile, version: int) -> Profile:
    profile.version = version
    return profile


def test_a_redelivered_request_is_sent_once() -> None:
    world = World()
    assert world.send(world.request()).status == "sent"
    assert world.send(world.request()).status == "duplicate"
    assert len(world.mailer.sent) == 1


def test_every_mail_carries_a_one_click_unsubscription_and_the_tags_that_settle_it() -> None:
    world = World()
    world.send(world.request())
    mail = world.mailer.sent[0].mail
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail.headers["List-Unsubscribe"].startswith("<https://api.example/unsubscribe?t=")
    assert mail.tags["homing_send"] == "s1"


@pytest.mark.parametrize("failure", ["lose_before", "lose_after"])
def test_a_lost_reply_makes_the_send_unknown_and_it_is_not_repeated(failure: Any) -> None:
    world = World()
    world.mailer.fail(failure)
    assert world.send(world.request()).status == "unknown"
    world.now += 2 * DAY
    assert world.send(world.request()).status == "duplicate"
    assert world.mailer.calls == 1


@pytest.mark.parametrize("failure", ["throttle", "unavailable"])
def test_a_certain_non_send_goes_back_to_the_queue_and_is_sent_later(failure: Any) -> None:
    world = World()
    world.mailer.fail(failure)
    with pytest.raises(Unavailable):
        world.send(world.request())
    assert world.send(world.request()).status == "sent"
    assert len(world.mailer.sent) == 1


def test_a_message_that_ses_refuses_is_dropped_with_the_reason() -> None:
    world = World()
    world.mailer.fail("refuse")
    decision = world.send(world.request())
    assert decision.status == "dropped"
    assert decision.reason.startswith("refused: ")


def test_a_worker_that_died_after_its_claim_leaves_an_unknown_send_not_a_second_one() -> None:
    world = World()

    def die(mail: object) -> str:
        raise KeyboardInterrupt

    world.mailer.send = die  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        world.send(world.request())
    assert world.status() == "sending"
    with pytest.raises(Unavailable, match="another worker"):
        world.send(world.request())
    world.now += LEASE + 1
    assert world.send(world.request()).status == "unknown"


def test_a_zombie_that_wakes_after_its_lease_does_not_send_again() -> None:
    """Between its reading of the ledger and its claim, somebody else sent the message."""
    world = World()
    save = world.journal.save_ledger
    overtaken = []

    def overtake(ledger: Any, *, expected: int) -> None:
        if not overtaken:
            overtaken.append(True)
            other = World.__new__(World)
            other.__dict__.update(world.__dict__)
            world.journal.save_ledger = save  # type: ignore[method-assign]
            assert world.send(world.request()).status == "sent"
            raise Conflict("overtaken")
        save(ledger, expected=expected)

    world.journal.save_ledger = overtake  # type: ignore[method-assign]
    assert world.send(world.request()).status == "duplicate"
    assert len(world.mailer.sent) == 1


def test_two_sends_at_once_can_not_both_take_the_last_place_under_the_cap() -> None:
    topics = {"marketing": {"title": "News", "cap": {"messages": 1, "within": "1d"}}}
    world = World(topics=topics)
    save = world.journal.save_ledger
    overtaken = []

    def overtake(ledger: Any, *, expected: int) -> None:
        if not overtaken:
            overtaken.append(True)
            world.send(world.request("s2"))
        save(ledger, expected=expected)

    world.journal.save_ledger = overtake  # type: ignore[method-assign]
    assert world.send(world.request("s1")).status == "deferred"
    assert [sent.mail.tags["homing_send"] for sent in world.mailer.sent] == ["s2"]


@pytest.mark.parametrize(
    "stop",
    [
        {"suppressed": "bounce"},
        {"suppressed": "complaint"},
        {"topics": {"*": START + 1}},
        {"topics": {"marketing": START}},
    ],
)
def test_a_stop_on_the_address_holds_mail_that_is_already_in_the_queue(stop: dict[str, Any]) -> None:
    world = World()
    address = world.identity.key("email", "ana@example.com")
    world.profiles.stop(Stop(address, at=START, **stop))
    assert world.send(world.request()).status == "dropped"
    assert world.mailer.calls == 0


def test_a_message_that_waited_too_long_is_given_up() -> None:
    world = World()
    world.now += 2 * DAY + MINUTE
    decision = world.send(world.request())
    assert (decision.status, decision.reason) == ("dropped", "expired")


def test_the_cart_that_anybody_ordered_is_not_written_about() -> None:
    world = World()
    cart = {"key": "c-1@0", "token": "c-1", "items": [{"product_id": "p", "quantity": 1}], "last_activity": "x"}
    world.profiles.close_cart(world.identity.cart("c-1"), START)
    decision = world.send(replace(world.request(), data={"cart": cart}))
    assert decision.reason == "cart_ordered"


def test_a_claim_whose_reply_was_lost_is_recognised_as_our_own() -> None:
    world = World()
    save = world.journal.save_ledger
    calls = []

    def lose_reply(ledger: Any, *, expected: int) -> None:
        calls.append(expected)
        save(ledger, expected=expected)
        if len(calls) == 1:
            raise Conflict("the retry met its own write")

    world.journal.save_ledger = lose_reply  # type: ignore[method-assign]
    assert world.send(world.request()).status == "sent"
    assert world.mailer.calls == 1
