"""What all workers know of the sending together: lanes, the day's count, reputation, and what is stopped.

One small item, read and written once in some seconds by each worker, never once for each mail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from homing.domain.delivery.rate import Lanes
from homing.domain.delivery.reputation import Kind, Window

ALL = "*"
# SES may tell a bounce twice: the last ones are remembered.
_SEEN = 64


@dataclass(frozen=True, slots=True)
class Book:
    """``stopped`` maps a topic, or ``*`` for all marketing mail, to when (an instant) and why."""

    version: int = 0
    lanes: Lanes = field(default_factory=Lanes)
    # The shop's calendar day (ISO), and how many mails were given leave on it.
    day: str = ""
    taken: int = 0
    windows: Mapping[str, Window] = field(default_factory=dict)
    stopped: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seen: tuple[str, ...] = ()

    def stop_of(self, topic: str) -> Mapping[str, Any] | None:
        """Why marketing mail of that topic waits; None when it does not."""
        return self.stopped.get(ALL) or self.stopped.get(topic)

    def sent(self, messages: Mapping[str, int]) -> Book:
        """With so many more sends, by topic."""
        windows = dict(self.windows)
        for topic, count in messages.items():
            for key in (topic, ALL):
                windows[key] = windows.get(key, Window()).sent(count)
        return replace(self, windows=windows)

    def heard(self, topic: str, kind: Kind, id: str, now: int) -> tuple[Book, tuple[str, ...]]:
        """With one bounce or complaint more, and what it stops. The same ``id`` counts once."""
        if id in self.seen:
            return self, ()
        windows, stopped, new = dict(self.windows), dict(self.stopped), []
        for key in (topic, ALL):
            windows[key] = windows.get(key, Window()).heard(kind)
            if key not in stopped and (why := windows[key].too_bad()):
                stopped[key] = {"at": now, **why}
                new.append(key)
        return replace(self, windows=windows, stopped=stopped, seen=(*self.seen, id)[-_SEEN:]), tuple(new)

    def resumed(self, topic: str) -> Book:
        """Without that stop; the count begins anew, or the next bounce would stop it again."""
        windows = {key: window for key, window in self.windows.items() if key != topic}
        return replace(self, windows=windows, stopped={k: v for k, v in self.stopped.items() if k != topic})

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "version": self.version, "lanes": self.lanes.to_list(), "day": self.day, "taken": self.taken,
            "windows": {key: [list(part) for part in window.parts] for key, window in self.windows.items()},
            "stopped": {key: dict(value) for key, value in self.stopped.items()}, "seen": list(self.seen),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Book:
        """Reads :meth:`to_dict`."""
        windows = {key: Window(tuple((p[0], p[1], p[2]) for p in parts)) for key, parts in value["windows"].items()}
        return cls(
            value["version"], Lanes.from_list(value["lanes"]), value["day"], value["taken"], windows,
            value["stopped"], tuple(value["seen"]),
        )  # fmt: skip
