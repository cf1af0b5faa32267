"""Moves a host through the shop's weeks: time forward, requests in, mails back to their readers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from homing.domain.time import MINUTE
from homing.local.simulation.host import Reply, Request, ShopHost
from homing.local.simulation.shop import Shop

# Mails are noticed at the latest after this time, so that a reaction is never much later than it should be.
_STEP = 15 * MINUTE


@dataclass(slots=True)
class Tally:
    """What went in and came back so far. ``now`` is an instant; ``refused`` counts what was not taken, by the reason."""

    now: int
    events: int = 0
    requests: int = 0
    mails: int = 0
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Drive:
    """One run of a shop through a host."""

    shop: Shop
    host: ShopHost

    def run(self) -> Iterator[Tally]:
        """Runs to the end of the shop's days; yields the same, updated tally after every step of virtual time."""
        shop, host, end = self.shop, self.host, self.shop.settings.end
        tally = Tally(now=shop.settings.start)
        while tally.now < end:
            due = shop.next_at
            tally.now = min(end, tally.now + _STEP, max(due, tally.now) if due is not None else end)
            host.advance_to(tally.now)
            self._notice_mails(tally)
            for action in shop.take(tally.now):
                if isinstance(action.what, Request):
                    self._post(action.what, tally)
                else:
                    host.ses_event(action.what.mail, action.what.kind)
            yield tally
        self._notice_mails(tally)
        yield tally

    def _notice_mails(self, tally: Tally) -> None:
        mails = self.host.mails
        for mail in mails[tally.mails :]:
            self.shop.react(mail, tally.now)
        tally.mails = len(mails)

    def _post(self, request: Request, tally: Tally) -> None:
        reply = self.host.http(request.method, request.path, request.headers, request.body)
        tally.requests += 1
        rejected = _rejected(reply)
        tally.refused.update(rejected)
        if reply.status < 300:
            tally.events += request.events - len(rejected)


def _rejected(reply: Reply) -> list[str]:
    """Why a request, or messages within an accepted one, were refused: the answer's own words."""
    try:
        said = json.loads(reply.body)
    except ValueError:
        said = {}
    if not isinstance(said, dict):
        said = {}
    items = said.get("rejected")
    refused = items if isinstance(items, list) else []
    if reply.status >= 400 and not refused:
        refused = [said]
    return [f"{item.get('message') or item.get('code') or 'refused'} ({reply.status})" for item in refused]
