"""Whether somebody may be written to about a topic: their own word, double opt-in, and what stops mail to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from homing.domain.campaigns import Topic
from homing.domain.delivery.message import Stop
from homing.domain.profiles.fold import EVERY_TOPIC, FIRM
from homing.domain.profiles.profile import EXPLICIT, Consent, Profile

# Why mail is kept back from who subscribed and has not confirmed it yet.
UNCONFIRMED = "unconfirmed"


def chain(topic: str, topics: Mapping[str, Topic]) -> list[str]:
    """The topic and those that cover it, nearest first."""
    found: list[str] = []
    current: str | None = topic
    while current and current not in found:
        found.append(current)
        held = topics.get(current)
        current = held.covered_by if held else None
    return found


def needs_confirmation(topic: str, topics: Mapping[str, Topic]) -> bool:
    """Whether it, or what covers it, has double opt-in."""
    return any((held := topics.get(name)) is not None and held.double_opt_in for name in chain(topic, topics))


def confirmed_topics(topics: Mapping[str, Topic]) -> frozenset[str]:
    """Of which confirmations are remembered: all that need one, and the word on everything."""
    found = {name for name, topic in topics.items() if not topic.transactional and needs_confirmation(name, topics)}
    return frozenset(found | {EVERY_TOPIC} if found else ())


def word_on(profile: Profile, topic: str, topics: Mapping[str, Topic], *, firm: bool = False) -> Consent | None:
    """The word that counts on a topic: its own, else that of the topic which covers it; a later or weightier
    refusal of everything beats it. ``firm``: among confirmations and refusals only."""
    mark = FIRM if firm else ""
    names = (name + mark for name in chain(topic, topics))
    said = next((profile.consents[name] for name in names if name in profile.consents), None)
    everything = profile.consents.get(EVERY_TOPIC + mark)
    if everything is None:
        return said
    return everything if said is None or everything > said else said


def refusal(profile: Profile, topic: str, topics: Mapping[str, Topic], stops: Iterable[Stop]) -> str | None:
    """Why nothing of this topic may be sent to them, if so."""
    stops = list(stops)
    for stop in stops:
        if stop.suppressed:
            return f"suppressed_{stop.suppressed}"
    if (held := topics.get(topic)) is not None and held.transactional:
        return None
    said = word_on(profile, topic, topics)
    if said is None:
        return "no_consent"
    if said.refused:
        # A box that was never ticked is not an unsubscription.
        return "unsubscribed" if said.weight >= EXPLICIT else "no_consent"
    if needs_confirmation(topic, topics):
        said = word_on(profile, topic, topics, firm=True)
        if said is None or said.refused:
            return UNCONFIRMED
    for stop in stops:
        for name in (*chain(topic, topics), EVERY_TOPIC):
            at = stop.topics.get(name)
            # Only a later explicit yes outweighs an unsubscription.
            if at is not None and not (said.weight >= EXPLICIT and said.at > at):
                return "unsubscribed"
    return None
