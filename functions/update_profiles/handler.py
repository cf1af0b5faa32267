"""Kinesis batch → profiles."""

from __future__ import annotations

import base64
from typing import Any

from homing.runtime import wiring
from homing.runtime.observability import observed, telemetry
from homing.services.update_profiles import StreamItem

_METRICS = {
    "received": "RecordsReceived",
    "folded": "EventsFolded",
    "duplicates": "EventsDuplicate",
    "quarantined": "RecordsQuarantined",
    "merged": "ProfilesMerged",
    "woken": "ProfilesWoken",
    "profiles_written": "ProfilesWritten",
}


@observed("update_profiles")
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Answers with the lowest sequence number to deliver again, if any."""
    records = event["Records"]
    result = wiring.update_profiles()([_item(record["kinesis"]) for record in records], batch=_batch(records[0]))
    voice = telemetry("update_profiles")
    voice.count({_METRICS.get(name, name): count for name, count in result.counts.items()})
    if result.failed is None:
        return {"batchItemFailures": []}
    voice.warning("part of a batch comes again", sequence=result.failed, records=len(records))
    return {"batchItemFailures": [{"itemIdentifier": result.failed}]}


def _item(kinesis: dict[str, Any]) -> StreamItem:
    arrived = round(float(kinesis["approximateArrivalTimestamp"]) * 1_000_000)
    return StreamItem(kinesis["sequenceNumber"], base64.b64decode(kinesis["data"]), arrived)


def _batch(first: dict[str, Any]) -> str:
    """``<shardId>-<first sequence>``: a batch that comes again names the same objects."""
    shard = str(first.get("eventID", "")).partition(":")[0] or "shard"
    return f"{shard}-{first['kinesis']['sequenceNumber']}"
