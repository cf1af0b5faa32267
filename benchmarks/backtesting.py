"""A month of real orders through the backtest, in a process of its own so that its memory is only its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from homing.domain.time import parse_instant
from homing.local.backtest import Backtest

from benchmarks import inputs
from benchmarks.measure import Report, Table, number

_BUDGET = 1_000_000 / 300


def run(*, quick: bool) -> Report:
    """Events per second and peak memory; ``facts`` is what the child measured."""
    report = Report("backtest", "Backtest")
    if not inputs.has_real_orders():
        report.skipped = "../shared/data/completejourney is missing."
        return report
    end = "2017-03-05" if quick else "2017-04-01"
    command = [sys.executable, "-m", "benchmarks.backtesting", end]
    done = subprocess.run(command, cwd=inputs.ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the backtest failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    report.facts = found
    rate = found["events"] / found["cpu"]
    rows = [
        ["period", f"2017-03-01 to {end}"],
        ["events", number(found["events"])],
        ["people", number(found["people"])],
        ["messages decided", number(found["messages"])],
        ["segment changes", number(found["transitions"])],
        ["events per second of CPU", number(rate)],
        ["events per second by the clock", number(found["events"] / found["wall"])],
        ["a million events, minutes of CPU", number(1e6 / rate / 60, 1)],
        ["peak memory, MB (of which the recording itself)", f"{found['peak']:,.0f} ({found['before']:,.0f})"],
    ]
    notes = ["The whole way: update, publish, flows, gate, rendering; nothing is sent. One process, one core, one run."]
    notes.append(
        f"Budget: a million events in 5 minutes, {number(_BUDGET)} a second: {'kept' if rate >= _BUDGET else 'missed'}."
    )
    report.tables = [Table("Complete Journey through the starter campaigns", ("", ""), rows, notes)]
    return report


def _measure(end: str) -> dict[str, float]:
    import resource

    def peak() -> float:
        size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return size / (1024 if sys.platform != "darwin" else 1024 * 1024)

    messages = inputs.real_month(end)
    backtest = Backtest(inputs.campaigns(), keep_mails=False)
    before, began, cpu = peak(), time.perf_counter(), time.process_time()
    for message in messages:
        backtest.message(message, parse_instant(message["timestamp"]))
    backtest.pass_time(parse_instant(f"{end}T00:00:00Z"))
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    outputs = backtest.outputs()
    return {
        "events": backtest.events, "people": len(outputs.profiles), "messages": len(outputs.messages),
        "transitions": len(outputs.transitions), "wall": wall, "cpu": cpu, "peak": peak(), "before": before,
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1])))
