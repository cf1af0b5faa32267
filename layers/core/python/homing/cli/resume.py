"""``homing resume``: lets a flow go on that was paused or stopped."""

from __future__ import annotations

from homing.cli.orders import order_command

command = order_command("resume")
