"""publish_changes, as Lambda calls it."""

from __future__ import annotations

import base64
from typing import Any

from functions.publish_changes.handler import handler
from homing.domain.profiles.codec import encode_changes
from homing.domain.profiles.profile import Change
from homing.runtime.observability import MemoryTelemetry
from tests.account import Account, failures

VIP = Change("segment_entered", "vip", 1_700_000_000_000_000)
CART = Change("cart_abandoned", "cart", 1_700_000_000_000_000, "c1", {"cart": {"token": "c1"}})


def image(id_: str, version: int, *changes: Change) -> dict[str, Any]:
    item: dict[str, Any] = {"id": {"S": id_}, "version": {"N": str(version)}, "data": {"B": ""}}
    if changes:
        item["changes"] = {"B": base64.b64encode(encode_changes(changes)).decode()}
    return item


def stream_event(*images: tuple[dict[str, Any] | None, dict[str, Any] | None]) -> dict[str, Any]:
    """Records of (new, old) images with the sequence numbers 1, 2 …"""
    records = []
    for number, (new, old) in enumerate(images, start=1):
        record: dict[str, Any] = {"SequenceNumber": str(number), "Keys": {"id": {"S": "x"}}}
        record |= {"NewImage": new} if new else {}
        record |= {"OldImage": old} if old else {}
        records.append({"eventName": "MODIFY", "dynamodb": record})
    return {"Records": records}


def test_what_became_true_reaches_the_bus_and_the_member_index(account: Account, voice: MemoryTelemetry) -> None:
    answer = handler(stream_event((image("ada", 3, VIP, CART), image("ada", 2))), None)
    assert failures(answer) == []
    told = sorted(account.queued("bus-events"), key=lambda event: str(event["detail-type"]))
    assert [(event["detail-type"], event["detail"]["id"]) for event in told] == [
        ("CartAbandoned", "ada-3-1"),
        ("SegmentEntered", "ada-3-0"),
    ]
    assert list(account.journal.members("vip")) == ["ada"]
    assert (voice.counts["TransitionsPublished"], voice.counts["TriggersPublished"]) == (1, 1)


def test_writes_that_changed_nothing_are_not_told(account: Account, voice: MemoryTelemetry) -> None:
    handler(
        stream_event(
            (image("ada", 3), image("ada", 2, VIP)),
            (None, image("ada", 3, VIP)),
            ({"id": {"S": "anonymous"}, "moved_to": {"S": "ada"}}, image("anonymous", 1, VIP)),
            ({"id": {"S": "cart#c1"}, "closed_at": {"N": "5"}}, None),
            (image("ada", 3, VIP), image("ada", 3, VIP)),
        ),
        None,
    )
    assert account.queued("bus-events") == []


def test_the_stream_goes_on_from_the_first_failure(account: Account, voice: MemoryTelemetry) -> None:
    account.break_table("journal")
    answer = handler(
        stream_event((image("ada", 1, CART), None), (image("bob", 1, VIP), None), (image("eve", 1, CART), None)), None
    )
    assert failures(answer) == ["2"]
    assert [event["detail"]["profile_id"] for event in account.queued("bus-events")] == ["ada"]
