"""Stream of the profiles table → bus and member index."""

from __future__ import annotations

import base64
from typing import Any

from homing.domain.errors import HomingError
from homing.domain.profiles.codec import decode_changes
from homing.runtime import wiring
from homing.runtime.observability import described, observed, telemetry
from homing.services.publish_changes import ProfileImage, PublishChanges

_TRANSITIONS = frozenset({"segment_entered", "segment_left"})


@observed("publish_changes")
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Answers with the sequence number of the first record that could not be published, from where the stream goes on."""
    records = [record["dynamodb"] for record in event["Records"]]
    images = [(record["SequenceNumber"], image) for record in records if (image := _image(record))]
    done = _publish(wiring.publish_changes(), images)
    kinds = [change.kind in _TRANSITIONS for _, image in images[:done] for change in image.changes]
    telemetry("publish_changes").count(
        {"TransitionsPublished": sum(kinds), "TriggersPublished": len(kinds) - sum(kinds)}
    )
    return {"batchItemFailures": [{"itemIdentifier": sequence} for sequence, _ in images[done : done + 1]]}


def _publish(publish: PublishChanges, images: list[tuple[str, ProfileImage]]) -> int:
    """How many are published: all at once, in few calls; only after a failure one by one, to find the one that fails.
    What is told twice thereby has the same ids."""
    try:
        publish([image for _, image in images])
    except HomingError:
        for index, (sequence, image) in enumerate(images):
            try:
                publish([image])
            except HomingError as error:
                facts = {"profile_id": image.id, "sequence": sequence, **described(error)}
                telemetry("publish_changes").warning("changes are not published yet", **facts)
                return index
    return len(images)


def _image(record: dict[str, Any]) -> ProfileImage | None:
    """What a write has to tell; None for pointers, carts, stops, deletions, and writes that changed nothing."""
    new, old = record.get("NewImage") or {}, record.get("OldImage") or {}
    if "changes" not in new or (new["changes"], new["version"]) == (old.get("changes"), old.get("version")):
        return None
    changes = decode_changes(base64.b64decode(new["changes"]["B"]))
    return ProfileImage(new["id"]["S"], int(new["version"]["N"]), changes)
