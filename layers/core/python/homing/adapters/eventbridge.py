"""The bus over EventBridge."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from homing.adapters.aws_errors import aws_errors
from homing.adapters.backoff import Backoff
from homing.adapters.batches import batches
from homing.domain.errors import InvalidInput, Unavailable
from homing.services.ports import BusEvent

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

SOURCE = "homing"
# PutEvents: 10 entries and 256 KB a call; the size of an entry counts source, type and detail in UTF-8.
_ENTRIES, _BYTES = 10, 256 * 1024
# What EventBridge answers for a single entry that will never be right.
_MALFORMED = frozenset({"InvalidArgument", "MalformedDetail", "NotAuthorizedForSourceException"})


class EventBridgeBus:
    """Publishes events with the source ``homing``."""

    def __init__(self, client: EventBridgeClient, bus: str, *, backoff: Backoff | None = None) -> None:
        self._client = client
        self._bus = bus
        self._backoff = backoff or Backoff()

    def put(self, events: Sequence[BusEvent]) -> None:
        """Publishes all; raises Unavailable unless every one was accepted, InvalidInput for one that never will be."""
        entries = [self._entry(event) for event in events]
        for batch in batches(entries, count=_ENTRIES, size=_BYTES, of=_size):
            self._put_batch(batch)

    def _entry(self, event: BusEvent) -> PutEventsRequestEntryTypeDef:
        return {
            "EventBusName": self._bus,
            "Source": SOURCE,
            "DetailType": event.detail_type,
            "Detail": json.dumps(event.detail, separators=(",", ":"), ensure_ascii=False),
        }

    def _put_batch(self, batch: list[PutEventsRequestEntryTypeDef]) -> None:
        if len(batch) == 1 and _size(batch[0]) > _BYTES:
            raise InvalidInput(f"a {batch[0].get('DetailType')} is over 256 KB", code="too_large")
        for _ in self._backoff.tries():
            with aws_errors("publishing on the bus"):
                answer = self._client.put_events(Entries=batch)
            if not answer.get("FailedEntryCount"):
                return
            failed = [
                (entry, done["ErrorCode"])
                for entry, done in zip(batch, answer["Entries"], strict=True)
                if done.get("ErrorCode")
            ]
            for entry, code in failed:
                if code in _MALFORMED:
                    raise InvalidInput(f"the bus refused a {entry.get('DetailType')}: {code}", code="refused_by_aws")
            batch = [entry for entry, _code in failed]
        raise Unavailable(f"{len(batch)} events were refused by the bus again and again")


def _size(entry: PutEventsRequestEntryTypeDef) -> int:
    return sum(len(str(entry.get(part, "")).encode()) for part in ("Source", "DetailType", "Detail"))
