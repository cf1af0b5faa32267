"""What two campaigns would have made of the same history, person by person: mails that only one of them sends, or both at
other times or with other templates; segments that only one of them moves somebody through, or both at other times.

Each side is written down while it is played, sorted by person afterwards, and both are gone through side by side: memory holds
one person at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson

from homing.domain.campaigns import Campaigns
from homing.domain.time import iso
from homing.local.backtests.spool import Spool, instant_key, merged
from homing.local.backtests.streams import Nowhere, Sink
from homing.local.figures import FIRST, Differences, order
from homing.local.outputs import CallLine, Message, ProfileLine, QuarantineLine, Transition

Line = dict[str, Any]


class Briefs:
    """A sink before another that notes, of each person, what can be compared."""

    def __init__(self, sink: Sink | None = None) -> None:
        self._sink: Sink = sink or Nowhere()
        self._spool = Spool()
        # Whom somebody turned out to be: what was told of them before is told of the same person.
        self._aliases: dict[str, str] = {}

    def message(self, line: Message) -> None:
        """Kept: what it was, when it left, or why it did not."""
        self._sink.message(line)
        told = {
            "what": "message", "id": line.message_id, "run": line.run_id, "flow": line.flow, "template": line.template,
            "at": line.sent_at or line.decided_at or 0, "status": line.status, "reason": line.reason,
        }  # fmt: skip
        self._note(line.profile_id, told)

    def transition(self, line: Transition) -> None:
        """Kept whole."""
        self._sink.transition(line)
        told = {"what": "segment", "segment": line.segment, "change": line.change, "at": line.at}
        self._note(line.profile_id, told)

    def quarantined(self, line: QuarantineLine) -> None:
        """The same on both sides."""
        self._sink.quarantined(line)

    def call(self, line: CallLine) -> None:
        """Not compared."""
        self._sink.call(line)

    def profile(self, line: ProfileLine) -> None:
        """Not compared."""
        self._sink.profile(line)

    def alias(self, merged_id: str, profile_id: str) -> None:
        """Somebody was merged into a profile that there is at the end."""
        self._aliases[merged_id] = profile_id

    def _note(self, profile_id: str, told: Line) -> None:
        self._spool.add(b"%012d" % self._spool.count, orjson.dumps([profile_id, told]))

    def save(self, path: Path) -> None:
        """By person and time, to be merged with those of other parts."""
        by_person = Spool()
        for count, line in enumerate(self._spool):
            profile_id, told = orjson.loads(line)
            owner = self._aliases.get(profile_id, profile_id)
            key = f"{owner}\x1f".encode() + instant_key(told["at"], told["what"], count)
            by_person.add(key, orjson.dumps([owner, told]))
        by_person.save(path)


@dataclass
class Comparing:
    """Goes through both sides; what differs is counted, and told line by line."""

    against: str
    found: Differences = field(default_factory=Differences)

    @classmethod
    def of(cls, against: str, here: Campaigns, there: Campaigns) -> Comparing:
        """Of these campaigns. Moves through a segment that only one side has are no differences."""
        ours, theirs = here.segments.keys(), there.segments.keys()
        return cls(against, Differences(new=sorted(ours - theirs), gone=sorted(theirs - ours)))

    def lines(self, here: Iterable[Path], there: Iterable[Path]) -> Iterator[Line]:
        """The lines of ``differences.jsonl``: by person, then by time."""
        self.found.against = self.against
        for profile_id, ours, theirs in _side_by_side(_people(here), _people(there)):
            lines = [*self._messages(ours, theirs), *self._segments(ours, theirs)]
            if lines:
                self.found.people += 1
            lines.sort(key=lambda line: (line.get("at") or line["there_at"], line["what"], line["kind"]))
            for line in lines:
                told = {"what": line["what"], "kind": line["kind"], "profile_id": profile_id, **line}
                told |= {name: iso(told[name]) for name in ("at", "there_at") if name in told}
                self._first(told)
                yield told

    def _first(self, line: Line) -> None:
        first = self.found.first
        if len(first) < FIRST or order(line) < order(first[-1]):
            first.append(line)
            first.sort(key=order)
            del first[FIRST:]

    def _messages(self, ours: list[Line], theirs: list[Line]) -> Iterator[Line]:
        here, there = _of("message", ours), _of("message", theirs)
        self.found.mails_here += sum(one["status"] == "sent" for one in here)
        self.found.mails_there += sum(one["status"] == "sent" for one in there)
        for mine, other in _matched(here, there):
            sent = mine is not None and mine["status"] == "sent", other is not None and other["status"] == "sent"
            if not any(sent):
                continue
            known: Line = mine or other or {}
            line: Line = {"what": "message", "flow": known["flow"]}
            if mine is not None and other is not None and all(sent):
                if mine["template"] == other["template"] and mine["at"] == other["at"]:
                    continue
                line["kind"] = "other_time" if mine["template"] == other["template"] else "other_template"
                line |= {"template": mine["template"], "at": mine["at"]}
                line |= {"there_template": other["template"], "there_at": other["at"]}
            elif mine is not None and sent[0]:
                line |= {"kind": "only_here", "template": mine["template"], "at": mine["at"]}
                line |= _why("there", other)
            elif other is not None:
                line |= {"kind": "only_there", "there_template": other["template"], "there_at": other["at"]}
                line |= _why("here", mine)
            self.found.messages.setdefault(line["flow"], Counter())[line["kind"]] += 1
            yield line

    def _segments(self, ours: list[Line], theirs: list[Line]) -> Iterator[Line]:
        here, there = _of("segment", ours), _of("segment", theirs)
        left, right = Counter(map(_move, here)), Counter(map(_move, there))
        alone = {*self.found.new, *self.found.gone}
        for (segment, change), moves in _pairs(left - right, right - left):
            if segment in alone:
                continue
            for mine, other in moves:
                line: Line = {"what": "segment", "segment": segment, "change": change}
                if mine is not None:
                    line["at"] = mine
                if other is not None:
                    line["there_at"] = other
                line["kind"] = "other_time" if len(line) == 5 else "only_here" if other is None else "only_there"
                self.found.transitions.setdefault(segment, Counter())[line["kind"]] += 1
                yield line


def write(lines: Iterable[Mapping[str, Any]], path: Path) -> None:
    """As ``differences.jsonl``."""
    with path.open("wb") as file:
        for line in lines:
            file.write(orjson.dumps(line) + b"\n")


def _why(side: str, decision: Line | None) -> Line:
    """What became of the same send on the side that does not send it, where it was decided at all."""
    return {} if decision is None else {f"{side}_status": decision["status"], f"{side}_reason": decision["reason"]}


def _of(what: str, lines: list[Line]) -> list[Line]:
    return [line for line in lines if line["what"] == what]


def _move(line: Line) -> tuple[str, str, int]:
    return line["segment"], line["change"], line["at"]


def _matched(here: list[Line], there: list[Line]) -> Iterator[tuple[Line | None, Line | None]]:
    """Which decision here is which there: by the send's own id, else by the run, else by the flow, in order of time."""
    left, right = list(here), list(there)
    for name in ("id", "run", "flow"):
        waiting: dict[str, list[Line]] = {}
        for one in right:
            waiting.setdefault(one[name], []).append(one)
        rest = []
        for one in left:
            # Of what only looks alike, mails are held against mails.
            alike = waiting.get(one[name], [])
            other = next((o for o in alike if name == "id" or o["status"] == one["status"]), None)
            if other is None:
                rest.append(one)
                continue
            alike.remove(other)
            right.remove(other)
            yield one, other
        left = rest
    yield from ((one, None) for one in left)
    yield from ((None, one) for one in right)


