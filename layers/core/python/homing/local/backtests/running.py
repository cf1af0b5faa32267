"""A backtest as ``homing backtest`` runs it: whole or in parts, in one process or in several, alone or against others."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

from homing.domain.campaigns import Campaigns
from homing.local.backtests import comparing, streams
from homing.local.backtests.comparing import Briefs, Comparing
from homing.local.backtests.dividing import divided
from homing.local.backtests.nights import NightBook, is_ranked, ranked
from homing.local.backtests.playing import Playing
from homing.local.backtests.sources import Source
from homing.local.backtests.streams import Files, Nowhere, Sink
from homing.local.figures import Figures, joined

# What is going on, how many lines of it are done, and how many there are.
Progress = Callable[[str, int, int], None]

# Seconds between two looks at what other processes have done.
_LOOK = 0.3


@dataclass(frozen=True)
class Running:
    """``parts`` of the people, ``jobs`` of them at a time; ``against`` are other campaigns for the same history, and what they
    are called."""

    playing: Playing
    parts: int = 1
    jobs: int = 1
    against: tuple[str, Campaigns] | None = None

    def __call__(self, source: Source, out: Path | None, progress: Progress) -> Figures:
        """Plays the history and writes the files of a run into ``out``: all but figures and report."""
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder, _Workers(self.jobs, progress) as workers:
            work = Path(folder)
            sources: Sequence[Source] = [source]
            if self.parts > 1:
                found = divided(
                    source, self.playing.secret, self.parts, work, end=self.playing.end,
                    tick=lambda done: progress("Dividing", done, source.count),
                )  # fmt: skip
                sources = [replace(found.parts[0], broken=source.broken), *found.parts[1:]]
            figures = self._played(self.playing, sources, work / "here", out, workers, "Deciding")
            if self.against is not None:
                name, campaigns = self.against
                other = replace(self.playing, campaigns=campaigns, keep_mails=False)
                there = self._played(other, sources, work / "there", None, workers, f"Deciding as {name} would")
                found_ = Comparing.of(name, self.playing.campaigns, campaigns)
                lines = found_.lines(_briefs(work / "here", self.parts), _briefs(work / "there", self.parts))
                if out is not None:
                    comparing.write(lines, out / "differences.jsonl")
                else:
                    for _ in lines:
                        pass
                found_.found.there = there
                figures.differences = found_.found
        figures.seconds = round(time.perf_counter() - began, 1)
        return figures

    def _played(
        self, playing: Playing, sources: Sequence[Source], work: Path, out: Path | None, workers: _Workers, name: str
    ) -> Figures:
        """One side."""
        work.mkdir()
        folders = [work / f"part-{index + 1}" for index in range(len(sources))]
        for folder in folders:
            folder.mkdir()
        if len(sources) > 1 and is_ranked(playing.campaigns):
            books = [folder / "nights" for folder in folders]
            workers.run("Ranking customers", _nights, [(playing, *one) for one in zip(sources, books, strict=True)])
            playing = replace(playing, nights=list(ranked(books)))
            for book in books:
                book.unlink()
        tasks = [
            (playing, part, folder, out is not None, self.against is not None)
            for part, folder in zip(sources, folders, strict=True)
        ]
        figures = joined(workers.run(name, _play, tasks))
        if out is not None:
            streams.join(folders, out)
        return figures


def _briefs(work: Path, parts: int) -> list[Path]:
    return [work / f"part-{index + 1}" / "briefs" for index in range(parts)]


# What runs in the processes. Ticks are of lines since the last.


def _play(
    tick: Callable[[int], None], playing: Playing, source: Source, folder: Path, written: bool, compared: bool
) -> Figures:
    files = Files() if written else None
    sink: Sink = files or Nowhere()
    briefs = Briefs(sink) if compared else None
    figures = playing(source, briefs or sink, _steps(tick))
    if files is not None:
        files.save(folder)
    if briefs is not None:
        briefs.save(folder / "briefs")
    return figures


def _nights(tick: Callable[[int], None], playing: Playing, source: Source, book: Path) -> None:
    playing.nights_of(source, NightBook(book), _steps(tick))


def _steps(tick: Callable[[int], None]) -> Callable[[int], None]:
    before = 0

    def step(done: int) -> None:
        nonlocal before
        tick(done - before)
        before = done

    return step


_done: Synchronized[int] | None = None


def _begin(done: Synchronized[int]) -> None:
    global _done
    _done = done


def _tell(lines: int) -> None:
    assert _done is not None
    with _done.get_lock():
        _done.value += lines


def _there(task: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    return task(_tell, *arguments)


class _Workers:
    """Runs tasks one after the other here, or side by side in processes of their own."""

    def __init__(self, jobs: int, progress: Progress) -> None:
        self._jobs, self._progress = jobs, progress
        self._pool: Executor | None = None
        self._done: Synchronized[int] | None = None

    def __enter__(self) -> _Workers:
        if self._jobs > 1:
            context = multiprocessing.get_context("spawn")
            self._done = context.Value("q", 0)
            self._pool = ProcessPoolExecutor(self._jobs, mp_context=context, initializer=_begin, initargs=(self._done,))
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def run(self, name: str, task: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
        """The results in the order of the arguments, whose second is the source of a task."""
        total = sum(one[1].count for one in arguments)
        if self._pool is None or self._done is None:
            return list(self._here(name, task, arguments, total))
        self._done.value = 0
        futures: list[Future[Any]] = [self._pool.submit(_there, task, one) for one in arguments]
        waiting = set(futures)
        while waiting:
            finished, waiting = wait(waiting, timeout=_LOOK)
            for one in finished:
                one.result()
            self._progress(name, self._done.value, total)
        return [one.result() for one in futures]

    def _here(
        self, name: str, task: Callable[..., Any], arguments: Sequence[tuple[Any, ...]], total: int
    ) -> Iterator[Any]:
        done = 0

        def tick(lines: int) -> None:
            nonlocal done
            done += lines
            self._progress(name, done, total)

        for one in arguments:
            yield task(tick, *one)
