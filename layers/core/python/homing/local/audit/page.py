"""``audit.html``: what an audit found, on one page that needs nothing but itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from importlib import resources

from homing.domain.audit.audit import Audit
from homing.domain.audit.facts import Day
from homing.domain.audit.findings import CODES, Finding
from homing.domain.audit.segments import HISTORY, Growth
from homing.domain.audit.uses import needed
from homing.local.audit import charts
from homing.local.report.page import MARK, POLICY, style
from homing.local.report.parts import section
from homing.local.report.text import count, esc, humanise, percent, spelled

# What fits a page that somebody reads.
_SEGMENTS, _EVENTS, _PROPERTIES = 20, 12, 10
_INFOS = 30
# Days of arrivals that are drawn; what stopped is looked for in fewer.
_DAYS = 63


def page(audit: Audit) -> str:
    """The whole HTML document."""
    brand = audit.facts.campaigns.settings.brand.name
    days = sorted(audit.facts.arrivals) or [audit.facts.until]
    sections = [
        ("findings", "Findings", _findings(audit)),
        ("sizes", "Sizes", _sizes(audit)),
        ("overlaps", "Overlaps", _overlaps(audit)),
        ("arrivals", "What arrives", _arrivals(audit)),
    ]
    links = "".join(f'<li><a href="#{anchor}">{label}</a></li>' for anchor, label, body in sections if body)
    dates = f"{_short(days[0])} to {_short(days[-1])} {days[-1][:4]}"
    own = resources.files("homing.local.audit").joinpath("style.css").read_text(encoding="utf-8")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="robots" content="noindex">
<title>Audit: {esc(brand)}, {esc(dates)}</title>
<style>
{style()}
{own}
</style>
</head>
<body>
<a class="skip" href="#content">To the content</a>
<header class="top">
<div class="brand">{MARK}<div>{esc(brand)} <span class="soft">{esc(dates)}</span></div></div>
<h1>{_headline(audit)}</h1>
<p class="lead">{esc(_summary(audit, len(days)))}</p>
{_totals(audit)}
<nav aria-label="Sections"><ul>{links}</ul></nav>
</header>
<main id="content">
{"".join(body for _, _, body in sections)}
</main>
<footer><div>
<p>Days are those of UTC. Campaigns {esc(audit.facts.campaigns.revision)}. What each finding means, and how it is found:
docs/audit.md. Findings that are known and wanted go into <code>audit.ignore</code> of settings.yaml.</p>
<p>People appear as profile ids only; nobody is named here.</p>
</div></footer>
</body>
</html>
"""


def _headline(audit: Audit) -> str:
    errors, warnings = audit.counts["error"], audit.counts["warning"]
    if errors:
        return (
            f'{spelled(errors).capitalize()} {"thing is" if errors == 1 else "things are"} <em class="bad">broken</em>'
        )
    if warnings:
        return f"Nothing is broken; {spelled(warnings)} {'thing deserves' if warnings == 1 else 'things deserve'} <em>a look</em>"
    return "Segments and events are <em>in order</em>"


def _summary(audit: Audit, days: int) -> str:
    events = sum(day.n for day in audit.facts.arrivals.values())
    names = {name for day in audit.facts.arrivals.values() for name in day.events}
    return (
        f"{count(len(audit.facts.segments), 'segment')} and {count(events, 'event')} of {count(len(names), 'kind')}"
        f" looked at, over {count(days, 'day')}."
    )


def _totals(audit: Audit) -> str:
    labels = {"error": "broken: mend it", "warning": "deserve a look", "info": "worth knowing"}
    cells = "".join(
        f'<div class="{"bad" if severity == "error" and number else ""}"><dt>{labels[severity]}</dt><dd>{number}</dd></div>'
        for severity, number in audit.counts.items()
    )
    return f'<dl class="totals">{cells}</dl>'


def _findings(audit: Audit) -> str:
    if not audit.findings:
        return section("findings", "Nothing to tell", "No finding of any kind.", "")
    heavy = [finding for finding in audit.findings if finding.severity != "info"]
    light = [finding for finding in audit.findings if finding.severity == "info"]
    body = f'<ol class="findings">{"".join(map(_finding, heavy))}</ol>' if heavy else ""
    if light:
        more = f"<p class='soft'>… and {len(light) - _INFOS} more in audit.json.</p>" if len(light) > _INFOS else ""
        body += (
            f'<details class="data"{"" if heavy else " open"}><summary>{count(len(light), "note")} worth knowing</summary>'
            f'<ol class="findings">{"".join(map(_finding, light[:_INFOS]))}</ol>{more}</details>'
        )
    return section("findings", "What was found", "The worst first. Each says what it rests on.", body)


def _finding(finding: Finding) -> str:
    words = re.sub(r"`([^`]+)`", r"<code>\1</code>", esc(finding.words))
    return (
        f'<li class="card {finding.severity}"><span class="tag {finding.severity}">{finding.severity}</span>'
        f'<div><p>{words}</p><p class="code">{esc(finding.subject)}: {esc(CODES[finding.code])}'
        f" ({finding.code})</p></div></li>"
    )


