"""The sections with numbers: mails by day, caps, mails after a purchase, time to the mail, decisions, codes."""

from __future__ import annotations

from decimal import Decimal

from homing.domain.explain import flow_words
from homing.domain.time import MINUTE, to_datetime, zone
from homing.local.backtests.charts import lateness, scale
from homing.local.backtests.spoken import Days, busiest, flow_of, lasting, why
from homing.local.figures import AFTER_PURCHASE_HOURS, AfterPurchase, Figures
from homing.local.report import charts
from homing.local.report.parts import section
from homing.local.report.text import count, esc, humanise, moment, money, share

_ORDER = {"sent": 0, "deferred": 1, "sending": 2, "unknown": 3, "dropped": 4}
# Colours that the report's style has.
COLOURS = 8


def liability(figures: Figures) -> Decimal:
    """What all granted codes would cost, as far as their files say what one costs."""
    return sum((code.liability for code in figures.codes.values() if code.liability is not None), Decimal(0))


def granted(figures: Figures) -> int:
    """Codes of all files."""
    return sum(code.granted for code in figures.codes.values())


def capped(figures: Figures) -> int:
    """Decisions that had to wait, or were given up, under a cap."""
    return sum(day.capped for day in figures.days.values())


def totals(figures: Figures) -> str:
    """The figures at the top."""
    sent = sum(flow.sent for flow in figures.flows.values())
    decided = sum(day.decided for day in figures.days.values())
    entries = [
        ("lead", f"{sent:,}", f"mails, of {count(decided, 'decision')} to send"),
        (
            "",
            f"{figures.people:,}",
            f"people reached, {share(figures.people, figures.profiles)} of {figures.profiles:,}",
        ),
        ("", share(capped(figures), decided), "of decisions met a frequency cap"),
        ("", f"{figures.after_purchase:,}", f"mails within {AFTER_PURCHASE_HOURS} hours after an order"),
    ]
    if figures.codes:
        words = (
            f"at most, if {'all ' if granted(figures) > 1 else ''}{count(granted(figures), 'granted code')} were used"
        )
        entries.append(("", money(liability(figures), figures.shop.currency, cents=False), words))
    cells = "".join(
        f'<div class="{cls}"><dt>{esc(label)}</dt><dd>{esc(value)}</dd></div>' for cls, value, label in entries
    )
    return f'<dl class="totals">{cells}</dl>'


def mails(figures: Figures, days: Days) -> str:
    """Stacked bars by flow, and a table of flows."""
    flows = busiest(figures)
    if not flows:
        lead = "Nobody would have got a mail. The decisions below tell why."
        return section("mails", "No mail at all", lead, "")
    series = {name: days.spread(figures.flows[name].mails.items()) for name in flows}
    chart = charts.stacked_bars(days.starts, series, {name: humanise(name) for name in flows}, "mail", days.unit)
    rows = "".join(_flow_row(figures, name) for name in flows)
    sent = sum(figures.flows[name].sent for name in flows)
    table = (
        '<div class="scroll"><table class="stack"><thead><tr><th scope="col">Flow</th>'
        '<th scope="col" class="n">Mails</th><th scope="col" class="n">People</th><th scope="col" class="n">A person</th>'
        f'<th scope="col" class="n">Share</th></tr></thead><tbody>{rows}</tbody><tfoot><tr><th scope="row">All</th>'
        f'<td class="n" data-name="Mails">{sent:,}</td><td class="n" data-name="People">{figures.people:,}</td>'
        f'<td class="n" data-name="A person">{_each(sent, figures.people)}</td><td></td></tr></tfoot></table></div>'
    )
    lead = f"When each mail would have left. One bar is a {days.unit}, in the shop’s time zone."
    body = f'<div class="card">{chart}</div><div class="card gap">{table}</div>'
    return section("mails", f"Mails {days.unit} by {days.unit}", lead, body)


def _flow_row(figures: Figures, name: str) -> str:
    one, flow = figures.flows[name], flow_of(figures, name)
    about = f'<span class="soft">{esc(flow.description)}</span>' if flow and flow.description else ""
    sent = sum(flow.sent for flow in figures.flows.values())
    return (
        f'<tr><th scope="row">{esc(humanise(name))}{about}</th><td class="n" data-name="Mails">{one.sent:,}</td>'
        f'<td class="n" data-name="People">{one.people:,}</td>'
        f'<td class="n" data-name="A person">{_each(one.sent, one.people)}</td>'
        f'<td class="n" data-name="Share">{share(one.sent, sent)}</td></tr>'
    )


def _each(sent: int, people: int) -> str:
    return f"{sent / people:.1f}" if people else "–"


