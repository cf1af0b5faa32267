"""The nightly audit: yesterday's arrivals, tonight's members, and what was kept of the nights before.

Each night leaves a small summary in the archive (``audit/date=<day>``, one JSON line): what arrived, how large each
segment is, and the first few member ids of each. The summaries of the last five weeks are all that the next nights read
of the past. Of the events themselves a bounded sample is read: so many objects of a day, spread evenly over it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from homing.domain.audit.arrivals import WINDOW
from homing.domain.audit.audit import Audit, audit
from homing.domain.audit.facts import Day, Facts, Move, day_of, days_before
from homing.domain.audit.segments import moves_between
from homing.domain.audit.sketch import Sketch
from homing.domain.campaigns import Campaigns
from homing.domain.errors import InvalidInput
from homing.services.ports import Archive, ArchiveReader, Clock, Journal, Overlap

# Members read of each segment: sizes up to it are exact, beyond it within about 2 % (docs/audit.md).
MEMBERS = 2048
# Objects read of a day, and of a day that was missed; keys listed of it.
OBJECTS, OBJECTS_MISSED, LISTED = 200, 50, 100_000
# Ids kept of each segment to see tomorrow who moved; in all segments together at most so many.
PANEL, PANELS = 128, 20_000
# Hexadecimal digits of an id that tell people apart well enough there.
_DIGITS = 13
_EVENTS, _AUDITS = "events/date=", "audit/date="

Out = TypeVar("Out")


@dataclass(frozen=True)
class AuditSegments:
    """One night's audit."""

    campaigns: Campaigns
    journal: Journal
    archive: Archive
    reader: ArchiveReader
    clock: Clock
    overlap: Overlap = map

    def __call__(self) -> Audit:
        """Audits the time up to the day that ended last. Once more on the same day does the same again."""
        until = days_before(day_of(self.clock()), 1)[0]
        window = [*days_before(until, WINDOW - 1), until]
        kept = self._kept(window)
        kept.pop(until, None)
        nights = {**kept, **self._missed(window, kept)}
        members = self._members()
        tonight = self._night(until, OBJECTS) | {
            "sizes": {name: round(sketch.size, 1) for name, sketch in members.items()},
            "panel": self._panel(members),
        }
        nights[until] = tonight
        found = audit(self._facts(until, nights, members))
        findings = [finding.to_dict() for finding in found.findings]
        self.archive.put(f"{_AUDITS}{until}", [{**tonight, "counts": found.counts, "findings": findings}])
        return found

    def _kept(self, window: list[str]) -> dict[str, dict[str, Any]]:
        wanted = {f"{_AUDITS}{day}" for day in window}
        keys = [key for key in islice(self.reader.keys(_AUDITS), LISTED) if key in wanted]
        summaries = self.overlap(lambda key: _first(self.reader.read(key)), keys)
        return {key.removeprefix(_AUDITS): found for key, found in zip(keys, summaries, strict=True) if found}

    def _missed(self, window: list[str], kept: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Days without a summary, from the first night on: so the first audit already knows what was usual."""
        oldest = _first(self.reader.keys(_EVENTS))
        if oldest is None:
            return {}
        first = oldest.removeprefix(_EVENTS).partition("/")[0]
        nights = {}
        for day in window[:-1]:
            if first <= day and day not in kept:
                nights[day] = self._night(day, OBJECTS_MISSED)
                self.archive.put(f"{_AUDITS}{day}", [nights[day]])
        return nights

    def _night(self, day: str, most: int) -> dict[str, Any]:
        """What arrived on a day, from ``most`` of its objects: every n-th, in the order of their names, which is that of
        time within each shard."""
        keys = list(islice(self.reader.keys(f"{_EVENTS}{day}/"), LISTED))
        chosen = [keys[index * len(keys) // most] for index in range(most)] if len(keys) > most else keys
        found = Day(share=len(chosen) / len(keys) if keys else 1.0)
        unreadable = 0
        for lines in self.overlap(self._read, chosen):
            unreadable += lines is None
            for line in lines or ():
                properties = line.get("properties")
                found.add(str(line.get("name", "")), properties if isinstance(properties, Mapping) else {})
        return {
            "day": day,
            "objects": len(keys),
            "read": len(chosen),
            "unreadable": unreadable,
            "arrivals": found.to_dict(),
        }

    def _read(self, key: str) -> list[dict[str, Any]] | None:
        try:
            return list(self.reader.read(key))
        except InvalidInput:
            # One torn object is no reason to be blind to all the others; it is counted.
            return None

    def _members(self) -> dict[str, Sketch]:
        def read(name: str) -> Sketch:
            found = self.journal.first_members(name, MEMBERS)
            return Sketch.of(found.ids, found.below)

        names = list(self.campaigns.segments)
        return dict(zip(names, self.overlap(read, names), strict=True))

    def _panel(self, members: Mapping[str, Sketch]) -> dict[str, Any]:
        most = max(8, min(PANEL, PANELS // max(1, len(members))))
        panel = {}
        for name, sketch in members.items():
            ids = sorted(id_[:_DIGITS] for id_ in sketch.ids)
            below = sketch.below[:_DIGITS] if sketch.below is not None else None
            panel[name] = {"ids": ids[:most], "below": ids[most - 1] if len(ids) > most else below}
        return panel

    def _facts(self, until: str, nights: Mapping[str, Mapping[str, Any]], members: Mapping[str, Sketch]) -> Facts:
        names = self.campaigns.segments
        return Facts(
            campaigns=self.campaigns,
            until=until,
            sizes={
                name: {
                    day: night["sizes"][name] for day, night in sorted(nights.items()) if name in night.get("sizes", {})
                }
                for name in names
            },
            members=members,
            arrivals={day: Day.from_dict(night["arrivals"]) for day, night in nights.items()},
            moves=list(_moves(nights)),
            sampled=True,
        )


def _moves(nights: Mapping[str, Mapping[str, Any]]) -> Iterator[Move]:
    panels = {day: night["panel"] for day, night in nights.items() if "panel" in night}
    ids = {day: {name: set(kept["ids"]) for name, kept in panel.items()} for day, panel in panels.items()}
    below = {day: {name: kept["below"] for name, kept in panel.items()} for day, panel in panels.items()}
    return moves_between(ids, below)


def _first(items: Iterable[Out]) -> Out | None:
    return next(iter(items), None)
