"""A believable shop on a virtual calendar: customers who browse, hesitate, buy, open mails and come back.

Pure and seeded: the same ``random.Random`` gives the same weeks, request by request. Nothing here knows AWS; the shop
talks to whatever satisfies :class:`~homing.local.simulation.host.ShopHost`.
"""

from __future__ import annotations

from homing.local.simulation.drive import Drive, Tally
from homing.local.simulation.host import ShopHost
from homing.local.simulation.recorded import Recorder
from homing.local.simulation.shop import Shop, ShopSettings

__all__ = ["Drive", "Recorder", "Shop", "ShopHost", "ShopSettings", "Tally"]
