"""``report.html``: what happened in a run, on one page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from homing.domain.campaigns import Campaigns
from homing.local.outputs import Outputs
from homing.local.report.facts import read
from homing.local.report.numbers import Numbers
from homing.local.report.page import page

__all__ = ["numbers_of", "render", "write"]


def numbers_of(
    outputs: Outputs, *, campaigns: Campaigns | None = None, period: tuple[int, int] | None = None
) -> Numbers:
    """The counts behind the page."""
    return Numbers(read(outputs, campaigns, period))


def render(
    outputs: Outputs,
    *,
    campaigns: Campaigns | None = None,
    title: str = "Homing report",
    note: str = "",
    period: tuple[int, int] | None = None,
    pictures: Mapping[str, bytes] | None = None,
    answers: Mapping[str, int] | None = None,
) -> str:
    """The report as HTML; sections without data are left out.

    ``period`` is (start, end) in instants, by default from the first to the last thing known. ``pictures`` maps image
    addresses to their bytes, which are put into the page; other images keep their address. ``answers`` counts requests
    that were refused, by a phrase for each kind.
    """
    numbers = numbers_of(outputs, campaigns=campaigns, period=period)
    return page(numbers, title=title, note=note, pictures=pictures or {}, answers=answers or {})


def write(
    outputs: Outputs,
    path: Path,
    *,
    campaigns: Campaigns | None = None,
    title: str = "Homing report",
    note: str = "",
    period: tuple[int, int] | None = None,
    pictures: Mapping[str, bytes] | None = None,
    answers: Mapping[str, int] | None = None,
) -> None:
    """Writes :func:`render` to a file, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = render(
        outputs, campaigns=campaigns, title=title, note=note, period=period, pictures=pictures, answers=answers
    )
    path.write_text(text, encoding="utf-8")
