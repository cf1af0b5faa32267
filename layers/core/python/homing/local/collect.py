"""Reads from a host, at the end, what ``replay`` and ``demo`` write: decisions with their mails, transitions, profiles."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from homing.adapters.blob import unpack
from homing.domain.delivery.ledger import Entry, Ledger
from homing.domain.flows.run import Run
from homing.domain.profiles.codec import decode
from homing.domain.profiles.profile import Profile
from homing.local.host import LocalHost
from homing.local.mail import SentMail
from homing.local.outputs import Message, Outputs, ProfileLine, QuarantineLine, Transition, decompress

_CHANGES: dict[str, Literal["entered", "left"]] = {"SegmentEntered": "entered", "SegmentLeft": "left"}


def collect(host: LocalHost) -> Outputs:
    """Everything so far."""
    profiles = list(_profiles(host))
    users = {profile.id: _first(profile, "user_id") for profile in profiles}
    return Outputs(
        messages=_messages(host, {profile.id: profile.email for profile in profiles}),
        transitions=_transitions(host, users),
        profiles=[_profile_line(profile) for profile in sorted(profiles, key=lambda p: (p.first_at or 0, p.id))],
        quarantine=list(quarantined(host.objects("Quarantine"))),
        archive=host.objects("Archive"),
    )


def _profiles(host: LocalHost) -> Iterator[Profile]:
    for item in host.items("profiles"):
        if "data" in item and "moved_to" not in item:
            yield decode(item["id"]["S"], int(item["version"]["N"]), item["data"]["B"])


def _first(profile: Profile, kind: str) -> str | None:
    return min(profile.identifiers.get(kind, ()), default=None)


def _profile_line(profile: Profile) -> ProfileLine:
    return ProfileLine(
        profile_id=profile.id,
        user_id=_first(profile, "user_id"),
        email=profile.email,
        identifiers={kind: sorted(values) for kind, values in sorted(profile.identifiers.items()) if values},
        traits=profile.all_traits(),
        consents={topic: consent.granted for topic, consent in sorted(profile.consents.items())},
        segments=sorted(profile.segments),
        version=profile.version,
        first_at=profile.first_at,
        last_at=profile.last_at,
        wake_at=profile.wake_at,
    )


def _transitions(host: LocalHost, users: dict[str, str | None]) -> list[Transition]:
    """What the bus was told, each once: delivery is at least once, ids say which is which."""
    found: dict[str, Transition] = {}
    for event in host.bus.published:
        if change := _CHANGES.get(event.detail_type):
            detail = event.detail
            found.setdefault(
                detail["id"],
                Transition(
                    at=detail["at"],
                    profile_id=detail["profile_id"],
                    user_id=users.get(detail["profile_id"]),
                    segment=detail["name"],
                    change=change,
                ),
            )
    return sorted(found.values(), key=lambda t: (t.at, t.profile_id, t.segment))


def _messages(host: LocalHost, addresses: dict[str, str | None]) -> list[Message]:
    runs: dict[str, Run] = {}
    entries: list[tuple[str, Entry]] = []
    for item in host.items("journal"):
        key = item["pk"]["S"]
        if key.startswith("run#"):
            run = Run.from_dict(unpack(item["data"]["B"]))
            runs[run.id] = run
        elif key.startswith("ledger#"):
            ledger = Ledger.from_dict(unpack(item["data"]["B"]))
            entries.extend((ledger.profile_id, entry) for entry in ledger.entries.values())
    mails = {mail.send_id: mail for mail in host.mails}
    found = [_message(p, entry, runs.get(entry.run_id), mails.get(entry.send_id), addresses) for p, entry in entries]
    return sorted(found, key=lambda m: (m.decided_at or 0, m.message_id))


def _message(
    profile_id: str, entry: Entry, run: Run | None, mail: SentMail | None, addresses: dict[str, str | None]
) -> Message:
    return Message(
        message_id=entry.send_id,
        profile_id=profile_id,
        to=mail.recipient if mail else addresses.get(profile_id),
        flow=entry.flow,
        run_id=entry.run_id,
        template=entry.template,
        trigger=run.trigger if run else "",
        triggered_at=run.triggered_at if run else None,
        decided_at=entry.decided_at or entry.at,
        sent_at=mail.sent_at if mail else (entry.sent_at or None),
        status=entry.status,
        reason=entry.reason,
        subject=mail.subject if mail else "",
        html=mail.html if mail else "",
        text=mail.text if mail else "",
        headers=dict(mail.headers) if mail else {},
    )


def quarantined(objects: dict[str, bytes]) -> Iterator[QuarantineLine]:
    """Records with their reasons, and batches that functions failed on until they were given up."""
    for key in sorted(objects):
        if key.startswith("aws/lambda/"):
            yield from _failed_batch(json.loads(objects[key]))
            continue
        for text in decompress(objects[key]).splitlines():
            line = json.loads(text)
            yield quarantine_line(
                base64.b64decode(line["raw"]),
                at=line["at"], source=line["source"], code=line["code"], reason=line["reason"], where=line["where"],
            )  # fmt: skip


def quarantine_line(raw: bytes, **fields: Any) -> QuarantineLine:
    """A line with its raw bytes as text where they are text."""
    try:
        return QuarantineLine(raw=raw.decode(), **fields)
    except UnicodeDecodeError:
        return QuarantineLine(raw=base64.b64encode(raw).decode(), encoding="base64", **fields)


def _failed_batch(document: dict[str, Any]) -> Iterable[QuarantineLine]:
    context = document["requestContext"]
    records = json.loads(document["payload"])["Records"]
    for record in records:
        raw = base64.b64decode(record["kinesis"]["data"]) if "kinesis" in record else json.dumps(record).encode()
        yield quarantine_line(
            raw,
            at=document["timestamp"],
            source=context["functionArn"],
            code=context["condition"],
            reason=f"the function failed {context['approximateInvokeCount']} times",
        )
