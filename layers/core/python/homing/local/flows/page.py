"""``flows.html``: every flow on one page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from homing.domain.campaigns import Campaigns
from homing.domain.explain import flow_words, words
from homing.domain.flows.language import Flow, walk
from homing.domain.flows.passage import FlowNumbers
from homing.local.flows.layout import lay_out
from homing.local.flows.outline import listed
from homing.local.flows.picture import draw
from homing.local.report.page import MARK, POLICY, style
from homing.local.report.text import count, esc, humanise, share

# Ends are told in this order, and in these colours of the report's style.
_GOOD, _THROUGH, _ON_THE_WAY, _LEFT = "c0", "c2", "c3", "c7"
_MOST_ENDS = 4
# What a card has beside its picture.
_AROUND = 62
# Broader pictures are lists on a phone.
_PHONE = 330


@dataclass(frozen=True, slots=True)
class Counted:
    """Numbers with what they are of: ``A backtest of 12 January to 3 March 2026``."""

    numbers: Mapping[str, FlowNumbers]
    about: str
    # What these numbers can't tell.
    note: str = ""
    # Nothing was sent: a backtest says what would have been.
    supposed: bool = False


def page(campaigns: Campaigns, counted: Counted | None) -> str:
    """The whole HTML document."""
    brand = campaigns.settings.brand.name
    order = _order(campaigns, counted)
    links = "".join(f'<li><a href="#{esc(flow.name)}">{esc(humanise(flow.name))}</a></li>' for flow in order)
    numbers = counted.numbers if counted else {}
    supposed = counted is not None and counted.supposed
    articles = "".join(_article(flow, numbers.get(flow.name), supposed=supposed) for flow in order)
    about = counted.about if counted else "As they are written, without numbers"
    own = resources.files("homing.local.flows").joinpath("page.css").read_text(encoding="utf-8")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="robots" content="noindex">
<title>Flows: {esc(brand)}</title>
<style>
{style()}
{own}
</style>
</head>
<body>
<a class="skip" href="#content">To the content</a>
<header class="top">
<div class="brand">{MARK}<div>{esc(brand)} <span class="soft">{esc(about)}</span></div></div>
<h1>{_headline(order, counted)}</h1>
<p class="lead">{esc(_summary(order, counted))}</p>
{_totals(counted)}
<nav aria-label="Flows"><ul>{links}</ul></nav>
</header>
<main id="content" class="flows">
{articles}
</main>
<footer><div>
<p>{_reading(counted)}</p>
<p>Campaigns {esc(campaigns.revision)}. Nobody is named here.</p>
</div></footer>
</body>
</html>
"""


def _order(campaigns: Campaigns, counted: Counted | None) -> list[Flow]:
    """The busiest first."""
    runs = {name: numbers.runs for name, numbers in counted.numbers.items()} if counted else {}
    return sorted(campaigns.flows.values(), key=lambda flow: (-runs.get(flow.name, 0), flow.name))


def _headline(order: list[Flow], counted: Counted | None) -> str:
    if counted is None:
        return f"{esc(count(len(order), 'flow'))}, <em>step by step</em>"
    runs = sum(numbers.runs for numbers in counted.numbers.values())
    goals = sum(numbers.goal for numbers in counted.numbers.values())
    if goals:
        return f"{esc(count(runs, 'run'))}, <span><em>{goals:,}</em> met their goal</span>"
    busy, every = sum(1 for flow in order if counted.numbers[flow.name].runs), count(len(order), "flow")
    through = every if busy == len(order) else f"{busy:,} of {every}"
    return f"{esc(count(runs, 'run'))} through <em>{esc(through)}</em>"


def _summary(order: list[Flow], counted: Counted | None) -> str:
    steps = sum(1 for flow in order for _ in walk(flow.steps))
    if counted is None:
        return (
            f"{count(steps, 'step')} in all. `homing flows --events` or `--stage` puts numbers on the lines.".replace(
                "`", ""
            )
        )
    idle = [humanise(flow.name) for flow in order if not counted.numbers[flow.name].runs]
    rest = f" Nobody came into {words.listed(idle)}." if idle and len(idle) < len(order) else ""
    return f"How many went which way, waited, got a mail, or left before the end.{rest}"


