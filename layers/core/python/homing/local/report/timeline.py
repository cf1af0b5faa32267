"""How the story of one customer looks: sentences, pictures and small letters along a line."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from html import escape

from homing.domain.events import names
from homing.domain.flows.trigger import Trigger
from homing.local.outputs import Message
from homing.local.report.facts import Facts, Happening
from homing.local.report.numbers import Numbers
from homing.local.report.parts import section
from homing.local.report.pictures import data_uri, embed, frame
from homing.local.report.story import Moment, hero, moments, products, waited
from homing.local.report.text import ago, clock, count, day, esc, humanise, money, sums
from homing.local.report.text import moment as moment_of

_ICONS = {
    "view": '<path d="M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12z"/><circle cx="12" cy="12" r="3"/>',
    "search": '<circle cx="11" cy="11" r="7"/><path d="M21 21l-4.5-4.5"/>',
    "add": '<path d="M6 8h15l-2 8H8L6 4H3"/><circle cx="9" cy="20" r="1"/><circle cx="18" cy="20" r="1"/>',
    "sign-up": '<circle cx="12" cy="8" r="4"/><path d="M4 21c1-5 4-7 8-7s7 2 8 7"/>',
    "consent": '<path d="M4 13l5 5L20 6"/>',
    "order": '<path d="M4 13l5 5L20 6"/>',
    "mail": '<rect x="3" y="5" width="18" height="14" rx="2"/><path d="M3 7l9 7 9-7"/>',
    "open": '<path d="M3 10l9-6 9 6v10H3z"/><path d="M3 10l9 6 9-6"/>',
    "click": '<path d="M9 4v8M4 9h3M6 4l2 2M12 10l8 4-4 1.5L14.5 20z"/>',
    "segment": '<path d="M12 3l9 5-9 5-9-5zM3 13l9 5 9-5"/>',
    "trigger": '<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3 2"/>',
    "unsubscribe": '<path d="M5 5l14 14M19 5L5 19"/>',
}
_ALIASES = {"known": "sign-up", "cart": "add", "remove": "add", "checkout": "add"}
_TRIGGERS = {
    "cart_abandoned": "The cart had not been touched for {after}: abandoned.",
    "browse_abandoned": "Looked around and left without buying: noticed.",
    "order_placed": "An order that a flow was waiting for.",
    "birthday": "Their birthday.",
    "signup_anniversary": "The day they signed up, some years on.",
    "date_reached": "A date of theirs came round.",
    "subscription_pending": "Subscribed, and was asked to confirm it.",
    "segment_entered": "Entered a segment that starts a flow.",
    "segment_left": "Left a segment that starts a flow.",
    "event": "Did something that starts a flow.",
    "price_dropped": "Something they had looked at became cheaper.",
    "back_in_stock": "Something they had looked at could be had again.",
    "schedule": "The time had come that a flow keeps.",
    "flow_requested": "A marketer, or another flow, started the flow.",
}


def story(numbers: Numbers, pictures: Mapping[str, bytes]) -> str:
    """The section; empty where no mail led to an order."""
    chosen = hero(numbers)
    if chosen is None:
        return ""
    person, order = chosen
    facts = numbers.facts
    rows, today = [], ""
    for moment in moments(numbers, order):
        date = day(moment.at, facts.tz)
        if date != today:
            rows.append(f'<li class="date"><h3>{esc(date)}</h3></li>')
            today = date
        rows.append(_row(facts, moment, pictures))
    name = facts.name_of(person)
    currency, total = facts.order_value(order)
    lead = (
        f"How {name} came to spend {money(total, currency)}: every step as it was recorded,"
        " with what Homing noticed and did in between."
    )
    body = f'<div class="tale"><ol class="story">{"".join(rows)}</ol>{_portrait(facts, order)}</div>'
    return section("story", "One customer’s story", lead, body)


def _portrait(facts: Facts, order: Happening) -> str:
    """Who they are, beside the timeline."""
    person = order.person
    name = facts.name_of(person)
    mine = facts.by_person[person]
    profile = facts.people.get(person)
    mails = [message for message in facts.sent if message.profile_id == person]
    spent: dict[str, Decimal] = {}
    for happening in mine:
        if happening.name == names.ORDER_COMPLETED:
            currency, value = facts.order_value(happening)
            spent[currency] = spent.get(currency, Decimal(0)) + value
    rows = [
        ("First seen", moment_of(mine[0].at, facts.tz)),
        ("In the shop", "on " + count(len({day(h.at, facts.tz) for h in mine if h.is_visit}), "day")),
        ("Mails", f"{len(mails):,}"),
        ("Spent", sums(spent)),
        ("Segments now", ", ".join(humanise(segment) for segment in profile.segments) if profile else ""),
    ]
    cells = "".join(f"<dt>{label}</dt><dd>{esc(value)}</dd>" for label, value in rows if value)
    initials = "".join(part[0] for part in name.split()[:2]).upper()
    where = ", ".join(str(profile.traits[key]) for key in ("city", "country") if profile and profile.traits.get(key))
    return (
        f'<aside class="card"><div class="who"><i class="face" aria-hidden="true">{esc(initials)}</i><div><b>{esc(name)}</b>'
        f'<br><span class="soft">{esc(where)}</span></div></div><dl>{cells}</dl></aside>'
    )


def _row(facts: Facts, moment: Moment, pictures: Mapping[str, bytes]) -> str:
    kind = _ALIASES.get(moment.kind, moment.kind)
    tone = {"segment": "system", "trigger": "system", "mail": "system", "order": "happy"}.get(moment.kind, "")
    icon = f'<span class="dot" aria-hidden="true"><svg viewBox="0 0 24 24">{_ICONS.get(kind, "")}</svg></span>'
    return (
        f'<li class="{tone}"><time>{clock(moment.at, facts.tz)}</time>{icon}'
        f'<div class="what">{_what(facts, moment, pictures)}</div></li>'
    )


def _what(facts: Facts, moment: Moment, pictures: Mapping[str, bytes]) -> str:
    items = products(moment.happenings)
    thumbs = _thumbs(facts, items, pictures)
    first = moment.happenings[0] if moment.happenings else None
    match moment.kind:
        case "view":
            times = len(moment.happenings)
            again = f", {count(times, 'time')} in all" if times > len(items) else ""
            return f"Looked at {count(len(items), 'product')}{again}{thumbs}"
        case "search":
            words = dict.fromkeys(str(h.properties.get("query", "")) for h in moment.happenings)
            return "Searched for " + ", ".join(f"“{esc(word)}”" for word in words)
        case "add":
            return f"Put into the cart{thumbs}"
        case "remove":
            return f"Took out of the cart{thumbs}"
        case "cart":
            return "Looked into the cart"
        case "checkout":
            return "Went to the checkout"
        case "sign-up":
            return f"No stranger any more: signed up as <b>{esc(facts.name_of(moment.happenings[0].person))}</b>"
        case "known":
            return f"The shop handed over what it knew of <b>{esc(facts.name_of(moment.happenings[0].person))}</b>"
        case "consent":
            return "Agreed to get mails"
        case "unsubscribe":
            return "Unsubscribed"
        case "open":
            return "Opened the mail"
        case "click":
            return "Clicked, and was back in the shop"
        case "order" if first is not None:
            currency, value = facts.order_value(first)
            number = first.properties.get("order_id")
            name = f' <span class="soft">order {esc(number)}</span>' if number else ""
            return f"<b>Ordered for {esc(sums({currency: value}))}</b>{name}{thumbs}"
        case "segment":
            return "<br>".join(_moved(facts, t.segment, t.change) for t in moment.transitions)
        case "trigger" if moment.message is not None:
            return _noticed(facts, moment.message)
        case "mail" if moment.message is not None:
            return _letter(moment.message, pictures)
    return ""


def _moved(facts: Facts, segment: str, change: str) -> str:
    known = facts.campaigns.segments.get(segment) if facts.campaigns else None
    verb = "Now belongs to" if change == "entered" else "No longer in"
    about = f' <span class="soft">{esc(known.description)}</span>' if known and change == "entered" else ""
    return f"{verb} <b>{esc(humanise(segment))}</b>{about}"


def _noticed(facts: Facts, message: Message) -> str:
    after = ago(facts.campaigns.settings.cart.after) if facts.campaigns else "30 minutes"
    text = _TRIGGERS.get(message.trigger, humanise(message.trigger)).format(after=after)
    flow = facts.campaigns.flows.get(message.flow) if facts.campaigns else None
    if flow is not None and flow.on.kind == message.trigger and (named := _named(flow.on)):
        text = named
    return f'{esc(text)} <span class="soft">Starts {esc(humanise(message.flow).lower())}.</span>'


def _named(on: Trigger) -> str:
    """What happened, by its name, where the trigger has one."""
    if on.kind == "event":
        return f"Did {on.did}."
    if on.kind in {"segment_entered", "segment_left"} and on.segment:
        return f"{'Entered' if on.kind == 'segment_entered' else 'Left'} {humanise(on.segment)}."
    if on.kind == "date_reached":
        return f"The date {on.trait} came round."
    return f"A time that a flow keeps for everybody in {humanise(on.segment or '')}." if on.kind == "schedule" else ""


def _letter(message: Message, pictures: Mapping[str, bytes]) -> str:
    delay = waited(message)
    late = f'<p class="soft">Waited {ago(delay)} for a good hour.</p>' if delay else ""
    mini = frame(embed(message.html, pictures), f"Mail: {message.subject}", thumbnail=True) if message.html else ""
    thumb = f'<div class="mini">{mini}</div>' if mini else ""
    return (
        f'Got a mail<div class="letter">{thumb}<div><b>{esc(message.subject)}</b>'
        f'<p class="soft">{esc(humanise(message.template))}</p>{late}</div></div>'
    )


def _thumbs(facts: Facts, items: list[Mapping[str, object]], pictures: Mapping[str, bytes]) -> str:
    cells = []
    for item in items[:6]:
        product = facts.product(str(item["product_id"]))
        name = (product.name if product else None) or str(item.get("name") or item["product_id"])
        address = (product.image_url if product else None) or str(item.get("image_url") or "")
        body = pictures.get(address)
        image = f'<img src="{data_uri(body)}" alt="" width="44" height="44">' if body else ""
        times = f" × {item['quantity']}" if str(item.get("quantity") or 1) != "1" else ""
        cells.append(f"<li>{image}<span>{escape(name + times)}</span></li>")
    return f'<ul class="thumbs">{"".join(cells)}</ul>' if cells else ""
