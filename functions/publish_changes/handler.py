"""Stream of the profiles table → bus and member index."""

from __future__ import annotations

import base64
from collections import Counter
from typing import Any

from homing.domain.errors import HomingError
from homing.domain.profiles.codec import decode_changes
from homing.runtime import wiring
from homing.runtime.observability import described, observed, telemetry
from homing.services.publish_changes import ProfileImage

_TRANSITIONS = frozenset({"segment_entered", "segment_left"})


@observed("publish_changes")
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Publishes in order; at the first failure answers with its sequence number, from where the stream goes on."""
    publish, voice, counts = wiring.publish_changes(), telemetry("publish_changes"), Counter[str]()
    for record in event["Records"]:
        image = _image(record["dynamodb"])
        if image is None:
            continue
        sequence = record["dynamodb"]["SequenceNumber"]
        try:
            publish([image])
        except HomingError as error:
            voice.count(counts)
            voice.warning("changes are not published yet", profile_id=image.id, sequence=sequence, **described(error))
            return {"batchItemFailures": [{"itemIdentifier": sequence}]}
        counts.update(
            "TransitionsPublished" if change.kind in _TRANSITIONS else "TriggersPublished" for change in image.changes
        )
    voice.count(counts)
    return {"batchItemFailures": []}


def _image(record: dict[str, Any]) -> ProfileImage | None:
    """What a write has to tell; None for pointers, carts, stops, deletions, and writes that changed nothing."""
    new, old = record.get("NewImage") or {}, record.get("OldImage") or {}
    if "changes" not in new or (new["changes"], new["version"]) == (old.get("changes"), old.get("version")):
        return None
    changes = decode_changes(base64.b64decode(new["changes"]["B"]))
    return ProfileImage(new["id"]["S"], int(new["version"]["N"]), changes)
