"""audit_segments, as EventBridge calls it."""

from __future__ import annotations

import gzip
import json

import pytest

from functions.audit_segments.handler import handler
from homing.adapters.s3 import S3Archive
from homing.domain.audit.facts import day_of, days_before
from homing.domain.errors import Unavailable
from homing.runtime import clock
from homing.runtime.observability import MemoryTelemetry
from tests.account import Account

ORDER = {"name": "Order Completed", "properties": {"order_id": "1", "products": [{"product_id": "p"}]}}
VIEW = {"name": "Product Viewed", "properties": {"product_id": "p"}}


def test_a_night_is_counted_logged_and_kept(account: Account, voice: MemoryTelemetry) -> None:
    archive, days = S3Archive(account.client("s3"), "archive"), days_before(day_of(clock.now()), 20)
    for day in days:
        archive.put(f"events/date={day}/shard-1", [VIEW] * 20 + ([ORDER] * 20 if day < days[-2] else []))
    for number in range(3):
        account.journal.set_member("vip", f"{number:x}".ljust(26, "0"), member=True, version=1)
    counts = handler({}, None)
    assert counts["error"] >= 1
    assert voice.counts["AuditErrors"] == counts["error"]
    told = {(line[2]["code"], line[2]["subject"]) for line in voice.lines if line[1] == "finding"}
    assert ("event_stopped", "Order Completed") in told
    sizes = {line[2]["segment"]: line[2]["size"] for line in voice.lines if line[1] == "segment size"}
    assert sizes["vip"] == 3
    stored = account.objects("archive")[f"audit/date={days[-1]}.jsonl.gz"]
    (kept,) = [json.loads(line) for line in gzip.decompress(stored).splitlines()]
    assert kept["counts"] == counts
    assert kept["sizes"]["vip"] == 3


def test_what_is_out_of_reach_is_tried_again(account: Account, voice: MemoryTelemetry) -> None:
    account.break_table("journal")
    with pytest.raises(Unavailable):
        handler({}, None)
    assert voice.lines[-1][1] == "invocation failed"
