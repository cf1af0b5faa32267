"""The gate before every send: consent, suppression, hold-outs, caps and hours, as one pure function.

It is asked when the send is decided and again, with what is true then, just before SES is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from homing.domain.campaigns import QuietHours, Settings
from homing.domain.delivery.consent import UNCONFIRMED, refusal, word_on
from homing.domain.delivery.hours import Hours, best_instant, quiet_end
from homing.domain.delivery.ledger import Entry
from homing.domain.delivery.message import SendRequest, Stop
from homing.domain.delivery.precedence import COUNTED, Room, first_before
from homing.domain.flows.control import PAUSED, STOPPED, FlowState
from homing.domain.flows.language import Flow, Holdout
from homing.domain.profiles.local_time import zone_of
from homing.domain.profiles.profile import Consent, Profile
from homing.domain.segments.said import portion
from homing.domain.time import DAY, MINUTE, iso

__all__ = ["COUNTED", "Verdict", "decide", "quiet_until", "refusal", "word_on"]

# Who lets another send go first looks again after this long, should nothing be heard of that one.
LOOK_AGAIN = 30 * MINUTE
# Who subscribed is asked to confirm it no sooner than this after the last time.
ASK_AGAIN = DAY


@dataclass(frozen=True, slots=True)
class Verdict:
    """Send now, later (at ``until``), or never; ``reason`` is a stable word, ``values`` what it rests on.

    ``behind`` is the send that goes first, and ``wake`` those of them that sleep although they may leave now.
    """

    decision: Literal["send", "defer", "drop"]
    reason: str = ""
    until: int | None = None
    values: Mapping[str, Any] | None = None
    behind: str = ""
    wake: tuple[str, ...] = ()


def quiet_until(profile: Profile, quiet: QuietHours, default_zone: str, now: int) -> int | None:
    """The end of the quiet hours around ``now`` in the customer's zone; None if it is not quiet."""
    return quiet_end(quiet, zone_of(profile, default_zone), now)


def expiry(decided_at: int, flow: Flow | None, settings: Settings) -> int:
    """When a send that could not go out is given up."""
    return decided_at + ((flow.expires_after if flow else None) or settings.send_expires_after)


@dataclass(frozen=True)
class _Asked:
    """Everything that is known when a person's sends are weighed."""

    profile: Profile
    stops: tuple[Stop, ...]
    settings: Settings
    flows: Mapping[str, Flow]
    best: Sequence[int]

    def hours(self, topic: str, flow: Flow | None, decided_at: int, *, loud: bool) -> Hours:
        """The flow's own word, else the topic's, else the shop's; ``loud`` ignores the quiet hours."""
        settings, held = self.settings, self.settings.topics[topic]
        quiet = None if loud else settings.quiet_hours
        window = (flow.send_window if flow else None) or held.send_window or settings.send_window
        hours = Hours(zone_of(self.profile, settings.time_zone), quiet, window)
        if ((flow.send_time if flow else None) or held.send_time) != "best":
            return hours
        until = min(decided_at + settings.send_time_within, expiry(decided_at, flow, settings) - 1)
        at = best_instant(self.best, hours, decided_at, until)
        return Hours(hours.zone, quiet, window, not_before=at)

    def held_out(self, flow: Flow | None) -> dict[str, Any] | None:
        """The hold-out that they are in, if they are in one."""
        asked: list[tuple[Holdout | None, str]] = [(self.settings.holdout, "holdout")]
        if flow is not None:
            asked.append((flow.holdout, flow.name))
        for holdout, usual in asked:
            if holdout is None:
                continue
            name = holdout.of or usual
            if (place := portion(name, self.profile.id)) < holdout.percent:
                return {"holdout": name, "percent": holdout.percent, "place": round(place, 3)}
        return None

    def may_leave(self, entry: Entry, now: int) -> bool:
        """Whether a waiting send could go now, but for the caps."""
        held = self.settings.topics.get(entry.topic)
        flow = self.flows.get(entry.flow)
        if entry.status != "deferred" or not entry.counts or entry.request is None or held is None:
            return False
        if entry.reason == PAUSED:
            return False
        if now >= (entry.expires_at or expiry(entry.decided_at, flow, self.settings)):
            return False
        if refusal(self.profile, entry.topic, self.settings.topics, self.stops) or self.held_out(flow):
            return False
        loud = bool(entry.request.get("ignore_quiet_hours"))
        return not self.hours(entry.topic, flow, entry.decided_at, loud=loud).closed(now)