def caps(figures: Figures, days: Days) -> str:
    """How many decisions had to wait, and which were given up for it."""
    found = figures.days
    decided, held = sum(day.decided for day in found.values()), capped(figures)
    if not decided:
        return ""
    if not held:
        lead = f"None of {count(decided, 'decision')} met a frequency cap: there was room for every mail."
        return section("caps", "Frequency caps", lead, "")
    expired = sum(day.expired for day in found.values())
    series = {
        "free": days.spread((day, one.decided - one.capped) for day, one in found.items()),
        "waited": days.spread((day, one.capped - one.expired) for day, one in found.items()),
        "expired": days.spread((day, one.expired) for day, one in found.items()),
    }
    labels = {"free": "Room at once", "waited": "Had to wait for room", "expired": "Given up: no room in time"}
    series = {name: values for name, values in series.items() if any(values)}
    worst = max(found, key=lambda day: (found[day].pressure if found[day].decided >= 10 else 0, found[day].capped))
    peak = f" At most {share(found[worst].pressure, 1)} in a day of ten decisions or more." if held else ""
    lead = (
        f"Of {count(decided, 'decision')}, {held:,} met a frequency cap ({share(held, decided)}); {expired:,} of them were"
        f" given up, because there was no room in time.{peak} By the {days.unit} of the decision."
    )
    chart = charts.stacked_bars(days.starts, series, labels, "decision", days.unit)
    return section("caps", "How much the caps hold back", lead, f'<div class="card caps">{chart}</div>')


