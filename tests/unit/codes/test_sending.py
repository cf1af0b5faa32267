"""A message that carries a discount code: drawn when it leaves, given back when it certainly does not."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any, Literal

import pytest

from homing.adapters.memory import MemoryCodes, MemoryJournal, MemoryMailer, MemoryProfiles
from homing.domain.codes.language import DiscountCode
from homing.domain.codes.minting import Mint
from homing.domain.codes.report import coupons_of, liability
from homing.domain.content.lint import lint
from homing.domain.content.publish import collect
from homing.domain.content.render import Renderer
from homing.domain.delivery.links import Links
from homing.domain.delivery.message import SendRequest, Stop
from homing.domain.engine import Engine
from homing.domain.errors import Unavailable
from homing.domain.events.privacy import archive_line
from homing.domain.profiles.identity import Identity
from homing.domain.profiles.profile import Profile
from homing.domain.time import DAY, HOUR
from homing.services.claims import Decision
from homing.services.codes import Codes
from homing.services.send_email import SendEmail
from tests.fixtures.shop import START, campaigns, event, identified, instant
from tests.unit.content.support import campaign_files

BODY = "{{ unsubscribe_url }} {{ code.text }} {{ code.expires | long_date }}"


class World:
    """A sender in memory with a pool of two codes."""

    def __init__(self, body: str = BODY, **code: Any) -> None:
        flow = {"name": "f", "on": "flow_requested", "steps": [{"send": "hello", "code": "spring"}]}
        bundle = campaigns(flows=[flow])
        said = code or {"pool": True}
        spring = DiscountCode.model_validate({"name": "spring", "valid_for": "14d", "value": 5, **said})
        template = bundle.templates["hello"].model_copy(update={"html": body, "text": body})
        self.campaigns = bundle.model_copy(update={"codes": {"spring": spring}, "templates": {"hello": template}})
        self.identity, self.now = Identity(b"secret"), instant(START)
        self.profiles, self.journal, self.mailer = MemoryProfiles(), MemoryJournal(), MemoryMailer()
        self.store, self.tokens = MemoryCodes(), count()
        self.store.add("spring", ["AAA", "BBB"])
        engine = Engine(self.campaigns)
        for user in ("ana", "ben", "eve"):
            profile = Profile(self.identity.key("user_id", user))
            engine.receive(profile, identified(user))
            profile.version = 1
            self.profiles.write(profile, expected=0)
        self.sender = SendEmail(
            self.campaigns, self.identity, self.profiles, self.journal, self.mailer, Renderer(self.campaigns),
            Links(b"secret", "https://api.example"), lambda: self.now, lambda: f"lease-{next(self.tokens)}",
            engine=engine, codes=Codes(self.campaigns, self.store, Mint(b"secret")),
        )  # fmt: skip

    def send(self, user: str, send_id: str | None = None) -> Decision:
        profile = self.identity.key("user_id", user)
        return self.sender(
            SendRequest(
                send_id or user, profile, "run", "f", "hello", "marketing", "flow_requested", self.now, self.now,
                code="spring",
            )
        )  # fmt: skip

    def mailed(self) -> list[str]:
        return [sent.mail.text.split(" ", 1)[1].strip() for sent in self.mailer.sent]


def test_each_customer_gets_one_and_the_ledger_knows_it() -> None:
    world = World()
    assert [world.send(user).status for user in ("ana", "ben")] == ["sent", "sent"]
    assert world.mailed() == ["AAA March 16, 2026", "BBB March 16, 2026"]
    ledger = world.journal.load_ledger(world.identity.key("user_id", "ana"))
    assert ledger.entries["ana"].code == "AAA"
    assert world.send("ana", "second").status == "sent"
    assert world.mailed()[-1] == "AAA March 16, 2026"


def test_an_empty_pool_keeps_the_mail_waiting_until_codes_were_imported() -> None:
    world = World()
    world.send("ana")
    world.send("ben")
    waiting = world.send("eve")
    assert (waiting.status, waiting.reason) == ("deferred", "no_code_left")
    world.store.add("spring", ["CCC"])
    world.now += HOUR
    assert world.send("eve").status == "sent"
    assert world.mailed()[-1].startswith("CCC")


@pytest.mark.parametrize("error", ["refuse", None])
def test_a_code_goes_back_when_its_message_is_certainly_not_sent(error: Literal["refuse"] | None) -> None:
    world = World(BODY if error else "{{ unsubscribe_url }} {{ nobody.knows }}")
    if error:
        world.mailer.fail(error)
    assert world.send("ana").status == "dropped"
    assert world.send("ana").status == "duplicate"
    assert world.store.pool("spring").left == 2
    if error:
        assert world.send("ben").status == "sent"
        assert world.mailed() == ["AAA March 16, 2026"]


def test_a_code_of_an_unknown_send_stays_and_so_it_does_while_a_message_waits_for_another_try() -> None:
    world = World()
    world.mailer.fail("lose_before")
    assert world.send("ana").status == "unknown"
    world.mailer.fail("throttle")
    with pytest.raises(Unavailable):
        world.send("ben")
    assert world.send("eve").reason == "no_code_left"
    assert world.send("ben").status == "sent"
    assert world.mailed()[-1].startswith("BBB")


def test_nobody_whom_the_gate_stops_draws_a_code_and_who_is_stopped_later_gives_it_back() -> None:
    world = World()
    ana = world.identity.key("user_id", "ana")
    world.mailer.fail("throttle")
    with pytest.raises(Unavailable):
        world.send("ana")
    assert world.store.pool("spring").left == 1
    world.profiles.stop(Stop(ana, topics={"*": world.now}))
    assert world.send("ana").reason == "unsubscribed"
    assert world.store.pool("spring").left == 2
    world.profiles.stop(Stop(world.identity.key("user_id", "ben"), topics={"*": world.now}))
    assert world.send("ben").status == "dropped"
    assert world.store.pool("spring").left == 2


def test_a_pool_that_is_low_is_told_by_each_draw_from_it() -> None:
    assert World().send("ana").codes_low
    assert not World(pool=True, low=1).send("ana").codes_low
    assert not World(minted={"prefix": "SPRING"}).send("ana").codes_low


def test_who_finds_the_pool_empty_tells_it_and_so_does_who_looks_again() -> None:
    world = World(pool=True, low=0)
    assert [world.send(user).codes_low for user in ("ana", "ben", "eve")] == [False, False, True]
    world.now += HOUR
    again = world.send("eve")
    assert (again.reason, again.codes_low) == ("no_code_left", True)


def test_a_code_that_has_expired_says_nothing_of_the_pool() -> None:
    world = World(pool=True, low=1)
    world.send("ana")
    world.now += 20 * DAY
    again = world.send("ana", "second")
    assert (again.status, again.reason, again.codes_low) == ("dropped", "code_expired", False)


def test_a_minted_code_is_the_customers_own() -> None:
    world = World(minted={"prefix": "SPRING"})
    world.send("ana")
    world.send("ben")
    first, second = (text.split()[0] for text in world.mailed())
    assert first != second
    key = f"f#{world.identity.key('user_id', 'ana')}"
    assert Mint(b"secret").verify("spring", "SPRING", first, key=key).last_day.isoformat() == "2026-03-16"


def test_liability_counts_what_was_issued_redeemed_and_is_open_also_from_the_archive() -> None:
    world = World()
    world.send("ana")
    world.send("ben")
    code = world.campaigns.codes["spring"]
    order = event("Order Completed", START, user_id="ana", order_id="1", coupon="aaa")
    coupons = coupons_of([archive_line(order, "p", world.identity), {"event": "Order Completed", "properties": {}}])

    def told(now: int) -> dict[str, Any]:
        return liability(code, world.store.grants("spring"), world.store.pool("spring"), coupons, now).to_dict()

    assert told(world.now) == {
        "name": "spring", "issued": 2, "redeemed": 1, "expired": 0, "open": 1, "redeemed_value": "5", "owed": "5",
        "left": 0, "low": True,
    }  # fmt: skip
    assert (told(world.now + 30 * DAY)["expired"], told(world.now + 30 * DAY)["owed"]) == (1, "0")


GRANTS = b"on: flow_requested\nsteps: [{send: note, code: spring}]\n"
SPRING = b"minted: {prefix: SPRING}\nvalid_for: 14d\n"
SHOWS = "<mj-text>{{ code.text }}</mj-text>"


def shop(body: str = SHOWS, flow: bytes = GRANTS, code: bytes = SPRING) -> dict[str, bytes]:
    return campaign_files(body) | {"codes/spring.yaml": code, "flows/f.yaml": flow}


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (lambda: shop(), []),
        (lambda: shop(flow=b"on: flow_requested\nsteps: [{send: note}]\n"), ["code_not_granted", "unused_code"]),
        (lambda: shop("<mj-text>{% if code %}{{ code.text }}{% endif %}</mj-text>"), []),
        (lambda: shop("<mj-text>Hi</mj-text>"), ["unread_code"]),
        (lambda: shop(flow=GRANTS.replace(b"spring", b"sprng")), ["unknown_code", "unused_code"]),
        (lambda: shop("<mj-text>{{ code.txt }}</mj-text>"), ["unknown_attribute"]),
        (lambda: shop(code=SPRING + b"pool: true\n"), ["invalid_value"]),
        (lambda: shop(code=b"pool: true\n"), ["missing_key"]),
    ],
)
def test_codes_that_are_not_granted_not_shown_or_not_there_are_found(
    files: Callable[[], dict[str, bytes]], found: list[str]
) -> None:
    told = {finding.problem.code for finding in lint(files())} - {"postal_address", "html_only"}
    assert set(found) <= told
    if not found:
        assert collect(files())[1] == []
        assert not {code for code in told if "code" in code}