def _sizes(audit: Audit) -> str:
    days = sorted({day for sizes in audit.facts.sizes.values() for day in sizes})
    if not days:
        return ""
    drifted = {finding.subject: finding for finding in audit.findings if finding.code == "size_drifted"}
    lived = [line for line in audit.growth if line.now or any(audit.facts.sizes.get(line.segment, {}).values())]
    empty = [humanise(line.segment) for line in audit.growth if line not in lived]
    cards = "".join(_card(audit, line, days, drifted.get(line.segment), place) for place, line in enumerate(lived))
    rest = f'<p class="soft">Nobody was ever in: {esc(", ".join(empty))}.</p>' if empty else ""
    lead = (
        "Members at the end of each day. A dashed line is the usual size of the last four weeks, where today's differs much"
        " from it."
    )
    return section("sizes", "Sizes over time", lead, f'<div class="multiples">{cards}</div>{rest}')


def _card(audit: Audit, line: Growth, days: Sequence[str], drift: Finding | None, place: int) -> str:
    values = [audit.facts.sizes[line.segment].get(day) for day in days]
    known = [value for value in values if value is not None]
    usual = float(drift.numbers["usual"]) if drift else None
    label = f"Members of {line.segment}: from {known[0]:,.0f} to {known[-1]:,.0f}" if known else line.segment
    changes = [
        f"<b>{now - then:+,.0f}</b> in {words}".replace("-", "−")
        for then, words in ((line.week_ago, "7 d"), (line.month_ago, f"{HISTORY} d"))
        if then is not None and (now := line.now) is not None
    ]
    use = ", ".join(line.used_by) or "used by nothing"
    return (
        f'<div class="card{" drifted" if drift else ""}"><h3>{esc(humanise(line.segment))}</h3>'
        f'<p class="soft about">{esc(use)}</p><div class="bottom"><p class="now">{"" if line.exact else "≈ "}{line.now:,.0f}'
        f" <small>at the end</small></p>{charts.sizes(values, usual=usual, place=place % 8, label=label)}"
        f'<div class="ends"><span>{_short(days[0])}</span><span>{_short(days[-1])}</span></div>'
        f'<p class="delta">{", ".join(changes)}</p></div></div>'
    )


def _overlaps(audit: Audit) -> str:
    touched = [line.segment for line in audit.growth if line.now][:_SEGMENTS]
    if len(touched) < 2 or not audit.overlaps:
        return ""
    lead = "Read a row: so many in a hundred of that segment are in the column’s segment too. A dot is less than one."
    return section(
        "overlaps",
        "Who is where else",
        lead,
        f'<div class="card">{charts.heat_map(touched, audit.overlaps)}</div>',
    )


def _arrivals(audit: Audit) -> str:
    days = sorted(audit.facts.arrivals)[-_DAYS:]
    arrivals = {day: audit.facts.arrivals[day] for day in days}
    totals: dict[str, int] = {}
    for day in arrivals.values():
        for name, found in day.events.items():
            totals[name] = totals.get(name, 0) + found.n
    if not totals:
        return ""
    lost = {f.subject for f in audit.findings if f.code == "property_stopped"}
    quiet = {f.subject for f in audit.findings if f.code in {"event_stopped", "event_fell"}}
    used = needed(audit.facts.campaigns)

    def rank(name: str) -> tuple[bool, bool, int]:
        return name not in quiet and not any(s.startswith(f"{name}.") for s in lost), name not in used, -totals[name]

    blocks = "".join(_event(days, arrivals, name, lost, quiet, used) for name in sorted(totals, key=rank)[:_EVENTS])
    left = len(totals) - _EVENTS
    more = f'<p class="soft">{count(left, "more kind")} in audit.json.</p>' if left > 0 else ""
    lead = "How often each event came, and which share of it carried each property, day by day; on the right, the last day."
    return section("arrivals", "What arrives", lead, blocks + more)


def _event(
    days: Sequence[str],
    arrivals: Mapping[str, Day],
    name: str,
    lost: set[str],
    quiet: set[str],
    used: Mapping[str, set[str]],
) -> str:
    seen = [day for day in days if name in arrivals[day].events]
    total = sum(arrivals[day].events[name].n for day in seen)
    keys: dict[str, int] = {}
    for day in seen:
        for key, number in arrivals[day].events[name].properties.items():
            keys[key] = keys.get(key, 0) + number
    ranked = sorted(keys, key=lambda k: (f"{name}.{k}" not in lost, k not in used.get(name, ()), -keys[k], k))
    last = arrivals[days[-1]].events.get(name)
    gone = " lost" if name in quiet else ""
    rows = [
        f'<span class="name{gone}">each day</span>{charts.counts(days, arrivals, name)}'
        f'<span class="value{gone}">{last.n if last else 0:,}</span>'
    ]
    end = arrivals[seen[-1]].events[name]
    for key in ranked[:_PROPERTIES]:
        bad = " lost" if f"{name}.{key}" in lost else ""
        rows.append(
            f'<span class="name{bad}">{esc(key)}</span>{charts.strip(days, arrivals, name, key)}'
            f'<span class="value{bad}">{percent(end.properties.get(key, 0), end.n)}</span>'
        )
    use = "used by segments or flows" if name in used else "used by nothing"
    return (
        f'<div class="card event"><header><h3>{esc(name)}</h3><span class="soft">{total:,} in all, {use}</span></header>'
        f'<div class="rows">{"".join(rows)}</div>'
        f'<div class="ends"><span>{_short(days[0])}</span><span>{_short(days[-1])}</span></div></div>'
    )


def _short(day: str) -> str:
    moment = date.fromisoformat(day)
    return f"{moment.day} {moment:%b}"
