"""What happened, read from a run's outputs into the few shapes that the report counts."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from homing.domain.campaigns import Campaigns, Product
from homing.domain.events import names
from homing.domain.events.event import PERSON_IDENTIFIERS
from homing.domain.time import parse_instant, zone
from homing.local.outputs import Message, Outputs, ProfileLine, Transition
from homing.local.report.text import decimal

# A mail's own events; everything else is the customer in the shop.
MAIL_EVENTS = frozenset(
    {
        names.EMAIL_SENT,
        names.EMAIL_DELIVERED,
        names.EMAIL_OPENED,
        names.EMAIL_LINK_CLICKED,
        names.EMAIL_BOUNCED,
        names.EMAIL_MARKED_AS_SPAM,
    }
)
# Said by the shop about people, not done by them.
_NOT_A_VISIT = MAIL_EVENTS | {names.IDENTIFIED, names.ALIASED, names.UNSUBSCRIBED, names.SUBSCRIBED, names.GROUPED}
_SEND_FIELDS = ("send_id", "homing_send", "message_id", "email_id")


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of one person (``person`` is a profile id, merged ones already followed). Instants."""

    at: int
    person: str
    name: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    # Whether a browser or an app sent it, rather than the shop's server or the mail service.
    browser: bool = False

    @property
    def is_visit(self) -> bool:
        """Whether somebody was in the shop."""
        return self.name not in _NOT_A_VISIT


@dataclass(frozen=True)
class Facts:
    """Everything the report reads. ``start`` and ``end`` bound the time that it tells of (instants, end exclusive)."""

    messages: Sequence[Message]
    transitions: Sequence[Transition]
    happenings: Sequence[Happening]
    people: Mapping[str, ProfileLine]
    outputs: Outputs
    campaigns: Campaigns | None
    start: int
    end: int
    # Profile ids that became others when two profiles turned out to be one person.
    same: Mapping[str, str] = field(default_factory=dict)

    def person(self, profile_id: str) -> str:
        """The profile id under which somebody is known at the end."""
        return self.same.get(profile_id, profile_id)

    @cached_property
    def tz(self) -> ZoneInfo:
        """The shop's zone; all times of the report are in it."""
        return zone(self.campaigns.settings.time_zone if self.campaigns else None)

    def tz_of(self, person: str) -> ZoneInfo:
        """The zone that a person lives in, as far as known; else the shop's."""
        profile = self.people.get(person)
        traits = profile.traits if profile else {}
        return zone(str(traits.get("time_zone") or traits.get("timezone") or "") or None, self.tz.key)

    @cached_property
    def currency(self) -> str:
        """What prices are in that name no currency."""
        return self.campaigns.settings.currency if self.campaigns else "EUR"

    @cached_property
    def sent(self) -> list[Message]:
        """Mails that left, by time."""
        return sorted((m for m in self.messages if m.sent_at is not None), key=lambda m: (m.sent_at, m.message_id))

    @cached_property
    def by_person(self) -> dict[str, list[Happening]]:
        """Happenings of each person, by time."""
        grouped: dict[str, list[Happening]] = {}
        for happening in self.happenings:
            grouped.setdefault(happening.person, []).append(happening)
        return grouped

    def who(self, name: str) -> set[str]:
        """The people of whom an event of that name is known."""
        return {happening.person for happening in self.happenings if happening.name == name}

    def product(self, product_id: str) -> Product | None:
        """A product of the catalog."""
        return self.campaigns.products.get(product_id) if self.campaigns else None

    def name_of(self, person: str) -> str:
        """A first and last name, else what identifies them, else a stranger."""
        profile = self.people.get(person)
        if profile is None:
            return "Somebody"
        parts = [
            profile.traits.get("first_name") or profile.traits.get("firstName"),
            profile.traits.get("last_name") or profile.traits.get("lastName"),
        ]
        full = " ".join(str(part) for part in parts if part) or str(profile.traits.get("name") or "")
        return full or profile.user_id or profile.email or "Somebody"

    def order_value(self, order: Happening) -> tuple[str, Decimal]:
        """Currency and total of an order."""
        properties = order.properties
        total = next((properties[key] for key in ("total", "revenue", "value") if properties.get(key) is not None), 0)
        return str(properties.get("currency") or self.currency), decimal(total)

    def message_of(self, happening: Happening) -> Message | None:
        """The mail that a mail event is about: by its id, else the person's latest mail before it."""
        for key in _SEND_FIELDS:
            if (found := self._sent_by_id.get(str(happening.properties.get(key)))) is not None:
                return found
        earlier = [m for m in self._sent_to.get(happening.person, ()) if (m.sent_at or 0) <= happening.at]
        return earlier[-1] if earlier else None

    @cached_property
    def _sent_by_id(self) -> dict[str, Message]:
        return {message.message_id: message for message in self.sent}

    @cached_property
    def _sent_to(self) -> dict[str, list[Message]]:
        grouped: dict[str, list[Message]] = {}
        for message in self.sent:
            grouped.setdefault(message.profile_id, []).append(message)
        return grouped


