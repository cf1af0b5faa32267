"""``homing webhook``: the secret that a receiver verifies signatures with, and a call to try it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from homing.cli.deployed import Deployed, stage_option
from homing.cli.folders import campaigns_option

if TYPE_CHECKING:
    from homing.domain.campaigns import Webhook
    from homing.domain.webhooks.message import Signer


@click.group("webhook")
def command() -> None:
    """Systems that flows tell something (docs/flows.md, "Webhooks")."""


@command.command("secret")
@click.argument("name")
@stage_option
@campaigns_option
def secret(name: str, stage: Deployed, campaigns: Path) -> None:
    """Print the secret of the webhook NAME, for whoever receives its calls."""
    _known(campaigns, name)
    click.echo(_signer(stage).secret(name))


@command.command("test")
@click.argument("name")
@stage_option
@campaigns_option
def test(name: str, stage: Deployed, campaigns: Path) -> None:
    """Make one signed call of the webhook NAME from this machine, about nobody, with `"data": {"test": true}`."""
    import secrets
    import time

    from homing.adapters.https import HttpsCaller
    from homing.domain.errors import Unavailable
    from homing.domain.flows.effects import CallRequest
    from homing.domain.profiles.profile import Profile
    from homing.domain.webhooks.message import body_of, headers_of
    from homing.domain.webhooks.retries import meaning

    webhook = _known(campaigns, name)
    now = time.time_ns() // 1000
    request = CallRequest(f"test-{secrets.token_hex(6)}", name, "test", "test", "test", "0", now, {"test": True})
    body = body_of(request, webhook, Profile("test"))
    try:
        answer = HttpsCaller().post(webhook.url, body, headers_of(request, body, _signer(stage), now))
    except Unavailable as error:
        click.echo(f"{name}: no answer ({error}); a call of a flow would be tried again")
        raise SystemExit(1) from error
    said = {"done": "taken", "refused": "refused: a call of a flow would be given up", "again": "would be tried again"}
    click.echo(f"{name} answered {answer.status}: {said[meaning(answer.status)]}")
    if meaning(answer.status) != "done":
        raise SystemExit(1)


def _known(campaigns: Path, name: str) -> Webhook:
    """Raises UsageError for a webhook that settings.yaml does not have: its secret would be another one."""
    from homing.adapters.files import publish_folder

    known = publish_folder(campaigns).settings.webhooks
    if name not in known:
        there = f"there are: {', '.join(sorted(known))}" if known else "there are none"
        raise click.UsageError(f"settings.yaml has no webhook {name!r}; {there}")
    return known[name]


def _signer(stage: Deployed) -> Signer:
    from homing.domain.webhooks.message import Signer
    from homing.runtime import parts

    return Signer(parts.secret(stage.keys_secret)().encode())
