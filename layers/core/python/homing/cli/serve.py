"""``homing serve``: the local stack over HTTP, with a mailbox and a clock that can be moved."""

from __future__ import annotations

import threading
from pathlib import Path

import click

from homing.cli.folders import campaigns_option
from homing.domain.errors import HomingError


@click.command("serve")
@click.option("--port", default=8787, show_default=True, help="0 takes any free one.", type=click.IntRange(0, 65_535))
@campaigns_option
def command(port: int, campaigns: Path) -> None:
    """Serve the deployed paths on this machine, until interrupted.

    Time passes as it does outside; /_/clock lets it run ahead. Mails are captured on /_/mail and sent to nobody.
    """
    from homing.local.host import WEBHOOK_SECRET, WRITE_KEY, LocalHost
    from homing.local.server import Served, server, system_now

    try:
        http = server(lambda *request: served.answer(*request), port)
    except OSError as error:
        raise HomingError(f"can't listen on port {port} ({error.strerror}): choose another with --port") from error
    url = f"http://127.0.0.1:{http.server_port}"
    host = LocalHost.deployed(start=system_now(), campaigns=campaigns, api_url=url)
    served = Served(host, system_now, _examples(url, WRITE_KEY, WEBHOOK_SECRET, _requestable(campaigns)))
    with host:
        pump = threading.Thread(target=served.pump, name="homing-time", daemon=True)
        pump.start()
        facts = {
            "mailbox": f"{url}/_/mail",
            "quarantine": f"{url}/_/quarantine",
            "calls": f"{url}/_/calls, what flows would tell other systems; nobody is called",
            "write key": WRITE_KEY,
            "webhooks": f"{url}/webhooks/shopify, signed with the secret {WEBHOOK_SECRET}",
        }
        table = "\n".join(f"{name:<11} {value}" for name, value in facts.items())
        click.echo(f"Homing listens on {url}\n{table}\n\n{served.hint}\n")
        try:
            http.serve_forever()
        except KeyboardInterrupt:
            click.echo("\nbye")
        finally:
            served.stopped.set()
            pump.join()
            http.server_close()


def _requestable(campaigns: Path) -> str:
    """A flow that a marketer can start, or a name that stands for one."""
    from homing.adapters.files import publish_folder

    flows = publish_folder(campaigns).flows.values()
    return min((flow.name for flow in flows if flow.on.kind == "flow_requested"), default="<its name>")


def _examples(url: str, key: str, secret: str, flow: str) -> str:
    return f"""\
# Somebody agrees to mail, and leaves a cart:
curl -u {key}: {url}/v1/identify -H 'content-type: application/json' -d '
  {{"userId": "ada", "traits": {{"email": "ada@example.com", "firstName": "Ada", "consent": {{"marketing": true}}}}}}'
curl -u {key}: {url}/v1/track -H 'content-type: application/json' -d '
  {{"userId": "ada", "event": "Product Added", "properties": {{
    "cart_id": "c1", "product_id": "p1", "name": "Kettle", "price": 49, "quantity": 1}}}}'

# Three quarters of an hour later:
curl {url}/_/clock -d advance=45m

# A webhook is signed: base64 of HMAC-SHA256 over the raw body, with the secret.
body='{{"id": 7, "email": "ada@example.com", "created_at": "2026-01-01T00:00:00Z", "customer": {{"id": 1}}}}'
curl {url}/webhooks/shopify -d "$body" -H 'content-type: application/json' \\
  -H 'x-shopify-topic: orders/create' -H "x-shopify-webhook-id: $(date +%s)" \\
  -H "x-shopify-hmac-sha256: $(printf %s "$body" | openssl dgst -sha256 -hmac {secret} -binary | base64)"

# A flow with "on: flow_requested" starts when somebody asks; the answer says whether it did:
curl {url}/_/events -d '{{"detail-type": "FlowRequested", "detail": {{"flow": "{flow}", "user_id": "ada"}}}}'"""
