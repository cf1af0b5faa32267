"""The queue of calls, whose messages say themselves when they come again, and the systems that are called."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from homing.domain.flows.effects import CallRequest
from homing.domain.time import HOUR, SECOND
from homing.domain.webhooks.retries import MAX_RECEIVES
from homing.services.call_webhooks import Delivery, Outcome
from homing.services.ports import Answer
from tests.faults.lanes import LATENCY, Agenda, comes_again

if TYPE_CHECKING:
    from tests.faults.world import World

CRM, LOG = "https://crm.example.com/homing", "https://log.example.com/"
# Six times as long as the function may run.
VISIBILITY = 360 * SECOND
# Somebody looks at the dead-letter queue, mends what was wrong, and puts back what lies there.
REDRIVEN_AFTER = 6 * HOUR


@dataclass
class _Message:
    body: str
    visible_at: int
    receives: int = 0
    first_at: int | None = None
    done: bool = False


@dataclass
class CallQueue:
    """SQS with a dead-letter queue. ``handle`` gives the outcome of one delivery."""

    agenda: Agenda
    handle: Callable[[Delivery], Outcome]
    waiting: int = 0

    def put(self, requests: Sequence[CallRequest], delay: int = 0) -> None:
        """Delivered a second later, unless delayed."""
        for request in requests:
            self.waiting += 1
            message = _Message(json.dumps(request.to_dict()), 0)
            self._hide(message, LATENCY + delay)

    def _hide(self, message: _Message, duration: int) -> None:
        message.visible_at = self.agenda.now + duration
        self.agenda.at(message.visible_at, lambda: self._deliver(message))

    def _deliver(self, message: _Message) -> None:
        if message.done or self.agenda.now < message.visible_at:
            return
        if message.receives == MAX_RECEIVES:
            message.receives, message.first_at = 0, None
            self._hide(message, REDRIVEN_AFTER)
            return
        message.receives += 1
        message.first_at = self.agenda.now if message.first_at is None else message.first_at
        receipt = message.receives
        self._hide(message, VISIBILITY)
        request = CallRequest.from_dict(json.loads(message.body))
        try:
            outcome = self.handle(Delivery(request, message.receives, message.first_at))
        except Exception as error:
            if not comes_again(error):
                raise
            return
        if message.done or message.receives != receipt:
            # Given to somebody else in the meantime: this receipt is no longer good.
            return
        if outcome.wait is None:
            message.done = True
            self.waiting -= 1
        else:
            self._hide(message, outcome.wait)


class Systems:
    """The systems that are called. ``down``: by address, until when they answer with an error of theirs."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.down: dict[str, int] = {}
        # What they took, in the order in which they did.
        self.heard: list[dict[str, Any]] = []

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """503 while they are down."""
        if self._world.now < self.down.get(url, 0):
            return Answer(503)
        self.heard.append({**json.loads(body), "url": url, "key": headers["Idempotency-Key"]})
        return Answer(200)
