"""Each flow's picture with what its runs did on the lines."""

from __future__ import annotations

import re

from homing.domain.explain import flow_words, words
from homing.domain.flows.language import Flow
from homing.domain.flows.passage import FlowNumbers
from homing.local.backtests.spoken import flow_of
from homing.local.figures import Figures
from homing.local.flows.picture import draw
from homing.local.report.parts import section
from homing.local.report.text import count, esc, humanise, share

_MOST_ENDS = 3


def flows(figures: Figures) -> str:
    """Every flow that somebody came into, the busiest first; the others by name."""
    drawn: list[tuple[Flow, FlowNumbers]] = []
    idle = []
    for name in sorted(figures.shop.flows):
        flow, held = flow_of(figures, name), figures.flows.get(name)
        if flow is None:
            continue
        if held is not None and held.runs is not None and held.runs.runs:
            drawn.append((flow, held.runs))
        else:
            idle.append(humanise(name))
    if not drawn:
        return ""
    drawn.sort(key=lambda one: (-one[1].runs, one[0].name))
    rest = f'<p class="soft">Nobody came into {esc(words.listed(idle))}.</p>' if idle else ""
    lead = (
        "A line is the thicker the more runs went along it. The number beside it is how many came to the step; to its right, how"
        " many ended there instead, and why."
    )
    body = "".join(_article(flow, numbers) for flow, numbers in drawn)
    return section("flows", "What happened in each flow", lead, f'<div class="pictures">{body}</div>{rest}')


def _article(flow: Flow, numbers: FlowNumbers) -> str:
    ends = [(reason, number) for reason, number in numbers.ended.most_common() if number > 0]
    told = [f"<b>{number:,}</b> {esc(flow_words.ending(reason))}" for reason, number in ends[:_MOST_ENDS]]
    if more := sum(number for _, number in ends[_MOST_ENDS:]):
        told.append(f"<b>{more:,}</b> ended otherwise")
    if numbers.active:
        told.append(f"<b>{numbers.active:,}</b> on the way at the end")
    picture = draw(flow, numbers)
    wide = re.search(r'width="(\d+)"', picture)
    goal = f", {share(numbers.goal, numbers.runs)} met the goal" if numbers.goal else ""
    return (
        f'<article class="card picture" style="--wide:{wide[1] if wide else 300}px"><header><h3>{esc(humanise(flow.name))}</h3>'
        f'<p class="soft">{count(numbers.runs, "run")}{goal}</p><ul class="aftermath">'
        f'{"".join(f"<li>{one}</li>" for one in told)}</ul></header><div class="scroll">{picture}</div></article>'
    )
