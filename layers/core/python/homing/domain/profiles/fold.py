"""``fold(profile, event)``: what one event adds to a profile.

Knows no cloud, no clock and no order: folding the same events in another order, in other batches, twice, or after merging
two halves (:func:`merge`) gives the same profile once both are pruned at the same instant.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from homing.domain.events import names
from homing.domain.events.event import PERSON_IDENTIFIERS, Event
from homing.domain.profiles import bounds, carts, lists, memory, statements
from homing.domain.profiles.identity import normalise
from homing.domain.profiles.memory import Slot, Wanting
from homing.domain.profiles.profile import EXPLICIT, IMPORTED, Consent, Profile, TraitValue
from homing.domain.time import DAY

# Message ids are remembered this long and this many, to tell a redelivery at once. Older duplicates are harmless: what
# they would add is in the profile's sets already.
SEEN_FOR = 2 * DAY
MAX_SEEN = 100
EVERY_TOPIC = "*"
# Where this follows a topic's name, only words count that prove whose address it is, and refusals: see FoldPlan.confirmed.
FIRM = "\x1f"
# The source of what people say on pages that a signed link from their own mailbox opened.
BY_LINK = "preferences"
DEFAULT_TOPIC = "marketing"

Said = TypeVar("Said", TraitValue, Consent)

_CONSENT_TRAITS = ("marketing_consent", "accepts_marketing", "email_consent", "acceptsMarketing", "marketingConsent")


@dataclass(frozen=True, slots=True)
class FoldPlan:
    """What the campaigns want remembered."""

    slots: Mapping[str, Slot]
    by_event: Mapping[str, Wanting]
    catalog: frozenset[str]
    forget_carts_after: int
    # Topics with double opt-in, and those they cover. Of each a second word is kept, of which only confirmations and
    # refusals are part: a plain yes is pending until a confirmation that is later than any refusal.
    confirmed: frozenset[str] = frozenset()


# Each is asked for twice, one after the other.
@lru_cache(maxsize=256)
def message_hash(message_id: str) -> str:
    """8 characters that identify a message id among one person's recent ones."""
    return hashlib.blake2b(message_id.encode(), digest_size=6).hexdigest()


def is_duplicate(profile: Profile, event: Event) -> bool:
    """Whether this very message was folded recently."""
    return message_hash(event.message_id) in profile.seen


def fold(profile: Profile, event: Event, plan: FoldPlan) -> set[str]:
    """Folds one event into ``profile`` in place. Returns the inputs of rules that it touched: ids of slots,
    ``trait:<name>``, ``*list:<name>``, ``*review``, ``*first``."""
    touched: set[str] = set()
    profile.seen[message_hash(event.message_id)] = event.received
    key = memory.event_key(event)
    if profile.first_at is None or event.occurred < profile.first_at:
        profile.first_at = event.occurred
        touched.add("*first")
    if profile.last_at is None or event.occurred > profile.last_at:
        profile.last_at = event.occurred
    for kind in PERSON_IDENTIFIERS:
        if value := event.identifiers.get(kind):
            profile.identifiers.setdefault(kind, set()).add(normalise(kind, value))
    if event.type == "identify":
        touched |= _fold_traits(profile, event)
    elif event.name in {names.SUBSCRIBED, names.UNSUBSCRIBED}:
        _fold_consent_event(profile, event, plan)
    elif event.name in lists.EVENTS:
        touched |= lists.add(profile.lists, event)
    if (wanting := plan.by_event.get(event.name)) is not None:
        for slot in wanting.slots(event):
            if memory.remember(profile.memory, slot, event, key, plan.catalog):
                touched.add(slot.id)
    carts.fold_cart(profile.carts, event, key, plan.catalog)
    return touched


def _fold_traits(profile: Profile, event: Event) -> set[str]:
    touched = set()
    for name, value in event.properties.items():
        if len(name) <= bounds.MAX_NAME:
            touched |= statements.add(profile, name, statements.stated(event, value))
    for name in _CONSENT_TRAITS:
        if isinstance(value := event.properties.get(name), bool):
            _word(profile, DEFAULT_TOPIC, IMPORTED, event, granted=value, wording=f"trait {name}")
    given = event.properties.get("consent")
    topics = given if isinstance(given, Mapping) else {DEFAULT_TOPIC: given}
    for topic, value in topics.items():
        if isinstance(value, bool):
            _word(profile, _topic(topic), IMPORTED, event, granted=value, wording="trait consent")
    return touched


