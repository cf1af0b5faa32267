"""A month of real orders through the backtest, in a process of its own so that its memory is only its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from benchmarks import inputs
from benchmarks.measure import Report, Table, number, peak
from homing.domain.time import parse_instant
from homing.local.backtest import Backtest

_BUDGET = 1_000_000 / 300


def run(*, quick: bool) -> Report:
    """Events per second and peak memory; ``facts`` is what the child measured."""
    report = Report("backtest", "Backtest")
    if not inputs.has_real_orders():
        report.skipped = "../shared/data/completejourney is missing."
        return report
    end = "2017-03-03" if quick else "2017-04-01"
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
        ["profile writes per event, wake-ups included", number(found["writes"] / found["events"], 2)],
        ["peak memory, MB (of which the recording itself)", f"{found['peak']:,.0f} ({found['before']:,.0f})"],
    ]
    notes = [
        "The whole way: update, publish, flows, gate, rendering; nothing is sent. One process, one core, one run.",
        "The whole year: `python -m benchmarks.completejourney 2017-01-01 2018-01-02 --orders > year.jsonl` (158,317 events;"
        " 1,627,624 without `--orders`), then `homing backtest year.jsonl --out out/year`.",
    ]
    minutes = f"{number(1e6 / rate / 60, 1)} minutes of CPU"
    report.verdicts = [("backtest of a million events in 5 minutes", minutes, rate >= _BUDGET)]
    report.tables = [Table("Complete Journey through the starter campaigns", ("", ""), rows, notes)]
    return report


def _measure(end: str) -> dict[str, float]:
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
        "transitions": len(outputs.transitions), "writes": backtest.profiles.writes,
        "wall": wall, "cpu": cpu, "peak": peak(), "before": before,
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1])))
