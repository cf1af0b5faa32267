"""Which of a person's sends goes first where a frequency cap has room for some of them only.

What a cap stops waits in the person's ledger until it expires. Whenever room comes, the send of the flow with the highest
priority takes it, then the one that was decided earliest: a lower one never leaves while a higher one could.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from homing.domain.campaigns import Cap, Settings
from homing.domain.delivery.ledger import Entry
from homing.domain.time import format_duration

# Sends that reached, or may have reached, somebody.
COUNTED = frozenset({"sending", "sent", "unknown"})


@dataclass(frozen=True, slots=True)
class Room:
    """What the caps leave, given what was sent: pairs of instant and topic."""

    settings: Settings
    sent: tuple[tuple[int, str], ...]

    @classmethod
    def of(cls, settings: Settings, entries: Iterable[Entry]) -> Room:
        """Given the sends of a ledger."""
        sent = ((entry.at, entry.topic) for entry in entries if entry.counts and entry.status in COUNTED)
        return cls(settings, tuple(sorted(sent)))

    def free_at(self, topic: str, t: int) -> tuple[int, str]:
        """The first instant at or after ``t`` at which a message of that topic has room, if nothing else is sent until
        then, and which cap makes it wait (empty where none does)."""
        latest, told = t, ""
        for cap, name in self._caps(topic):
            recent = [at for at, other in self.sent if at > t - cap.within and name in (None, other)]
            if len(recent) >= cap.messages and (free := recent[-cap.messages] + cap.within) > latest:
                latest, told = free, cap_words(cap, name)
        return latest, told

    def take(self, topic: str, at: int) -> Room:
        """With one message more."""
        return Room(self.settings, tuple(sorted((*self.sent, (at, topic)))))

    def _caps(self, topic: str) -> list[tuple[Cap, str | None]]:
        held = self.settings.topics.get(topic)
        found: list[tuple[Cap, str | None]] = [] if held is None or held.cap is None else [(held.cap, topic)]
        return found if self.settings.cap is None else [*found, (self.settings.cap, None)]


def cap_words(cap: Cap, topic: str | None) -> str:
    """``3 in 7d of marketing``."""
    return f"{cap.messages} in {format_duration(cap.within)} of {topic or 'all topics'}"


def first_before(mine: Entry, rivals: Sequence[Entry], room: Room, now: int) -> Entry | None:
    """The send for which this one has to wait at ``now``, though the caps have room: ``rivals`` are waiting sends of the
    same person that may leave at ``now`` but for the caps. None where there is room for all that come before, too."""
    blocking: Entry | None = None
    for rival in sorted(rivals, key=lambda entry: entry.rank):
        if rival.rank >= mine.rank:
            break
        if room.free_at(rival.topic, now)[0] <= now:
            room = room.take(rival.topic, now)
            blocking = blocking or rival
    return blocking if room.free_at(mine.topic, now)[0] > now else None
