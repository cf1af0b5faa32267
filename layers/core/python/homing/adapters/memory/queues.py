"""Stream, bus, inbox and outbox in memory: lists that remember what was put and give it out once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from homing.adapters.memory.faults import Faults
from homing.adapters.memory.plain import passed
from homing.domain.delivery.message import SendRequest
from homing.domain.flows.effects import CallRequest
from homing.services.ports import BusEvent, StreamRecord

Item = TypeVar("Item")


class _Queue(Generic[Item]):
    def __init__(self) -> None:
        self.faults = Faults()
        # Everything put and not yet taken, in order.
        self.items: list[Item] = []

    def take(self, limit: int | None = None) -> list[Item]:
        """The oldest items, which are then gone from the queue."""
        count = len(self.items) if limit is None else limit
        taken, self.items = self.items[:count], self.items[count:]
        return taken

    def _put(self, items: Sequence[Item]) -> None:
        self.faults.before("put")
        self.items.extend(items)
        self.faults.after("put")


class MemoryStream(_Queue[StreamRecord]):
    """Kinesis with one shard and no limits."""

    def put(self, records: Sequence[StreamRecord]) -> None:
        """Stores all."""
        self._put(records)


class MemoryBus(_Queue[BusEvent]):
    """EventBridge without rules. Details are kept as JSON gives them back."""

    def put(self, events: Sequence[BusEvent]) -> None:
        """Publishes all."""
        self._put([BusEvent(event.detail_type, passed(event.detail)) for event in events])


class MemoryInbox(_Queue[Mapping[str, Any]]):
    """The queue before ``run_flows``."""

    def put(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Queues all."""
        self._put([passed(message) for message in messages])


class MemoryOutbox(_Queue[SendRequest]):
    """The queue before ``send_email``."""

    def put(self, requests: Sequence[SendRequest]) -> None:
        """Queues all."""
        self._put([SendRequest.from_dict(passed(request.to_dict())) for request in requests])


class MemoryCalls(_Queue[CallRequest]):
    """The queue before ``call_webhooks``."""

    def put(self, requests: Sequence[CallRequest]) -> None:
        """Queues all."""
        self._put([CallRequest.from_dict(passed(request.to_dict())) for request in requests])
