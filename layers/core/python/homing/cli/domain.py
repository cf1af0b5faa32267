"""``homing domain check``: is the sender's domain set up, and does the stage keep to what SES allows?"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict
from typing import Any

import click

from homing.domain.delivery.dns_records import Finding, Resolve, examine
from homing.domain.errors import HomingError, InvalidInput

_SECONDS = 5.0
_MARKS = {"ok": "ok     ", "advice": "advice ", "wrong": "WRONG  "}


@click.group("domain")
def command() -> None:
    """The domain that mails come from."""


@command.command("check")
@click.argument("domain")
@click.option("--stage", help="A deployed stage: prod. Then DKIM and SES's limits are looked at, too.")
@click.option("--dkim", "tokens", multiple=True, help="A DKIM token of SES, where there is no --stage; three times.")
@click.option("--mail-from", help="Where bounces return. [default: bounce.DOMAIN]")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def check(domain: str, stage: str | None, tokens: tuple[str, ...], mail_from: str | None, as_json: bool) -> None:
    """Ask the DNS whether DKIM, SPF, MAIL FROM and DMARC of DOMAIN are there and right. Exits 1 when something is wrong."""
    domain = domain.strip().rstrip(".").lower()
    if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", domain):
        raise click.UsageError(f"{domain!r} is not a domain: write it like shop.example")
    resolve = resolver()
    if not resolve("amazonses.com", "NS"):
        # Some closed networks answer for no name at all: then nothing can be said of this one.
        raise HomingError("the DNS of this machine does not know the internet (amazonses.com): is it online?")
    records = [(f"{token}._domainkey.{domain}", f"{token}.dkim.amazonses.com") for token in tokens]
    found: list[Finding] = []
    if stage is not None:
        deployed = _outputs(stage)
        if (mine := deployed.get("SesIdentity", domain)) != domain:
            raise InvalidInput(f"{stage} sends from {mine}, not from {domain}")
        records = records or _dkim_records(deployed)
        found += _limits(stage)
    found = [*examine(domain, records, mail_from or f"bounce.{domain}", resolve), *found]
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in found], indent=1))
    else:
        for finding in found:
            click.echo(f"{_MARKS[finding.level]}{finding.about + ':':<11}{finding.text}")
    if any(finding.level == "wrong" for finding in found):
        sys.exit(1)


def resolver() -> Resolve:
    """The system's DNS. What it gives raises HomingError when nobody answers."""
    import dns.exception
    import dns.resolver

    def resolve(name: str, kind: str) -> list[str]:
        try:
            answer = dns.resolver.resolve(name, kind, lifetime=_SECONDS, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError) as error:
            why = type(error).__name__
            raise HomingError(f"the DNS does not answer for {name} ({why}): is this machine online?") from error
        return [_text(record, kind) for record in answer]

    return resolve


def _text(record: Any, kind: str) -> str:
    # A long TXT record comes in pieces that belong together.
    return b"".join(record.strings).decode(errors="replace") if kind == "TXT" else str(record.to_text())


def _outputs(stage: str) -> dict[str, str]:
    from homing.cli.deployed import outputs_of

    return outputs_of(f"homing-{stage}-engagement")


def _dkim_records(outputs: dict[str, str]) -> list[tuple[str, str]]:
    """``name CNAME value``, as the stack says it."""
    pairs = (text.split(" CNAME ") for key, text in sorted(outputs.items()) if key.startswith("DkimRecord"))
    return [(pair[0], pair[1]) for pair in pairs]


def _limits(stage: str) -> list[Finding]:
    """What SES allows the account, beside what the stage is set to. Raises HomingError."""
    from botocore.exceptions import BotoCoreError, ClientError

    from homing.runtime import parts

    try:
        account = parts.client("sesv2").get_account()
        function = parts.client("lambda").get_function_configuration(FunctionName=f"homing-{stage}-send-email")
    except (ClientError, BotoCoreError) as error:
        raise HomingError(f"AWS does not tell the limits of SES: {error}") from error
    return limits(account, int(function["Environment"]["Variables"].get("HOMING_RATE_PER_SECOND", 14)))


def limits(account: dict[str, Any], rate: int) -> list[Finding]:
    """What there is to say of SES's answer to GetAccount and the stage's ``rate_per_second``."""
    quota = account.get("SendQuota", {})
    allowed, daily = float(quota.get("MaxSendRate", 1)), int(quota.get("Max24HourSend", 200))
    found = [Finding("ok", "SES", f"allows {allowed:g} mails a second and {daily:,} a day")]
    if not account.get("ProductionAccessEnabled"):
        told = "the account is in the sandbox: only verified addresses get mail. Ask for production access"
        found.append(Finding("wrong", "SES", told))
    if rate > allowed:
        told = f"rate_per_second is {rate}, above that: set it to {int(allowed)} in cdk.json and deploy"
        found.append(Finding("wrong", "SES", told))
    elif rate < allowed:
        told = f"rate_per_second is {rate}: it may be raised to {int(allowed)} in cdk.json"
        found.append(Finding("advice", "SES", told))
    return found
