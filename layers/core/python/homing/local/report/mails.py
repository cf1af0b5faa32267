"""The mails as people see them: each template once, on a phone and on a desk."""

from __future__ import annotations

from collections.abc import Mapping

from homing.local.outputs import Message
from homing.local.report.numbers import Numbers
from homing.local.report.parts import section
from homing.local.report.pictures import embed, frame
from homing.local.report.text import count, esc, humanise, moment, percent, sums


def mails(numbers: Numbers, pictures: Mapping[str, bytes]) -> str:
    """One card for each template that was mailed."""
    chosen = examples(numbers)
    if not chosen:
        return ""
    cards = "".join(_card(numbers, message, pictures) for message in chosen)
    lead = "One real example of each template, just as it was sent. Times are those of the person who got it."
    return section("mails", "The mails themselves", lead, cards)


def examples(numbers: Numbers) -> list[Message]:
    """The most telling mail of each template: ordered, else clicked, else opened. The flow that brought most orders comes
    first, and of its templates the one that was sent most."""
    ordered = {message.message_id for _, message in numbers.attributed}

    def telling(message: Message) -> tuple[int, int, int]:
        score = (
            4 * (message.message_id in ordered)
            + 2 * (message.message_id in numbers.clicked)
            + (message.message_id in numbers.opened)
        )
        # Two or three pictures show more than one, and more than three only take room.
        pictures = message.html.count("<img")
        return score, pictures if pictures <= 3 else 0, -(message.sent_at or 0)

    best: dict[str, Message] = {}
    times: dict[str, int] = {}
    for message in numbers.facts.sent:
        if message.html:
            times[message.template] = times.get(message.template, 0) + 1
            held = best.get(message.template)
            if held is None or telling(message) > telling(held):
                best[message.template] = message
    flows = numbers.by_flow()
    return sorted(best.values(), key=lambda message: (-flows[message.flow].orders, -times[message.template]))


def _card(numbers: Numbers, message: Message, pictures: Mapping[str, bytes]) -> str:
    facts = numbers.facts
    result = numbers.of_template(message.template)
    brand = facts.campaigns.settings.brand if facts.campaigns else None
    sender = brand.sender_name if brand else "The shop"
    body = embed(message.html, pictures)
    figures = [
        (f"{result.sent:,}", "sent"),
        (percent(result.opened, result.sent) if numbers.reactions_known else "–", "opened"),
        (percent(result.clicked, result.sent) if numbers.reactions_known else "–", "clicked"),
        (sums(result.revenue, cents=False), count(result.orders, "order")),
    ]
    items = "".join(f"<li><b>{value}</b>{label}</li>" for value, label in figures if value != "–")
    when = moment(message.sent_at or 0, facts.tz_of(message.profile_id))
    title = f"{message.template}: {message.subject}"
    return f"""<article class="mail card">
<header><div><span class="tag">{esc(humanise(message.flow))}</span><h3>{esc(humanise(message.template))}</h3>
<p class="when">To {esc(facts.name_of(message.profile_id))}, {esc(when)}</p></div><ul class="figures">{items}</ul></header>
<div class="devices">
<figure class="device desktop"><div class="shell"><div class="envelope">
<i class="avatar" aria-hidden="true">{esc(sender[:1])}</i>
<div><b>{esc(message.subject)}</b><span>{esc(sender)} to {esc(message.to or "")}</span></div></div>
{frame(body, title + ", as on a desk")}</div><figcaption>On a desk</figcaption></figure>
<figure class="device phone"><div class="shell"><div class="screen">
<div class="status" aria-hidden="true"><span>{esc(when[-5:])}</span><span>Mail</span></div>
<div class="subject"><span>{esc(sender)}</span><b>{esc(message.subject)}</b></div>
{frame(body, title + ", as on a phone")}</div></div><figcaption>On a phone</figcaption></figure>
</div>
{_words(message)}</article>"""


def _words(message: Message) -> str:
    if not message.text:
        return ""
    return (
        f'<div class="words"><details><summary>The same in plain text</summary><pre>{esc(message.text.strip())}</pre>'
        "</details></div>"
    )
