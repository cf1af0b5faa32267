"""What is measured on: the starter campaigns, a simulated shop, a busy minute, and a month of real orders, as the bytes
that lie on the stream."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import completejourney
from homing.adapters.files import read_folder
from homing.adapters.memory import MemoryStream
from homing.domain.campaigns import Campaigns
from homing.domain.content.publish import publish
from homing.domain.profiles.identity import Identity
from homing.domain.time import DAY, HOUR, MINUTE, SECOND, iso, parse_instant
from homing.local.simulation import Drive, Shop, ShopSettings
from homing.services.http import HttpRequest
from homing.services.receive_events import ReceiveEvents
from homing.services.receive_webhook import ReceiveWebhook
from homing.services.update_profiles import StreamItem
from homing.sources.segment_spec import read_message

ROOT = Path(__file__).parents[1]
START = parse_instant("2026-10-12T00:00:00Z")
IDENTITY = Identity(b"benchmarks")
WRITE_KEY, WEBHOOK_SECRET = "key", "hush"
CROWD = 1_000


@cache
def campaigns() -> Campaigns:
    """The starter campaigns, published."""
    return publish(read_folder(ROOT / "layers" / "campaigns"))


def shop(days: int, customers: int, write_key: str = WRITE_KEY, secret: str = WEBHOOK_SECRET) -> Shop:
    """A simulated shop, the same in every run."""
    settings = ShopSettings(
        start=START, end=START + days * DAY, write_key=write_key, shopify_secret=secret, customers=customers,
        strangers=customers // 5,
    )  # fmt: skip
    return Shop(random.Random(7), campaigns().products, settings)


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    body: bytes


@dataclass
class _Door:
    """Only what stands at the stack's entrance: what is posted becomes records, and nobody answers with mail."""

    now: int = 0
    mails: Sequence[Any] = ()
    stream: MemoryStream = field(default_factory=MemoryStream)

    def __post_init__(self) -> None:
        self.events = ReceiveEvents(self.stream, IDENTITY, frozenset({WRITE_KEY}), lambda: self.now)
        self.webhooks = ReceiveWebhook(self.stream, IDENTITY, {"shopify": WEBHOOK_SECRET}, lambda: self.now)

    def http(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> _Reply:
        """One request, stored on the stream in memory."""
        request = HttpRequest(method, path, headers={k.lower(): v for k, v in headers.items()}, body=body)
        response = (self.webhooks if path.startswith("/webhooks") else self.events)(request)
        return _Reply(response.status, response.body.encode())

    def advance_to(self, instant: int) -> None:
        """Nothing falls due here."""
        self.now = max(self.now, instant)

    def ses_event(self, mail: Any, kind: str) -> None:
        """There are no mails."""


@cache
def simulated(limit: int) -> list[StreamItem]:
    """Records of a simulated shop of 600 customers: clicks, carts and orders from browsers, and its shop's webhooks."""
    door = _Door()
    for _ in Drive(shop(days=21, customers=600), door).run():
        if len(door.stream.items) >= limit:
            break
    return items(record.data for record in islice(door.stream.items, limit))


@cache
def crowd(limit: int, people: int = CROWD) -> list[StreamItem]:
    """A busy minute: ``people`` known customers shop at once, so that hardly two records in a row are one person's.
    First each of them signs in."""
    rng, products = random.Random(7), list(campaigns().products.values())
    mix = ("Product Viewed",) * 6 + ("Page Viewed",) * 2 + ("Product Added",) * 2
    found = list[bytes]()
    for number in range(limit):
        person = number if number < people else rng.randrange(people)
        product, name = rng.choice(products), rng.choice(mix)
        properties: dict[str, Any] = {
            "product_id": product.product_id, "name": product.name, "price": float(product.price or 0), "quantity": 1,
            "currency": "EUR", "url": product.url, "image_url": product.image_url, "category": product.category,
        }  # fmt: skip
        if name == "Product Added":
            properties["cart_id"] = f"cart-{person}"
        message = {"type": "track", "event": name, "properties": properties}
        if number < people:
            traits = {"email": f"{person}@customers.example", "first_name": "Mara", "consent": {"marketing": True}}
            message = {"type": "identify", "traits": traits}
        at = START + HOUR + number * SECOND // 1000
        message |= {
            "messageId": f"ajs-next-{number:032x}", "userId": f"customer-{person}", "anonymousId": f"browser-{person}",
            "timestamp": iso(at), "context": {"library": {"name": "analytics.js", "version": "2.11.1"}, "locale": "de-DE"},
        }  # fmt: skip
        found.append(read_message(message, received=at).to_json())
    return items(found)


def has_real_orders() -> bool:
    """Whether the data set lies beside the project."""
    return (completejourney.DATA / "transactions.parquet").exists()


@cache
def real_month(end: str = "2017-04-01") -> list[dict[str, Any]]:
    """Real orders as Segment messages, by time. Read in a process of its own: the reader's memory is not ours."""
    command = [sys.executable, "-m", "benchmarks.completejourney", "2017-03-01", end]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@cache
def real_orders(limit: int) -> list[StreamItem]:
    """The first records of the month."""
    days = real_month("2017-03-04")
    found = (read_message(message, received=parse_instant(message["timestamp"])) for message in days)
    return items(event.to_json() for event in islice(found, limit))


def quarter(every: int) -> list[StreamItem]:
    """Three months of every so-many-th household."""
    found = completejourney.messages("2017-01-01", "2017-04-01", every=every)
    events = (read_message(message, received=parse_instant(message["timestamp"])) for message in found)
    return items(event.to_json() for event in events)


def items(datas: Iterable[bytes]) -> list[StreamItem]:
    """As the stream delivers them."""
    return [StreamItem(str(number), data, START + MINUTE) for number, data in enumerate(datas, start=1)]
