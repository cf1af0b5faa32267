"""Reads from a host, at the end, what ``replay`` and ``demo`` write: decisions with their mails, transitions, profiles."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from homing.adapters.blob import unpack
from homing.adapters.dynamodb_rankings import KEY as RANKINGS
from homing.domain.delivery.message import Mail
from homing.domain.flows.run import Run
from homing.domain.profiles.codec import decode
from homing.domain.profiles.profile import Profile
from homing.local import decisions
from homing.local.host import LocalHost
from homing.local.mail import SentMail
from homing.local.outputs import CallLine, Outputs, QuarantineLine, Transition, decompress
from homing.local.recording import quarantine_line

_CHANGES: dict[str, Literal["entered", "left"]] = {"SegmentEntered": "entered", "SegmentLeft": "left"}


def collect(host: LocalHost) -> Outputs:
    """Everything so far."""
    profiles = sorted(_profiles(host), key=lambda profile: (profile.first_at or 0, profile.id))
    users = {profile.id: decisions.user_id_of(profile) for profile in profiles}
    mails = {mail.send_id: _mail(mail) for mail in host.mails}
    return Outputs(
        messages=decisions.messages(_runs(host), host.decisions.entries.values(), mails),
        transitions=_transitions(host, users),
        profiles=[decisions.profile_line(profile) for profile in profiles],
        quarantine=list(quarantined(host.objects("Quarantine"))),
        calls=call_lines(host),
        archive=host.objects("Archive"),
    )


def call_lines(host: LocalHost) -> list[CallLine]:
    """What other systems would have been told, each call once."""
    found = {said["id"]: said for said in (call.said for call in host.calls)}
    return [CallLine(call_id=id_, body=said, **said) for id_, said in found.items()]


def _profiles(host: LocalHost) -> Iterator[Profile]:
    for item in host.items("profiles"):
        if "data" in item and "moved_to" not in item and item["id"]["S"] != RANKINGS:
            yield decode(item["id"]["S"], int(item["version"]["N"]), item["data"]["B"])


def _transitions(host: LocalHost, users: dict[str, str | None]) -> list[Transition]:
    """What the bus was told, each once: delivery is at least once, ids say which is which."""
    found: dict[str, Transition] = {}
    for event in host.bus.published:
        if change := _CHANGES.get(event.detail_type):
            detail = event.detail
            profile_id = detail["profile_id"]
            found.setdefault(
                detail["id"],
                Transition(
                    at=detail["at"],
                    profile_id=profile_id,
                    user_id=users.get(profile_id),
                    segment=detail["name"],
                    change=change,
                ),
            )
    return sorted(found.values(), key=lambda line: (line.at, line.profile_id, line.segment))


def _runs(host: LocalHost) -> dict[str, Run]:
    stored = (item for item in host.items("journal") if item["pk"]["S"].startswith("run#"))
    runs = (Run.from_dict(unpack(item["data"]["B"])) for item in stored)
    return {run.id: run for run in runs}


def _mail(sent: SentMail) -> Mail:
    reply_to = sent.reply_to[0] if sent.reply_to else None
    return Mail(sent.sender, sent.recipient, reply_to, sent.subject, sent.html, sent.text, sent.headers, sent.tags)


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
