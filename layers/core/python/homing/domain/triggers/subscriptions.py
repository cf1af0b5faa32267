"""Somebody subscribed to a topic with double opt-in, and has not confirmed it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from homing.domain.campaigns import Topic
from homing.domain.delivery.consent import UNCONFIRMED, confirmed_topics, refusal
from homing.domain.events import names
from homing.domain.profiles.profile import EXPLICIT, Change, Consent, Profile


@dataclass(frozen=True, slots=True)
class SubscriptionPending:
    """Fires for each ``Subscribed`` that waits for its confirmation. What a storefront repeats of people as a trait asks
    nobody: an import would write to everybody."""

    topics: Mapping[str, Topic]
    kind: str = "subscription_pending"
    touched_by: frozenset[str] = frozenset({names.SUBSCRIBED})

    def active(self, profile: Profile, t: int) -> dict[str, tuple[str, Consent]]:
        """Topic and word of everything that is pending."""
        found = {}
        for topic in sorted(confirmed_topics(self.topics) & self.topics.keys()):
            said = profile.consents.get(topic)
            if said is None or said.refused or said.weight < EXPLICIT:
                continue
            if refusal(profile, topic, self.topics, ()) == UNCONFIRMED:
                found[f"{topic}:{said.at // 1000}"] = topic, said
        return found

    def next(self, profile: Profile, t: int, before: int | None = None) -> int | None:
        """Only an event can change it."""
        return None

    def same(self, found: tuple[str, Consent], known: Iterable[tuple[str, Consent]]) -> bool:
        """Subscribing again is a new question; the gate asks it at most once a day."""
        return False

    def change(self, profile: Profile, key: str, found: tuple[str, Consent], t: int) -> Change:
        """Carries the topic."""
        return Change(self.kind, found[0], t, key, {"confirm": found[0]})
