"""``homing pause``: keeps a flow where it is."""

from __future__ import annotations

from homing.cli.orders import order_command

command = order_command("pause")