def decide(
    request: SendRequest,
    profile: Profile | None,
    stops: Iterable[Stop],
    entries: Iterable[Entry],
    settings: Settings,
    now: int,
    *,
    flows: Mapping[str, Flow] | None = None,
    best: Sequence[int] = (),
) -> Verdict:
    """Whether the message may leave now. ``entries`` are the person's other sends, waiting ones among them; ``best`` the
    hours of the day that suit the person, by preference."""
    if profile is None:
        return Verdict("drop", "no_profile")
    if not profile.email:
        return Verdict("drop", "no_address")
    topic = settings.topics.get(request.topic)
    if topic is None:
        return Verdict("drop", "unknown_topic", values={"topic": request.topic})
    asked = _Asked(profile, tuple(stops), settings, flows or {}, best)
    consent = _words(word_on(profile, request.topic, settings.topics))
    if reason := refusal(profile, request.topic, settings.topics, asked.stops):
        return Verdict("drop", reason, values={"topic": request.topic, **consent})
    if topic.transactional:
        if confirm := request.data.get("confirm"):
            return _question(str(confirm), request, asked, entries, now)
        return Verdict("send", values={"topic": request.topic, "transactional": True})
    flow = asked.flows.get(request.flow)
    if held_out := asked.held_out(flow):
        return Verdict("drop", "held_out", values={"topic": request.topic, **consent, **held_out})
    expires = expiry(request.decided_at, flow, settings)
    if now >= expires:
        return Verdict("drop", "expired", values={"expired": iso(expires)})
    others = [entry for entry in entries if entry.send_id != request.send_id]
    return _when(request, asked, flow, others, expires, now, {"topic": request.topic, **consent})


def under(state: FlowState, verdict: Verdict, request: SendRequest, settings: Settings, flow: Flow | None) -> Verdict:
    """The verdict, given what marketers said of the flow: nothing of one that is paused or stopped leaves. What a pause holds
    is given up when it would have expired; transactional mail stays until the flow goes on."""
    if verdict.decision == "drop":
        return verdict
    if state.ended(request.decided_at):
        return Verdict("drop", STOPPED, values={"stopped_at": iso(state.stopped_at)})
    if not state.paused or verdict.decision != "send":
        return verdict
    topic = settings.topics.get(request.topic)
    until = None if topic and topic.transactional else expiry(request.decided_at, flow, settings)
    return Verdict("defer", PAUSED, until=until, values={"paused_since": iso(state.since)})


def _question(confirm: str, request: SendRequest, asked: _Asked, entries: Iterable[Entry], now: int) -> Verdict:
    """A confirmation mail: only while it is open, and at most once a day for each topic."""
    if refusal(asked.profile, confirm, asked.settings.topics, asked.stops) != UNCONFIRMED:
        return Verdict("drop", "not_pending", values={"confirm": confirm})
    for entry in entries:
        again = entry.send_id != request.send_id and entry.status in COUNTED and entry.at > now - ASK_AGAIN
        if again and (entry.values or {}).get("confirm") == confirm:
            return Verdict("drop", "asked_already", values={"asked_at": iso(entry.at)})
    return Verdict("send", values={"topic": request.topic, "transactional": True, "confirm": confirm})


def _when(
    request: SendRequest, asked: _Asked, flow: Flow | None, others: list[Entry], expires: int, now: int,
    facts: dict[str, Any],
) -> Verdict:  # fmt: skip
    room = Room.of(asked.settings, others)
    hours = asked.hours(request.topic, flow, request.decided_at, loud=request.ignore_quiet_hours)
    free, cap = room.free_at(request.topic, now)
    waits = hours.closed(now)
    if cap:
        waits.append((free, "cap"))
    if waits:
        reason = max(waits)[1]
        # Room comes in the night: it goes out in the morning, if it is still there.
        until = hours.opens(free)
        values = {"zone": hours.zone.key, **({"cap": cap} if cap else {}), "expires": iso(expires)}
        if until is None or until >= expires:
            told = {} if until is None else {"until": iso(until)}
            return Verdict("drop", f"{reason}_until_expired", values={**told, **values})
        return Verdict("defer", reason, until=until, values={"until": iso(until), **values})
    mine = Entry(
        request.send_id, "deferred", request.topic, request.flow, request.template, now,
        decided_at=request.decided_at, priority=flow.priority if flow else 0,
    )  # fmt: skip
    rivals = [entry for entry in others if asked.may_leave(entry, now)]
    if first := first_before(mine, rivals, room, now):
        behind = {"behind": first.send_id, "flow": first.flow, "priority": first.priority}
        return Verdict(
            "defer", "cap", until=min(now + LOOK_AGAIN, expires), behind=first.send_id,
            values={**behind, "own_priority": mine.priority, "expires": iso(expires)},
            wake=tuple(rival.send_id for rival in rivals if rival.rank < mine.rank and rival.not_before > now),
        )  # fmt: skip
    if hours.not_before:
        facts = {**facts, "send_time": iso(hours.not_before)}
    return Verdict("send", values=facts)


def _words(said: Consent | None) -> dict[str, Any]:
    """The consent that a decision rests on."""
    if said is None:
        return {}
    return {"consent": "no" if said.refused else "yes", "consent_at": iso(said.at), "consent_source": said.source}
