"""``report.html`` of a backtest: one page that needs nothing but itself, made of numbers alone.

It says nothing of the machine that played the history, so that parts that were joined give the same page as one run.
"""

from __future__ import annotations

from importlib import resources

from homing.local.backtests import parts
from homing.local.backtests.differences import differences
from homing.local.backtests.pictures import flows
from homing.local.backtests.spoken import Days
from homing.local.figures import Figures
from homing.local.report.page import MARK, POLICY, style
from homing.local.report.text import count, esc


def page(figures: Figures) -> str:
    """The whole HTML document. Its size follows the days, flows and segments, never the events or people."""
    if figures.begins is None and not figures.days:
        figures = Figures(shop=figures.shop, begins=0, until=0, quarantined=figures.quarantined)
    days = Days(figures)
    sections = [
        ("differences", "Differences", differences(figures)),
        ("mails", "Mails", parts.mails(figures, days)),
        ("caps", "Caps", parts.caps(figures, days)),
        ("purchases", "After an order", parts.purchases(figures)),
        ("waits", "Time to mail", parts.waits(figures)),
        ("decisions", "Decisions", parts.decisions(figures)),
        ("codes", "Codes", parts.codes(figures)),
        ("flows", "Flows", flows(figures)),
        ("segments", "Segments", parts.segments(figures, days)),
        ("unknown", "Not known", _unknown()),
    ]
    links = "".join(f'<li><a href="#{anchor}">{label}</a></li>' for anchor, label, body in sections if body)
    shop = figures.shop.name or "The shop"
    dates = parts.period(figures, days) if figures.events else "nothing recorded"
    own = resources.files("homing.local.backtests").joinpath("style.css").read_text(encoding="utf-8")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="robots" content="noindex">
<title>Backtest: {esc(shop)}, {esc(dates)}</title>
<style>
{style()}
{own}
</style>
</head>
<body>
<a class="skip" href="#content">To the content</a>
<header class="top">
<div class="brand">{MARK}<div>{esc(shop)} <span class="soft">backtest, {esc(dates)}</span></div></div>
<h1>{_headline(figures)}</h1>
<p class="lead">{esc(_summary(figures, days))}</p>
{parts.totals(figures)}
<nav aria-label="Sections"><ul>{links}</ul></nav>
</header>
<main id="content">
{"".join(body for _, _, body in sections)}
</main>
<footer><div>
<p>Campaigns {esc(figures.shop.revision or "unknown")}. Days and times of day are those of the shop’s zone,
{esc(figures.shop.time_zone)}. {_refused(figures)}</p>
<p>People appear as profile ids only. <code>homing explain</code> tells more of each.</p>
</div></footer>
</body>
</html>
"""


def _headline(figures: Figures) -> str:
    sent = sum(flow.sent for flow in figures.flows.values())
    found = figures.differences
    if found is not None and found.mails_here != found.mails_there:
        more = "more" if found.mails_here > found.mails_there else "fewer"
        change = count(abs(found.mails_here - found.mails_there), f"{more} mail")
        return f"{change} <span>than <em>{found.mails_there:,} before</em></span>"
    if not sent:
        return "Nobody would have got <em>a mail</em>"
    return f"{esc(count(sent, 'mail'))} would have gone <span>to <em>{esc(count(figures.people, 'person', 'people'))}</em></span>"


def _summary(figures: Figures, days: Days) -> str:
    events, people = count(figures.events, "event"), count(figures.profiles, "person", "people")
    return (
        f"What these campaigns would have done with {events} of {people} in {count(days.length, 'day')}. Every decision is that"
        " of the deployed stack; nothing was sent, and how people would have reacted nobody knows."
    )


def _unknown() -> str:
    points = (
        ("Reactions to mail that was never sent.", "Nobody opened it, clicked, bought or unsubscribed because of it. Flows that"
         " wait for a reaction go on as if there was none."),
        ("The reactions that were recorded.", "Opens and clicks in the recording belong to the mails of that time, not to"
         " these; where a segment counts them, it counts those."),
        ("What the mail service would have said.", "Every mail counts as delivered: nothing bounced, nothing was marked as"
         " spam."),
        ("What people use.", "Codes count as granted, none as redeemed."),
    )  # fmt: skip
    items = "".join(f"<li><b>{esc(what)}</b> {esc(more)}</li>" for what, more in points)
    return (
        '<section id="unknown" aria-labelledby="unknown-title"><h2 id="unknown-title">What history cannot know</h2>'
        f'<ul class="unknown card">{items}</ul></section>'
    )


def _refused(figures: Figures) -> str:
    if not figures.quarantined:
        return ""
    return f"{esc(count(figures.quarantined, 'record'))} could not be taken: quarantine.jsonl says why."
