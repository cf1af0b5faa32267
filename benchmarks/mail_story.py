"""Ten days of a shop that asks for far more mail than its rules let through: who lives there, what they say and do, and
what marketers want. The same story, event by event, for every stack that plays it.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from benchmarks import inputs
from homing.domain.time import DAY, HOUR, MINUTE, SECOND, iso, parse_instant
from homing.local.mail import SentMail

START = parse_instant("2026-10-19T00:00:00Z")
DAYS = 10
# So long after the last day nothing waits any more.
END = START + (DAYS + 5) * DAY
# Ten days with the night on which Europe's clocks are put back. The last name is of no zone: the shop's counts.
ZONES = (
    "Europe/Berlin", "Europe/Lisbon", "America/New_York", "America/Sao_Paulo", "Asia/Tokyo", "Asia/Kathmandu",
    "Australia/Sydney", "Mars/Olympus",
)  # fmt: skip
SHOPS_ZONE = "Europe/Berlin"
QUIET = ("21:00", "08:00")
# Mails of a topic (None: of all together) and in what time.
CAPS: dict[str | None, tuple[int, int]] = {"marketing": (3, 7 * DAY), None: (2, DAY)}
# Percent of the people by the name of their hold-out: the shop's own, and a flow's.
HOLDOUTS = {"holdout": 5, "news": 10}
# A cart that nobody touched for so long was left behind.
ABANDONED_AFTER = 30 * MINUTE
EXPIRES = {"cart": 20 * HOUR, "offer": 3 * DAY, "news": 3 * DAY}
FLOWS: list[dict[str, Any]] = [
    {"name": "cart", "description": "A cart was left", "on": "cart_abandoned", "topic": "cart_reminders", "priority": 10,
     "expires_after": "20h", "run_once_per": "cart", "steps": [{"send": "cart-reminder"}]},
    {"name": "offer", "description": "In working hours", "on": "flow_requested", "topic": "marketing", "priority": 5,
     "steps": [{"send": "win-back"}],
     "send_window": {"weekdays": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "until": "19:00"}},
    {"name": "news", "description": "At the best hour", "on": "flow_requested", "topic": "marketing", "send_time": "best",
     "steps": [{"send": "win-back"}], "holdout": {"percent": HOLDOUTS["news"]}},
]  # fmt: skip
_RULES: dict[str, Any] = {
    "time_zone": SHOPS_ZONE, "quiet_hours": {"from": QUIET[0], "until": QUIET[1]},
    "topics": {
        "marketing": {"title": "Offers", "cap": {"messages": 3, "within": "7d"}},
        "cart_reminders": {"title": "Carts", "covered_by": "marketing"},
    },
    "cart": {"after": "30m"}, "cap": {"messages": 2, "within": "1d"}, "send_expires_after": "3d",
    "holdout": {"percent": HOLDOUTS["holdout"]},
}  # fmt: skip
# Product pages are all that is known of most people, so their shelf chooses the words of a mail.
_SHELVES = ("stoneware-mug", "hand-grinder", "morning-roast", "pour-over-set", "olive-board")
# Mailboxes tell a moment after the mail.
_REACTS = 2 * SECOND


@dataclass(slots=True)
class Person:
    """Who they are and what they said. ``ended_at``: when they unsubscribe, with one click if they have a mail by then.

    ``bounces``: their mailbox does not exist; ``complains``: the first mail after the third day is spam to them, too few for
    sending to stop.
    """

    name: str
    zone: str
    agreed: bool
    ended_at: int | None = None
    clicks: bool = False
    bounces: bool = False
    complains: bool = False
    # What each cart holds, by token.
    carts: dict[str, set[str]] = field(default_factory=dict)
    # When something was asked for, by flow: a request, or a cart that lay for half an hour.
    asked: dict[str, list[int]] = field(default_factory=dict)
    # When their mailbox said that it takes no more.
    silenced_at: int | None = None

    @property
    def email(self) -> str:
        """Their address."""
        return f"{self.name.lower()}@example.com"


class World(Protocol):
    """A stack that the story is told to. Instants are microseconds since the epoch."""

    @property
    def mails(self) -> list[SentMail]:
        """Every mail that SES took so far, in order."""

    def advance_to(self, at: int) -> None:
        """Lets time pass, doing all that falls due."""

    def post(self, message: dict[str, Any]) -> None:
        """A message of a storefront, received now."""

    def request(self, detail: dict[str, Any]) -> None:
        """A marketer's ``FlowRequested``, now."""

    def unsubscribe(self, url: str) -> None:
        """One click in a mail program (RFC 8058), now."""

    def report(self, mail: SentMail, kind: str) -> None:
        """SES reports what became of a mail, now."""


def folder(path: Path) -> Path:
    """The starter set's mails under stricter rules, as a campaigns folder."""
    shutil.copytree(inputs.ROOT / "layers" / "campaigns", path, ignore=shutil.ignore_patterns("flows", "stories"))
    brand = inputs.campaigns().settings.model_dump(by_alias=True, exclude_unset=True, mode="json")["brand"]
    # JSON is YAML.
    (path / "settings.yaml").write_text(json.dumps({"brand": brand, **_RULES}), encoding="utf-8")
    (path / "flows").mkdir()
    for flow in FLOWS:
        (path / "flows" / f"{flow['name']}.yaml").write_text(json.dumps(flow), encoding="utf-8")
    return path


