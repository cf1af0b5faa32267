"""``make mutants``: plants each mistake into a copy of the package and runs tests against it until one fails.

The work tree is never touched. Exits 1 when a mistake is not found, or no longer fits the code.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.mutants.mutants import EXACT, MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "core" / "python" / "homing"
# So many of the oracle's cases, from number 1 on or from the mutant's own; `make test` has more.
CASES = 2500
SURVIVED = "-"


class Outcome(NamedTuple):
    """How a mutant ended. ``caught`` names the test that found it; ``trouble`` says why it could not be tried."""

    mutant: Mutant
    caught: str
    seconds: float
    trouble: str = ""


def plant(mutant: Mutant, to: Path) -> str:
    """Copies the package to a folder, with the mistake in it. Returns what is wrong with the mutant, if anything."""
    shutil.copytree(PACKAGE, to / "homing")
    path = to / "homing" / mutant.file
    text = path.read_text()
    if (count := text.count(mutant.old)) != 1 or mutant.old == mutant.new:
        return f"the old words stand {count} times in {mutant.file}"
    path.write_text(text.replace(mutant.old, mutant.new))
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        compiled.unlink()
    return ""


def failing(test: str, package: Path, seed: int = 1) -> str:
    """What fails of a group of tests against a package: a test's name or a case's seed; nothing when all pass."""
    environment = {
        **os.environ,
        "PYTHONPATH": f"{package}{os.pathsep}{ROOT}",
        # What hypothesis keeps goes with the copy; of the package itself, to where it always goes.
        "HYPOTHESIS_STORAGE_DIRECTORY": str(ROOT / ".hypothesis" if package == PACKAGE.parent else package),
    }
    if test == EXACT:
        cases = ["--cases", str(CASES), "--seed", str(seed), "--first"]
        command = [sys.executable, "-m", "tests.unit.segments.exact", *cases]
    else:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=no", test]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    if found := re.search(r"^seed \d+ differs", done.stdout, re.MULTILINE):
        return f"exactness, {found[0].removesuffix(' differs')}"
    if found := re.search(r"^(?:FAILED|ERROR) \S*?([\w.]+(?:::\S+)?)(?: |$)", done.stdout, re.MULTILINE):
        return found[1]
    raise RuntimeError(f"{' '.join(command)}: {done.stdout[-500:]}{done.stderr[-1500:]}")


def tried(mutant: Mutant) -> Outcome:
    """Plants one mistake and looks whether a test finds it."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        if trouble := plant(mutant, Path(folder)):
            return Outcome(mutant, SURVIVED, 0, trouble)
        caught = next((name for test in mutant.tests if (name := failing(test, Path(folder), mutant.seed))), SURVIVED)
    return Outcome(mutant, caught, time.monotonic() - began)


def sound(tests: list[str]) -> list[str]:
    """Which groups of tests fail without any mistake: nothing that they find would mean anything."""
    with ThreadPoolExecutor(2) as workers:
        found = list(workers.map(lambda test: failing(test, PACKAGE.parent), tests))
    return [f"{test}: {name}" for test, name in zip(tests, found, strict=True) if name]


def say(text: str) -> None:
    """A line for whoever runs this."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(mutants: Sequence[Mutant] = MUTANTS) -> int:
    """Tries all mutants, or those whose names contain the word that was given. 1 when one is not found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("word", nargs="?", default="", help="only mutants whose names contain it")
    word = parser.parse_args().word
    began = time.monotonic()
    chosen = [mutant for mutant in mutants if word in mutant.name]
    if not chosen:
        say(f"no mutant has {word!r} in its name")
        return 2
    if broken := sound(sorted({test for mutant in chosen for test in mutant.tests})):
        say("These fail without any mistake: " + "; ".join(broken))
        return 1
    width = max(len(mutant.name) for mutant in chosen)
    bad = 0
    with ThreadPoolExecutor(2) as workers:
        for outcome in workers.map(tried, chosen):
            bad += outcome.caught == SURVIVED
            how = outcome.trouble or (outcome.caught if outcome.caught != SURVIVED else "NOT FOUND")
            say(f"{outcome.mutant.name:{width}}  {outcome.seconds:5.1f} s  {how}")
    say(f"{len(chosen) - bad} of {len(chosen)} mutants found, {time.monotonic() - began:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
