"""What the DNS of a sender's domain has to say for its mail to arrive, and advice in plain words where it does not.

DKIM: https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dkim-easy.html; custom MAIL FROM:
https://docs.aws.amazon.com/ses/latest/dg/mail-from.html; DMARC and alignment: RFC 7489, sections 3.1 and 6.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

# Name and kind (CNAME, MX, TXT) → values, as in a zone file and without quotes; empty where there are none.
Resolve = Callable[[str, str], list[str]]

_BOUNCES_TO = re.compile(r"^\d+ feedback-smtp\.[a-z0-9-]+\.amazonses\.com$")


@dataclass(frozen=True, slots=True)
class Finding:
    """``wrong`` has to be mended, ``advice`` may be."""

    level: Literal["ok", "advice", "wrong"]
    about: str
    text: str


def examine(domain: str, dkim: Iterable[tuple[str, str]], mail_from: str, resolve: Resolve) -> list[Finding]:
    """Asks for all of them. ``dkim`` are the names of the three records and what they lead to."""
    return [
        *_dkim(list(dkim), resolve), *_mail_from(mail_from, resolve), *_dmarc(domain, mail_from, resolve),
        *_replies(domain, resolve),
    ]  # fmt: skip


def _dkim(records: list[tuple[str, str]], resolve: Resolve) -> list[Finding]:
    if not records:
        return [Finding("advice", "DKIM", "not looked at: say --stage NAME, or --dkim TOKEN for each of SES's tokens")]
    found = []
    for name, value in records:
        there = [_bare(held) for held in resolve(name, "CNAME")]
        if _bare(value) in there:
            found.append(Finding("ok", "DKIM", f"{name} is there"))
        elif there:
            found.append(Finding("wrong", "DKIM", f"{name} leads to {there[0]}: change it to CNAME {value}"))
        else:
            found.append(Finding("wrong", "DKIM", f"add: {name} CNAME {value}"))
    return found


def _mail_from(name: str, resolve: Resolve) -> list[Finding]:
    found = []
    servers = [_bare(value) for value in resolve(name, "MX")]
    if len(servers) == 1 and _BOUNCES_TO.match(servers[0]):
        found.append(Finding("ok", "MAIL FROM", f"bounces of {name} return to SES"))
    elif servers:
        told = f"{name} must have one MX record, that of SES; it has {', '.join(servers)}"
        found.append(Finding("wrong", "MAIL FROM", told))
    else:
        told = f"add: {name} MX 10 feedback-smtp.REGION.amazonses.com (output MailFromMx)"
        found.append(Finding("wrong", "MAIL FROM", told))
    policies = [text for text in resolve(name, "TXT") if text.lower().split(" ")[0] == "v=spf1"]
    if len(policies) > 1:
        found.append(Finding("wrong", "SPF", f"{name} has {len(policies)} SPF records, which counts as none: keep one"))
    elif not policies:
        found.append(Finding("wrong", "SPF", f'add: {name} TXT "v=spf1 include:amazonses.com ~all"'))
    elif "include:amazonses.com" not in policies[0].lower().split():
        found.append(Finding("wrong", "SPF", f"{name} does not let SES send: write include:amazonses.com into it"))
    else:
        found.append(Finding("ok", "SPF", f"{name} lets SES send"))
    return found


def _dmarc(domain: str, mail_from: str, resolve: Resolve) -> list[Finding]:
    for place in _upwards(domain):
        held = [text for text in resolve(f"_dmarc.{place}", "TXT") if text.lower().startswith("v=dmarc1")]
        if len(held) > 1:
            return [
                Finding("wrong", "DMARC", f"_dmarc.{place} has {len(held)} records, which counts as none: keep one")
            ]
        if held:
            return _policy(_tags(held[0]), domain, place, mail_from)
    told = (
        f'add: _dmarc.{domain} TXT "v=DMARC1; p=none; rua=mailto:you@{domain}"; Gmail and Yahoo ask bulk senders for it'
    )
    return [Finding("wrong", "DMARC", told)]


def _policy(tags: dict[str, str], domain: str, place: str, mail_from: str) -> list[Finding]:
    policy = tags.get("sp", tags.get("p", "")) if place != domain else tags.get("p", "")
    if policy not in {"none", "quarantine", "reject"}:
        return [Finding("wrong", "DMARC", f"_dmarc.{place} has no policy: write p=none, p=quarantine or p=reject")]
    found = [Finding("ok", "DMARC", f"_dmarc.{place} says {policy}")]
    if policy == "none":
        told = "the policy only watches: after some weeks of clean reports, write p=quarantine, so that nobody sends as you"
        found.append(Finding("advice", "DMARC", told))
    if "rua" not in tags:
        told = "nobody gets the reports: add rua=mailto:you@" + domain
        found.append(Finding("advice", "DMARC", told))
    # SES signs with the very domain (d=), so DKIM is aligned however strict the policy is.
    if tags.get("aspf") == "s" and mail_from != domain:
        told = f"aspf=s asks for the very domain, and bounces go to {mail_from}: only DKIM is aligned. Leave aspf out"
        found.append(Finding("advice", "DMARC", told))
    else:
        found.append(
            Finding("ok", "DMARC", "DKIM and SPF are both aligned with the sender, once their records are there")
        )
    return found


def _replies(domain: str, resolve: Resolve) -> list[Finding]:
    servers = [value for value in resolve(domain, "MX") if _bare(value) != "0"]
    if servers:
        return [Finding("ok", "MX", f"{domain} receives mail")]
    told = f"{domain} receives no mail: answers to your mails come back, and some providers distrust such senders"
    return [Finding("advice", "MX", told)]


def _upwards(domain: str) -> list[str]:
    """The domain and those above it that have a dot: the organisation's is among them."""
    labels = domain.split(".")
    return [".".join(labels[first:]) for first in range(max(1, len(labels) - 1))]


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): value.strip().lower() for name, _, value in pairs if name.strip()}


def _bare(value: str) -> str:
    return value.strip().rstrip(".").strip().lower()