def _pairs(
    left: Counter[tuple[str, str, int]], right: Counter[tuple[str, str, int]]
) -> Iterator[tuple[tuple[str, str], list[tuple[int | None, int | None]]]]:
    """By segment and change: the instants of both sides in their order, side by side."""
    for segment, change in sorted({move[:2] for move in (*left, *right)}):
        mine, theirs = (
            sorted(at for (s, c, at), times in side.items() if (s, c) == (segment, change) for _ in range(times))
            for side in (left, right)
        )
        most = max(len(mine), len(theirs))
        both = zip([*mine, *[None] * (most - len(mine))], [*theirs, *[None] * (most - len(theirs))], strict=True)
        yield (segment, change), list(both)


def _people(paths: Iterable[Path]) -> Iterator[tuple[str, list[Line]]]:
    lines = (orjson.loads(line) for line in merged(paths))
    for profile_id, group in groupby(lines, key=lambda one: one[0]):
        yield profile_id, [told for _, told in group]


def _side_by_side(
    here: Iterator[tuple[str, list[Line]]], there: Iterator[tuple[str, list[Line]]]
) -> Iterator[tuple[str, list[Line], list[Line]]]:
    """Both in the order of people."""
    mine, other = next(here, None), next(there, None)
    while mine is not None or other is not None:
        if other is None or (mine is not None and mine[0] < other[0]):
            assert mine is not None
            yield mine[0], mine[1], []
            mine = next(here, None)
        elif mine is None or other[0] < mine[0]:
            yield other[0], [], other[1]
            other = next(there, None)
        else:
            yield mine[0], mine[1], other[1]
            mine, other = next(here, None), next(there, None)
