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
    from homing.local.host import WRITE_KEY, LocalHost
    from homing.local.server import Served, server, system_now

    try:
        http = server(lambda *request: served.answer(*request), port)
    except OSError as error:
        raise HomingError(f"can't listen on port {port} ({error.strerror}): choose another with --port") from error
    url = f"http://127.0.0.1:{http.server_port}"
    host = LocalHost.deployed(start=system_now(), campaigns=campaigns, api_url=url)
    served = Served(host, system_now, _examples(url, WRITE_KEY))
    with host:
        pump = threading.Thread(target=served.pump, name="homing-time", daemon=True)
        pump.start()
        click.echo(f"Homing listens on {url}\nmailbox    {url}/_/mail\nwrite key  {WRITE_KEY}\n\n{served.hint}\n")
        try:
            http.serve_forever()
        except KeyboardInterrupt:
            click.echo("\nbye")
        finally:
            served.stopped.set()
            pump.join()
            http.server_close()


def _examples(url: str, key: str) -> str:
    return f"""\
# Somebody agrees to mail, and leaves a cart:
curl -u {key}: {url}/v1/identify -H 'content-type: application/json' -d '
  {{"userId": "ada", "traits": {{"email": "ada@example.com", "firstName": "Ada", "consent": {{"marketing": true}}}}}}'
curl -u {key}: {url}/v1/track -H 'content-type: application/json' -d '
  {{"userId": "ada", "event": "Product Added", "properties": {{
    "cart_id": "c1", "product_id": "p1", "name": "Kettle", "price": 49, "quantity": 1}}}}'

# Three quarters of an hour later:
curl {url}/_/clock -d advance=45m"""
