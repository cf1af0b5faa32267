"""The page around the sections."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

from homing.local.report import parts
from homing.local.report.calls import calls
from homing.local.report.mails import mails
from homing.local.report.numbers import Numbers
from homing.local.report.text import count, esc, period, spelled, sums
from homing.local.report.timeline import story

# Nothing is loaded but pictures: no scripts, no fonts, no trackers, whatever a mail contains.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data: https: http:; frame-src 'self'"
MARK = (
    '<svg viewBox="0 0 34 34" aria-hidden="true"><rect width="34" height="34" rx="10" fill="#0f766e"/>'
    '<path d="M8.5 20.500V15L17 8l8.5 7v9.500a1.5 1.5 0 0 1-1.5 1.500H14" fill="none" stroke="#fff" stroke-width="2.3"'
    ' stroke-linecap="round" stroke-linejoin="round"/><path d="M17.5 21.500L13 26l4.5 4.5" transform="translate(0 -0.3)"'
    ' fill="none" stroke="#fff" stroke-width="2.3" stroke-linecap="round" stroke-linejoin="round"/></svg>'
)


def page(numbers: Numbers, *, title: str, note: str, pictures: Mapping[str, bytes], answers: Mapping[str, int]) -> str:
    """The whole HTML document."""
    facts = numbers.facts
    brand = facts.campaigns.settings.brand if facts.campaigns else None
    shop = brand.name if brand else "The shop"
    sections = [
        ("funnel", "Funnel", parts.funnel(numbers)),
        ("flows", "Flows", parts.mails_by_day(numbers)),
        ("story", "One story", story(numbers, pictures)),
        ("mails", "The mails", mails(numbers, pictures)),
        ("segments", "Segments", parts.segments(numbers)),
        ("decisions", "Decisions", parts.decisions(numbers)),
        ("calls", "Calls", calls(numbers)),
        ("refused", "Not taken", parts.refused(numbers, answers)),
    ]
    links = "".join(f'<li><a href="#{anchor}">{label}</a></li>' for anchor, label, body in sections if body)
    dates = period(facts.start, facts.end, facts.tz)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="robots" content="noindex">
<title>{esc(title)}: {esc(shop)}, {esc(dates)}</title>
<style>
{style()}
</style>
</head>
<body>
<a class="skip" href="#content">To the content</a>
<header class="top">
<div class="brand">{MARK}<div>{esc(shop)} <span class="soft">{esc(dates)}</span></div></div>
<h1>{_headline(numbers)}</h1>
<p class="lead">{esc(_summary(numbers))}</p>
{parts.totals(numbers)}
<nav aria-label="Sections"><ul>{links}</ul></nav>
</header>
<main id="content">
{"".join(body for _, _, body in sections)}
</main>
<footer><div>
<p>{esc(note)}</p>
<p>{parts.attribution(numbers)}{_opens(numbers)} Times are in the shop’s zone, {esc(facts.tz.key)}.</p>
<p>This file names people: treat it like the customer list it comes from.{_settings(numbers)}</p>
</div></footer>
</body>
</html>
"""


def style() -> str:
    """The style sheet."""
    return resources.files("homing.local.report").joinpath("style.css").read_text(encoding="utf-8")


def _headline(numbers: Numbers) -> str:
    total = numbers.total
    if total.orders:
        orders = f"{spelled(total.orders).capitalize()} {'order' if total.orders == 1 else 'orders'}"
        return f"{orders} followed a&nbsp;mail, <span>worth <em>{esc(sums(total.revenue, cents=False))}</em></span>"
    if total.sent:
        return f"{esc(count(total.sent, 'mail'))}, each at <em>its moment</em>"
    return "What happened, <em>told in order</em>"


def _summary(numbers: Numbers) -> str:
    facts = numbers.facts
    visitors = len({happening.person for happening in facts.happenings if happening.is_visit})
    people = len({message.profile_id for message in facts.sent})
    mails = f"{count(len(facts.sent), 'mail')} went to {count(people, 'person', 'people')}"
    days = count(numbers.length, "day")
    if not visitors:
        return f"In {days}, {mails}."
    return f"{count(len(facts.happenings), 'event')} from {count(visitors, 'visitor')} in {days}; {mails}."


def _opens(numbers: Numbers) -> str:
    if not numbers.reactions_known:
        return ""
    return " Opens are those that the mail service reports; mail programs that hide opens make the rate too low."


def _settings(numbers: Numbers) -> str:
    words = parts.settings_words(numbers)
    return f" Made with {esc(words)}." if words else ""
