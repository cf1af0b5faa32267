"""Real orders through the backtest: its rate on one core, what memory it needs, and whether parts add up to the whole. Each
run is a process of its own, so that its memory is only its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import completejourney, inputs
from benchmarks.measure import Report, Table, number
from homing.local.backtests.playing import Playing, peak
from homing.local.backtests.running import Running
from homing.local.backtests.streams import NAMES
from homing.local.recording import read_recording

_BUDGET = 1_000_000 / 300


@dataclass(frozen=True)
class History:
    """Days of Complete Journey: all events or ``orders`` alone, of each so-many-th household."""

    name: str
    start: str
    end: str
    orders: bool = False
    every: int = 1


def run(*, quick: bool) -> Report:
    """``facts`` is what the month in one process came to."""
    report = Report("backtest", "Backtest")
    if not inputs.has_real_orders():
        report.skipped = "../shared/data/completejourney is missing."
        return report
    few = 8 if quick else 1
    month = History("month", "2017-03-01", "2017-03-03" if quick else "2017-04-01")
    year = History("year of orders", "2017-01-01", "2017-04-01" if quick else "2018-01-02", orders=True, every=few)
    # The same people for a month and for a year: every sixteenth household.
    short = History("a month of few", "2017-01-01", "2017-02-01", every=16 * few)
    long = History("a year of few", "2017-01-01", "2017-04-01" if quick else "2018-01-02", every=16 * few)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        found = {one.name: _played(one, work) for one in (month, year, short, long)}
        for one in (short, long):
            found[one.name]["bytes"] = _child("sizes", str(_recording(one, work)))["bytes"]
        halves = _played(month, work, parts=2, jobs=1)
        both = _played(month, work, parts=2, jobs=2)
        same = _same(work, month, 1, 2)
    report.facts = found[month.name]
    minutes = 1e6 * found[month.name]["cpu"] / found[month.name]["events"] / 60
    report.verdicts = [
        ("backtest of a million events in 5 minutes", f"{number(minutes, 1)} minutes of CPU", minutes <= 5),
        ("a backtest in parts gives the same", "every line and number" if same else "something differs", same),
    ]
    report.tables = [
        _rates(found[month.name], found[year.name]),
        _memory(found[short.name], found[long.name]),
        _parts(found[month.name], halves, both),
    ]
    return report


def _rates(month: Mapping[str, float], year: Mapping[str, float]) -> Table:
    def row(name: str, value: Any) -> list[str]:
        return [name, value(month), value(year)]

    rows = [
        row("events", lambda one: number(one["events"])),
        row("people", lambda one: number(one["people"])),
        row("sends decided", lambda one: number(one["messages"])),
        row("segment changes", lambda one: number(one["transitions"])),
        row("events per second of CPU", lambda one: number(one["events"] / one["cpu"])),
        row("events per second by the clock", lambda one: number(one["events"] / one["wall"])),
        row("a million events, minutes of CPU", lambda one: number(1e6 * one["cpu"] / one["events"] / 60, 1)),
        row("peak memory, MB", lambda one: number(one["peak"])),
    ]
    notes = [
        "The whole way: reading, update, publish, flows, gate, rendering, writing; nothing is sent. One process, one core, one"
        " run, with the whole starter set. In a year of orders alone each event is a basket of somebody who has placed dozens;"
        " more than half of its time are wake-ups in between.",
        "`python -m benchmarks.completejourney 2017-01-01 2018-01-02 --orders > year.jsonl` writes such a recording for"
        " `homing backtest year.jsonl --out out/year` (1,627,624 events without `--orders`).",
    ]
    return Table(
        "Complete Journey through the starter campaigns", ("", "March, every line", "2017, orders"), rows, notes
    )


def _memory(short: Mapping[str, float], long: Mapping[str, float]) -> Table:
    rows = [
        [name, number(one["events"]), number(one["people"]), number(one["peak"]), number(one["bytes"])]
        for name, one in (("a month", short), ("a year", long))
    ]
    notes = ["The same households; some of them come later in the year. A process that has read campaigns and done nothing: "
             f"{number(short['before'])} MB. A profile is told as it lies in memory when nobody asks about it."]  # fmt: skip
    head = ("", "events", "people", "peak memory, MB", "bytes a profile")
    return Table("Memory does not grow with the number of events", head, rows, notes)


def _parts(whole: Mapping[str, float], halves: Mapping[str, float], both: Mapping[str, float]) -> Table:
    def row(name: str, one: Mapping[str, float]) -> list[str]:
        return [name, number(one["wall"], 1), number(whole["wall"] / one["wall"], 2), number(one["peak"])]

    rows = [
        row("whole", whole), row("two parts, one after the other", halves), row("two parts, side by side", both),
    ]  # fmt: skip
    notes = [
        "Dividing, ranking customers in a pass of its own, playing, joining. Memory is that of the largest process."
    ]
    return Table("The month in parts", ("", "seconds", "times as fast", "peak memory, MB"), rows, notes)


def _recording(history: History, work: Path) -> Path:
    path = work / f"{history.name}.jsonl".replace(" ", "-")
    if not path.exists():
        # In a process of its own: what the data set needs of memory is not ours.
        command = [sys.executable, "-m", "benchmarks.backtesting", "record", json.dumps(vars(history)), str(path)]
        subprocess.run(command, cwd=inputs.ROOT, check=True)
    return path


def _out(work: Path, history: History, parts: int, jobs: int = 1) -> Path:
    return work / f"{history.name}-{parts}-{jobs}"


def _played(history: History, work: Path, *, parts: int = 1, jobs: int = 1) -> dict[str, float]:
    out = _out(work, history, parts, jobs)
    return _child("play", str(_recording(history, work)), str(out), str(parts), str(jobs))


def _child(*arguments: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.backtesting", *arguments]
    done = subprocess.run(command, cwd=inputs.ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the backtest failed:\n{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _same(work: Path, history: History, one: int, other: int) -> bool:
    folders = [_out(work, history, parts) for parts in (one, other)]
    files = [name for name in NAMES if (folders[0] / f"{name}.jsonl").exists()]
    lines = all(len({(folder / f"{name}.jsonl").read_bytes() for folder in folders}) == 1 for name in files)
    return lines and len({(folder / "numbers.json").read_bytes() for folder in folders}) == 1


def _lines(history: History) -> Iterator[bytes]:
    found = completejourney.messages(history.start, history.end, orders=history.orders, every=history.every)
    for message in found:
        yield json.dumps(message, separators=(",", ":")).encode() + b"\n"


def _play(recording: str, out: str, parts: int, jobs: int) -> dict[str, float]:
    campaigns, folder = inputs.campaigns(), Path(out)
    folder.mkdir()
    before, began, cpu = peak(), time.perf_counter(), time.process_time()
    source = read_recording(Path(recording))
    figures = Running(Playing(campaigns, source.end()), parts, jobs)(source, folder, lambda *_: None)
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    told = figures.to_dict()
    for name in ("seconds", "peak", "parts"):
        del told[name]
    (folder / "numbers.json").write_text(json.dumps(told))
    return {
        "events": figures.events, "people": figures.profiles, "messages": sum(figures.decisions().values()),
        "transitions": figures.transitions, "wall": wall, "cpu": cpu, "peak": figures.peak / 2**20, "before": before / 2**20,
    }  # fmt: skip


def _bytes(recording: str) -> float:
    """Of a profile as it lies there, in the mean over everybody at the end."""
    from homing.adapters.memory import MemoryProfiles, MemoryQuarantine
    from homing.domain.profiles.codec import encode
    from homing.services.update_profiles import StreamItem, UpdateProfiles
    from homing.sources.segment_spec import read_message

    profiles = MemoryProfiles(isolate=False)
    update = UpdateProfiles(inputs.campaigns(), inputs.IDENTITY, profiles, None, MemoryQuarantine())
    items = []
    for number_, one in enumerate(read_recording(Path(recording)), start=1):
        items.append(StreamItem(str(number_), read_message(one.message, received=one.at).to_json(), one.at))
        if len(items) == 1_000:
            update(items, batch=items[0].sequence)
            items = []
    if items:
        update(items, batch=items[0].sequence)
    sizes = [len(encode(profile)) for profile in profiles.each()]
    return sum(sizes) / len(sizes)


def main(what: str, *arguments: str) -> None:
    """``record HISTORY PATH``, ``play RECORDING OUT PARTS JOBS`` or ``sizes RECORDING``."""
    if what == "record":
        with Path(arguments[1]).open("wb") as file:
            file.writelines(_lines(History(**json.loads(arguments[0]))))
        return
    if what == "sizes":
        print(json.dumps({"bytes": _bytes(arguments[0])}))
        return
    recording, out, parts, jobs = arguments
    print(json.dumps(_play(recording, out, int(parts), int(jobs))))


if __name__ == "__main__":
    main(*sys.argv[1:])
