"""Whether any promise was broken: looks at what SES took, at whom and when, and at what the people of the story said and
where they live. Knows nothing of the gate, the ledger or the flows.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from benchmarks import inputs
from benchmarks.mail_story import CAPS, EXPIRES, HOLDOUTS, QUIET, SHOPS_ZONE, Person
from benchmarks.measure import number
from homing.domain.time import MINUTE
from homing.local.mail import SentMail

Verdict = tuple[str, str, bool]
_NAMES = re.compile(r"Person\d{5}")
# A due moment is found by the minute's sweep, and two streams carry it on within a second each.
_ON_THE_WAY = MINUTE + 5_000_000


@dataclass(slots=True)
class Checks:
    """Mails by person; ``known`` are the people of the story by their address."""

    known: Mapping[str, Person]
    mails: Sequence[SentMail]
    by_person: dict[str, list[SentMail]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for mail in self.mails:
            self.by_person[mail.recipient].append(mail)

    def verdicts(self) -> list[Verdict]:
        """What was promised, what was found, and whether that keeps it."""
        impersonal = sum(not _own(self.known[mail.recipient], mail) for mail in self.mails)
        of_other_carts = sum(_foreign_carts(self.known[to], of) for to, of in self.by_person.items())
        twice = len(self.mails) - len({mail.send_id for mail in self.mails})
        unasked = sum(_unasked(self.known[to], of) for to, of in self.by_person.items())
        above = sum(_above(of, topic) for of in self.by_person.values() for topic in CAPS)
        nightly = sum(_at_night(self.known[mail.recipient].zone, mail.sent_at) for mail in self.mails)
        offers = [mail for mail in self.mails if _flow(mail) == "offer"]
        closed = sum(not _at_work(self.known[mail.recipient].zone, mail.sent_at) for mail in offers)
        unwanted = sum(_unwanted(self.known[mail.recipient], mail) for mail in self.mails)
        silenced = [person for person in self.known.values() if person.silenced_at is not None]
        suppressed = sum(
            mail.sent_at >= (person.silenced_at or 0) for person in silenced for mail in self.by_person[person.email]
        )
        leaked = sum(_held_out(mail) for mail in self.mails)
        return [
            ("each mail personal: their own name, link and cart",
             f"{number(len(self.mails))} mails, {impersonal + of_other_carts} not so", not impersonal and not of_other_carts),
            ("none twice, none that nobody asked for or that came too late", f"{twice} and {unasked} mails",
             not twice and not unasked),
            ("no frequency cap violated in any rolling window", f"{above} violations", not above),
            ("none in the quiet hours where they live", f"{nightly} mails", not nightly),
            ("none outside the send window", f"{closed} of {number(len(offers))} mails", not closed and bool(offers)),
            ("none to who did not agree, or ended it before", f"{unwanted} mails", not unwanted),
            ("none to who bounced or complained before", f"{suppressed} mails to {len(silenced)} people",
             not suppressed and bool(silenced)),
            ("none to people who are held out", f"{leaked} mails", not leaked),
        ]  # fmt: skip


def _flow(mail: SentMail) -> str:
    return mail.tags["homing_flow"]


def _own(person: Person, mail: SentMail) -> bool:
    """Their name and nobody else's, their own link, in both parts."""
    named = set(_NAMES.findall(f"{mail.subject} {mail.html} {mail.text}".replace(person.email, "")))
    link = mail.headers["List-Unsubscribe"][1:-1]
    return named == {person.name} and link in mail.html.replace("&amp;", "&") and link in mail.text


def _foreign_carts(person: Person, mails: Sequence[SentMail]) -> int:
    """Cart mails that don't show exactly the products of a cart of theirs, each cart once."""
    left = Counter(frozenset(names) for names in person.carts.values())
    shown = Counter(_products(mail) for mail in mails if _flow(mail) == "cart")
    return (shown - left).total()


def _products(mail: SentMail) -> frozenset[str]:
    return frozenset(
        product.name for product in inputs.campaigns().products.values() if f">{product.name}</a>" in mail.html
    )


def _unasked(person: Person, mails: Sequence[SentMail]) -> int:
    """Mails that no request and no cart of theirs accounts for: each answers one, and before it is too old."""
    found = 0
    for flow, within in EXPIRES.items():
        asked = sorted(person.asked.get(flow, ()))
        for at in sorted(mail.sent_at for mail in mails if _flow(mail) == flow):
            # The oldest that is not too old: if any choice accounts for all mails, this one does.
            asked = [begun for begun in asked if at - begun < within + _ON_THE_WAY]
            if asked and asked[0] <= at:
                asked.pop(0)
            else:
                found += 1
    return found


def _above(mails: Sequence[SentMail], topic: str | None) -> int:
    most, within = CAPS[topic]
    at = sorted(mail.sent_at for mail in mails if topic in (None, mail.tags["homing_topic"]))
    return sum(later - at[n] < within for n, later in enumerate(at[most:]))


def _local(zone: str, at: int) -> datetime:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).astimezone(
        ZoneInfo(SHOPS_ZONE if zone.startswith("Mars") else zone)
    )


def _at_night(zone: str, at: int) -> bool:
    clock = f"{_local(zone, at):%H:%M}"
    return clock >= QUIET[0] or clock < QUIET[1]


def _at_work(zone: str, at: int) -> bool:
    here = _local(zone, at)
    return here.weekday() < 5 and 9 <= here.hour < 19


def _unwanted(person: Person, mail: SentMail) -> bool:
    return not person.agreed or (person.ended_at is not None and mail.sent_at >= person.ended_at)


def _held_out(mail: SentMail) -> bool:
    """Whoever stands in the first percent of a hold-out: a hash of its name and the profile, as 2^64 parts of 100."""
    names = ["holdout", *(["news"] if _flow(mail) == "news" else [])]
    digests = (
        hashlib.blake2b(f"{name}\x1f{mail.tags['homing_profile']}".encode(), digest_size=8).digest() for name in names
    )
    places = (int.from_bytes(digest, "big") / 2**64 * 100 for digest in digests)
    return any(place < HOLDOUTS[name] for name, place in zip(names, places, strict=True))
