"""``make exact``: many generated cases, each checked against the oracle at every instant that matters.

Case number n of a run is the case of seed ``SEED + n``, so one that fails is played again with
``make exact CASES=1 SEED=<its seed>``.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from random import Random

from tests.unit.segments import compare, generate, shrink
from tests.unit.segments.case import Case
from tests.unit.segments.compare import DifferenceError

CHUNK = 250


def fails(case: Case) -> bool:
    """Whether engine and oracle differ in a case."""
    try:
        compare.play(case)
    except DifferenceError:
        return True
    return False


def _chunk(seeds: range) -> tuple[int, Counter[str], list[tuple[int, str]]]:
    bad: list[tuple[int, str]] = []
    counts: Counter[str] = Counter()
    for seed in seeds:
        case = generate.case(Random(seed), seed)
        try:
            counts += compare.play(case)
        except Exception:  # noqa: BLE001 - whatever goes wrong is a difference, and has a seed
            bad.append((seed, traceback.format_exc(limit=-4)))
    return len(seeds), counts, bad


def describe(case: Case) -> str:
    """A case to read."""
    lines = [f"time zone of the shop: {case.zone}; until {case.until}"]
    lines += [f"segment {name}: {rule}" for name, rule in case.segments.items()]
    lines += [f"stages of {name}: {stages}" for name, stages in case.stages.items()]
    for step in case.steps:
        if step["do"] == "event":
            lines.append(f"  {step['who']} { ({k: v for k, v in step['raw'].items() if v}) }")
        else:
            lines.append(f"  {step}")
    return "\n".join(lines)


def explain(seed: int, trace: str = "Difference") -> Iterator[str]:
    """What differs in a case, made small, and how to play it again."""
    yield f"\nseed {seed} differs; again with: make exact CASES=1 SEED={seed}"
    case = generate.case(Random(seed), seed)
    if "Difference" not in trace:
        yield from (trace, describe(case))
        return
    case = shrink.smallest(case, fails)
    yield "made small:"
    yield describe(case)
    try:
        compare.play(case)
    except DifferenceError as difference:
        yield str(difference)


def say(*words: object) -> None:
    """A line for whoever runs this."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")


def _first(seeds: range) -> int:
    for seed in seeds:
        if _chunk(range(seed, seed + 1))[2]:
            say(f"seed {seed} differs")
            return 1
    return 0


def main() -> int:
    """Plays the cases; 1 when any differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--first", action="store_true", help="in one process, and only until the first difference")
    asked = parser.parse_args()
    if asked.first:
        return _first(range(asked.seed, asked.seed + asked.cases))
    first, end = asked.seed, asked.seed + asked.cases
    chunks = [range(at, min(at + CHUNK, end)) for at in range(first, end, CHUNK)]
    began, done, counts, bad = time.monotonic(), 0, Counter[str](), list[tuple[int, str]]()
    with multiprocessing.Pool(asked.workers) as pool:
        for played, more, found in pool.imap_unordered(_chunk, chunks):
            done, counts, bad = done + played, counts + more, bad + found
            if sys.stderr.isatty() or done % (CHUNK * 40) == 0:
                took = time.monotonic() - began
                sys.stderr.write(f"{done:,} of {asked.cases:,} cases, {took:.0f} s, differences {len(bad)}\n")
            if len(bad) >= 20:
                pool.terminate()
                break
    for seed, trace in sorted(bad)[:3]:
        say("\n".join(explain(seed, trace)))
    if len(bad) > 3:
        say("also:", *(seed for seed, _ in sorted(bad)[3:]))
    took = time.monotonic() - began
    say(f"{done:,} cases from seed {first}, {took:.0f} s, differences {len(bad)}")
    say(", ".join(f"{counts[name]:,} {name}" for name in sorted(counts)))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
