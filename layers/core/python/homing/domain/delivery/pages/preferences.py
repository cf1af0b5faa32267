"""The preference page and what surrounds an unsubscription."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from homing.domain.campaigns import Brand, Topic
from homing.domain.delivery.pages.layout import Page, link, page


@dataclass(frozen=True, slots=True)
class Choice:
    """A topic as offered: ``on`` when its mails are sent now."""

    topic: str
    title: str
    description: str
    on: bool


def title_of(topic: str, topics: Mapping[str, Topic]) -> str:
    """What the topic is called on the page; ``*`` and topics that are gone have no title."""
    return topics[topic].title if topic in topics else ""


def preferences(brand: Brand, choices: Sequence[Choice], *, saved: str = "", suppressed: str = "") -> Page:
    """The page with a switch for each topic. ``saved`` is what a save did; ``suppressed`` bounce or complaint."""
    parts = ['<h1>Your <span class="nb">e-mail</span> preferences</h1>']
    if saved:
        parts.append(f'<div class="note" role="status"><p>{escape(saved)}</p></div>')
    if suppressed:
        parts.append(f'<div class="note"><p>{_why_suppressed(brand, suppressed)}</p></div>')
    parts.append(
        f'<p class="lead">Choose what {escape(brand.name)} may write to you about. '
        "Messages that an order needs, such as its confirmation, come anyway.</p>"
    )
    switches = "\n".join(_switch(choice) for choice in choices)
    parts.append(
        f'<form method="post">\n<fieldset>\n<legend>E-mails</legend>\n{switches}\n</fieldset>\n'
        '<div class="actions"><button type="submit" name="save" value="1">Save my choice</button>'
        '<button class="quiet" type="submit" name="everything" value="off">Unsubscribe from everything</button></div>\n'
        "</form>"
    )
    return page(brand, "Your e-mail preferences", "\n".join(parts))


def _switch(choice: Choice) -> str:
    checked = " checked" if choice.on else ""
    about = f"<small>{escape(choice.description)}</small>" if choice.description else ""
    return (
        f'<label class="topic"><span><strong>{escape(choice.title)}</strong>{about}</span>'
        f'<input type="checkbox" role="switch" name="topic" value="{escape(choice.topic)}"{checked}></label>'
    )


def _why_suppressed(brand: Brand, suppressed: str) -> str:
    why = (
        "you, or your mail program, marked one of our e-mails as spam"
        if suppressed == "complaint"
        else "an e-mail to your address came back as undeliverable"
    )
    mail = escape(brand.support_email)
    return (
        f"We send nothing to this address at the moment, because {why}. "
        f'To get e-mails again, write to <a href="mailto:{mail}">{mail}</a>.'
    )


def ask_to_unsubscribe(brand: Brand, title: str) -> Page:
    """One button. Scanners open every link in a mail, so opening this page changes nothing. No title: everything."""
    what = f"“{escape(title)}”" if title else 'our <span class="nb">e-mails</span>'
    body = (
        f"<h1>Unsubscribe from {what}?</h1>\n"
        f'<p class="lead">{escape(brand.name)} will stop at once. '
        "Messages that an order needs, such as its confirmation, come anyway.</p>\n"
        '<form method="post"><button type="submit" name="confirm" value="1">Unsubscribe</button></form>'
    )
    return page(brand, "Unsubscribe", body)


def unsubscribed(brand: Brand, title: str) -> Page:
    """After it. For a single topic, everything else is one more button away."""
    body = ['<div role="status"><h1>You are unsubscribed</h1>']
    if title:
        body.append(f'<p class="lead">You will get no more e-mails about “{escape(title)}”.</p></div>')
        body.append(
            '<form method="post"><button class="quiet" type="submit" name="everything" value="off">'
            "Unsubscribe from everything</button></form>"
        )
    else:
        body.append(
            f'<p class="lead">{escape(brand.name)} will not write to you about offers or ideas any more.</p></div>'
        )
        body.append(_back(brand))
    return page(brand, "You are unsubscribed", "\n".join(body))


def trouble(brand: Brand, heading: str, text: str) -> Page:
    """When a link or the service does not work; says whom to write to."""
    mail = escape(brand.support_email)
    body = (
        f"<h1>{escape(heading)}</h1>\n<p>{escape(text)}</p>\n"
        f'<p>Or write to <a href="mailto:{mail}">{mail}</a>, and we do it for you.</p>'
    )
    return page(brand, heading, body)


def nothing_known(brand: Brand) -> Page:
    """For somebody whose profile is gone."""
    body = f"<h1>Nothing is stored about you</h1>\n<p>{escape(brand.name)} sends no e-mails to you.</p>\n{_back(brand)}"
    return page(brand, "Nothing is stored about you", body)


def _back(brand: Brand) -> str:
    home = link(brand.website)
    return f'<p><a href="{escape(home)}">To {escape(brand.name)}</a></p>' if home else ""
