"""``python -m benchmarks``: measures, prints, and writes docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console

from benchmarks.measure import Report, budgets

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
NAMES = (
    "updater", "segments", "profile_sizes", "recompute", "calls", "cost", "waking", "imports", "rendering",
    "backtest", "ten_thousand", "ten_thousand_stack",
)  # fmt: skip


@click.command()
@click.option("--quick", is_flag=True, help="Fewer events and repetitions; the page is not written.")
@click.option("--only", type=click.Choice(NAMES), multiple=True, help="Only this part; the page is not written.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help=f"Another page than {PAGE.name}.")
def main(quick: bool, only: tuple[str, ...], out: Path | None) -> None:
    """Measure Homing on this machine."""
    # The local host and the clients need no account; a developer's own is never touched.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_DEFAULT_REGION": "eu-central-1"}
    console, status = Console(), Console(stderr=True)
    if not console.is_terminal:
        console = Console(width=160)
    reports: dict[str, Report] = {}
    for name, run in _parts(quick, reports).items():
        if only and name not in only:
            continue
        began = time.perf_counter()
        with status.status(f"{name} …"):
            reports[name] = report = run()
        status.print(f"{name} took {(time.perf_counter() - began) / 60:.1f} minutes", style="dim", highlight=False)
        console.rule(report.heading, align="left")
        if report.skipped:
            console.print(f"Skipped: {report.skipped}\n")
        for table in report.tables:
            table.print(console)
    if verdicts := [verdict for report in reports.values() for verdict in report.verdicts]:
        budgets(verdicts).print(console)
    page = out or (None if quick or only else PAGE)
    if page:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(_page(reports))
        status.print(f"Wrote {page}")


def _parts(quick: bool, reports: dict[str, Report]) -> dict[str, Callable[[], Report]]:
    # Imported late: `--only` pays for what it asks for.
    def updater() -> Report:
        from benchmarks import updater

        return updater.run(quick=quick)

    def segments() -> Report:
        from benchmarks import segments

        return segments.run(quick=quick)

    def profile_sizes() -> Report:
        from benchmarks import profile_sizes

        return profile_sizes.run(quick=quick)

    def recompute() -> Report:
        from benchmarks import recompute

        return recompute.run(quick=quick)

    def calls() -> Report:
        from benchmarks import calls

        return calls.run(quick=quick)

    def cost() -> Report:
        from benchmarks import cost

        return cost.run(reports.get("calls") or calls())

    def waking() -> Report:
        from benchmarks import waking

        return waking.run(quick=quick)

    def imports() -> Report:
        from benchmarks import imports

        return imports.run(quick=quick)

    def rendering() -> Report:
        from benchmarks import rendering

        return rendering.run(quick=quick)

    def backtest() -> Report:
        from benchmarks import backtesting

        return backtesting.run(quick=quick)

    def ten_thousand() -> Report:
        from benchmarks import ten_thousand

        return ten_thousand.run(quick=quick)

    def ten_thousand_stack() -> Report:
        from benchmarks import ten_thousand_stack

        return ten_thousand_stack.run(reports.get("ten_thousand") or ten_thousand(), quick=quick)

    made = (
        updater, segments, profile_sizes, recompute, calls, cost, waking, imports, rendering, backtest, ten_thousand,
        ten_thousand_stack,
    )  # fmt: skip
    return {part.__name__: part for part in made}


def _page(reports: dict[str, Report]) -> str:
    machine = (
        f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"
    )
    head = (
        "# Benchmarks\n\n"
        "Written by `make bench`. Times are CPU times, medians of several repetitions with (least–most), taken on a shared"
        f" machine: {machine}, {sys.platform}. Ratios within a run mean more than absolute numbers.\n\n"
    )
    verdicts = [verdict for report in reports.values() for verdict in report.verdicts]
    return (
        head
        + budgets(verdicts).markdown()
        + "\n"
        + "\n".join(report.markdown() for report in reports.values()).rstrip()
        + "\n"
    )


if __name__ == "__main__":
    main()
