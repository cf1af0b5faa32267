"""A history played from its beginning to its end, told as it goes."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from homing.domain.campaigns import Campaigns
from homing.domain.content.suggest import did_you_mean
from homing.domain.errors import InvalidInput
from homing.local.backtest import LOCAL_SECRET, Backtest
from homing.local.backtests.nights import Night, NightBook, for_ranking
from homing.local.backtests.sources import Source
from homing.local.backtests.streams import Nowhere, Sink
from homing.local.figures import Figures

# So many events between two looks at the progress.
EVERY = 500

Tick = Callable[[int], None]


def only(campaigns: Campaigns, flows: Iterable[str]) -> Campaigns:
    """With these flows alone; everything else stays. Raises InvalidInput for one that there is not."""
    kept = {}
    for name in flows:
        if name not in campaigns.flows:
            raise InvalidInput(f"there is no flow {name!r}{did_you_mean(name, campaigns.flows)}", code="unknown_flow")
        kept[name] = campaigns.flows[name]
    return campaigns.model_copy(update={"flows": dict(sorted(kept.items()))})


@dataclass(frozen=True, slots=True)
class Playing:
    """How a history is played: up to ``end``, ``keep_mails`` as they would have been sent, under thresholds of others."""

    campaigns: Campaigns
    end: int
    keep_mails: bool = False
    secret: bytes = LOCAL_SECRET
    nights: Sequence[Night] | None = None

    def __call__(self, source: Source, sink: Sink, tick: Tick | None = None) -> Figures:
        """Plays it, and lets time pass until the end. ``tick`` is told now and then how many lines it were. What happens goes
        to the ``sink``; the figures are what it comes to."""
        began = time.perf_counter()
        backtest = Backtest(
            self.campaigns, self.secret, keep_mails=self.keep_mails, sink=sink, archived=source.archived,
            thresholds=self.nights,
        )  # fmt: skip
        for line in source.broken:
            backtest.refuse(line)
        _play(backtest, source, self.end, tick)
        backtest.close(self.end)
        figures = backtest.figures()
        figures.seconds = round(time.perf_counter() - began, 1)
        figures.peak, figures.unreadable = peak(), sum(line.source == "file" for line in source.broken)
        return figures

    def nights_of(self, source: Source, book: NightBook, tick: Tick | None = None) -> None:
        """Only writes down who the customers are, each night."""
        backtest = Backtest(
            for_ranking(self.campaigns), self.secret, keep_mails=False, sink=Nowhere(), archived=source.archived,
            nightly=book,
        )  # fmt: skip
        _play(backtest, source, self.end, tick)
        backtest.pass_time(self.end)
        book.close()


def _play(backtest: Backtest, source: Source, end: int, tick: Tick | None) -> None:
    with _seldom_collected():
        _lines(backtest, source, end, tick)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """What a backtest makes falls apart by itself; looking for circles among all that it keeps took a fifth of its time."""
    gc.collect()
    gc.freeze()
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 1_000)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _lines(backtest: Backtest, source: Source, end: int, tick: Tick | None) -> None:
    play = backtest.archived_line if source.archived else None
    for count, recorded in enumerate(source, start=1):
        if recorded.at > end:
            break
        where = f"line {recorded.line}"
        if play is not None:
            play(recorded.message, where)
        else:
            backtest.message(recorded.message, recorded.at, where)
        if tick and count % EVERY == 0:
            tick(count)


def peak() -> int:
    """The most memory of this process so far, in bytes. getrusage would tell the parent's, where that was more."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
