"""``homing stop``: ends a flow."""

from __future__ import annotations

from homing.cli.orders import order_command

command = order_command("stop")
