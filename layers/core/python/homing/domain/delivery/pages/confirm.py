"""The page that a confirmation mail leads to."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from homing.domain.delivery.pages.layout import Page, link, together
from homing.domain.delivery.pages.preferences import Frame

TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "ask": "Confirm your subscription",
        "about": "{shop} will write to you about “{topic}”. You can end it at any time, with one click in every mail.",
        "yes": "Yes, write to me",
        "done": "Thank you",
        "subscribed": "You are subscribed to “{topic}”.",
        "gone": "This link belongs to a subscription that there is no more. Please subscribe once more.",
    },
    "de": {
        "ask": "Bestätigen Sie Ihre Anmeldung",
        "about": "{shop} schreibt Ihnen dann zu „{topic}“. Sie können das jederzeit beenden, mit einem Klick in jeder E-Mail.",
        "yes": "Ja, schreiben Sie mir",
        "done": "Vielen Dank",
        "subscribed": "Sie sind angemeldet zu „{topic}“.",
        "gone": "Dieser Link gehört zu einer Anmeldung, die es nicht mehr gibt. Bitte melden Sie sich noch einmal an.",
    },
}


def _text(frame: Frame, key: str, topic: str = "") -> str:
    words = TEXTS.get(frame.texts.language, TEXTS["en"])
    return words[key].format_map({"shop": frame.brand.name, "topic": topic})


def ask_to_confirm(frame: Frame, title: str) -> Page:
    """One button: scanners open every link in a mail, and agree to nothing."""
    body = [
        f"<h1>{together(_text(frame, 'ask'))}</h1>",
        f'<p class="lead">{together(_text(frame, "about", title))}</p>',
        f'<form method="post"><button type="submit" name="confirm" value="1">{escape(_text(frame, "yes"))}</button></form>',
    ]
    return frame.page(_text(frame, "ask"), body)


def confirmed(frame: Frame, title: str) -> Page:
    """After it."""
    home = link(frame.brand.website)
    body = [
        f'<div role="status"><h1>{together(_text(frame, "done"))}</h1>',
        f'<p class="lead">{together(_text(frame, "subscribed", title))}</p></div>',
        f'<p><a href="{escape(home)}">{frame.say("back")}</a></p>' if home else "",
    ]
    return frame.page(_text(frame, "done"), body, elsewhere=False)


def nothing_to_confirm(frame: Frame) -> Page:
    """The topic, the person or the address is another by now."""
    body = [
        f"<h1>{frame.say('bad_link')}</h1>",
        f"<p>{together(_text(frame, 'gone'))}</p>",
        f"<p>{frame.with_mail('or_write')}</p>",
    ]
    return frame.page(frame.texts("bad_link"), body, elsewhere=False)
