"""A backtest in steps that different machines can do, each in minutes: how a deployed stage tries campaigns on its archive.

Files carry everything from step to step, under the backtest's own prefix:

    here.json, there.json     the campaigns, and those that they are held against (if any)
    plan.json                 what was divided: the end, how many events, which side is ranked
    plan/part-0001.json       a part's manifest; the map over the parts lists these
    lines/part-0001           its lines
    part-0001/…               what it came to: lines of each file behind their keys, figures, what can be compared
    backtest.json, messages.jsonl, …   the result
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import orjson

from homing.domain.campaigns import Campaigns
from homing.domain.errors import InvalidInput
from homing.local.backtest import LOCAL_SECRET
from homing.local.backtests import comparing, streams
from homing.local.backtests.comparing import Briefs, Comparing
from homing.local.backtests.dividing import divided
from homing.local.backtests.nights import NightBook, is_ranked, ranked, read_nights, write_nights
from homing.local.backtests.playing import Playing
from homing.local.backtests.sources import ArchiveSource, PartSource
from homing.local.backtests.streams import Files, Nowhere, Sink
from homing.local.figures import Figures, joined
from homing.services.ports import ArchiveReader

# A part of so many events is played in a minute or two; a function has fifteen.
EVENTS, MOST_PARTS = 50_000, 500
_SIDES = ("here", "there")
_PLAN, _RESULT = "plan.json", "backtest.json"


class Store(Protocol):
    """Where the files of a backtest lie."""

    def put(self, name: str, path: Path) -> None:
        """Stores a file; one of the same name is replaced. Raises Unavailable."""

    def get(self, name: str, path: Path) -> None:
        """Writes a stored file to a path. Raises InvalidInput when there is none, and Unavailable."""

    def names(self, prefix: str) -> Iterable[str]:
        """The names that begin so, in their order. Raises Unavailable."""


@dataclass(frozen=True)
class Staged:
    """One backtest. Every step can be done again: it writes the same."""

    store: Store
    archive: ArchiveReader

    def begin(self, here: Campaigns, there: Campaigns | None = None, against: str = "") -> None:
        """Stores the campaigns; ``against`` is what the others are called."""
        for side, campaigns in zip(_SIDES, (here, there), strict=True):
            if campaigns is not None:
                self._write(f"{side}.json", campaigns.model_dump_json(by_alias=True, exclude_none=True).encode())
        self._write("asked.json", orjson.dumps({"against": against, "compared": there is not None}))

    def divide(self, since: str = "", parts: int | None = None) -> dict[str, Any]:
        """Divides the archive since a day. Raises InvalidInput when it is empty. Returns what a state machine goes by."""
        with _folder() as work:
            source = ArchiveSource.read(self.archive, since=since)
            count = parts or max(1, min(MOST_PARTS, -(-source.count // EVENTS)))
            found = divided(source, LOCAL_SECRET, count, work, end=source.end())
            told = [side for side in self._sides if count > 1 and is_ranked(self._campaigns(side))]
            plan = {
                "end": source.end(), "events": source.count, "unreadable": source.unreadable, "parts": count,
                "circles": found.circles, "ranked": told,
            }  # fmt: skip
            for number, part in enumerate(found.parts, start=1):
                self.store.put(f"lines/{_part(number)}", part.path)
                self._write(f"plan/{_part(number)}.json", orjson.dumps({"part": number, "events": part.count}))
            # Last: who finds it finds all that it speaks of.
            self._write(_PLAN, orjson.dumps(plan))
        return {"parts": count, "events": source.count, "ranked": bool(told)}

    def rank(self, part: int) -> None:
        """Writes a part's customers down, each night, for the sides that ask for scores."""
        with _folder() as work:
            source = self._source(part, work)
            for side in self._plan()["ranked"]:
                self._playing(side).nights_of(source, NightBook(work / "nights"))
                self.store.put(f"{_part(part)}/{side}/nights", work / "nights")

    def thresholds(self) -> int:
        """Counts the thresholds of each night over all parts. Returns of how many nights there are any."""
        plan, nights = self._plan(), 0
        for side in plan["ranked"]:
            with _folder() as work:
                books = self._fetched(plan["parts"], f"{side}/nights", work)
                found = list(ranked(books))
                write_nights(found, work / "thresholds")
                self.store.put(f"nights/{side}", work / "thresholds")
                nights = max(nights, len(found))
        return nights

    def play(self, part: int) -> dict[str, int]:
        """Plays a part, under each of the campaigns. Returns how much it was."""
        plan, asked = self._plan(), self._asked()
        events = mails = 0
        for side in self._sides:
            with _folder() as work:
                playing = self._playing(side)
                if side in plan["ranked"]:
                    self.store.get(f"nights/{side}", work / "thresholds")
                    playing = replace(playing, nights=read_nights(work / "thresholds"))
                files = Files() if side == "here" else None
                sink: Sink = files or Nowhere()
                briefs = Briefs(sink) if asked["compared"] else None
                figures = playing(self._source(part, work), briefs or sink)
                out = work / "out"
                out.mkdir()
                if files is not None:
                    files.save(out)
                if briefs is not None:
                    briefs.save(out / "briefs")
                (out / "figures.json").write_bytes(orjson.dumps(figures.to_dict()))
                for path in sorted(out.iterdir()):
                    self.store.put(f"{_part(part)}/{side}/{path.name}", path)
                if side == "here":
                    events, mails = figures.events, sum(flow.sent for flow in figures.flows.values())
        return {"events": events, "mails": mails}

    def join(self) -> Figures:
        """Puts the parts together: the files of a backtest, and its figures."""
        plan, asked = self._plan(), self._asked()
        count = plan["parts"]
        with _folder() as work:
            figures = self._joined(count, "here", work)
            figures.unreadable, figures.quarantined = plan["unreadable"], figures.quarantined + plan["unreadable"]
            for name in streams.NAMES:
                keyed = self._fetched(count, f"here/{name}.keyed", work)
                streams.join_file(keyed, work / f"{name}.jsonl")
                if (work / f"{name}.jsonl").exists():
                    self.store.put(f"{name}.jsonl", work / f"{name}.jsonl")
            if asked["compared"]:
                sides = [self._fetched(count, f"{side}/briefs", work) for side in _SIDES]
                found = Comparing.of(asked["against"], *map(self._campaigns, _SIDES))
                comparing.write(found.lines(*sides), work / "differences.jsonl")
                self.store.put("differences.jsonl", work / "differences.jsonl")
                found.found.there = self._joined(count, "there", work)
                figures.differences = found.found
            self._write(_RESULT, orjson.dumps(figures.to_dict()))
        return figures

    def result(self) -> Figures:
        """What :meth:`join` came to. Raises InvalidInput before it did."""
        return Figures.from_dict(self._read(_RESULT))

    def fetch(self, out: Path) -> None:
        """Copies the files of the result into a folder."""
        names = [f"{name}.jsonl" for name in (*streams.NAMES, "differences")]
        for name in set(names) & set(self.store.names("")):
            self.store.get(name, out / name)

    # Inside

    @property
    def _sides(self) -> tuple[str, ...]:
        return _SIDES if self._asked()["compared"] else _SIDES[:1]

    def _asked(self) -> dict[str, Any]:
        return self._read("asked.json")

    def _plan(self) -> dict[str, Any]:
        return self._read(_PLAN)

    def _campaigns(self, side: str) -> Campaigns:
        return Campaigns.model_validate_json(self._raw(f"{side}.json"))

    def _playing(self, side: str) -> Playing:
        # Ids stand in an archive already; links and codes of mails that nobody gets need no secret.
        return Playing(self._campaigns(side), self._plan()["end"])

    def _source(self, part: int, work: Path) -> PartSource:
        path = work / "lines"
        self.store.get(f"lines/{_part(part)}", path)
        return PartSource(path, archived=True, count=0)

    def _joined(self, parts: int, side: str, work: Path) -> Figures:
        return joined(
            Figures.from_dict(orjson.loads(path.read_bytes()))
            for path in self._fetched(parts, f"{side}/figures.json", work)
        )

    def _fetched(self, parts: int, name: str, work: Path) -> list[Path]:
        paths = []
        for number in range(1, parts + 1):
            paths.append(work / f"{name.replace('/', '-')}-{number}")
            self.store.get(f"{_part(number)}/{name}", paths[-1])
        return paths

    def _write(self, name: str, data: bytes) -> None:
        with _folder() as work:
            (work / "file").write_bytes(data)
            self.store.put(name, work / "file")

    def _raw(self, name: str) -> bytes:
        with _folder() as work:
            self.store.get(name, work / "file")
            return (work / "file").read_bytes()

    def _read(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self._raw(name))
        return found


def part_of(manifest: str) -> int:
    """The number of a part by the name of its manifest, however long the way to it. Raises InvalidInput."""
    number = manifest.rpartition("part-")[2].partition(".")[0]
    if not number.isdigit():
        raise InvalidInput(f"{manifest!r} is no manifest of a part", code="bad_manifest", where="manifest")
    return int(number)


def _part(number: int) -> str:
    return f"part-{number:04d}"


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
