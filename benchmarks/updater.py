"""How many events one CPU folds: against the floor of reading them alone, in memory and over the real clients."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks import inputs
from benchmarks.measure import Report, Spread, Table, number
from benchmarks.stub import Stub
from homing.adapters.memory import MemoryProfiles, MemoryQuarantine
from homing.domain.errors import InvalidInput
from homing.domain.events.event import Event
from homing.services.update_profiles import StreamItem, UpdateProfiles

BATCHES = (1, 100, 1000)
_SHARD = 1_000
# What a call to DynamoDB in the same region takes, in seconds, give or take.
_LATENCY = 0.005


class _Discard:
    """An archive that keeps nothing: what is measured is what comes before it."""

    def put(self, key: str, lines: Sequence[Mapping[str, Any]]) -> None:
        """Gone."""


def run(*, quick: bool) -> Report:
    """Measures both; ``facts`` has the CPU µs per event of the deployed way at batch 1,000, by input."""
    size = 1_000 if quick else 3_000
    sources: dict[str, list[StreamItem]] = {
        "simulated shop": inputs.simulated(3 * size),
        "crowd": inputs.crowd(3 * size),
    }
    notes = [
        "Floor: `Event.from_json` alone on the same records. Steady state: profiles exist already.",
        "simulated shop: 600 customers over weeks, as browsers and the shop's webhooks tell it. crowd: 1,000 customers at once,"
        " so that nearly every record of a batch is another person: the worst case.",
    ]
    if inputs.has_real_orders():
        sources["real orders"] = inputs.real_orders(3 * size)
        notes.append("real orders: purchase lines of Complete Journey, one after another into carts of 15 on average.")
    else:
        notes.append("real orders: skipped, ../shared/data/completejourney is missing.")
    memory = {name: _repeat(records, size, 1 if quick else 5, _in_memory) for name, records in sources.items()}
    stubbed = {name: _repeat(records, size, 1 if quick else 3, _deployed) for name, records in sources.items()}
    facts = {name: Spread.of([r.cpu[1000] for r in found]).median for name, found in stubbed.items()}
    report = Report("updater", "The updater", facts=facts)
    shard = _shard(sources, size)
    slowest = min(shard.rows, key=lambda row: float(row[2].replace(",", "")))
    report.verdicts = [
        (
            "a full shard, 1,000 records/s, on one vCPU",
            f"{slowest[2]} at best with {slowest[0]}",
            all(row[3] == "yes" for row in shard.rows),
        )
    ]
    report.tables = [
        _table("In memory (profiles encoded and decoded as the table does)", memory, notes),
        _table("Through botocore to DynamoDB and S3, network answered in the process, 16 threads", stubbed, [
            "CPU of everything that runs in Lambda but the network and TLS: serialising, signing and parsing included.",
        ]),
        shard,
    ]  # fmt: skip
    return report


class _Repetition:
    """CPU µs per event by batch size, and of the floor; profiles written per event by batch size."""

    def __init__(self) -> None:
        self.floor = 0.0
        self.cpu: dict[int, float] = {}
        self.writes: dict[int, float] = {}


def _in_memory() -> tuple[UpdateProfiles, Callable[[], float]]:
    update = UpdateProfiles(inputs.campaigns(), inputs.IDENTITY, MemoryProfiles(), _Discard(), MemoryQuarantine())
    return update, lambda: 0.0


def _deployed() -> tuple[UpdateProfiles, Callable[[], float]]:
    stub = Stub()
    return stub.updater(inputs.campaigns(), inputs.IDENTITY), lambda: stub.cpu


def _repeat(
    records: list[StreamItem], size: int, times: int, make: Callable[[], tuple[UpdateProfiles, Callable[[], float]]]
) -> list[_Repetition]:
    """Each repetition starts with ``size`` records that are not measured; then come the batch sizes, one after another."""
    found = []
    for _ in range(times):
        update, overhead = make()
        repetition = _Repetition()
        _fold(update, records[:size], 1000)
        rest = records[size:]
        repetition.floor = _floor(rest)
        few = size // 4
        for batch, part in zip(BATCHES, (rest[:few], rest[few : few + size], rest[-size + few :]), strict=True):
            began, stub = time.process_time(), overhead()
            written = _fold(update, part, batch)
            cpu = time.process_time() - began - (overhead() - stub)
            repetition.cpu[batch] = cpu / len(part) * 1e6
            repetition.writes[batch] = written / len(part)
        found.append(repetition)
    return found


def _fold(update: UpdateProfiles, records: list[StreamItem], batch: int) -> int:
    written = 0
    for start in range(0, len(records), batch):
        result = update(records[start : start + batch], batch=records[start].sequence)
        assert result.failed is None
        written += result.counts["profiles_written"]
    return written


def _floor(records: list[StreamItem]) -> float:
    began = time.process_time()
    for record in records:
        try:
            Event.from_json(record.data)
        except InvalidInput:
            continue
    return (time.process_time() - began) / len(records) * 1e6


def _table(title: str, measured: Mapping[str, list[_Repetition]], notes: Sequence[str]) -> Table:
    rows = []
    for name, found in measured.items():
        floor = Spread.of([r.floor for r in found])
        rows.append([name, "floor", "", floor.text(1), number(1e6 / floor.median), "1"])
        for batch in BATCHES:
            cpu = Spread.of([r.cpu[batch] for r in found])
            times = Spread.of([r.cpu[batch] / r.floor for r in found])
            writes = f"{found[0].writes[batch]:.2f}"
            rows.append([name, f"{batch:,}", writes, cpu.text(), number(1e6 / cpu.median), times.text()])
    columns = ("events", "batch", "profiles written per event", "CPU µs per event", "events/s per CPU", "× floor")
    return Table(title, columns, rows, notes)


def _shard(sources: Mapping[str, list[StreamItem]], size: int) -> Table:
    """On one core, by the clock, with calls that take their time."""
    rows = []
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if cores:
        os.sched_setaffinity(0, {min(cores)})
    try:
        for name, records in sources.items():
            stub = Stub(_LATENCY)
            update = stub.updater(inputs.campaigns(), inputs.IDENTITY)
            _fold(update, records[:size], 1000)
            rates = []
            for start in range(size, 3 * size - 999, 1000):
                began, cpu = time.perf_counter(), stub.cpu
                _fold(update, records[start : start + 1000], 1000)
                rates.append(1000 / (time.perf_counter() - began - (stub.cpu - cpu)))
            rate = Spread.of(rates)
            rows.append([name, rate.text(), number(rate.high), "yes" if rate.high >= _SHARD else "no"])
    finally:
        if cores:
            os.sched_setaffinity(0, cores)
    columns = ("events", "records/s, batch 1,000", "best", "a full shard (1,000 records/s)")
    notes = [
        f"This process on one core, by the wall clock, each call answered after {_LATENCY * 1000:.0f} ms."
        " The best counts: what else runs on a shared core only ever takes away."
    ]
    return Table("Does one vCPU keep up with a full shard?", columns, rows, notes)
