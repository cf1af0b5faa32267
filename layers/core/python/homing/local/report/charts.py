"""Charts as inline SVG. Only shapes are drawn and stretched to the page; all words are HTML, so they never shrink."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from homing.local.report.text import count, esc

COLOURS = 8


def stacked_bars(
    days: Sequence[date], series: Mapping[str, Sequence[int]], labels: Mapping[str, str], noun: str, unit: str = "day"
) -> str:
    """One bar a day (or week, told by its first day), split by series; with a legend, and a table for those who read
    rather than see."""
    totals = [sum(values[index] for values in series.values()) for index in range(len(days))]
    top = _nice(max(totals, default=0))
    bars = []
    for index in range(len(days)):
        height = 0.0
        for place, (name, values) in enumerate(series.items()):
            if not values[index]:
                continue
            part = 100 * values[index] / top
            what = f"{days[index]:%a} {days[index].day} {days[index]:%b}: {count(values[index], noun)}, {labels[name]}"
            bars.append(
                f'<rect class="fill-{place % COLOURS}" x="{index + 0.14:.2f}" y="{100 - height - part:.2f}" width="0.72"'
                f' height="{part:.2f}"><title>{esc(what)}</title></rect>'
            )
            height += part
    summary = f"{count(sum(totals), noun)} in {count(len(days), unit)}, at most {max(totals, default=0)} in one {unit}."
    svg = (
        f'<svg class="plot" viewBox="0 0 {len(days)} 100" preserveAspectRatio="none" role="img"'
        f' aria-label="{esc(summary)}">{"".join(bars)}</svg>'
    )
    return (
        f'<figure class="chart">{legend([(labels[name], sum(values)) for name, values in series.items()])}'
        f'<div class="frame">{_y_axis(top)}<div class="area">{_grid()}{svg}</div>{_x_axis(days)}</div>'
        f"{_bars_table(days, series, labels, totals, unit)}</figure>"
    )


def legend(entries: Sequence[tuple[str, int]]) -> str:
    """Names with their colour and total, in the order of the series."""
    items = "".join(
        f'<li><i class="swatch fill-{place % COLOURS}"></i>{esc(name)} <b>{total:,}</b></li>'
        for place, (name, total) in enumerate(entries)
    )
    return f'<ul class="legend">{items}</ul>'


def line(values: Sequence[int], place: int, label: str) -> str:
    """A small filled line; the vertical axis begins at 0."""
    top = max(max(values, default=0), 1) * 1.08
    last = max(1, len(values) - 1)
    points = " ".join(f"{index},{100 - 100 * value / top:.2f}" for index, value in enumerate(values))
    return (
        f'<svg class="spark" viewBox="0 0 {last} 100" preserveAspectRatio="none" role="img" aria-label="{esc(label)}">'
        f'<polygon class="fill-{place % COLOURS} soft" points="0,100 {points} {last},100"/>'
        f'<polyline class="stroke-{place % COLOURS}" points="{points}"/></svg>'
    )


def _nice(value: int) -> int:
    """The next round number of 4 ticks at or above."""
    for step in (
        1,
        2,
        3,
        4,
        5,
        6,
        8,
        10,
        15,
        20,
        25,
        30,
        40,
        50,
        75,
        100,
        150,
        200,
        250,
        500,
        1000,
        2500,
        5000,
        10_000,
        25_000,
        50_000,
    ):
        if step * 4 >= value:
            return step * 4
    return value


def _y_axis(top: int) -> str:
    ticks = "".join(f"<span>{top * part // 4:,}</span>" for part in (4, 3, 2, 1, 0))
    return f'<div class="y" aria-hidden="true">{ticks}</div>'


def _grid() -> str:
    return '<div class="grid" aria-hidden="true"><i></i><i></i><i></i><i></i><i></i></div>'


def _x_axis(days: Sequence[date]) -> str:
    """At most 7 dates, each under its own bar; on narrow pages CSS leaves every second one out."""
    every = max(1, -(-len(days) // 7))
    marks = "".join(
        f'<span style="left:{100 * (index + 0.5) / len(days):.2f}%">{day.day} {day:%b}</span>'
        for index, day in enumerate(days)
        if index % every == 0
    )
    return f'<div class="x" aria-hidden="true">{marks}</div>'


def _bars_table(
    days: Sequence[date],
    series: Mapping[str, Sequence[int]],
    labels: Mapping[str, str],
    totals: Sequence[int],
    unit: str,
) -> str:
    head = "".join(f'<th scope="col" class="n">{esc(labels[name])}</th>' for name in series)
    rows = "".join(
        f'<tr><th scope="row">{day:%a} {day.day} {day:%b}</th>'
        + "".join(f'<td class="n">{values[index] or "–"}</td>' for values in series.values())
        + f'<td class="n">{totals[index]}</td></tr>'
        for index, day in enumerate(days)
    )
    first = "Day" if unit == "day" else "Week from"
    return (
        '<details class="data"><summary>As a table</summary><div class="scroll"><table>'
        f'<thead><tr><th scope="col">{first}</th>{head}<th scope="col" class="n">All</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></details>"
    )
