"""The customers: who they are, how often they come, what mails do to them, and what they carry from visit to visit."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from homing.domain.time import HOUR, MINUTE
from homing.local.simulation.words import LANDS, MAIL_DOMAINS, Land


@dataclass(frozen=True, slots=True)
class Persona:
    """A kind of customer. Rates are probabilities; ``opens_after`` is the median delay to opening, in microseconds."""

    name: str
    share: int
    visits_a_week: float
    adds: float
    buys: float
    opens: float
    opens_after: int
    clicks: float
    orders: float
    unsubscribes: float


PERSONAS: tuple[Persona, ...] = (
    Persona("loyal", 14, 1.5, 0.50, 0.50, 0.66, 50 * MINUTE, 0.34, 0.55, 0.004),
    Persona("regular", 30, 0.9, 0.42, 0.36, 0.50, 2 * HOUR, 0.26, 0.42, 0.012),
    Persona("hesitant", 24, 1.1, 0.48, 0.12, 0.52, 3 * HOUR, 0.30, 0.45, 0.016),
    Persona("window shopper", 20, 0.9, 0.16, 0.15, 0.30, 7 * HOUR, 0.14, 0.18, 0.045),
    Persona("rare guest", 12, 0.4, 0.34, 0.30, 0.24, 14 * HOUR, 0.12, 0.30, 0.080),
)


@dataclass(slots=True)
class Line:
    """What of one product lies in a cart."""

    product_id: str
    quantity: int = 1


@dataclass(slots=True, eq=False)
class Customer:
    """One simulated person. The upper half never changes; the lower half is the state the visits leave behind."""

    number: int
    persona: Persona
    first_name: str
    last_name: str
    email: str
    land: Land
    city: str
    time_zone: str
    birthday: date | None
    # The day they signed up; None for somebody who only ever looks.
    signed_up: date | None
    consents: bool
    bad_address: bool
    favourites: tuple[str, ...]
    anonymous_ids: list[str]

    known: bool = False
    subscribed: bool = False
    cart_id: str = ""
    cart: dict[str, Line] = field(default_factory=dict)
    busy_until: int = 0
    last_viewed: list[str] = field(default_factory=list)
    orders: int = 0

    @property
    def user_id(self) -> str:
        """Customer number, as the shop system counts them."""
        return str(7_400_000_000 + self.number * 137)


def people(
    rng: random.Random, *, count: int, strangers: int, start: date, days: int, categories: Sequence[str]
) -> list[Customer]:
    """``count`` customers, of whom three in ten sign up during the simulated days, and ``strangers`` who never do."""
    taken: set[str] = set()
    return [
        _person(rng, number, start, days, categories, taken, stranger=number >= count)
        for number in range(count + strangers)
    ]


def _person(
    rng: random.Random,
    number: int,
    start: date,
    days: int,
    categories: Sequence[str],
    taken: set[str],
    *,
    stranger: bool,
) -> Customer:
    land = rng.choices(LANDS, weights=[land.share for land in LANDS])[0]
    persona = rng.choices(PERSONAS, weights=[persona.share for persona in PERSONAS])[0]
    first, last = rng.choice(land.first_names.split()), rng.choice(land.last_names.split())
    if rng.random() < 0.3:
        signed_up = start + timedelta(days=rng.randrange(max(1, days - 2)))
    else:
        signed_up = start - timedelta(days=1 + int(900 * rng.random() ** 1.6))
    age = min(78, max(18, round(rng.gauss(39, 13))))
    birthday = date(start.year - age, 1, 1) + timedelta(days=rng.randrange(365))
    return Customer(
        number=number,
        persona=persona,
        first_name=first,
        last_name=last,
        email=_address(rng, first, last, taken),
        land=land,
        city=rng.choice(land.cities.split()),
        time_zone=rng.choice(land.zones),
        birthday=birthday if rng.random() < 0.8 else None,
        signed_up=None if stranger else signed_up,
        consents=rng.random() < 0.82,
        bad_address=rng.random() < 0.015,
        favourites=tuple(rng.sample(list(categories), k=min(2, len(categories)))),
        anonymous_ids=[uuid_text(rng) for _ in range(2 if rng.random() < 0.25 else 1)],
    )


def _address(rng: random.Random, first: str, last: str, taken: set[str]) -> str:
    plain = [_ascii(part) for part in (first, last)]
    shape = rng.choice(("{0}.{1}", "{0}.{1}", "{0}{1}", "{2}.{1}", "{0}"))
    stem = shape.format(*plain, plain[0][0])
    domain = rng.choice(MAIL_DOMAINS)
    address, suffix = f"{stem}@{domain}", 1
    while address in taken:
        suffix += 1
        address = f"{stem}{suffix}@{domain}"
    taken.add(address)
    return address


def _ascii(text: str) -> str:
    text = text.lower().replace("ü", "ue").replace("ö", "oe").replace("ä", "ae").replace("ß", "ss")
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def uuid_text(rng: random.Random) -> str:
    """A random (version 4) UUID from that generator."""
    bits = (rng.getrandbits(128) & ~(0xF << 76) | 4 << 76) & ~(0x3 << 62) | 2 << 62
    text = f"{bits:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