def read(outputs: Outputs, campaigns: Campaigns | None, period: tuple[int, int] | None) -> Facts:
    """Facts of a run; without a period, from the first to the last thing that was received or sent."""
    lines = outputs.events
    same = _same_people(lines, (profile.profile_id for profile in outputs.profiles))
    happenings = _happenings(lines, same)
    if period is None:
        instants = [_instant(line, "received_at", "occurred_at") for line in lines]
        instants += [m.sent_at for m in outputs.messages if m.sent_at is not None]
        instants += [t.at for t in outputs.transitions]
        period = (min(instants, default=0), max(instants, default=0) + 1)
    return Facts(
        messages=[m.model_copy(update={"profile_id": same.get(m.profile_id, m.profile_id)}) for m in outputs.messages],
        transitions=sorted(outputs.transitions, key=lambda t: t.at),
        happenings=[h for h in happenings if h.at >= period[0]],
        people={profile.profile_id: profile for profile in outputs.profiles},
        outputs=outputs,
        campaigns=campaigns,
        start=period[0],
        end=period[1],
        same=same,
    )


def _happenings(lines: Iterable[Mapping[str, Any]], same: Mapping[str, str]) -> list[Happening]:
    seen: set[tuple[str, str]] = set()
    found = []
    for line in lines:
        person = same[str(line.get("profile_id", ""))]
        unique = (person, str(line.get("message_id")))
        if unique in seen:
            continue
        seen.add(unique)
        found.append(
            Happening(
                _instant(line, "occurred_at", "at"),
                person,
                str(line.get("name", "")),
                line.get("properties") or {},
                str(line.get("source", "")),
                "anonymous_id" in (line.get("identifiers") or {}),
            )
        )
    return sorted(found, key=lambda h: h.at)


def _same_people(lines: Iterable[Mapping[str, Any]], people: Iterable[str]) -> dict[str, str]:
    """Which profile ids became which: events carry the ids of all identifiers that they name, and of those the one
    stays under which a profile is stored at the end."""
    links: dict[str, set[str]] = {}
    for line in lines:
        ids = {str(line.get("profile_id", ""))}
        identifiers = line.get("identifiers") or {}
        ids |= {str(identifiers[kind]) for kind in PERSON_IDENTIFIERS if identifiers.get(kind)}
        for id_ in ids:
            links.setdefault(id_, set()).update(ids - {id_})
    # From every stored profile outwards, nearest first, so that two customers on one device stay two.
    same = {id_: id_ for id_ in sorted(people)}
    for starts in (list(same), *([id_] for id_ in sorted(links))):
        queue = deque(id_ for id_ in starts if same.setdefault(id_, id_) == id_)
        while queue:
            id_ = queue.popleft()
            for other in sorted(links.get(id_, ())):
                if other not in same:
                    same[other] = same[id_]
                    queue.append(other)
    return same


def _instant(line: Mapping[str, Any], *fields: str) -> int:
    for name in fields:
        value = line.get(name)
        if isinstance(value, int):
            return value
        if isinstance(value, str):
            return parse_instant(value)
    return 0
