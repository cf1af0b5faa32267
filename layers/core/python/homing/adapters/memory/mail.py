"""SES in memory, with every way in which it fails."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

from homing.domain.delivery.message import Mail
from homing.domain.errors import Unavailable
from homing.services.ports import Lost, Refused, Throttled

# lose_before: the reply is lost and SES never took the message; lose_after: the reply is lost and SES took it.
Failure = Literal["throttle", "refuse", "unavailable", "lose_before", "lose_after"]


@dataclass(frozen=True, slots=True)
class SentMail:
    """A message that the provider accepted, with the id it gave."""

    provider_id: str
    mail: Mail


class MemoryMailer:
    """Accepts mail into ``sent``; ``fail`` scripts the next calls. ``None`` in a script is a call that works."""

    def __init__(self) -> None:
        self.sent: list[SentMail] = []
        self.calls = 0
        self._script: deque[Failure | None] = deque()

    def fail(self, *failures: Failure | None) -> None:
        """What the next calls do, in order; afterwards everything works again."""
        self._script.extend(failures)

    def send(self, mail: Mail) -> str:
        """Accepts the mail, or fails as scripted."""
        self.calls += 1
        failure = self._script.popleft() if self._script else None
        if failure == "throttle":
            raise Throttled("maximum sending rate exceeded")
        if failure == "refuse":
            raise Refused("message rejected", code="message_rejected")
        if failure == "unavailable":
            raise Unavailable("could not connect")
        if failure == "lose_before":
            raise Lost("no reply; not accepted")
        provider_id = f"memory-{len(self.sent) + 1:06d}"
        self.sent.append(SentMail(provider_id, mail))
        if failure == "lose_after":
            raise Lost("no reply; accepted")
        return provider_id
