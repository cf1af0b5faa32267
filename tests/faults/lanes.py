"""Queues as AWS has them: what was not acknowledged comes again, and may come while the first reader still works."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from homing.domain.time import HOUR, SECOND

LATENCY = SECOND
VISIBILITY = 180 * SECOND
# What fails again and again is tried less often: AWS would put it into a dead-letter queue, and somebody puts it back.
_LONGEST = HOUR


@dataclass
class Agenda:
    """What happens when, in virtual time; at the same instant in the order in which it was put down."""

    now: int
    _entries: list[tuple[int, int, Callable[[], None]]] = field(default_factory=list)
    _count: int = 0

    def at(self, instant: int, action: Callable[[], None]) -> None:
        """Puts something down, not before now."""
        self._count += 1
        heapq.heappush(self._entries, (max(instant, self.now), self._count, action))

    def next(self) -> int | None:
        """When the next thing happens."""
        return self._entries[0][0] if self._entries else None

    def step(self) -> None:
        """Does the next thing."""
        instant, _, action = heapq.heappop(self._entries)
        self.now = max(self.now, instant)
        action()


@dataclass
class Message:
    """One message on its way. ``tries`` counts deliveries."""

    body: Any
    done: bool = False
    tries: int = 0


@dataclass
class Queue:
    """SQS: every message for itself, in no order. ``handle`` raises to have it again."""

    agenda: Agenda
    handle: Callable[[Any], None]
    waiting: int = 0

    def put(self, bodies: Sequence[Any], *, delay: int = 0) -> None:
        """Delivered a second later, unless delayed."""
        for body in bodies:
            self.waiting += 1
            message = Message(body)
            self.agenda.at(self.agenda.now + LATENCY + delay, lambda message=message: self._deliver(message))  # type: ignore[misc]

    def _deliver(self, message: Message) -> None:
        if message.done:
            return
        message.tries += 1
        hidden = min(VISIBILITY * 2 ** max(0, message.tries - 3), _LONGEST)
        self.agenda.at(self.agenda.now + hidden, lambda: self._deliver(message))
        try:
            self.handle(message.body)
        except Exception as error:
            if not comes_again(error):
                raise
            return
        if not message.done:
            message.done = True
            self.waiting -= 1


@dataclass
class Shard:
    """A stream: in order, a batch at a time; what failed holds up what comes after it.

    ``handle`` takes (sequence, body) pairs and gives the sequence to go on from, or None when all is done. A batch whose
    reader stands still is given to another one after its time-out.
    """

    agenda: Agenda
    handle: Callable[[list[tuple[int, Any]]], int | None]
    size: int = 10
    waiting: list[tuple[int, Any]] = field(default_factory=list)
    _sequence: int = 0
    _busy_until: int = 0
    _failures: int = 0
    _polled: bool = False

    def put(self, bodies: Sequence[Any], *, delay: int = 0) -> None:
        """Appends, now or later."""
        if delay:
            self.agenda.at(self.agenda.now + delay, lambda: self.put(bodies))
            return
        for body in bodies:
            self._sequence += 1
            self.waiting.append((self._sequence, body))
        self._poll_at(self.agenda.now + LATENCY)

    def _poll_at(self, instant: int) -> None:
        if not self._polled:
            self._polled = True
            self.agenda.at(instant, self._poll)

    def _poll(self) -> None:
        self._polled = False
        if not self.waiting:
            return
        if self._busy_until > self.agenda.now:
            self._poll_at(self._busy_until)
            return
        batch = self.waiting[: self.size]
        turn = self._busy_until = self.agenda.now + VISIBILITY
        self._poll_at(turn)
        try:
            failed = self.handle(batch)
        except Exception as error:
            if not comes_again(error):
                raise
            failed = batch[0][0]
        done = batch[-1][0] if failed is None else failed - 1
        self.waiting = [record for record in self.waiting if record[0] > done]
        self._failures = self._failures + 1 if failed is not None else 0
        if self._busy_until == turn:
            pause = min(LATENCY * 2**self._failures, _LONGEST) if failed is not None else LATENCY
            self._busy_until = self.agenda.now + pause
            # Free again: what comes next need not wait for the time-out.
            self._polled = False
            if self.waiting:
                self.agenda.at(self._busy_until, self._poll)


def comes_again(error: Exception) -> bool:
    """Whether whoever handed something out gives it once more after that."""
    from homing.domain.errors import Unavailable
    from homing.local.faults import Crash

    return isinstance(error, (Unavailable, Crash))
