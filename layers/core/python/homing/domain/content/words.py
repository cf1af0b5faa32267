"""Small words that dates, lists and ordinals need: what Babel does not bring along, for the languages of most shops.

Everyday words, written by hand. Lists are what Babel makes of them (tests compare), except for the comma before "and", which
English mails of shops leave out, and for the Spanish "e".
"""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """``days``: by how many days a day is away. ``first`` and ``later``: what stands after the first and other ordinals."""

    and_: str
    days: dict[int, str]
    first: str
    later: str


WORDS: dict[str, Words] = {
    "en": Words("and", {-1: "yesterday", 0: "today", 1: "tomorrow"}, "st", "th"),
    "de": Words("und", {-2: "vorgestern", -1: "gestern", 0: "heute", 1: "morgen", 2: "übermorgen"}, ".", "."),
    "fr": Words(
        "et", {-2: "avant-hier", -1: "hier", 0: "aujourd’hui", 1: "demain", 2: "après-demain"}, "er", "e"
    ),
    "es": Words("y", {-2: "anteayer", -1: "ayer", 0: "hoy", 1: "mañana", 2: "pasado mañana"}, ".º", ".º"),
    "nl": Words("en", {-2: "eergisteren", -1: "gisteren", 0: "vandaag", 1: "morgen", 2: "overmorgen"}, "e", "e"),
    "it": Words("e", {-2: "l’altro ieri", -1: "ieri", 0: "oggi", 1: "domani", 2: "dopodomani"}, "º", "º"),
}  # fmt: skip


def words(language: str) -> Words | None:
    """Those of a language, whatever its region; None where they are not known."""
    return WORDS.get(base(language))


def base(language: str) -> str:
    """``de`` of ``de-AT`` and ``de_AT``."""
    return language.replace("_", "-").partition("-")[0].lower()


def spoken(wanted: object, languages: tuple[str, ...]) -> str:
    """Which of a shop's languages (the first is its own) a customer reads, who said ``wanted`` (``de``, ``de_AT.UTF-8``).

    The same language in the same region comes first, then the same language; then the shop's own.
    """
    if isinstance(wanted, str) and wanted:
        exact = wanted.replace("_", "-").partition(".")[0].lower()
        for one in languages:
            if one.replace("_", "-").lower() == exact:
                return one
        for one in languages:
            if base(one) == base(exact):
                return one
    return languages[0]


def listed(items: list[str], language: str) -> str:
    """``a, b and c``."""
    known = words(language)
    if known is None:
        from babel.core import UnknownLocaleError
        from babel.lists import format_list

        try:
            return str(format_list(items, locale=language.replace("-", "_")))
        except (UnknownLocaleError, ValueError):
            known = WORDS["en"]
    if len(items) < 2:
        return "".join(items)
    and_ = known.and_
    if and_ == "y" and _sounds_like_i(items[-1]):
        and_ = "e"
    return f"{', '.join(items[:-1])} {and_} {items[-1]}"


def _sounds_like_i(word: str) -> bool:
    """Spanish says ``padres e hijos``, but ``agua y hielo``."""
    word = word.lower()
    return word.startswith(("i", "hi", "í", "hí")) and not word.startswith(("hia", "hie", "io", "hio"))


def ordinal(number: int, language: str) -> str:
    """``1st``, ``5th`` in English; ``1er``, ``5e`` in French; ``5.`` in German and where the words are not known."""
    known = words(language)
    if known is None:
        return f"{number}."
    if base(language) == "en":
        if number % 100 in {11, 12, 13}:
            return f"{number}th"
        return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
    return f"{number}{known.first if number == 1 else known.later}"
