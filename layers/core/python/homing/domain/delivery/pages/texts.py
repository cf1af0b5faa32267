"""Every text of the pages, by language. A language is complete or the tests fail; ``{…}`` are filled in as plain text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from homing.domain.profiles.profile import Profile

FALLBACK = "en"

TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "name": "English",
        "language": "Language",
        "privacy": "Privacy",
        "back": "To {shop}",
        "topics": "What we may write to you about",
        "preferences": "Your e-mail preferences",
        "choose": "Choose what {shop} may write to you about. {anyway}",
        "anyway": "Messages that an order needs, such as its confirmation, come anyway.",
        "save": "Save my choice",
        "leave": "Unsubscribe from everything",
        "saved.zero": "Your choice is saved. You get no more e-mails about offers or ideas.",
        "saved.one": "Your choice is saved. You get e-mails about {count} topic.",
        "saved.other": "Your choice is saved. You get e-mails about {count} topics.",
        "left": "Saved: you are unsubscribed from everything.",
        "complaint": "We send nothing to this address at the moment, because you, or your mail program, marked one of "
        "our e-mails as spam.",
        "bounce": "We send nothing to this address at the moment, because an e-mail to it came back as undeliverable.",
        "again": "To get e-mails again, write to {mail}.",
        "unsubscribe": "Unsubscribe",
        "unsubscribe_topic": "Unsubscribe from “{topic}”?",
        "unsubscribe_all": "Unsubscribe from our e-mails?",
        "at_once": "{shop} will stop at once. {anyway}",
        "unsubscribed": "You are unsubscribed",
        "no_more_topic": "You will get no more e-mails about “{topic}”.",
        "no_more": "{shop} will not write to you about offers or ideas any more.",
        "unknown": "Nothing is stored about you",
        "unknown_text": "{shop} sends no e-mails to you.",
        "bad_link": "This link does not work",
        "link_old": "It is too old.",
        "link_incomplete": "It is not complete. Copy all of it from the e-mail.",
        "bad_method": "This does not work",
        "bad_method_text": "Open the link from the e-mail once more.",
        "busy": "Please try again",
        "busy_text": "Something on our side did not work. Please try again in a minute.",
        "or_write": "Or write to {mail}, and we do it for you.",
    },
    "de": {
        "name": "Deutsch",
        "language": "Sprache",
        "privacy": "Datenschutz",
        "back": "Zu {shop}",
        "topics": "Worüber wir Ihnen schreiben dürfen",
        "preferences": "Ihre E-Mail-Einstellungen",
        "choose": "Wählen Sie, worüber {shop} Ihnen schreiben darf. {anyway}",
        "anyway": "Nachrichten, die zu einer Bestellung gehören, etwa ihre Bestätigung, kommen auf jeden Fall.",
        "save": "Auswahl speichern",
        "leave": "Von allem abmelden",
        "saved.zero": "Ihre Auswahl ist gespeichert. Sie bekommen keine E-Mails mit Angeboten oder Ideen mehr.",
        "saved.one": "Ihre Auswahl ist gespeichert. Sie bekommen E-Mails zu {count} Thema.",
        "saved.other": "Ihre Auswahl ist gespeichert. Sie bekommen E-Mails zu {count} Themen.",
        "left": "Gespeichert: Sie sind von allem abgemeldet.",
        "complaint": "An diese Adresse senden wir zurzeit nichts, weil Sie oder Ihr E-Mail-Programm eine unserer E-Mails "
        "als Spam gemeldet haben.",
        "bounce": "An diese Adresse senden wir zurzeit nichts, weil eine E-Mail an sie nicht zugestellt werden konnte.",
        "again": "Wenn Sie wieder E-Mails bekommen möchten, schreiben Sie an {mail}.",
        "unsubscribe": "Abmelden",
        "unsubscribe_topic": "Von „{topic}“ abmelden?",
        "unsubscribe_all": "Von unseren E-Mails abmelden?",
        "at_once": "{shop} schreibt Ihnen dann ab sofort nicht mehr. {anyway}",
        "unsubscribed": "Sie sind abgemeldet",
        "no_more_topic": "Sie bekommen keine E-Mails mehr zu „{topic}“.",
        "no_more": "{shop} schreibt Ihnen keine Angebote und Ideen mehr.",
        "unknown": "Über Sie ist nichts gespeichert",
        "unknown_text": "{shop} sendet Ihnen keine E-Mails.",
        "bad_link": "Dieser Link funktioniert nicht",
        "link_old": "Er ist zu alt.",
        "link_incomplete": "Er ist nicht vollständig. Kopieren Sie ihn ganz aus der E-Mail.",
        "bad_method": "Das funktioniert so nicht",
        "bad_method_text": "Öffnen Sie den Link aus der E-Mail noch einmal.",
        "busy": "Bitte versuchen Sie es noch einmal",
        "busy_text": "Bei uns hat etwas nicht funktioniert. Bitte versuchen Sie es in einer Minute noch einmal.",
        "or_write": "Oder schreiben Sie an {mail}, dann erledigen wir es für Sie.",
    },
}
LANGUAGES = tuple(TEXTS)


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language."""

    language: str

    def __call__(self, key: str, **values: object) -> str:
        """Plain text, to be escaped like any other. ``{anyway}`` needs no value."""
        held = TEXTS[self.language]
        return held[key].format_map({"anyway": held["anyway"], **values})

    def count(self, key: str, number: int) -> str:
        """The form of a text that goes with a number: none, one (as English and German count), or any other."""
        form = "zero" if number == 0 else "one" if number == 1 else "other"
        return self(f"{key}.{form}", count=number)


def known(tag: str) -> str | None:
    """The language of a tag such as ``de-AT`` or ``de_AT.UTF-8``, if the pages speak it."""
    language = re.split(r"[-_.@]", tag.strip().lower(), maxsplit=1)[0]
    return language if language in TEXTS else None


def accepted(header: str) -> str | None:
    """The language that an Accept-Language header likes best among those that the pages speak (RFC 9110, 12.5.4)."""
    found: list[tuple[float, str]] = []
    for part in header[:1000].split(","):
        tag, *parameters = part.split(";")
        weight = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "q":
                weight = float(value) if re.fullmatch(r"\s*(0(\.\d{0,3})?|1(\.0{0,3})?)\s*", value) else 0.0
        language = known(tag)
        if language and weight > 0:
            found.append((weight, language))
    # The first of the best: max keeps it.
    return max(found, key=lambda pair: pair[0])[1] if found else None


def spoken_by(profile: Profile) -> str | None:
    """What the person's ``language`` or ``locale`` trait says."""
    for name in ("language", "locale"):
        held = profile.traits.get(name)
        if held is not None and isinstance(held.value, str) and (language := known(held.value)):
            return language
    return None


def texts(*, asked: str = "", profile: Profile | None = None, accept: str = "", default: str = FALLBACK) -> Texts:
    """The language that was asked for on the page, else the person's, else the browser's, else the shop's."""
    own = spoken_by(profile) if profile is not None else None
    return Texts(known(asked) or own or accepted(accept) or known(default) or FALLBACK)