def _totals(counted: Counted | None) -> str:
    if counted is None:
        return ""
    every = list(counted.numbers.values())
    mails = sum(statuses["sent"] for numbers in every for statuses in numbers.mails.values())
    lost = sum(statuses["dropped"] for numbers in every for statuses in numbers.mails.values())
    runs, goals = sum(numbers.runs for numbers in every), sum(numbers.goal for numbers in every)
    cells = [
        ("lead", f"{runs:,}", "runs began"),
        ("", share(goals, runs), "met their goal"),
        ("", f"{mails:,}", "mails would have been sent" if counted.supposed else "mails were sent"),
        ("", f"{lost:,}", "mails were decided against"),
        ("", f"{sum(numbers.active for numbers in every):,}", "runs are on their way"),
    ]
    body = "".join(f'<div class="{cls}"><dt>{esc(text)}</dt><dd>{esc(value)}</dd></div>' for cls, value, text in cells)
    return f'<dl class="totals">{body}</dl>'


def _article(flow: Flow, numbers: FlowNumbers | None, *, supposed: bool) -> str:
    figures = _figures(numbers, supposed=supposed) if numbers else ""
    bar = _bar(numbers) if numbers and numbers.runs else ""
    about = f'<p class="soft">{esc(flow.description)}</p>' if flow.description else ""
    quiet = " quiet" if numbers is not None and not numbers.runs else ""
    natural = round(lay_out(flow, numbers).width)
    broad = " broad" if natural > _PHONE else ""
    wide = max(300, natural + _AROUND)
    return (
        f'<article class="flow card{quiet}{broad}" id="{esc(flow.name)}" style="--wide:{wide}px">'
        f"<header><h2>{esc(humanise(flow.name))}</h2>"
        f'{about}{figures}{bar}</header><div class="scroll">{draw(flow, numbers)}</div>'
        f"{listed(flow, numbers) if broad else ''}</article>"
    )


def _figures(numbers: FlowNumbers, *, supposed: bool) -> str:
    if not numbers.runs:
        others = f" {count(numbers.others, 'run')} of other versions." if numbers.others else ""
        return f'<p class="none">No run yet.{others}</p>'
    sent = sum(statuses["sent"] for statuses in numbers.mails.values())
    cells = [
        ("runs", f"{numbers.runs:,}"),
        ("mails that would have been sent" if supposed else "mails sent", f"{sent:,}"),
    ]
    if numbers.goal:
        cells.append(("met the goal", share(numbers.goal, numbers.runs)))
    if numbers.others:
        cells.append(("of other versions", f"{numbers.others:,}"))
    return f'<ul class="figures">{"".join(f"<li><b>{value}</b>{label}</li>" for label, value in cells)}</ul>'


def _bar(numbers: FlowNumbers) -> str:
    """What became of the runs, as a bar with its words."""
    ends = [(reason, number) for reason, number in numbers.ended.most_common() if number > 0]
    known = dict(ends)
    parts = [("met the goal", known.pop("goal_met", 0), _GOOD), ("went through", known.pop("done", 0), _THROUGH)]
    rest = sorted(known.items(), key=lambda one: -one[1])
    parts += [(flow_words.ending(reason), number, _LEFT) for reason, number in rest[:_MOST_ENDS]]
    if more := sum(number for _, number in rest[_MOST_ENDS:]):
        parts.append(("ended otherwise", more, _LEFT))
    parts.append(("on their way", numbers.active, _ON_THE_WAY))
    parts = [part for part in parts if part[1]]
    total = sum(number for _, number, _ in parts)
    bars = "".join(
        f'<i style="flex:{number / total:.4f};background:var(--{colour})" title="{esc(text)}: {number:,}"></i>'
        for text, number, colour in parts
    )
    told = "".join(
        f'<li><i class="swatch" style="background:var(--{colour})"></i>{esc(text)} <b>{number:,}</b></li>'
        for text, number, colour in parts
    )
    return f'<div class="ends" aria-hidden="true">{bars}</div><ul class="legend">{told}</ul>'


def _reading(counted: Counted | None) -> str:
    if counted is None:
        return "Each box is a step; where lines part, a branch, a wait for something, or chance decides."
    return (
        '<span class="lines">A line is the thicker the more runs went along it. The number beside it is how many came to the'
        ' step; to its right, how many ended there instead, and why.</span> <span class="listed">The number of a step is how many'
        f" came to it; beside or above it stands how many ended there instead, and why.</span> {esc(counted.note)}".strip()
    )