def _fold_consent_event(profile: Profile, event: Event, plan: FoldPlan) -> None:
    topic = _topic(event.properties.get("topic") or DEFAULT_TOPIC)
    wording = str(event.properties.get("wording") or "")[:500]
    granted = event.name == names.SUBSCRIBED
    _word(profile, topic, EXPLICIT, event, granted=granted, wording=wording)
    if topic in plan.confirmed and (event.source == BY_LINK or not granted):
        _word(profile, topic + FIRM, EXPLICIT, event, granted=granted, wording=wording)


def _topic(said: Any) -> str:
    """Whatever an event calls the topic, it can't claim to be a confirmation."""
    return str(said).replace(FIRM, "")[: bounds.MAX_NAME]


def _word(profile: Profile, topic: str, weight: int, event: Event, *, granted: bool, wording: str) -> None:
    source = str(event.properties.get("source") or event.source)[:100]
    said = Consent(weight, event.occurred, not granted, source, wording)
    held = profile.consents.get(topic)
    if held is None or said > held:
        profile.consents[topic] = said


def merge(left: Profile, right: Profile) -> None:
    """Adds to ``left`` (which keeps its id and version) everything that ``right`` knows."""
    for kind, values in right.identifiers.items():
        left.identifiers.setdefault(kind, set()).update(values)
    # One that was never stored was never written to.
    left.merged |= right.merged | ({right.id} if right.version else set())
    left.doubts |= right.doubts
    left.dismissed |= right.dismissed
    left.apart |= right.apart
    statements.join(left, right)
    lists.join(left.lists, right.lists)
    for topic, said in right.consents.items():
        word = left.consents.get(topic)
        if word is None or said > word:
            left.consents[topic] = said
    for slot, entries in right.memory.items():
        left.memory[slot] = memory.join(left.memory[slot], entries) if slot in left.memory else entries
    left.carts = carts.join(left.carts, right.carts)
    for message, at in right.seen.items():
        left.seen[message] = min(at, left.seen.get(message, at))
    left.first_at = min((i for i in (left.first_at, right.first_at) if i is not None), default=None)
    left.last_at = max((i for i in (left.last_at, right.last_at) if i is not None), default=None)


def prune(profile: Profile, plan: FoldPlan, now: int) -> set[str]:
    """Forgets what can't matter at ``now`` or later: the profile's normal form. Returns the slots of which something else
    was forgotten too, because they were full."""
    cut = memory.prune(profile.memory, plan.slots, now)
    carts.prune(profile.carts, now, plan.forget_carts_after)
    if len(profile.seen) > MAX_SEEN or min(profile.seen.values(), default=now) + SEEN_FOR <= now:
        recent = sorted(((at, key) for key, at in profile.seen.items() if at + SEEN_FOR > now), reverse=True)[:MAX_SEEN]
        profile.seen = {key: at for at, key in recent}
    for kind, values in profile.identifiers.items():
        if len(values) > bounds.MAX_IDENTIFIERS:
            profile.identifiers[kind] = set(sorted(values)[: bounds.MAX_IDENTIFIERS])
    for marks in (profile.doubts, profile.dismissed, profile.apart):
        if len(marks) > bounds.MAX_MARKS:
            marks.intersection_update(sorted(marks)[: bounds.MAX_MARKS])
    if len(profile.merged) > bounds.MAX_MERGED:
        profile.merged = set(sorted(profile.merged)[: bounds.MAX_MERGED])
    if len(profile.traits) > bounds.MAX_TRAITS:
        profile.traits = _latest(profile.traits, bounds.MAX_TRAITS)
        statements.forget(profile)
    lists.prune(profile.lists)
    if len(profile.consents) > bounds.MAX_TOPICS:
        profile.consents = _latest(profile.consents, bounds.MAX_TOPICS)
    return cut


def _latest(said: dict[str, Said], most: int) -> dict[str, Said]:
    """The latest statements; of a few at one instant, the first names."""
    kept = sorted(said.items(), key=lambda item: (-item[1].at, item[0]))[:most]
    return {name: said[name] for name in said if name in dict(kept)}


def normal_form(profile: Profile) -> dict[str, Any]:
    """What must be equal whatever the order of folding; for tests and for comparing a rebuild with the live profile."""
    return {
        "identifiers": {kind: sorted(values) for kind, values in sorted(profile.identifiers.items())},
        "traits": dict(sorted(profile.traits.items())),
        "rivals": dict(sorted(profile.rivals.items())),
        "lists": dict(sorted(profile.lists.items())),
        "doubts": sorted(profile.doubts),
        "dismissed": sorted(profile.dismissed),
        "apart": sorted(profile.apart),
        "consents": dict(sorted(profile.consents.items())),
        "memory": dict(sorted(profile.memory.items())),
        "carts": {token: dict(sorted(log.items())) for token, log in sorted(profile.carts.items())},
        "first_at": profile.first_at,
        "last_at": profile.last_at,
    }
