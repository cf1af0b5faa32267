"""SES: what it took, and what it tells afterwards."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from homing.domain.delivery.message import Mail
from homing.domain.time import MINUTE, SECOND, to_datetime

if TYPE_CHECKING:
    from tests.faults.world import Worker, World


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that SES took. ``gate_at`` is when the worker last read what stops mail; ``began`` when it called SES."""

    send_id: str
    email: str
    template: str
    flow: str
    at: int
    gate_at: int
    began: int
    provider_id: str


class PostOffice:
    """Takes mail and publishes its events half a minute later; some people's mail bounces or is complained about."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.taken: list[Taken] = []
        self.leases: set[str] = set()
        # By address.
        self.bounces: set[str] = set()
        self.complaints: set[str] = set()
        self.suppressed: dict[str, int] = {}

    def accept(self, mail: Mail, began: int, worker: Worker | None) -> str:
        """SES's message id."""
        world = self._world
        provider_id = f"ses-{len(self.taken) + 1:05d}"
        gate_at = worker.gate_at if worker else 0
        tags = mail.tags
        self.taken.append(
            Taken(
                tags["homing_send"], mail.recipient, tags["homing_template"], tags["homing_flow"], world.now, gate_at,
                began, provider_id,
            )
        )  # fmt: skip
        if not world.feedback:
            return provider_id
        self._publish("Send", mail, provider_id, 30 * SECOND)
        if mail.recipient in self.bounces:
            bounced = {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": mail.recipient}]}
            self._publish("Bounce", mail, provider_id, MINUTE, bounce=bounced)
        if mail.recipient in self.complaints:
            complaint = {"complainedRecipients": [{"emailAddress": mail.recipient}], "complaintFeedbackType": "abuse"}
            self._publish("Complaint", mail, provider_id, 5 * MINUTE, complaint=complaint)
        return provider_id

    def _publish(self, kind: str, mail: Mail, provider_id: str, delay: int, **own: dict[str, Any]) -> None:
        world = self._world
        stamp = to_datetime(world.now).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        record = {
            "eventType": kind,
            "mail": {
                "timestamp": stamp,
                "messageId": provider_id,
                "destination": [mail.recipient],
                "tags": {tag: [value] for tag, value in mail.tags.items()},
            },
            **{name: {"timestamp": stamp, **details} for name, details in own.items()},
        }
        world.engagement.put([json.dumps({"detail-type": f"Email {kind}", "detail": record})], delay=delay)

    def told(self, invocation: Mapping[str, Any]) -> None:
        """An SES event was handled to its end: from now on the suppression holds."""
        if invocation["detail"]["eventType"] in {"Bounce", "Complaint"}:
            for address in invocation["detail"]["mail"]["destination"]:
                self.suppressed.setdefault(address, self._world.now)
