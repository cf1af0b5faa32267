"""Asynchronous invocations, as EventBridge and schedules make them.

Lambda keeps the event, tries again one and then two minutes after a failure, and hands what still fails (or is too old)
to the function's on-failure destination or dead-letter queue.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from homing.domain.time import HOUR, MINUTE, iso
from homing.local.sources import Deliver, FunctionFailed, Invoke

_DELAYS = (1 * MINUTE, 2 * MINUTE)


@dataclass(frozen=True, slots=True)
class AsyncSettings:
    """A function's ``AWS::Lambda::EventInvokeConfig`` and dead-letter queue; ``max_age`` in microseconds."""

    max_retries: int = 2
    max_age: int = 6 * HOUR
    on_failure: str | None = None
    dead_letters: str | None = None


@dataclass(frozen=True, slots=True)
class _Invocation:
    function: str
    event: dict[str, Any]
    accepted_at: int
    attempts: int = 0


@dataclass(slots=True)
class AsyncQueue:
    """Lambda's internal queue, for all functions."""

    invoke: Invoke
    deliver: Deliver
    now: Callable[[], int]
    settings: dict[str, AsyncSettings] = field(default_factory=dict)
    _waiting: list[tuple[int, int, _Invocation]] = field(default_factory=list)
    _order: itertools.count[int] = field(default_factory=itertools.count)

    def accept(self, function: str, event: dict[str, Any]) -> None:
        """Takes an event for a function; it is tried with the next poll."""
        self._put(self.now(), _Invocation(function, event, self.now()))

    def next_at(self) -> int | None:
        """When the earliest invocation is due."""
        return self._waiting[0][0] if self._waiting else None

    def poll(self) -> bool:
        """Tries what is due; what comes in meanwhile has its turn with the next poll."""
        due = []
        while self._waiting and self._waiting[0][0] <= self.now():
            due.append(heapq.heappop(self._waiting)[2])
        for invocation in due:
            self._try(invocation)
        return bool(due)

    def _try(self, invocation: _Invocation) -> None:
        settings = self.settings.get(invocation.function, AsyncSettings())
        if self.now() - invocation.accepted_at > settings.max_age:
            self._give_up(invocation, settings, "EventAgeExceeded")
            return
        try:
            self.invoke(invocation.function, invocation.event)
        except FunctionFailed:
            tried = _Invocation(invocation.function, invocation.event, invocation.accepted_at, invocation.attempts + 1)
            if tried.attempts > settings.max_retries:
                self._give_up(tried, settings, "RetriesExhausted")
            else:
                self._put(self.now() + _DELAYS[min(tried.attempts, len(_DELAYS)) - 1], tried)

    def _put(self, at: int, invocation: _Invocation) -> None:
        heapq.heappush(self._waiting, (at, next(self._order), invocation))

    def _give_up(self, invocation: _Invocation, settings: AsyncSettings, condition: str) -> None:
        if settings.dead_letters:
            self.deliver(settings.dead_letters, invocation.event, invocation.event)
        if settings.on_failure:
            self.deliver(
                settings.on_failure,
                {
                    "version": "1.0",
                    "timestamp": iso(self.now()),
                    "requestContext": {
                        "functionArn": invocation.function,
                        "condition": condition,
                        "approximateInvokeCount": invocation.attempts,
                    },
                    "requestPayload": invocation.event,
                    "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
                },
                invocation.event,
            )