def purchases(figures: Figures) -> str:
    """Mails soon after an order of the same person, with examples."""
    flows = [name for name in busiest(figures) if figures.flows[name].after_purchase]
    sent = sum(flow.sent for flow in figures.flows.values())
    if not sent:
        return ""
    title = f"Mails within {AFTER_PURCHASE_HOURS} hours after an order"
    if not flows:
        return section("purchases", title, "None: nobody who had just bought got a mail.", "")
    rows = "".join(_purchase_row(figures, name) for name in flows)
    lead = (
        f"{figures.after_purchase:,} of {count(sent, 'mail')} ({share(figures.after_purchase, sent)}) came to somebody who had"
        " just ordered. That is what a thank-you is for; of the others it is worth knowing."
    )
    table = (
        '<div class="card scroll"><table class="stack"><thead><tr><th scope="col">Flow</th><th scope="col" class="n">After an'
        ' order</th><th scope="col" class="n">Of its mails</th><th scope="col">The first of them</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
    return section("purchases", title, lead, table)


def _purchase_row(figures: Figures, name: str) -> str:
    one, flow = figures.flows[name], flow_of(figures, name)
    starts = "" if flow is None else f'<span class="soft">Starts when {esc(flow_words.starts(flow.on))}</span>'
    wanted = flow is not None and flow.on.kind == "order_placed"
    tag = "" if wanted or flow is None else ' <span class="tag look">worth a look</span>'
    examples = "".join(f"<li>{_example(figures, example)}</li>" for example in one.examples[:3])
    return (
        f'<tr><th scope="row">{esc(humanise(name))}{tag}{starts}</th>'
        f'<td class="n" data-name="After an order">{one.after_purchase:,}</td>'
        f'<td class="n" data-name="Of its mails">{share(one.after_purchase, one.sent)}</td>'
        f'<td><ul class="examples">{examples}</ul></td></tr>'
    )


def _example(figures: Figures, example: AfterPurchase) -> str:
    waited = lasting((example.sent_at - example.ordered_at) // MINUTE)
    when = moment(example.sent_at, zone(figures.shop.time_zone))
    return f"{esc(humanise(example.template))}, {waited} after the order: <code>{esc(example.profile_id)}</code>, {esc(when)}"


def waits(figures: Figures) -> str:
    """How long it took from trigger to mail."""
    flows = [name for name in busiest(figures) if figures.flows[name].minutes]
    if not flows:
        return ""
    rows = []
    for place, name in enumerate(flows):
        flow = figures.flows[name]
        half, most = (lasting(flow.quantile(share) or 0) for share in (0.5, 0.9))
        label = f"{humanise(name)}: half of the mails within {half}, nine of ten within {most}"
        rows.append(
            f'<li><span class="name">{esc(humanise(name))}</span>{lateness(flow.minutes, place % COLOURS, label)}'
            f'<span class="value"><b>{half}</b><small>nine of ten: {most}</small></span></li>'
        )
    lead = (
        "What a flow waits on purpose, and what quiet hours, caps and send windows add. The scale is longer the further right;"
        " beside it, within how long half of the mails left."
    )
    body = f'<div class="card"><ol class="waits">{"".join(rows)}</ol>{scale()}</div>'
    return section("waits", "From trigger to mail", lead, body)


def decisions(figures: Figures) -> str:
    """What was decided, with the reasons in words."""
    groups: dict[tuple[str, str], int] = {}
    for flow in figures.flows.values():
        for status, reasons in flow.decisions.items():
            for reason, number in reasons.items():
                groups[status, reason] = groups.get((status, reason), 0) + number
    total = sum(groups.values())
    if not total:
        return ""
    rows = "".join(
        f'<tr><th scope="row"><span class="tag {esc(status)}">{esc(status)}</span></th><td>{esc(why(status, reason))}</td>'
        f'<td class="n" data-name="Mails">{number:,}</td><td class="n" data-name="Share">{share(number, total)}</td></tr>'
        for (status, reason), number in sorted(
            groups.items(), key=lambda one: (_ORDER.get(one[0][0], 9), -one[1], one[0])
        )
    )
    lead = (
        f"Flows asked for {count(total, 'mail')}. Just before sending, each was checked once more: consent, suppression,"
        " frequency cap, quiet hours, and whether its reason still holds."
    )
    table = (
        '<div class="card scroll"><table class="stack"><thead><tr><th scope="col">Decision</th><th scope="col">Why</th>'
        f'<th scope="col" class="n">Mails</th><th scope="col" class="n">Share</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
    return section("decisions", "Sent, put off, left out", lead, table)


def codes(figures: Figures) -> str:
    """Codes that were granted, and what they would cost."""
    if not figures.codes:
        return ""
    currency = figures.shop.currency
    rows = []
    for name, code in sorted(figures.codes.items(), key=lambda one: (-(one[1].liability or 0), one[0])):
        about = figures.shop.about.get(f"codes/{name}", "")
        each = "not said" if code.value is None else money(code.value, currency)
        cost = "–" if code.liability is None else money(code.liability, currency)
        still = "–" if code.value is None else money(code.value * code.open, currency)
        cells = (("Granted", f"{code.granted:,}"), ("One costs", each), ("All would cost", cost),
                 ("Still valid", f"{code.open:,}"), ("Could still cost", still))  # fmt: skip
        rows.append(
            f'<tr><th scope="row">{esc(humanise(name))}<span class="soft">{esc(about)}</span></th>'
            + "".join(f'<td class="n" data-name="{label}">{esc(value)}</td>' for label, value in cells)
            + "</tr>"
        )
    lead = (
        f"What the shop would owe if everybody used their code: {money(liability(figures), currency)}. How many people use one,"
        " history can't tell; usually it is far fewer. Still valid: at the end of the history."
    )
    head = "".join(
        f'<th scope="col" class="n">{label}</th>'
        for label in ("Granted", "One costs", "All would cost", "Still valid", "Could still cost")
    )
    table = (
        f'<div class="card scroll"><table class="stack"><thead><tr><th scope="col">Code</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
    return section("codes", "Discount codes", lead, table)


def segments(figures: Figures, days: Days) -> str:
    """One small line for each segment, day by day; anchored at who is in it at the end."""
    cards: list[str] = []
    empty: list[str] = []
    known = sorted(figures.segments.items(), key=lambda one: (-one[1].members, one[0]))
    every = days.every()
    for name, segment in known:
        if not segment.entered and not segment.members:
            empty.append(humanise(name))
            continue
        values, size = [], segment.members
        for day in reversed(every):
            values.append(max(0, size))
            size -= segment.moves[day]
        values.reverse()
        label = f"Members of {humanise(name)}: from {values[0]:,} to {values[-1]:,}, at most {max(values):,}"
        cards.append(
            f'<div class="card"><h3>{esc(humanise(name))}</h3>'
            f'<p class="soft about">{esc(figures.shop.about.get(f"segments/{name}", ""))}</p>'
            f'<div class="bottom"><p class="now">{values[-1]:,} <small>at the end</small></p>'
            f'<p class="soft peak">at most {max(values):,}</p>'
            f"{charts.line(thinned(values), len(cards) % COLOURS, label)}"
            f'<p class="soft">{segment.entered:,} entered, {segment.left:,} left</p></div></div>'
        )
    if not cards:
        return ""
    first, last = (f"{one.day} {one:%b} {one.year}" for one in (days.first, days.last))
    rest = f'<p class="soft">Nobody was ever in: {esc(", ".join(empty))}.</p>' if empty else ""
    lead = f"Members at the end of each day, from {first} to {last}."
    return section("segments", "Who belongs where", lead, f'<div class="multiples">{"".join(cards)}</div>{rest}')


def thinned(values: list[int], most: int = 240) -> list[int]:
    """At most so many points, the last one kept."""
    step = -(-len(values) // most)
    return values[::-1][::step][::-1]


def period(figures: Figures, days: Days) -> str:
    """``1 March to 7 May 2017`` in the shop's zone, as far as instants are known."""
    from homing.local.backtests.spoken import between

    if figures.begins is None or figures.until is None:
        return between(days.first, days.last)
    tz = zone(figures.shop.time_zone)
    return between(*(to_datetime(at).astimezone(tz).date() for at in (figures.begins, figures.until)))
