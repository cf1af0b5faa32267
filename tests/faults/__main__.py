"""``make faults``: the whole matrix as a table, then random walks over combinations. Exits 1 on any violation."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.faults import matrix, plan
from tests.faults.matrix import Outcome
from tests.faults.plan import Fault

_WORDS = {
    "duplicate": "duplicates", "lost": "lost", "not wanted": "sends to suppressed or unconsenting people",
    "cap": "cap violations", "quiet hours": "sends in quiet hours", "unknown": "wrong unknowns",
    "codes": "discount codes given twice, or missing", "flows": "flows that went wrong ways, lists, traits, calls",
}  # fmt: skip


def say(text: str = "") -> None:
    """A line for whoever runs this."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def table(outcomes: Sequence[Outcome]) -> list[str]:
    """Sites by kinds: how many cells held of how many; a dot where the kind does not fit the site."""
    count: Counter[tuple[str, str]] = Counter()
    bad: Counter[tuple[str, str]] = Counter()
    for outcome in outcomes:
        fault = outcome.faults[0]
        count[fault.place, fault.kind] += 1
        bad[fault.place, fault.kind] += bool(outcome.verdict.wrong)
    places = list(dict.fromkeys(outcome.faults[0].place for outcome in outcomes))
    width = max(map(len, places))
    lines = [f"{number:>3}  {kind}" for number, kind in enumerate(plan.KINDS, 1)]
    lines += ["", " " * width + "".join(f"{number:>5}" for number in range(1, len(plan.KINDS) + 1))]
    for place in places:
        held = [(count[place, kind], bad[place, kind]) for kind in plan.KINDS]
        cells = (f"{'.' if not n else f'{n - wrong}/{n}':>5}" for n, wrong in held)
        lines.append(f"{place:{width}}" + "".join(cells))
    return lines


def totals(outcomes: Sequence[Outcome]) -> list[str]:
    """What the promise is about, summed up."""
    wrong = Counter(line.partition(":")[0] for outcome in outcomes for line in outcome.verdict.wrong)
    lines = [f"{words:44} {wrong[word]:>6}" for word, words in _WORDS.items()]
    verdicts = [outcome.verdict for outcome in outcomes]
    lines.append(f"{'lost replies of SES, injected':44} {sum(v.lost_replies for v in verdicts):>6}")
    lines.append(
        f"{'  settled by events of SES, or repeated':44} {sum(v.lost_replies - v.unknown for v in verdicts):>6}"
    )
    lines.append(f"{'  unknown in the end':44} {sum(v.unknown for v in verdicts):>6}")
    lines.append(f"{'messages that SES took':44} {sum(v.sent for v in verdicts):>6}")
    return lines


def _cell(fault: Fault) -> Outcome:
    return matrix.cell(fault)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("word", nargs="?", default="", help="only cells whose names contain it")
    parser.add_argument("--walks", type=int, default=200, help="random walks over combinations of faults")
    parser.add_argument("--seed", type=int, default=1, help="of the first walk; the others follow")
    asked = parser.parse_args()
    began = time.monotonic()
    cells = [fault for fault in plan.cells() if asked.word in str(fault)]
    with ProcessPoolExecutor(min(4, os.cpu_count() or 1)) as workers:
        outcomes = list(workers.map(_cell, cells, chunksize=16))
        walks = list(workers.map(matrix.walk, range(asked.seed, asked.seed + asked.walks), chunksize=4))
    if outcomes:
        say("\n".join(table(outcomes)))
        say()
    bad = [outcome for outcome in (*outcomes, *walks) if outcome.verdict.wrong]
    for outcome in bad[:40]:
        say(" + ".join(f"{fault} (from call {fault.first})" for fault in outcome.faults))
        say("    " + "; ".join(outcome.verdict.wrong[:5]))
    say("\n".join(totals([*outcomes, *walks])))
    digest = hashlib.blake2b("".join(outcome.digest for outcome in walks).encode(), digest_size=8).hexdigest()
    say(
        f"{len(outcomes)} cells and {len(walks)} walks (seeds {asked.seed} to {asked.seed + len(walks) - 1}, "
        f"digest {digest}): {len(bad)} with violations, {time.monotonic() - began:.0f} s"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
