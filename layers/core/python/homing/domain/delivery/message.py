"""What is asked to be sent, what is sent, and what stops it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class SendRequest:
    """One message for the outbox. ``send_id`` is derived from the run and the step: asking twice is asking once."""

    send_id: str
    profile_id: str
    run_id: str
    flow: str
    template: str
    topic: str
    trigger: str
    triggered_at: int
    decided_at: int
    # What the trigger carried (cart, products, order); no personal data.
    data: Mapping[str, Any] = field(default_factory=dict)
    ignore_quiet_hours: bool = False
    # The discount code that goes with it, by the name of its file.
    code: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; ``data`` is shared, not copied."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> SendRequest:
        """Reads :meth:`to_dict`."""
        return cls(**value)


def send_id(run_id: str, step: str) -> str:
    """Deterministic, and fit for an SES tag (a-z, 0-9)."""
    return hashlib.blake2b(f"{run_id}\x1f{step}".encode(), digest_size=13).hexdigest()


@dataclass(frozen=True, slots=True)
class Mail:
    """A rendered message on its way to SES."""

    sender: str
    recipient: str
    reply_to: str | None
    subject: str
    html: str
    text: str
    # List-Unsubscribe, List-Unsubscribe-Post and the like.
    headers: Mapping[str, str]
    # SES e-mail tags: homing_send and homing_profile settle unknown sends and bring engagement home.
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stop:
    """What keeps mail from an address (``id`` = hash of the address) or from a profile (``id`` = profile id).

    ``suppressed`` is a hard bounce or a complaint and is never lifted by itself; ``topics`` maps a topic, or ``*`` for
    all of them, to the instant of the unsubscription, which a later explicit consent outweighs.
    """

    id: str
    suppressed: str = ""
    at: int = 0
    topics: Mapping[str, int] = field(default_factory=dict)

    def merge(self, other: Stop) -> Stop:
        """Both together; the later unsubscription of each topic, the first reason of suppression."""
        topics = dict(self.topics)
        for topic, at in other.topics.items():
            topics[topic] = max(at, topics.get(topic, 0))
        first = self if self.suppressed else other
        return Stop(self.id, first.suppressed, first.at, topics)
