"""How long one mail takes to render, in our strict and bounded Liquid and in plain python-liquid."""

from __future__ import annotations

import time
from collections.abc import Callable

import liquid

from benchmarks import inputs
from benchmarks.measure import Report, Spread, Table, number
from homing.domain.content.filters import Filters
from homing.domain.content.render import Renderer
from homing.domain.content.samples import sample_context
from homing.domain.content.usage import uses

BUDGET_MS = 0.5


def run(*, quick: bool) -> Report:
    """CPU ms per message of every starter template; the cart mail first."""
    campaigns = inputs.campaigns()
    renderer = Renderer(campaigns)
    used = uses(campaigns.flows)
    names = sorted(campaigns.templates, key=lambda name: (name != "cart-reminder", name))
    rows = []
    for name in names:
        if not used.get(name):
            continue
        context = sample_context(campaigns, name, used[name][0], bare=False)
        template = campaigns.templates[name]
        filters = Filters(campaigns.settings.language, campaigns.settings.currency).all()
        plain = liquid.Environment(autoescape=True)
        for filter_, function in filters.items():
            plain.add_filter(filter_, function)
        parts = [plain.from_string(part) for part in (template.html, template.text, template.subject)]

        def ours(name: str = name, context: dict[str, object] = context) -> None:
            renderer.render(name, context)

        def theirs(parts: list[liquid.BoundTemplate] = parts, context: dict[str, object] = context) -> None:
            for part in parts:
                part.render(**context)

        size = len(renderer.render(name, context).html)
        repeat = 2 if quick else 7
        times = [(_ms(ours), _ms(theirs)) for _ in range(repeat)]
        mine = Spread.of([t[0] for t in times])
        rows.append([
            name, number(size / 1024, 1), mine.text(2), Spread.of([t[1] for t in times]).text(2),
            Spread.of([t[0] / t[1] for t in times]).text(2), "yes" if mine.median <= BUDGET_MS else "no",
        ])  # fmt: skip
    table = Table(
        "Rendering a message (subject, HTML, text), CPU ms",
        ("template", "HTML KB", "Homing", "plain python-liquid", "ratio", f"≤ {BUDGET_MS} ms"), rows,
        ["Compiled at publish: MJML, CSS and blocks cost nothing here. Plain: python-liquid's own environment with the same"
         " filters, without limits, strictness and the check of the unsubscribe link."],
    )  # fmt: skip
    slowest = max(rows, key=lambda row: float(row[2].split()[0]))
    kept = all(row[-1] == "yes" for row in rows)
    verdict = (f"rendering ≤ {BUDGET_MS} ms a message", f"{slowest[2]} ms at most ({slowest[0]})", kept)
    return Report("rendering", "Rendering", tables=[table], verdicts=[verdict])


def _ms(call: Callable[[], None], times: int = 200) -> float:
    call()
    began = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - began) / times * 1000
