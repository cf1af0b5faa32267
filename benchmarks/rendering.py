"""How long one mail takes to render: in our strict and bounded Liquid, in plain python-liquid, Jinja2 and liquidjs."""

from __future__ import annotations

import html

import liquid

from benchmarks import engines, inputs
from benchmarks.engines import cpu_ms
from benchmarks.measure import Report, Spread, Table, number
from homing.domain.content.filters import Filters
from homing.domain.content.render import Renderer
from homing.domain.content.samples import sample_context
from homing.domain.content.usage import uses

BUDGET_MS = 0.5
TIMES = 200  # mails a repetition


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
        times = [(cpu_ms(ours, TIMES), cpu_ms(theirs, TIMES)) for _ in range(repeat)]
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
    return Report("rendering", "Rendering", tables=[table, _others(quick=quick)], verdicts=[verdict])


def _others(*, quick: bool) -> Table:
    """The cart mail in engines that others use."""
    campaigns, name = inputs.campaigns(), "cart-reminder"
    context = sample_context(campaigns, name, uses(campaigns.flows)[name][0], bare=False)
    renderer = Renderer(campaigns)
    template = campaigns.templates[name]
    filters = Filters(campaigns.settings.language, campaigns.settings.currency)
    parts = [template.html, template.text, template.subject]
    page = renderer.render(name, context).html
    repeat = 2 if quick else 7
    plain = liquid.Environment(autoescape=True)
    for filter_, function in filters.all().items():
        plain.add_filter(filter_, function)
    parsed = [plain.from_string(part) for part in parts]
    times = {
        "Homing": [cpu_ms(lambda: renderer.render(name, context), TIMES) for _ in range(repeat)],
        f"python-liquid {liquid.__version__}": [
            cpu_ms(lambda: [part.render(context) for part in parsed], TIMES) for _ in range(repeat)
        ],
    }
    same = dict.fromkeys(times, "yes")
    missing: list[str] = []
    try:
        shown, again = engines.jinja(parts, context, filters)
        title = f"Jinja2 {engines.JINJA}"
        same[title] = "yes" if _alike(shown[0], page) else "no"
        times[title] = [cpu_ms(again, TIMES) for _ in range(repeat)]
    except engines.NotThereError as error:
        missing.append(f"Jinja2 was not measured: {error}.")
    try:
        shown, spent = engines.liquidjs(parts, context, repeat=repeat, rounds=TIMES)
        title = f"liquidjs {engines.LIQUIDJS}"
        same[title] = "yes" if _alike(shown[0], page) else "no"
        times[title] = spent
    except engines.NotThereError as error:
        missing.append(f"liquidjs was not measured: {error}.")
    rows = [[title, Spread.of(spent).text(2), same[title]] for title, spent in times.items()]
    note = (
        "Parsed once, the same parts and values, escaped. Only Homing refuses what is missing, counts loops, output and work,"
        " and looks for the unsubscribe link. Jinja2 compiles to Python; liquidjs runs on V8, warm, with the filters money and"
        " plural in JavaScript and amounts as floats."
    )
    return Table("The cart mail in other engines, CPU ms", ("engine", "ms", "same HTML"), rows, [note, *missing])


def _alike(one: str, other: str) -> bool:
    """The same page; engines write an apostrophe and a quote as different entities."""
    return html.unescape(one) == html.unescape(other)
