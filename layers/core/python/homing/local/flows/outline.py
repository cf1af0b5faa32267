"""A flow as a list inside a list: what its picture shows, for narrow screens and for those who read rather than see."""

from __future__ import annotations

from homing.domain.explain import flow_words, words
from homing.domain.flows.language import Flow, If, Split, Step, WaitFor
from homing.domain.flows.passage import FlowNumbers
from homing.domain.flows.steps import kind_of, sides
from homing.local.flows.facts import came, in_box, left_at
from homing.local.report.text import count, esc


def listed(flow: Flow, numbers: FlowNumbers | None) -> str:
    """The list, as HTML."""
    rules = "".join(f"<small>{esc(name)}: {esc(rule)}</small>" for name, rule in flow_words.rules(flow))
    runs = f"<b>{count(numbers.runs, 'run')}</b>" if numbers else ""
    head = f'<p class="start">When {esc(flow_words.starts(flow.on))}{rules}{runs}</p>'
    return f'<div class="outline">{head}{_steps(flow.steps, "", numbers)}</div>'


def _steps(steps: list[Step], prefix: str, numbers: FlowNumbers | None) -> str:
    items = "".join(_step(step, f"{prefix}{index}", numbers) for index, step in enumerate(steps))
    return f"<ol>{items}</ol>" if items else ""


def _step(step: Step, position: str, numbers: FlowNumbers | None) -> str:
    said = flow_words.step(step)
    number = f'<b class="n">{came(numbers, step, position):,}</b>' if numbers else ""
    more = f"<small>{esc(said.more)}</small>" if said.more else ""
    inside = in_box(numbers, step, position)
    figures = f"<small><b>{esc(inside)}</b></small>" if inside else ""
    left = "".join(
        f'<small class="left{" good" if reason == "goal_met" else ""}">{gone:,} {esc(flow_words.ending(reason))}</small>'
        for reason, gone in left_at(numbers, step, position)
    )
    ways = _ways(step, position, numbers) if isinstance(step, If | WaitFor | Split) else ""
    return f'<li class="{kind_of(step)}">{left}<p>{number}{esc(said.short)}{more}{figures}</p>{ways}</li>'


def _ways(step: If | WaitFor | Split, position: str, numbers: FlowNumbers | None) -> str:
    labels, below = flow_words.ways(step), sides(step)
    went = {side: numbers.ways[f"{position}.{side}"] if numbers else 0 for side in labels}
    total = sum(went.values())
    found = []
    for side, label in labels.items():
        inside = _steps(below.get(side, []), f"{position}.{side}.", numbers)
        if not inside and not numbers:
            continue
        of_all = f" · {words.percent(100 * went[side] / total, '.0f')}" if total else ""
        share = f" <b>{went[side]:,}{of_all}</b>" if numbers else ""
        found.append(f'<div class="way"><h4>{esc(label)}{share}</h4>{inside}</div>')
    return "".join(found)
