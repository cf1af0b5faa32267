"""A year of Complete Journey through the updater, in memory as the table keeps it: what it costs, how large profiles become,
who is in which segment. ``python -m benchmarks.year`` plays it in a process of its own and prints JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import Any

from benchmarks import completejourney, inputs
from benchmarks.stub import size_of
from homing.adapters.dynamodb_profiles import DynamoProfiles
from homing.adapters.memory import MemoryProfiles, MemoryQuarantine
from homing.domain.campaigns import Campaigns
from homing.domain.profiles.profile import WAKE_BUCKETS, Profile
from homing.domain.time import DAY, MINUTE, parse_instant
from homing.services.update_profiles import StreamItem, UpdateProfiles
from homing.sources.segment_spec import read_message

_BATCH = 1_000
# All that there is: the last baskets are of the early morning after New Year's Eve.
WHOLE = ("2017-01-01", "2018-01-01T05:00:00Z")
# Every so-many-th write is measured too: a profile is larger while a cart is open than at the year's end.
SAMPLE = 25


@dataclass
class Played:
    """What a run gave. CPU in seconds, sizes in bytes. ``careful``: the days at the end that were played minute by
    minute, with their wake-ups."""

    events: int = 0
    cpu: float = 0.0
    writes: int = 0
    careful_events: int = 0
    careful_cpu: float = 0.0
    careful_writes: int = 0
    woken: int = 0
    sizes: list[int] = field(default_factory=list)
    written: list[int] = field(default_factory=list)
    members: dict[str, list[str]] = field(default_factory=dict)


class _Requests:
    """Stands in for DynamoDB's client: remembers the item."""

    item: Mapping[str, Any] = {}

    def put_item(self, **request: Any) -> dict[str, Any]:
        self.item = request["Item"]
        return {}


def item_size(profile: Profile) -> int:
    """Bytes of a profile's item as DynamoDB counts them, with what its index and its stream need."""
    requests = _Requests()
    DynamoProfiles(requests, "profiles").write(profile, expected=profile.version)  # type: ignore[arg-type]
    return size_of(requests.item)


class _Measured(MemoryProfiles):
    """Tells the sizes of some of what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def write(self, profile: Profile, *, expected: int) -> None:
        super().write(profile, expected=expected)
        if self.writes % SAMPLE == 0:
            self.sizes.append(item_size(profile))


class Year:
    """Plays messages: in batches of 1,000 until ``careful``, then a batch for each minute, as a shop that wants to know
    within a minute has it. Only the updater is timed, not the reading of the data set."""

    def __init__(self, campaigns: Campaigns, *, measure: bool = False) -> None:
        self.profiles = _Measured() if measure else MemoryProfiles()
        self.update = UpdateProfiles(campaigns, inputs.IDENTITY, self.profiles, None, MemoryQuarantine())
        self._sequence = 0

    def play(self, messages: Iterable[Mapping[str, Any]], careful: int, until: int) -> Played:
        """``until`` is the last instant that counts."""
        found = Played()
        waiting: list[StreamItem] = []
        for minute, group in groupby(_records(messages, until), key=lambda record: record[0] // MINUTE):
            items = [self._item(data, at) for at, data in group]
            if minute * MINUTE < careful:
                waiting += items
                if len(waiting) >= _BATCH:
                    found.cpu += self._fold(waiting)
                    found.events += len(waiting)
                    waiting = []
                continue
            if waiting:
                found.cpu += self._fold(waiting)
                found.events += len(waiting)
                waiting = []
                self._sweep(minute * MINUTE)
                found.writes = self.profiles.writes
            self._minute(found, items, (minute + 1) * MINUTE)
        self._minute(found, waiting, until)
        found.careful_writes = self.profiles.writes - found.writes
        self._finish(found, until)
        return found

    def _minute(self, found: Played, items: list[StreamItem], now: int) -> None:
        found.careful_cpu += self._fold(items)
        found.careful_events += len(items)
        cpu, woken = self._sweep(now)
        found.careful_cpu += cpu
        found.woken += woken

    def _item(self, data: bytes, at: int) -> StreamItem:
        self._sequence += 1
        return StreamItem(str(self._sequence), data, at)

    def _fold(self, items: Sequence[StreamItem]) -> float:
        if not items:
            return 0.0
        began = time.process_time()
        result = self.update(items, batch=items[0].sequence)
        spent = time.process_time() - began
        assert result.failed is None
        assert not result.counts["quarantined"]
        return spent

    def _sweep(self, now: int) -> tuple[float, int]:
        """As ``wake_due`` hands on what is due."""
        cpu, woken = 0.0, 0
        while (due := self.profiles.next_wake()) is not None and due <= now:
            ids = [id_ for bucket in range(WAKE_BUCKETS) for id_, _ in self.profiles.due(bucket, now, _BATCH)]
            cpu += self._fold([self._item(json.dumps({"wake": id_, "at": now}).encode(), now) for id_ in ids])
            woken += len(ids)
        return cpu, woken

    def _finish(self, found: Played, until: int) -> None:
        for profile in self.profiles.read(self.profiles.ids()).values():
            assert isinstance(profile, Profile)
            found.sizes.append(item_size(profile))
            for segment in profile.segments:
                (user,) = profile.identifiers["user_id"]
                found.members.setdefault(segment, []).append(user)
        if isinstance(self.profiles, _Measured):
            found.written = self.profiles.sizes


def _records(messages: Iterable[Mapping[str, Any]], until: int) -> Iterator[tuple[int, bytes]]:
    for message in messages:
        at = parse_instant(message["timestamp"])
        if at > until:
            return
        yield at, read_message(message, received=at).to_json()


def played(
    start: str, careful_days: int, until: str, *, orders: bool, more: str, measure: bool, every: int = 1
) -> Played:  # fmt: skip
    """In a process of its own. ``more`` names what the starter campaigns get besides, see ``_campaigns``; ``every``: each
    so-many-th household."""
    arguments = [start, str(careful_days), until, str(int(orders)), more, str(int(measure)), str(every)]
    command = [sys.executable, "-m", "benchmarks.year", *arguments]
    done = subprocess.run(command, cwd=inputs.ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the year failed:\n{done.stderr[-2000:]}")
    return Played(**json.loads(done.stdout.splitlines()[-1]))


def _campaigns(more: str) -> Campaigns:
    """``starter``, or ``recompute`` for the rules that other engines compute again and again."""
    if more == "recompute":
        from benchmarks import recompute_rules

        return recompute_rules.campaigns()
    return inputs.campaigns()


def main(
    start: str, careful_days: str, until: str, orders: str, more: str, measure: str, every: str = "1"
) -> None:  # fmt: skip
    """Prints what was played."""
    end = parse_instant(until)
    messages = completejourney.messages(start, until[:10] + " 23:59:59", orders=orders == "1", every=int(every))
    year = Year(_campaigns(more), measure=measure == "1")
    print(json.dumps(asdict(year.play(messages, end - int(careful_days) * DAY, end))))


if __name__ == "__main__":
    main(*sys.argv[1:])