def people(count: int, rng: random.Random) -> list[Person]:
    """A sixth never agreed, one in twelve ends it in these days, one in a hundred has no mailbox."""
    made = []
    for n in range(count):
        person = Person(f"Person{n:05d}", rng.choice(ZONES), rng.random() > 1 / 6)
        if rng.random() < 1 / 12:
            person.ended_at = START + rng.randrange(DAY, DAYS * DAY, SECOND)
            person.clicks = rng.random() < 1 / 2
        person.bounces = n % 100 == 50
        person.complains = n % 1_000 == 325
        made.append(person)
    return made


def story(everybody: list[Person], rng: random.Random) -> list[tuple[int, Person, dict[str, Any]]]:
    """What happens, in order: sign-ups, looking around, carts, unsubscribing, and what marketers ask for."""
    found: list[tuple[int, Person, dict[str, Any]]] = []
    for person in everybody:
        begin = START - rng.randrange(SECOND, 5 * DAY, SECOND)
        said = {"email": person.email, "first_name": person.name, "timezone": person.zone}
        found.append((begin, person, _identify(said | {"consent": {"marketing": person.agreed}})))
        shelf = rng.choice(_SHELVES)
        looked = [begin + rng.randrange(0, DAY, SECOND) for _ in range(rng.randrange(3))]
        found += [(at, person, _track("Product Viewed", product_id=shelf)) for at in looked]
        if person.ended_at is not None:
            found.append((person.ended_at, person, {"end": True}))
        for day in range(DAYS - 4):
            found += _day(person, day, rng)
    return sorted(found, key=lambda one: (one[0], one[1].name, str(one[2])))


def _day(person: Person, day: int, rng: random.Random) -> Iterator[tuple[int, Person, dict[str, Any]]]:
    begin = START + day * DAY
    for flow, share in (("offer", 0.25), ("news", 0.3)):
        if rng.random() < share:
            at = begin + rng.randrange(0, DAY, SECOND)
            person.asked.setdefault(flow, []).append(at)
            yield at, person, {"request": {"flow": flow, "user_id": person.name, "request_id": f"{flow}-{day}"}}
    if rng.random() < 0.2:
        at, token = begin + rng.randrange(0, DAY, SECOND), f"{person.name}-{day}"
        products = rng.sample(sorted(inputs.campaigns().products), rng.randint(1, 3))
        for place, product in enumerate(products):
            at += rng.randrange(10 * SECOND, 5 * MINUTE, SECOND) if place else 0
            yield at, person, _added(product, token)
        person.carts[token] = {inputs.campaigns().products[product].name for product in products}
        person.asked.setdefault("cart", []).append(at + ABANDONED_AFTER)


def _added(product: str, token: str) -> dict[str, Any]:
    held = inputs.campaigns().products[product]
    return _track(
        "Product Added", product_id=product, name=held.name, price=float(held.price or 0), currency="EUR", quantity=1,
        cart_id=token,
    )  # fmt: skip


def _identify(traits: dict[str, Any]) -> dict[str, Any]:
    return {"type": "identify", "traits": traits}


def _track(name: str, /, **properties: Any) -> dict[str, Any]:
    return {"type": "track", "event": name, "properties": properties}


def play(everybody: list[Person], rng: random.Random, world: World) -> Iterator[int]:
    """Tells the story, and lets mailboxes answer; yields how many mails there are, every now and then."""
    known = {person.email: person for person in everybody}
    latest: dict[str, SentMail] = {}
    heard = 0

    def step(at: int) -> None:
        nonlocal heard
        world.advance_to(at)
        while heard < len(world.mails) and world.mails[heard].sent_at + _REACTS <= at:
            mail = world.mails[heard]
            latest[mail.recipient] = mail
            _react(known[mail.recipient], mail, at, world)
            heard += 1

    for number, (at, person, what) in enumerate(story(everybody, rng)):
        step(at)
        if request := what.get("request"):
            world.request(request)
        elif what.get("end") and person.clicks and person.email in latest:
            world.unsubscribe(latest[person.email].headers["List-Unsubscribe"][1:-1])
        else:
            said = _track("Unsubscribed", topic="marketing") if what.get("end") else what
            world.post({**said, "userId": person.name, "messageId": f"{number}", "timestamp": iso(at)})
        if number % 100 == 0:
            yield len(world.mails)
    for at in range(START + DAYS * DAY, END + 1, HOUR):
        step(at)
        yield len(world.mails)


def _react(person: Person, mail: SentMail, at: int, world: World) -> None:
    if person.silenced_at is None and (person.bounces or (person.complains and at > START + 3 * DAY)):
        person.silenced_at = at
        world.report(mail, "Bounce" if person.bounces else "Complaint")
