"""Why a message was sent, waited or was given up, as sentences. What the gate stores with a decision is all that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from homing.domain.delivery.ledger import Entry
from homing.domain.errors import InvalidInput
from homing.domain.explain import words
from homing.domain.flows.control import PAUSED
from homing.domain.time import parse_instant

_QUEUED = ", queued again"
_LATE = "_until_expired"

_WAITS = {
    "cap": "they had enough mails for now",
    "quiet_hours": "it is night for them",
    "send_window": "it is outside the send window",
    "send_time": "it waits for the hour at which they usually look",
}
_NEVER = {
    "no_profile": "nobody is known under this profile any more",
    "no_address": "no e-mail address of theirs is known",
    "unknown_topic": "its topic is none of the settings'",
    "no_consent": "they did not agree to this topic",
    "unsubscribed": "they unsubscribed",
    "unconfirmed": "they have not confirmed their subscription",
    "not_pending": "there is nothing to confirm any more",
    "asked_already": "they were asked to confirm less than a day ago",
    "suppressed_bounce": "their address bounced",
    "suppressed_complaint": "they marked a mail as spam",
    "held_out": "they are in a hold-out",
    "cart_ordered": "the cart was ordered or emptied in the meantime",
    "flow_stopped": "its flow was stopped",
    "expired": "it could not go out in time",
    "merged": "it went on under the profile that this one was merged into",
}
_UNKNOWN = {
    "worker_lost": "the sender was interrupted, so nobody knows; it is never repeated",
    "reply_lost": "the mail service's answer was lost, so nobody knows; it is never repeated",
}

# Every word that a decision may have for its reason; some are followed by a colon and details.
REASONS = frozenset({
    *_WAITS, *(f"{word}{_LATE}" for word in _WAITS), *_NEVER, *_UNKNOWN, "throttled", "refused", "render_failed",
    "unknown_code", "code_expired", "code_ended", "no_code_left", "flow_paused", "flow_stopped",
})  # fmt: skip


def decision(entry: Entry, zone: ZoneInfo) -> str:
    """One sentence: what was decided and why; instants on the clock of ``zone``."""
    values = entry.values or {}
    reason = entry.reason.removesuffix(_QUEUED)
    word, _, more = reason.partition(": ")
    if entry.status == "sent":
        return f"sent: {_allowed(values, zone)}"
    if entry.status == "sending":
        return "handed to the mail service"
    if entry.status == "unknown":
        return f"perhaps sent: {_UNKNOWN.get(word, reason)}"
    if entry.status == "deferred":
        if word == "throttled":
            return "waits: the mail service asked to slow down"
        if word == PAUSED:
            given_up = "" if entry.wake_at is None else f"; given up on {words.when(entry.wake_at, zone)}"
            return f"waits: its flow is paused since {_at(values.get('paused_since'), zone)}{given_up}"
        until = "" if entry.wake_at is None or entry.behind else f" until {words.when(entry.wake_at, zone)}"
        return f"waits{until}: {_wait(word, values)}"
    if word.endswith(_LATE):
        waited = _wait(word.removesuffix(_LATE), values)
        until = f" until {_at(values['until'], zone)}" if "until" in values else ""
        return f"given up: {waited}{until}, and it expires on {_at(values.get('expires'), zone)}"
    why = _NEVER.get(word, reason or "no reason is known")
    details = _details(word, values, zone) or (more if word in _NEVER else "")
    return f"not sent: {why}{f' ({details})' if details else ''}"


def _allowed(values: Mapping[str, Any], zone: ZoneInfo) -> str:
    if values.get("transactional"):
        return f"the topic {values.get('topic')} needs no consent"
    parts = []
    if "consent_at" in values:
        parts.append(f"they agreed to it ({_consent(values, zone)})")
    if "send_time" in values:
        parts.append(f"their best time was {_at(values['send_time'], zone)}")
    return " and ".join(parts) or "nothing kept it back"


def _wait(word: str, values: Mapping[str, Any]) -> str:
    why = _WAITS.get(word, word)
    if "behind" in values:
        own, other = values.get("own_priority", 0), values.get("priority", 0)
        rank = f"priority {other} against {own}" if own != other else "it was decided earlier"
        return f"{values.get('flow')} goes first ({rank}; send {values['behind']})"
    if word == "cap" and "cap" in values:
        return f"{why} (at most {values['cap']})"
    return f"{why} ({values['zone']})" if "zone" in values and word in _WAITS else why


def _details(word: str, values: Mapping[str, Any], zone: ZoneInfo) -> str:
    if word == "held_out":
        return f"{words.percent(values.get('percent', 0))} under {values.get('holdout')}, their place is {values.get('place')}"
    if word == "expired":
        return f"on {_at(values.get('expired'), zone)}"
    if word == "asked_already":
        return f"on {_at(values.get('asked_at'), zone)}"
    if "consent_at" in values and word in {"no_consent", "unsubscribed", "unconfirmed"}:
        return _consent(values, zone)
    return str(values.get("topic", "")) if word == "unknown_topic" else ""


def _consent(values: Mapping[str, Any], zone: ZoneInfo) -> str:
    said = values.get("consent")
    return f"{said} {words.heard(values.get('consent_source') or '')} on {_at(values['consent_at'], zone)}"


def _at(text: Any, zone: ZoneInfo) -> str:
    try:
        return words.when(parse_instant(str(text)), zone)
    except InvalidInput:
        return str(text)
