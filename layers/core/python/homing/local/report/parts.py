"""The sections with numbers: totals, funnel, mails by day, segments, decisions, what was refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from homing.domain.events import names
from homing.domain.time import MINUTE, format_duration
from homing.local.outputs import Message
from homing.local.report import charts
from homing.local.report.numbers import ATTRIBUTION, Numbers, Result
from homing.local.report.text import ago, count, day, esc, humanise, percent, sums

# Why a send was put off or given up, as a sentence. Reasons without an entry are shown as they are.
REASONS: dict[str, str] = {
    "no_consent": "They never agreed to mails on this topic.",
    "unsubscribed": "They had unsubscribed.",
    "unconfirmed": "They subscribed, and have not confirmed it.",
    "asked_already": "They were asked to confirm less than a day ago.",
    "not_pending": "There was nothing to confirm any more.",
    "suppressed_bounce": "Their address bounced.",
    "suppressed_complaint": "They marked a mail as spam.",
    "no_address": "No e-mail address of theirs is known.",
    "no_profile": "Nobody is known under this profile any more.",
    "cart_ordered": "The cart was ordered in the meantime.",
    "cap": "They had enough mails for now: the frequency cap.",
    "cap_until_expired": "They had enough mails, for so long that this one would come too late.",
    "quiet_hours": "It is night for them; it goes out in the morning.",
    "quiet_hours_until_expired": "By the end of the night it would come too late.",
    "send_time": "It waits for the hour at which they usually look.",
    "send_window": "It is not the time of the week for it.",
    "send_window_until_expired": "By the time at which it might go out it would come too late.",
    "held_out": "They are in a hold-out, for comparison.",
    "flow_paused": "Its flow is paused; it goes out when the flow goes on.",
    "flow_stopped": "Its flow was stopped.",
    "expired": "It could not go out in time, and late it would be odd.",
    "throttled": "The mail service asked to slow down; it is tried again.",
    "reply_lost": "The mail service’s answer was lost. It is never repeated, so that nobody gets it twice.",
    "worker_lost": "The sender was interrupted. It is never repeated, so that nobody gets it twice.",
    "refused": "The mail service refused it.",
    "render_failed": "The template could not be filled in.",
}
# A mail that left this long after it was asked for had been put off.
_PUT_OFF = 10 * MINUTE


def totals(numbers: Numbers) -> str:
    """The figures at the top."""
    facts, total = numbers.facts, numbers.total
    people = len({message.profile_id for message in facts.sent})
    entries = [
        (
            "lead",
            sums(total.revenue, cents=False),
            f"ordered after a click in a mail, in {count(total.orders, 'order')}",
        ),
        ("", f"{total.sent:,}", f"{'mail' if total.sent == 1 else 'mails'} to {count(people, 'person', 'people')}"),
        ("", percent(total.opened, total.sent) if numbers.reactions_known else "–", "of the mails were opened"),
        ("", percent(total.clicked, total.sent) if numbers.reactions_known else "–", "were clicked"),
        ("", sums(numbers.sales, cents=False), f"sales in all, {count(len(numbers.orders), 'order')}"),
    ]
    cells = "".join(
        f'<div class="{cls}"><dt>{esc(label)}</dt><dd>{esc(value)}</dd></div>'
        for cls, value, label in entries
        if value != "–"
    )
    return f'<dl class="totals">{cells}</dl>'


def funnel(numbers: Numbers) -> str:
    """From the first visit to the order that a reminder brought."""
    steps = numbers.funnel()
    most = max((step.people for step in steps), default=0)
    if not most:
        return ""
    rows, before = [], 0
    for step in steps:
        # A step can't be a share of nobody.
        share = f"<small>{percent(step.people, before)}</small>" if before else ""
        rows.append(
            f'<li class="{step.by}"><span class="label">{esc(step.label)}</span>'
            f'<span class="bar"><i style="width:{100 * step.people / most:.2f}%"></i></span>'
            f'<span class="num">{step.people:,}{share}</span></li>'
        )
        before = step.people
    campaigns = numbers.facts.campaigns
    after = ago(campaigns.settings.cart.after) if campaigns else "30 minutes"
    lead = (
        f"Counted in different people. A cart counts as left behind after {after} without a touch and without an order;"
        " only people who are known and agreed can be reminded. Percentages are of the step before."
    )
    return section("funnel", "From a visit to an order", lead, f'<ol class="funnel card">{"".join(rows)}</ol>')


def mails_by_day(numbers: Numbers) -> str:
    """Stacked bars by flow, and a table of what each flow brought."""
    series = numbers.sent_by_day()
    if not series:
        return ""
    labels = {flow: humanise(flow) for flow in series}
    chart = charts.stacked_bars(numbers.days(), series, labels, "mail", "day" if numbers.step == 1 else "week")
    table = _flows_table(numbers.by_flow(), numbers)
    every = "day" if numbers.step == 1 else "week"
    lead = f"Each flow starts by itself when its moment comes. One bar is a {every} in the shop’s time zone."
    return section(
        "flows",
        f"Mails {every} by {every}",
        lead,
        f'<div class="card">{chart}</div><div class="card gap">{table}</div>',
    )


def _flows_table(results: Mapping[str, Result], numbers: Numbers) -> str:
    campaigns = numbers.facts.campaigns
    rows = []
    for flow, result in results.items():
        about = campaigns.flows[flow].description if campaigns and flow in campaigns.flows else ""
        rows.append(
            f'<tr><th scope="row">{esc(humanise(flow))}<span class="soft">{esc(about)}</span></th>{_cells(result, numbers)}</tr>'
        )
    reactions = "".join(f'<th scope="col" class="n">{name}</th>' for name in ("Opened", "Clicked", "Orders", "Revenue"))
    if not numbers.reactions_known:
        reactions = ""
    return (
        '<div class="scroll"><table class="stack"><thead><tr><th scope="col">Flow</th><th scope="col" class="n">Mails</th>'
        f"{reactions}</tr></thead><tbody>{''.join(rows)}</tbody>"
        f'<tfoot><tr><th scope="row">All</th>{_cells(numbers.total, numbers)}</tr></tfoot></table></div>'
        f'{_aftermath(numbers)}<p class="soft">{attribution(numbers)}</p>'
    )


def _aftermath(numbers: Numbers) -> str:
    """What mails did that nobody hopes for: people, not events."""
    entries = (
        (names.UNSUBSCRIBED, "unsubscribed"),
        (names.EMAIL_BOUNCED, "unreachable, their address bounced"),
        (names.EMAIL_MARKED_AS_SPAM, "marked a mail as spam"),
    )
    cells = "".join(
        f"<li><b>{people:,}</b> {text}</li>" for name, text in entries if (people := len(numbers.facts.who(name)))
    )
    return f'<ul class="aftermath">{cells}</ul>' if cells else ""


def _cells(result: Result, numbers: Numbers) -> str:
    values = [
        ("Mails", f"{result.sent:,}"),
        ("Opened", percent(result.opened, result.sent)),
        ("Clicked", percent(result.clicked, result.sent)),
        ("Orders", f"{result.orders:,}"),
        ("Revenue", sums(result.revenue)),
    ]
    shown = values if numbers.reactions_known else values[:1]
    return "".join(f'<td class="n" data-name="{name}">{value}</td>' for name, value in shown)


def attribution(numbers: Numbers) -> str:
    """How revenue is counted, in a sentence."""
    if not numbers.reactions_known:
        return "Nothing is known of how readers reacted, so no order is counted for a mail."
    return (
        f"Revenue: an order counts for the mail that its customer clicked last, if that was at most {ago(ATTRIBUTION)}"
        " before. Orders without a click count for no mail, though some of them may have been helped along."
    )


def segments(numbers: Numbers) -> str:
    """One small line for each segment."""
    facts = numbers.facts
    table = numbers.members(min(240, max(28, numbers.length * 8)))
    if not table:
        return ""
    first, last = day(facts.start, facts.tz), day(facts.end - 1, facts.tz)
    cards = []
    for place, (name, values) in enumerate(sorted(table.items(), key=lambda pair: -pair[1][-1])):
        known = facts.campaigns.segments.get(name) if facts.campaigns else None
        moves = Counter(t.change for t in facts.transitions if t.segment == name)
        label = f"Members of {name}: from {values[0]} to {values[-1]}, at most {max(values)}"
        cards.append(
            f'<div class="card"><h3>{esc(humanise(name))}</h3>'
            f'<p class="soft about">{esc(known.description if known else "")}</p>'
            f'<div class="bottom"><p class="now">{values[-1]:,} <small>at the end</small></p>'
            f"{charts.line(values, place, label)}"
            f'<div class="ends"><span>{first}</span><span>{last}</span></div>'
            f'<p class="soft">{moves["entered"]:,} entered, {moves["left"]:,} left</p></div></div>'
        )
    lead = "Membership follows every event, and the clock where a rule speaks of time: nobody has to run a query."
    return section("segments", "Who belongs where", lead, f'<div class="multiples">{"".join(cards)}</div>')


def decisions(numbers: Numbers) -> str:
    """What was decided about every mail that a flow asked for."""
    messages = numbers.facts.messages
    if not messages:
        return ""
    groups = Counter((message.status, _reason(message)) for message in messages)
    order = {"sent": 0, "deferred": 1, "queued": 2, "sending": 3, "unknown": 4, "dropped": 5}
    rows = "".join(
        f'<tr><th scope="row"><span class="tag {esc(status)}">{esc(status)}</span></th>'
        f"<td>{esc(_why(status, reason))}</td>"
        f'<td class="n" data-name="Mails">{number:,}</td>'
        f'<td class="n" data-name="Share">{percent(number, len(messages))}</td></tr>'
        for (status, reason), number in sorted(groups.items(), key=lambda pair: (order.get(pair[0][0], 9), -pair[1]))
    )
    lead = (
        f"Flows asked for {count(len(messages), 'mail')}. Just before sending, each was checked once more: consent,"
        " suppression, frequency cap, quiet hours, and whether its reason still holds."
    )
    table = (
        '<div class="card scroll"><table class="stack"><thead><tr><th scope="col">Decision</th><th scope="col">Why</th>'
        '<th scope="col" class="n">Mails</th><th scope="col" class="n">Share</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
    return section("decisions", "Sent, put off, left out", lead, table)


def _reason(message: Message) -> str:
    if message.status == "sent":
        late = (message.sent_at or 0) - (message.decided_at or message.sent_at or 0) > _PUT_OFF
        return "put off" if late else ""
    # Details after the colon differ from mail to mail.
    return message.reason.split(":", 1)[0].strip()


def _why(status: str, reason: str) -> str:
    if status == "sent":
        return "After waiting for the end of the night or of a cap." if reason else "At once: everything spoke for it."
    return REASONS.get(reason) or humanise(reason) or "–"


def refused(numbers: Numbers, answers: Mapping[str, int]) -> str:
    """Requests that were answered with an error, and records in quarantine."""
    kept = Counter((line.code, line.reason) for line in numbers.facts.outputs.quarantine)
    if not kept and not answers:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{esc(what[:1].upper() + what[1:])}<span class="soft">The sender was told at once.</span></th>'
        f'<td class="n">{number:,}</td></tr>'
        for what, number in answers.items()
    ) + "".join(
        f'<tr><th scope="row">{esc(humanise(code) or "Refused")}<span class="soft">In quarantine: {esc(reason)}</span></th>'
        f'<td class="n">{number:,}</td></tr>'
        for (code, reason), number in kept.most_common()
    )
    lead = "Nothing is dropped silently: a bad request gets an answer, a bad record goes to quarantine and can be replayed."
    table = (
        '<div class="card scroll"><table><thead><tr><th scope="col">What</th><th scope="col" class="n">How often</th></tr>'
        f"</thead><tbody>{rows}</tbody></table></div>"
    )
    return section("refused", "What was not taken", lead, table)


def section(anchor: str, title: str, lead: str, body: str) -> str:
    """A section of the page."""
    return (
        f'<section id="{anchor}" aria-labelledby="{anchor}-title"><h2 id="{anchor}-title">{esc(title)}</h2>'
        f'<p class="lead">{esc(lead)}</p>{body}</section>'
    )


def settings_words(numbers: Numbers) -> str:
    """The settings that shaped what is seen, for the foot of the page."""
    campaigns = numbers.facts.campaigns
    if campaigns is None:
        return ""
    settings = campaigns.settings
    words = [
        f"campaigns {campaigns.revision}",
        f"carts count as abandoned after {format_duration(settings.cart.after)}",
    ]
    if settings.quiet_hours:
        words.append(f"quiet from {settings.quiet_hours.from_:%H:%M} to {settings.quiet_hours.until:%H:%M}")
    return ", ".join(words)
