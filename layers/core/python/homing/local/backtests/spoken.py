"""Words of the backtest's page: durations, days, what becomes of a decision."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from homing.domain.errors import HomingError
from homing.domain.flows.language import Flow
from homing.domain.time import DAY, HOUR, MINUTE, to_datetime, zone
from homing.local.figures import Figures
from homing.local.report.parts import REASONS
from homing.local.report.text import count, humanise

# At most so many bars of days; a longer time is told by weeks.
_DAYS = 70

STATUSES = {
    "sent": "Would have gone out.",
    "deferred": "Still waits at the end.",
    "sending": "Was on its way at the end.",
    "unknown": "Nobody would know whether it went out.",
}


def why(status: str, reason: str) -> str:
    """What became of decisions with that status and reason, as a sentence."""
    told = REASONS.get(reason) or (f"{humanise(reason)}." if reason else "")
    if status == "sent":
        return STATUSES["sent"]
    return f"{STATUSES[status]} {told}".strip() if status in STATUSES else told or "No reason was noted."


def lasting(minutes: int) -> str:
    """Whole minutes for reading: ``2 minutes``, ``20 hours``, ``2½ days``, ``14 days``."""
    span = minutes * MINUTE
    for size, word in ((DAY, "day"), (HOUR, "hour")):
        if span >= size * (2 if word == "day" else 1):
            halves = round(2 * span / size)
            if halves % 2 and halves < 20:
                return f"{halves // 2}½ {word}s"
            return count(round(halves / 2), word)
    return "a minute" if minutes <= 1 else count(minutes, "minute")


def flow_of(figures: Figures, name: str) -> Flow | None:
    """The definition that was played; None for a flow of a backtest that kept none."""
    written = figures.shop.flows.get(name)
    try:
        return None if written is None else Flow.model_validate(written)
    except (ValueError, HomingError):
        # Written by another version of Homing, whose flows said something else.
        return None


def busiest(figures: Figures) -> list[str]:
    """Flows that sent something, the busiest first."""
    found = [name for name, flow in figures.flows.items() if flow.sent]
    return sorted(found, key=lambda name: (-figures.flows[name].sent, name))


class Days:
    """The days of the shop that were played, or the weeks where there are too many for a bar each."""

    def __init__(self, figures: Figures) -> None:
        known = {*figures.days, *(day for flow in figures.flows.values() for day in flow.mails)}
        tz = zone(figures.shop.time_zone)
        ends = [to_datetime(at).astimezone(tz).date() for at in (figures.begins, figures.until) if at is not None]
        every = [*map(date.fromisoformat, known), *ends]
        self.first, self.last = min(every), max(every)
        self.length = (self.last - self.first).days + 1
        self.step = 1 if self.length <= _DAYS else 7
        self.unit = "day" if self.step == 1 else "week"
        self.starts = [self.first + timedelta(days=offset) for offset in range(0, self.length, self.step)]

    def spread(self, amounts: Iterable[tuple[str, int]]) -> list[int]:
        """Numbers by day as one for each bar."""
        bars = [0] * len(self.starts)
        for day, number in amounts:
            bars[(date.fromisoformat(day) - self.first).days // self.step] += number
        return bars

    def every(self) -> list[str]:
        """Each single day."""
        return [(self.first + timedelta(days=offset)).isoformat() for offset in range(self.length)]


def spoken_day(day: date) -> str:
    """``3 March``."""
    return f"{day.day} {day:%B}"


def between(first: date, last: date) -> str:
    """``1 March to 7 May 2017``."""
    if first == last:
        return f"{spoken_day(first)} {first.year}"
    if first.year != last.year:
        return f"{spoken_day(first)} {first.year} to {spoken_day(last)} {last.year}"
    if first.month != last.month:
        return f"{spoken_day(first)} to {spoken_day(last)} {last.year}"
    return f"{first.day} to {spoken_day(last)} {last.year}"
