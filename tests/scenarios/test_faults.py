"""The whole way in memory while everything around fails at random: nothing is lost, nothing doubled."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from homing.domain.errors import Conflict, Unavailable
from homing.domain.events.event import Event
from homing.local.backtest import Backtest
from tests.fixtures.shop import campaigns, event, identified, instant

FLOWS: list[dict[str, Any]] = [
    {"name": "cart", "on": "cart_abandoned", "run_once_per": "cart", "stop_when": {"did": "Order Completed"},
     "steps": [{"send": "reminder"}, {"wait": "20h"}, {"send": "last-call"}]},
    {"name": "thanks", "on": "order_placed", "steps": [{"wait": "2h"}, {"send": "thanks"}]},
    {"name": "welcome", "on": {"segment_entered": "lookers"}, "run_once_per": "customer", "steps": [{"send": "welcome"}]},
]  # fmt: skip
SEGMENTS = {"lookers": {"did": "Product Viewed", "times": {"at_least": 3}, "within": "1d"}}
TOPICS = {"marketing": {"title": "News", "cap": {"messages": 2, "within": "1d"}}}


class Flaky(Backtest):
    """Delivers again whatever failed, as streams and queues do; operations fail before or after their effect."""

    def __init__(self, seed: int, rate: float) -> None:
        super().__init__(campaigns(flows=FLOWS, segments=SEGMENTS, topics=TOPICS), isolate=True)
        self.random = random.Random(seed)
        self.rate = rate
        self.failures = 0
        self.told: set[str] = set()
        for store, operations in (
            (self.profiles, ("read", "write", "point", "stops", "closed_carts", "close_cart")),
            (self.journal, ("start_run", "load_run", "save_run", "load_ledger", "save_ledger", "set_member")),
            (self.bus, ("put",)),
            (self.outbox, ("put",)),
            (self.inbox, ("put",)),
            (self.stream, ("put",)),
        ):
            for operation in operations:
                setattr(store, operation, self._failing(getattr(store, operation)))

    def _failing(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def flaky(*args: Any, **more: Any) -> Any:
            dice = self.random.random()
            if dice < self.rate:
                self.failures += 1
                raise Unavailable("before")
            result = call(*args, **more)
            if dice < 2 * self.rate:
                self.failures += 1
                raise Unavailable("after")
            return result

        return flaky

    def again(self, action: Callable[[], Any]) -> Any:
        for _ in range(1000):
            try:
                return action()
            except (Unavailable, Conflict):
                continue
        raise AssertionError("never got through")

    def _update(self, data: bytes) -> None:
        from homing.services.update_profiles import StreamItem

        self._sequence += 1
        item = StreamItem(str(self._sequence), data, self.now)
        while self.update([item], batch=item.sequence).failed is not None:
            pass

    def _pump(self) -> None:
        while True:
            for record in self.stream.take():
                self._update(record.data)
            images, self._images = self._images, []
            if images:
                self.again(lambda images=images: self.publish(images))
            busy = self.bus.take()
            for told in busy:
                self.told.add(told.detail["id"])
                self.again(lambda told=told: self._flow(told))
            for message in self.inbox.take():
                self.again(lambda message=message: self.flows(message))
            for request in self.outbox.take():
                self.again(lambda request=request: self.send(request))
            if not (busy or images or self._images):
                return

    def _sweep(self) -> None:
        self.again(super()._sweep)


def history(seed: int) -> list[Event]:
    chance = random.Random(seed)
    events = [identified(user, "2026-03-02T08:00:00Z") for user in ("ana", "ben", "cy")]
    clock = instant("2026-03-02T08:00:00Z")
    from homing.domain.time import iso

    for n in range(60):
        clock += chance.choice([20, 300, 1500, 2400, 9000]) * 1_000_000
        user = chance.choice(["ana", "ben", "cy"])
        name = chance.choice(["Product Viewed", "Product Viewed", "Product Added", "Product Added", "Order Completed"])
        who = {"user_id": user} if chance.random() < 0.7 else {"user_id": user, "anonymous_id": f"device-{user}"}
        if chance.random() < 0.15:
            who = {"anonymous_id": f"device-{user}"}
        more = {"order_id": f"o{n}"} if name == "Order Completed" else {"product_id": f"p{n % 7}"}
        events.append(event(name, iso(clock), id=f"{seed}-{n}", **who, **more))
    return events


@pytest.mark.parametrize("seed", range(25))
def test_random_failures_lose_nothing_and_double_nothing(seed: int) -> None:
    """The same history with and without failures: the same mails to the same people. A failing seed is in the test's id."""
    events = history(seed)
    until = events[-1].received + 4 * 86_400_000_000
    calm, rough = Flaky(seed, 0.0), Flaky(seed, 0.04)
    for run in (calm, rough):
        run.run(events, until=until)
        run.rate = 0.0
    assert rough.failures > 20

    def sent(run: Flaky) -> list[str]:
        return sorted(mail.mail.tags["homing_send"] for mail in run.mailer.sent)

    assert len(sent(rough)) == len(set(sent(rough))), "a mail left twice"
    assert sent(rough) == sent(calm)
    assert {p.profile_id: p.segments for p in rough.outputs().profiles} == {
        p.profile_id: p.segments for p in calm.outputs().profiles
    }
