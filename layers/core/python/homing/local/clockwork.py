"""EventBridge's clock, for the backtest: when schedules of flows strike, and what it puts into the flow inbox then."""

from __future__ import annotations

from typing import Any

from homing.domain.campaigns import Campaigns
from homing.domain.flows.schedule import stroke, upcoming
from homing.domain.time import zone


class Clockwork:
    """The schedules of some campaigns, from an instant on."""

    def __init__(self, campaigns: Campaigns, begins: int) -> None:
        self.campaigns = campaigns
        self._next = {name: at for name in campaigns.flows if (at := self._upcoming(name, begins)) is not None}

    @property
    def next(self) -> int | None:
        """When a schedule's time comes next."""
        return min(self._next.values(), default=None)

    def strike(self, now: int) -> list[dict[str, Any]]:
        """What has struck up to now, the earliest first."""
        struck = []
        while (at := self.next) is not None and at <= now:
            name = min(name for name, instant in self._next.items() if instant == at)
            struck.append({"schedule": name, "utc": stroke(at)})
            if (following := self._upcoming(name, at)) is None:
                del self._next[name]
            else:
                self._next[name] = following
        return struck

    def _upcoming(self, name: str, after: int) -> int | None:
        on, settings = self.campaigns.flows[name].on, self.campaigns.settings
        if on.kind != "schedule":
            return None
        return upcoming(on, on.at or settings.celebrate_at, zone(settings.time_zone), after)
