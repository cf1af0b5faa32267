"""The audit's pictures: sizes with their usual range, overlaps as a heat map, and which share of an event carries what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from homing.domain.audit.facts import Day, spoken
from homing.domain.audit.sketch import Overlap
from homing.local.report.text import esc, humanise, percent


def sizes(values: Sequence[float | None], *, usual: float | None, place: int, label: str) -> str:
    """A filled line of daily sizes from 0, days without a figure left out; a dashed line where the size usually was."""
    known = [value for value in values if value is not None]
    top = max([*known, usual or 0, 1]) * 1.08
    last = max(1, len(values) - 1)
    points = [(index, 100 - 100 * value / top) for index, value in enumerate(values) if value is not None]
    line = " ".join(f"{x},{y:.2f}" for x, y in points)
    area = f"{points[0][0]},100 {line} {points[-1][0]},100" if points else ""
    guide = (
        ""
        if usual is None
        else f'<line class="usual" x1="0" x2="{last}" y1="{(y := 100 - 100 * usual / top):.2f}" y2="{y:.2f}"/>'
    )
    return (
        f'<svg class="spark" viewBox="0 0 {last} 100" preserveAspectRatio="none" role="img" aria-label="{esc(label)}">'
        f'<polygon class="fill-{place} soft" points="{area}"/>{guide}<polyline class="stroke-{place}" points="{line}"/></svg>'
    )


def heat_map(names: Sequence[str], overlaps: Sequence[Overlap]) -> str:
    """Row by column: which share of the row's people is in the column's segment too."""
    shares: dict[tuple[str, str], Overlap] = {(pair.a, pair.b): pair for pair in overlaps}
    head = "".join(f'<th scope="col"><span>{esc(humanise(name))}</span></th>' for name in names)
    rows = []
    for row in names:
        cells = []
        for column in names:
            if row == column:
                cells.append('<td class="self"></td>')
                continue
            pair = shares.get((row, column)) or shares.get((column, row))
            share = 0.0 if pair is None else pair.a_in_b if pair.a == row else pair.b_in_a
            title = f"{percent(share, 1) if share else 'Nobody'} of {row} {'is' if share else ''} in {column}"
            strong = " strong" if share > 0.55 else ""
            shown = f"{100 * share:.0f}" if share >= 0.005 else "·" if share else ""
            cells.append(f'<td class="heat{strong}" style="--share:{share:.3f}" title="{esc(title)}">{shown}</td>')
        rows.append(f'<tr><th scope="row">{esc(humanise(row))}</th>{"".join(cells)}</tr>')
    return (
        '<div class="scroll"><table class="heatmap"><thead><tr><th><span class="corner">% of … are also in</span></th>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def strip(days: Sequence[str], arrivals: Mapping[str, Day], event: str, key: str) -> str:
    """One row: a bar a day, as high as the share of the event that carried the property that day."""
    bars = []
    for index, day in enumerate(days):
        found = arrivals[day].events.get(event)
        if found is None or not found.n:
            continue
        share = found.properties.get(key, 0) / found.n
        words = f"{spoken(day)}: {percent(found.properties.get(key, 0), found.n)} of {found.n:,}"
        bars.append(
            f'<rect class="back" x="{index + 0.06:.2f}" y="0" width="0.88" height="100"/>'
            f'<rect class="fill-0" x="{index + 0.06:.2f}" y="{100 - 100 * share:.1f}" width="0.88"'
            f' height="{100 * share:.1f}"><title>{esc(words)}</title></rect>'
        )
    label = f"Share of {event} with {key}, by day"
    return (
        f'<svg class="strip" viewBox="0 0 {len(days)} 100" preserveAspectRatio="none" role="img"'
        f' aria-label="{esc(label)}">{"".join(bars)}</svg>'
    )


def counts(days: Sequence[str], arrivals: Mapping[str, Day], event: str) -> str:
    """One row: how many of the event came each day."""
    numbers = [
        found.n / (arrivals[day].share or 1) if (found := arrivals[day].events.get(event)) else 0.0 for day in days
    ]
    top = max([*numbers, 1])
    bars = "".join(
        f'<rect class="fill-2" x="{index + 0.06:.2f}" y="{100 - 100 * number / top:.1f}" width="0.88"'
        f' height="{100 * number / top:.1f}"><title>{esc(f"{spoken(days[index])}: {number:,.0f}")}</title></rect>'
        for index, number in enumerate(numbers)
    )
    return (
        f'<svg class="strip" viewBox="0 0 {len(days)} 100" preserveAspectRatio="none" role="img"'
        f' aria-label="{esc(f"{event} by day")}">{bars}</svg>'
    )
