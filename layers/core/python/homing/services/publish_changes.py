"""From the table's stream to the bus: the table is the outbox, this is the postman."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from homing.domain.flows.language import DETAIL_TYPES
from homing.domain.profiles.profile import INTERNAL, Change
from homing.domain.time import iso
from homing.services.ports import Bus, BusEvent, Journal

MERGED = "profile_merged"


@dataclass(frozen=True, slots=True)
class ProfileImage:
    """A profile as one write left it: what became true with that write."""

    id: str
    version: int
    changes: Sequence[Change]


def bus_event(image: ProfileImage, index: int, change: Change) -> BusEvent:
    """The event for one change. Its id depends only on profile, version and place: a redelivery is recognised."""
    detail: dict[str, Any] = {
        "id": f"{image.id}-{image.version}-{index}",
        "profile_id": image.id,
        "at": iso(change.at),
        "trigger": change.kind,
        "name": change.name,
        "key": change.key,
        "data": dict(change.data),
    }
    return BusEvent(DETAIL_TYPES.get(change.kind, "ProfileMerged"), detail)


@dataclass(frozen=True)
class PublishChanges:
    """Keeps the member index true and tells the bus. At least once: both are idempotent."""

    bus: Bus
    journal: Journal

    def __call__(self, images: Sequence[ProfileImage]) -> None:
        """Raises Unavailable when something was not accepted; the images are then delivered again."""
        events: list[BusEvent] = []
        for image in images:
            members: dict[str, bool] = {}
            for index, change in enumerate(image.changes):
                if not change.name.startswith(INTERNAL):
                    events.append(bus_event(image, index, change))
                if change.kind in {"segment_entered", "segment_left"}:
                    members[change.name] = change.kind == "segment_entered"
                elif change.kind == MERGED:
                    for segment in change.data.get("segments", ()):
                        # The merged profile is gone for good: no later version of it can come.
                        self.journal.set_member(segment, change.name, member=False, version=2**53)
            for segment, member in members.items():
                self.journal.set_member(segment, image.id, member=member, version=image.version)
        if events:
            self.bus.put(events)
