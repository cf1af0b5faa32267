"""The gate before every send: consent, suppression, caps and quiet hours, as one pure function.

It is asked when the send is decided and again, with what is true then, just before SES is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from homing.domain.campaigns import Cap, QuietHours, Settings, Topic
from homing.domain.delivery.ledger import Entry
from homing.domain.delivery.message import SendRequest, Stop
from homing.domain.profiles.fold import EVERY_TOPIC
from homing.domain.profiles.local_time import zone_of
from homing.domain.profiles.profile import EXPLICIT, Consent, Profile
from homing.domain.time import iso, local_instant, to_datetime

# Sends that reached, or may have reached, somebody.
COUNTED = frozenset({"sending", "sent", "unknown"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """Send now, later (at ``until``), or never; ``reason`` is a stable word, ``values`` what it rests on."""

    decision: Literal["send", "defer", "drop"]
    reason: str = ""
    until: int | None = None
    values: Mapping[str, Any] | None = None


def _chain(topic: str, topics: Mapping[str, Topic]) -> list[str]:
    """The topic and those that cover it, nearest first."""
    chain: list[str] = []
    current: str | None = topic
    while current and current not in chain:
        chain.append(current)
        held = topics.get(current)
        current = held.covered_by if held else None
    return chain


def word_on(profile: Profile, topic: str, topics: Mapping[str, Topic]) -> Consent | None:
    """The word that counts on a topic: its own, else that of the topic which covers it; a later or weightier
    refusal of everything beats it."""
    said = next((profile.consents[name] for name in _chain(topic, topics) if name in profile.consents), None)
    everything = profile.consents.get(EVERY_TOPIC)
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
    for stop in stops:
        for name in (*_chain(topic, topics), EVERY_TOPIC):
            at = stop.topics.get(name)
            # Only a later explicit yes outweighs an unsubscription.
            if at is not None and not (said.weight >= EXPLICIT and said.at > at):
                return "unsubscribed"
    return None


def _cap_until(cap: Cap, entries: Iterable[Entry], now: int) -> int | None:
    """When the cap lets the next message pass; None if it does now."""
    recent = sorted(entry.at for entry in entries if entry.counts and entry.status in COUNTED)
    recent = [at for at in recent if at > now - cap.within]
    return recent[-cap.messages] + cap.within if len(recent) >= cap.messages else None


def quiet_until(profile: Profile, quiet: QuietHours, default_zone: str, now: int) -> int | None:
    """The end of the quiet hours around ``now`` in the customer's zone; None if it is not quiet."""
    tz = zone_of(profile, default_zone)
    today = to_datetime(now).astimezone(tz).date()
    # Compared as instants: in the night in which clocks are put back the same wall-clock time comes twice.
    for day in (today - timedelta(days=1), today):
        last = day if quiet.from_ <= quiet.until else day + timedelta(days=1)
        end = local_instant(last, quiet.until, tz)
        if local_instant(day, quiet.from_, tz) <= now < end:
            return end
    return None


def decide(
    request: SendRequest,
    profile: Profile | None,
    stops: Iterable[Stop],
    entries: Iterable[Entry],
    settings: Settings,
    now: int,
) -> Verdict:
    """Whether the message may leave now. ``entries`` are the person's other sends."""
    if profile is None:
        return Verdict("drop", "no_profile")
    if not profile.email:
        return Verdict("drop", "no_address")
    topic = settings.topics.get(request.topic)
    if topic is None:
        return Verdict("drop", "unknown_topic", values={"topic": request.topic})
    if reason := refusal(profile, request.topic, settings.topics, stops):
        return Verdict("drop", reason, values={"topic": request.topic})
    if topic.transactional:
        return Verdict("send")
    expires = request.decided_at + settings.send_expires_after
    if now >= expires:
        return Verdict("drop", "expired", values={"expired": iso(expires)})
    waits: list[tuple[int, str]] = []
    others = [entry for entry in entries if entry.send_id != request.send_id]
    if topic.cap and (until := _cap_until(topic.cap, [e for e in others if e.topic == request.topic], now)):
        waits.append((until, "cap"))
    if settings.cap and (until := _cap_until(settings.cap, others, now)):
        waits.append((until, "cap"))
    if settings.quiet_hours and not request.ignore_quiet_hours:
        until = quiet_until(profile, settings.quiet_hours, settings.time_zone, now)
        if until is not None:
            waits.append((until, "quiet_hours"))
    if not waits:
        return Verdict("send")
    until, reason = max(waits)
    if until >= expires:
        return Verdict("drop", f"{reason}_until_expired", values={"until": iso(until), "expires": iso(expires)})
    return Verdict("defer", reason, until=until, values={"until": iso(until)})
